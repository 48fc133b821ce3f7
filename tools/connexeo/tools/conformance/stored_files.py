"""Files that checks upload, removed in the end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from urllib.parse import quote

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.listing import Listing
from connexeo.tools.conformance.members import member_names, online_members
from connexeo.tools.conformance.verdicts import NotTestable, require

FILES = Listing("/files", "files", "path")
READ, WRITE, DELETE = "GET /files/{path}", "PUT /files/{path}", "DELETE /files/{path}"

BINARY = {"Content-Type": "application/octet-stream"}

BYTES = bytes(range(256)) * 8 + random.Random(5).randbytes(60_000) + b"\r\n\n\r\0"  # noqa: S311 - no secret
"""Each byte, and line ends of all kinds: whatever takes it for text changes it."""

TABLE = b"station,snow\nWest,12\n\nEast,\xc3\xa4\n"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file, with the answer to its upload."""

    path: str
    content: bytes
    upload: Exchange


def address(path: str) -> str:
    """Where a file is in the API: names are encoded, slashes are not."""
    return f"/files/{quote(path, safe='/')}"


def upload(backend: BackEnd, path: str, content: bytes, at: str | None = None) -> Exchange:
    """Upload a file of this run, which is removed in the end.

    Args:
        backend: where to.
        path: its path; it begins with the mark of the run.
        content: what it holds.
        at: where it is in the API, when it is to be encoded in another way than usual.
    """
    backend.ledger.add("file", path, backend.user)
    answer = backend.user.request("PUT", at or address(path), content=content, headers=BINARY)
    if 400 <= answer.status < 500:
        backend.ledger.forget("file", path)
    return answer


def store(backend: BackEnd, path: str, content: bytes) -> Stored:
    """The same, for those who need the file.

    Raises:
        Violated: when it is not stored.
    """
    answer = upload(backend, path, content)
    require(answer.ok, f"an upload is answered with HTTP {answer.status} {answer.code or ''}".strip(), answer)
    return Stored(path, content, answer)


def remove(backend: BackEnd, path: str) -> Exchange:
    """Delete a file of this run."""
    answer = backend.user.delete(address(path))
    if answer.ok and backend.offers(READ) and backend.user.get(address(path)).status in {404, 410}:
        backend.ledger.forget("file", path)
    return answer


def start_of_paths(backend: BackEnd) -> str:
    """What the paths of all files begin with, empty where files may be anywhere.

    A federation may refuse paths that do not tell which of its back-ends is to keep a file: a path may be off limits.

    Raises:
        NotTestable: when those that could keep files are offline.
    """
    members = member_names(backend)
    if not members or not backend.options.write or not backend.offers(WRITE):
        return ""
    name = backend.name("place.txt")
    if upload(backend, name, b"x").code != "FilePathInvalid":
        return ""
    online = online_members(backend)
    for member in online:
        if upload(backend, f"{member}/{name}", b"x").ok:
            return f"{member}/"
    if len(online) < len(members):
        raise NotTestable("the back-ends of the federation that may take files are offline")
    return ""


def place(backend: BackEnd, what: str) -> str:
    """Path for a file of this run, or for a folder of its files."""
    return f"{backend.once(start_of_paths)}{backend.name(what)}"


def plain_files(backend: BackEnd) -> list[Stored]:
    """Three files that stay for the whole run: bytes, a table, GeoJSON."""
    backend.need(WRITE)
    return [
        store(backend, place(backend, "bytes.bin"), BYTES),
        store(backend, place(backend, "table.csv"), TABLE),
        store(backend, place(backend, "area.geojson"), b'{"type": "Point", "coordinates": [10.5, 47]}\n'),
    ]


def prepared(backend: BackEnd) -> list[Stored]:
    """The same as far as files may be stored: lists are to have something in them."""
    if backend.options.write and backend.offers(WRITE):
        return backend.once(plain_files)
    return []
