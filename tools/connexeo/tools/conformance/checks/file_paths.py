"""Files of users: names with odd letters, folders, and ways out of the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.listing import everything
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.shapes import text
from connexeo.tools.conformance.stored_files import FILES, READ, WRITE, address, place, start_of_paths, upload
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation

_KEPT: dict[str, Any] = {"layer": "files", "operations": (WRITE, READ), "writes": True}
_SOURCE = "openEO API, PUT /files/{path}"


@check(
    "files.names",
    "Names with spaces, letters outside of ASCII and percent signs are kept",
    source=_SOURCE,
    mend="Decode the path once, as UTF-8, and leave `+` and `%` in names alone.",
    **_KEPT,
)
def names(backend: BackEnd) -> Iterator[Violation]:
    """A file is found by the name that it was stored under, and by no other."""
    for name in ("with spaces.txt", "höhe_λ_数.txt", "per%20cent.txt", "a+b&c=d.txt", "hash#tag.txt"):
        path = place(backend, name)
        content = name.encode()
        sent = upload(backend, path, content)
        if not sent.ok:
            # Systems may exclude some characters; plain text in any language is none of these.
            severity = Severity.MINOR if set(name) & set("%&#+=") else None
            message = f"the name {name} is answered with HTTP {sent.status}"
            yield Violation(message, sent, severity=severity)
            continue
        told = text(sent.object().get("path"))
        if told and told != path:
            yield Violation(f"the name {path} has become {told}", sent)
        answer = backend.user.get(address(path))
        if answer.body != content or not answer.ok:
            yield Violation(f"the file {path} is stored, but HTTP {answer.status} with another body", answer)


@check(
    "files.upward",
    "Uploads do not leave the workspace of the user",
    source=_SOURCE,
    severity=Severity.CRITICAL,
    mend="Refuse paths with `.` and `..`, and with a slash in front, after they are decoded.",
    **{**_KEPT, "operations": (WRITE,)},
)
def upward(backend: BackEnd) -> Iterator[Violation]:
    """Relative and absolute paths, encoded, are refused, and nothing is stored."""
    for number, start in enumerate(
        ("..%2F", "folder%2F..%2F..%2F", "%2E%2E/", "%2F", "..%5C", "folder/%2E/", "%252E%252E%252F")
    ):
        name = backend.name(f"up{number}.txt")
        at = f"/files/{backend.once(start_of_paths)}{start}{name}"
        sent = upload(backend, name, b"x", at=at)
        if not sent.ok:
            continue
        told = text(sent.object().get("path"))
        # Gone at once: what it is called in the end is not known to whoever tidies up.
        backend.user.delete(at)
        if name in told:
            backend.ledger.add("file", told, backend.user)
        doubly = "%25" in start
        if doubly and told == f"%2E%2E%2F{name}":
            continue
        inside = told == name or (told.endswith(f"/{name}") and ".." not in told and told[0] != "/")
        kind = f"is stored as {told}" if told else f"is answered with HTTP {sent.status}"
        severity = Severity.MINOR if inside else None
        yield Violation(f"an upload to {start}{name} {kind}", sent, severity=severity)


@check(
    "files.folders",
    "A folder is no file: it can be neither downloaded nor overwritten",
    source="openEO API, GET /files/{path}",
    severity=Severity.MINOR,
    mend="Answer 400 FileOperationUnsupported for the path of a folder.",
    **_KEPT,
)
def folders(backend: BackEnd) -> Iterator[Violation]:
    """Read the folder, write over it, and write below a file."""
    folder = place(backend, "used folder")
    path = f"{folder}/file.txt"
    if not upload(backend, path, b"inside").ok:
        raise NotTestable("files in folders cannot be uploaded")
    answer = backend.user.get(address(folder))
    if answer.ok:
        message = f"the download of a folder is answered with HTTP {answer.status}"
        yield Violation(message, answer, severity=Severity.MAJOR)
    elif answer.status < 500 and answer.code != "FileOperationUnsupported":
        given = answer.code or "missing"
        yield Violation(f"for a folder the code is {given}, not FileOperationUnsupported", answer)
    over = upload(backend, folder, b"over the folder")
    kept = backend.user.get(address(path))
    if kept.body != b"inside":
        message = "an upload to the path of a folder has removed the files in it"
        yield Violation(message, kept, severity=Severity.MAJOR)
    elif over.ok and not backend.user.get(address(folder)).ok:
        yield Violation("an upload to the path of a folder is accepted, but stores nothing", over)


@check(
    "files.apart",
    "Files with similar names are different files",
    source=_SOURCE,
    mend="Compare names of files letter by letter.",
    **{**_KEPT, "operations": (WRITE, READ, "GET /files")},
)
def apart(backend: BackEnd) -> Iterator[Violation]:
    """The same name in different folders, and with spaces or their code, does not collide."""
    root = place(backend, "apart")
    paths = [f"{root}/a/x.txt", f"{root}/b/x.txt", f"{root}/x y.txt", f"{root}/{quote('x y.txt')}"]
    stored = [path for path in paths if upload(backend, path, path.encode()).ok]
    if len(stored) < 2:
        raise NotTestable("files in folders cannot be uploaded")
    listed = {FILES.identify(entry.value) for entry in everything(backend, FILES)}
    for path in stored:
        answer = backend.user.get(address(path))
        if answer.body != path.encode():
            yield Violation(f"the content of {path} is that of another file", answer)
        if path not in listed:
            yield Violation(f"{path} is not listed", answer)
