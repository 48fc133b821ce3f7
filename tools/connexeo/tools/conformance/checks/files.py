"""Files of users: lists, uploads, downloads, removal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.extents import instant, is_rfc_3339
from connexeo.tools.conformance.listing import (
    everything,
    find,
    read_whole,
)
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.shapes import mapping, text
from connexeo.tools.conformance.stored_files import (
    DELETE,
    FILES,
    READ,
    WRITE,
    address,
    place,
    plain_files,
    prepared,
    remove,
    store,
    upload,
)
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require

_LIST = "GET /files"
_CLOCKS = timedelta(days=1)
"""Difference of two clocks that nobody would have."""

_MEDIA_TYPES = {
    "bin": ("application/octet-stream",),
    "csv": ("text/csv", "text/plain", "application/csv"),
    "geojson": ("application/geo+json", "application/json"),
}


@requirement(
    504, layer="files", operations=(_LIST,), account=True, mend="Give each file one entry, with its `path`."
)
def entries(backend: BackEnd) -> Iterator[Violation]:
    """Entries have paths, each another one; what is listed can be downloaded."""
    own = prepared(backend)
    answer = read_whole(backend, FILES)
    found = answer.object().get("files")
    require(isinstance(found, list), "there is no array `files`", answer)
    for entry in found or ():
        if not text(mapping(entry).get("path")):
            yield Violation("a file in the list has no `path`", answer.showing(entry))
    paths = Counter(FILES.identify(entry) for entry in found or () if isinstance(entry, dict))
    if any(count > 1 for path, count in paths.items() if path):
        yield Violation("a file is listed twice", answer.showing([]))
    if backend.offers(READ):
        for file in own:
            download = backend.user.get(address(file.path))
            if file.path in paths and not download.ok:
                message = f"{file.path} is listed, but its download is answered with HTTP {download.status}"
                yield Violation(message, download, severity=Severity.MAJOR)


@requirement(
    505, layer="files", operations=(_LIST,), account=True,
    mend="Give each file its `size` in bytes, and the time when it was `modified`.",
)  # fmt: skip
def sizes_and_times(backend: BackEnd) -> Iterator[Violation]:
    """Entries have size and time; those of files that were just uploaded are the right ones."""
    own = {file.path: file for file in prepared(backend)}
    listed = everything(backend, FILES)
    if not listed:
        raise NotTestable("there are no files, and none may be uploaded without --write")
    for entry in listed:
        size, modified = entry.value.get("size"), entry.value.get("modified")
        if not isinstance(size, int) or isinstance(size, bool):
            yield Violation("a file in the list has no `size` in bytes", entry.evidence)
        if not is_rfc_3339(modified):
            yield Violation("a file in the list has no time `modified` as of RFC 3339", entry.evidence)
        file = own.get(FILES.identify(entry.value))
        if file is not None:
            yield from _faults_of_facts(entry.value, len(file.content), entry.evidence)


def _faults_of_facts(about: Any, size: int, evidence: Exchange) -> Iterator[Violation]:
    """Size and time of what was just uploaded, as far as they are told."""
    given = mapping(about).get("size")
    if isinstance(given, int | float) and given != size:
        message = f"`size` is {given} for a file of {size} bytes"
        yield Violation(message, evidence, severity=Severity.MAJOR)
    modified = instant(mapping(about).get("modified"))
    now = evidence.served or datetime.now(UTC)
    if modified is not None and not now - _CLOCKS < modified < now + _CLOCKS:
        yield Violation("`modified` of a new file is more than a day off", evidence)


@requirement(
    506, layer="files", operations=(_LIST,), account=True,
    mend="Give paths as they are: `folder/name of file.txt`.",
)  # fmt: skip
def listed_paths(backend: BackEnd) -> Iterator[Violation]:
    """Paths are relative, with slashes, and not encoded."""
    if backend.options.write and backend.offers(WRITE):
        path = f"{place(backend, 'for list')}/größe 1.txt"
        if upload(backend, path, b"x").ok:
            yield from _faults_of_path(backend, path)
    found = everything(backend, FILES)
    if not found:
        raise NotTestable("there are no files, and none may be uploaded without --write")
    for entry in found:
        path = FILES.identify(entry.value)
        if path.startswith("/"):
            yield Violation("a listed path has a slash in front", entry.evidence)
        if "\\" in path:
            yield Violation("a listed path has a backslash", entry.evidence)


def _faults_of_path(backend: BackEnd, path: str) -> Iterator[Violation]:
    found = {FILES.identify(entry.value): entry for entry in everything(backend, FILES)}
    wrong = found.get(quote(path)) or found.get(quote(path, safe=""))
    if path not in found and wrong is not None:
        yield Violation("paths are listed with percent-encoding", wrong.evidence)
    elif path not in found and not found.keys() & {f"/{path}", path.replace("/", "\\")}:
        answer = read_whole(backend, FILES).showing([])
        yield Violation(f"the path {path} is not listed as it was given", answer)


@requirement(
    510, layer="files", operations=(WRITE,), writes=True,
    mend="Store the body as it comes, and answer with `path`, `size` and `modified` of the file.",
)  # fmt: skip
def uploads(backend: BackEnd) -> Iterator[Violation]:
    """Files are stored, and the answer tells about them."""
    for file in backend.once(plain_files):
        about = file.upload.object()
        given = about.get("path")
        if given != file.path:
            told = "no `path`" if given is None else f"the path {given}"
            yield Violation(f"the answer to an upload has {told} instead of {file.path}", file.upload)
        yield from _faults_of_facts(about, len(file.content), file.upload)


@requirement(
    511, layer="files", operations=(WRITE, READ), writes=True,
    mend="Decode the path once, after it has been found which operation is meant.",
)  # fmt: skip
def encoded_slashes(backend: BackEnd) -> Iterator[Violation]:
    """An encoded slash is a slash, for uploads and for downloads."""
    folder = place(backend, "slashes")
    path, content = f"{folder}/one.txt", b"with a slash"
    encoded = f"/files/{quote(path, safe='')}"
    sent = upload(backend, path, content, at=encoded)
    if not sent.ok:
        yield Violation(f"an upload to a path with an encoded slash gets HTTP {sent.status}", sent)
        upload(backend, path, content)
    for at, kind in ((address(path), "with slashes"), (encoded, "with encoded slashes")):
        answer = backend.user.get(at)
        if not answer.ok:
            yield Violation(f"a file in a folder, by its path {kind}, gets HTTP {answer.status}", answer)
        elif answer.body != content:
            yield Violation(f"a file in a folder, by its path {kind}, is another one", answer)


@requirement(
    512, layer="files", operations=(WRITE,), writes=True,
    mend="Create folders with the files in them; list files only, and no folders.",
)  # fmt: skip
def folders(backend: BackEnd) -> Iterator[Violation]:
    """Files lie in folders, which are not listed themselves."""
    folder = place(backend, "folder")
    paths = [f"{folder}/inner/first.txt", f"{folder}/inner/second.txt"]
    for path in paths:
        answer = upload(backend, path, path.encode())
        if not answer.ok:
            yield Violation(f"an upload into a folder is answered with HTTP {answer.status}", answer)
            return
    if backend.offers(_LIST):
        listed = {FILES.identify(entry.value).rstrip("/"): entry for entry in everything(backend, FILES)}
        for path in paths:
            if path not in listed:
                yield Violation(f"{path} is not listed", read_whole(backend, FILES).showing([]))
        for name in (folder, f"{folder}/inner"):
            if name in listed:
                yield Violation("a folder is listed as if it were a file", listed[name].evidence)


@requirement(
    513, layer="files", operations=(WRITE, READ), writes=True,
    mend="Replace the content as a whole, and keep one entry in the list.",
    severity=Severity.MAJOR,
)  # fmt: skip
def replaced(backend: BackEnd) -> Iterator[Violation]:
    """Another upload to the same path replaces the file."""
    path = place(backend, "replaced.txt")
    store(backend, path, b"the first content, which is longer")
    second = store(backend, path, b"the second")
    answer = backend.user.get(address(path))
    if answer.body != second.content:
        kind = "both contents" if second.content in answer.body else "not the second content"
        yield Violation(f"after two uploads to one path the file has {kind}", answer)
    yield from _faults_of_facts(second.upload.object(), len(second.content), second.upload)
    if backend.offers(_LIST):
        entries = [each for each in everything(backend, FILES) if FILES.identify(each.value) == path]
        if len(entries) > 1:
            yield Violation("a file that was replaced is listed twice", entries[1].evidence)
        for entry in entries[:1]:
            yield from _faults_of_facts(entry.value, len(second.content), entry.evidence)


@requirement(520, layer="files", operations=(WRITE, READ), writes=True, mend="Send the file, with 200.")
def downloads(backend: BackEnd) -> Iterator[Violation]:
    """Files are sent, and nothing for one that is not there."""
    for file in backend.once(plain_files):
        answer = backend.user.get(address(file.path))
        if not answer.ok:
            yield Violation(f"a file that was uploaded is answered with HTTP {answer.status}", answer)
    answer = backend.user.get(f"/files/{NOWHERE}.txt")
    if answer.ok:
        yield Violation(f"a file that does not exist is answered with HTTP {answer.status}, not 404", answer)


@requirement(
    521, layer="files", operations=(WRITE, READ), writes=True,
    mend="Send the bytes as they came, with the media type of the extension or application/octet-stream.",
)  # fmt: skip
def same_bytes(backend: BackEnd) -> Iterator[Violation]:
    """Downloads are what was uploaded, byte by byte."""
    for file in backend.once(plain_files):
        answer = backend.user.get(address(file.path))
        require(answer.ok, f"a file that was uploaded is answered with HTTP {answer.status}", answer)
        if answer.body != file.content:
            message = f"of {len(file.content)} bytes that were uploaded came back {len(answer.body)} others"
            yield Violation(message, answer, severity=Severity.MAJOR)
        extension = file.path.rpartition(".")[2]
        fitting = (*_MEDIA_TYPES[extension], "application/octet-stream")
        if answer.media_type not in fitting:
            given = answer.media_type or "missing"
            yield Violation(f"Content-Type of a file .{extension} is {given}, not {fitting[0]}", answer)


@requirement(530, layer="files", operations=(WRITE, DELETE), writes=True, mend="Answer 204.")
def removes(backend: BackEnd) -> Iterator[Violation]:
    """Files can be removed."""
    path = place(backend, "to remove.txt")
    store(backend, path, b"x")
    answer = remove(backend, path)
    if not answer.ok:
        yield Violation(f"the removal of a file is answered with HTTP {answer.status}, not 204", answer)


@requirement(
    531, layer="files", operations=(WRITE, DELETE), writes=True, severity=Severity.MAJOR,
    mend="Remove the file before the answer 204 is sent; answer 404 FileNotFound when there is none.",
)  # fmt: skip
def gone(backend: BackEnd) -> Iterator[Violation]:
    """What was removed is neither there nor listed, and cannot be removed again."""
    folder = place(backend, "gone")
    path = f"{folder}/file.txt"
    if not upload(backend, path, b"x").ok:
        folder, path = "", place(backend, "gone.txt")
        store(backend, path, b"x")
    removal = remove(backend, path)
    require(removal.ok, f"the removal of a file is answered with HTTP {removal.status}, not 204", removal)
    if backend.offers(READ):
        answer = backend.user.get(address(path))
        if answer.ok:
            yield Violation(f"a file that was removed is answered with HTTP {answer.status}, not 404", answer)
    if backend.offers(_LIST):
        for name in filter(None, (path, folder, f"{folder}/")):
            entry = find(backend, FILES, name)
            if entry is not None:
                kind = "a file that was removed" if name == path else "the folder of a file that was removed"
                yield Violation(f"{kind} is still listed", entry.evidence)
    again = backend.user.delete(address(path))
    if again.ok:
        message = f"the removal of a file that is not there is answered with HTTP {again.status}, not 404"
        yield Violation(message, again, severity=Severity.MINOR)
