"""Files of users: what HTTP has for them, and contents that are easily broken."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.shapes import text
from connexeo.tools.conformance.stored_files import READ, WRITE, address, place, plain_files, store, upload
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require

_KEPT: dict[str, Any] = {"layer": "files", "operations": (WRITE, READ), "writes": True}
_FIRST, _LAST = 100, 299

_TICK = 1.1
"""Seconds until a clock without fractions shows another time."""


@check(
    "files.ranges",
    "Parts of files can be read where `Accept-Ranges` says so",
    source="RFC 9110, section 14",
    severity=Severity.MINOR,
    mend="Answer 206 with the bytes that were asked for, or leave `Accept-Ranges: bytes` out.",
    **_KEPT,
)
def ranges(backend: BackEnd) -> Iterator[Violation]:
    """Some bytes in the middle, and some behind the end."""
    file = backend.once(plain_files)[0]
    path = address(file.path)
    whole = backend.user.get(path)
    require(whole.ok, f"a file that was uploaded is answered with HTTP {whole.status}", whole)
    asked = {"Range": f"bytes={_FIRST}-{_LAST}", "Accept-Encoding": "identity"}
    answer = backend.user.get(path, headers=asked)
    announced = whole.headers.get("accept-ranges", "").lower() == "bytes"
    if answer.status == 206:
        yield from _faults_of_part(answer, file.content)
    elif not announced:
        raise NotApplicable("the back-end does not announce that parts of files can be read")
    elif answer.ok:
        yield Violation("Accept-Ranges is bytes, but a range is answered with the whole file", answer)
    else:
        yield Violation(f"Accept-Ranges is bytes, but a range is answered with HTTP {answer.status}", answer)
    size = len(file.content)
    beyond = backend.user.get(path, headers={"Range": f"bytes={size + 10}-{size + 20}"})
    if beyond.status == 206 or beyond.status >= 500:
        yield Violation(f"a range behind the end is answered with HTTP {beyond.status}, not 416", beyond)


def _faults_of_part(answer: Exchange, content: bytes) -> Iterator[Violation]:
    if answer.body != content[_FIRST : _LAST + 1]:
        message = f"the bytes {_FIRST} to {_LAST} are others than in the file ({len(answer.body)} came)"
        yield Violation(message, answer, severity=Severity.MAJOR)
    told = answer.headers.get("content-range", "")
    if not re.fullmatch(rf"bytes {_FIRST}-{_LAST}/({len(content)}|\*)", told.strip()):
        given = told or "missing"
        yield Violation(f"Content-Range is {given}, not bytes {_FIRST}-{_LAST}/{len(content)}", answer)


@check(
    "files.conditional",
    "A file that was replaced is not taken for the old one by caches",
    source="RFC 9110, sections 8.8.3 and 13.1.2",
    mend="Make the ETag of the content, or of size and time with fractions of seconds.",
    **_KEPT,
)
def conditional(backend: BackEnd) -> Iterator[Violation]:
    """Another content has another ETag; the one of before is not enough any more."""
    path = place(backend, "cached.txt")
    store(backend, path, b"content one")
    tag = backend.user.get(address(path)).headers.get("etag")
    if not tag:
        raise NotApplicable("downloads have no ETag")
    store(backend, path, b"content two")
    answer = backend.user.get(address(path), headers={"If-None-Match": tag})
    if answer.status == 304:
        yield Violation("the ETag of the old content is answered with 304 although it was replaced", answer)
    elif answer.headers.get("etag") == tag and not tag.startswith("W/"):
        yield Violation("the ETag is the same although the content was replaced", answer)


@check(
    "files.head",
    "The headers of a file can be read without its content",
    source="RFC 9110, section 9.3.2",
    severity=Severity.MINOR,
    mend="Answer HEAD like GET without a body, with the same Content-Length.",
    **_KEPT,
)
def head(backend: BackEnd) -> Iterator[Violation]:
    """HEAD tells the length that GET has."""
    file = backend.once(plain_files)[0]
    answer = backend.user.request("HEAD", address(file.path), headers={"Accept-Encoding": "identity"})
    if answer.status in {404, 405, 501}:
        raise NotApplicable(f"HEAD is answered with HTTP {answer.status}")
    if not answer.ok:
        yield Violation(f"HEAD of a file is answered with HTTP {answer.status}", answer)
        return
    told = answer.headers.get("content-length")
    if told is not None and told != str(len(file.content)):
        yield Violation(f"Content-Length of HEAD is {told}, the file has {len(file.content)} bytes", answer)


@check(
    "files.empty",
    "A file may be empty",
    source="openEO API, PUT /files/{path}",
    severity=Severity.MINOR,
    mend="Store a body of no bytes as it is.",
    **_KEPT,
)
def empty(backend: BackEnd) -> Iterator[Violation]:
    """No bytes go in, none come out."""
    path = place(backend, "empty.dat")
    sent = upload(backend, path, b"")
    if not sent.ok:
        yield Violation(f"the upload of an empty file is answered with HTTP {sent.status}", sent)
        return
    answer = backend.user.get(address(path))
    if not answer.ok:
        yield Violation(f"an empty file is answered with HTTP {answer.status}", answer)
    elif answer.body:
        yield Violation(f"an empty file comes back with {len(answer.body)} bytes", answer)


@check(
    "files.modified",
    "`modified` is the time of the last upload",
    source="openEO API, PUT /files/{path}",
    severity=Severity.MINOR,
    mend="Tell the time when the content was replaced.",
    **{**_KEPT, "operations": (WRITE,)},
)
def modified(backend: BackEnd) -> Iterator[Violation]:
    """It moves when the file is replaced."""
    path = place(backend, "renewed.txt")
    first = text(store(backend, path, b"old").upload.object().get("modified"))
    if not first:
        raise NotTestable("answers to uploads do not tell `modified`")
    time.sleep(_TICK)
    second = store(backend, path, b"new").upload
    if second.object().get("modified") == first:
        yield Violation("`modified` stays when the file is replaced", second)


@check(
    "files.json",
    "A file that is JSON is kept as it is",
    source="openEO API, GET /files/{path}",
    mend="Do not parse what users upload.",
    **_KEPT,
)
def json_kept(backend: BackEnd) -> Iterator[Violation]:
    """Spaces, order and broken JSON stay."""
    for name, content in (
        ("odd.json", b'{ "b":1.0,\r\n"a" :[ 1e2,null ] }'),
        ("broken.json", b'{"a": '),
        ("page.html", b"<p>x</p>"),
    ):
        path = place(backend, name)
        sent = upload(backend, path, content)
        if not sent.ok:
            # Some kinds of files may be refused.
            continue
        answer = backend.user.get(address(path))
        if answer.body != content:
            yield Violation(f"{path} comes back changed", answer)
