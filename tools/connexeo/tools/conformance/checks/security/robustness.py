"""Odd requests are refused, not obeyed, and break nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.resources import object_of
from connexeo.tools.conformance.verdicts import NotApplicable, Severity, Violation

SOURCE = "openEO API, Error Handling"

DEPTH = 5_000
"""Brackets within each other."""

BODIES = {
    "nothing": b"",
    "half an object": b'{"process_graph": {',
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "text": b'"text"',
    "not UTF-8": b'{"process_graph": "\xff\xfe"}',
    "brackets within brackets": b"[" * DEPTH + b"]" * DEPTH,
}
"""Bodies that are no process, by what they are."""

DEEP = (
    b'{"process_graph": {"a": {"process_id": "add", "result": true, "arguments": {"y": 1, "x": '
    + b"[" * DEPTH
    + b"]" * DEPTH
    + b"}}}}"
)
"""A process with an argument that nobody can take, of a depth that parsers and recursive functions give up at."""

NOT_A_NUMBER = (
    b'{"process_graph": {"a": {"process_id": "add", "result": true, "arguments": {"x": NaN, "y": 1}}}}'
)
"""Not JSON, though some parsers take it: it may be refused or not."""

IDENTIFIERS = {
    "a quote": "%27%20OR%20%271%27%3D%271",
    "a percent sign": "%25",
    "a control character": "%00",
    "an asterisk": "*",
    "letters of four bytes": "%F0%9F%8C%8D",
    "3000 letters": "a" * 3000,
}
"""Identifiers that nothing has, encoded, by what they have."""

WAYS_UP = (
    "..%2F..%2F..%2F..%2Fetc%2Fpasswd",
    "%2Fetc%2Fpasswd",
    "a/..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd",
    "%252E%252E%252Fetc%252Fpasswd",
    "..%5C..%5Cetc%5Cpasswd",
)
"""Paths that lead out of a folder, encoded once and twice."""

_PASSWD = re.compile(rb"^root:[^:\n]*:0:0:", re.MULTILINE)


def taking_json(backend: BackEnd) -> tuple[Caller, str]:
    """Somewhere to send JSON to, without effect.

    Raises:
        NotApplicable: when there is no such operation.
    """
    if backend.offers("POST /validation"):
        return backend.reader, "/validation"
    if backend.offers("POST /result") and backend.account:
        return backend.account, "/result"
    raise NotApplicable("neither POST /validation nor POST /result is offered")


@check(
    "security.broken-bodies",
    "A body that is no process is refused with 400, and breaks nothing",
    layer="security",
    source=SOURCE,
    mend="Check the body before it is used; answer 400.",
)
def broken_bodies(backend: BackEnd) -> Iterator[Violation]:
    """All kinds of bodies that are none; failures of the server are told by the check of all answers."""
    caller, path = taking_json(backend)
    for kind, body in BODIES.items():
        answer = _post(caller, path, body)
        if answer.ok and not _has_errors(answer):
            yield Violation(f"HTTP {answer.status} for a body that is {kind}, not 400", answer)
    if path == "/validation":
        # These may be understood; where processes are run they could cost something.
        for body in (DEEP, NOT_A_NUMBER):
            _post(caller, path, body)


def _post(caller: Caller, path: str, body: bytes) -> Exchange:
    return caller.post(path, content=body, headers={"Content-Type": "application/json"})


def _has_errors(answer: Exchange) -> bool:
    """Whether a validation has found something: a body that fits the schema is faulty as a process."""
    return bool((object_of(answer) or {}).get("errors"))


@check(
    "security.traversal",
    "Paths lead nowhere outside of the user's files",
    layer="security",
    source="openEO API, GET /files/{path}",
    operations=("GET /files/{path}",),
    account=True,
    mend="Refuse paths with `..`, before and after decoding.",
)
def traversal(backend: BackEnd) -> Iterator[Violation]:
    """Ways up that are encoded, once and twice."""
    for path in WAYS_UP:
        answer = backend.user.get(f"/files/{path}", follow=False)
        if not answer.ok:
            continue
        if _PASSWD.search(answer.body):
            yield Violation("a file of the server is sent", answer, severity=Severity.CRITICAL, place=path)
        elif answer.media_type != "text/html":
            # A proxy may have resolved the path, and shown a page of somebody else.
            yield Violation(
                f"HTTP {answer.status} for a path that leads out of the user's files", answer, place=path
            )


@check(
    "security.odd-identifiers",
    "Identifiers with odd characters are not found, and break nothing",
    layer="security",
    source=SOURCE,
    mend="Treat identifiers as data: answer 404, or 400.",
)
def odd_identifiers(backend: BackEnd) -> Iterator[Violation]:
    """Quotes, control characters, wildcards, and very long ones."""
    places = [
        (caller, path)
        for operation, caller, path in (
            ("GET /collections/{collection_id}", backend.reader, "/collections/"),
            ("GET /jobs/{job_id}", backend.account, "/jobs/"),
            ("GET /process_graphs/{process_graph_id}", backend.account, "/process_graphs/"),
            ("GET /services/{service_id}", backend.account, "/services/"),
        )
        if caller is not None and backend.offers(operation)
    ]
    if not places:
        raise NotApplicable("nothing that has an identifier is offered")
    for caller, path in places:
        for kind, name in IDENTIFIERS.items():
            answer = caller.get(f"{path}{name}")
            if answer.ok:
                yield Violation(
                    f"HTTP {answer.status} for an identifier that nothing has",
                    answer,
                    place=f"{path} with {kind}",
                )
