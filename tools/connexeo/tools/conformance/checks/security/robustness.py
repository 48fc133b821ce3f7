"""Odd requests are refused, not obeyed, and break nothing."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import Caller, NoAnswer
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.verdicts import NotApplicable, Severity, Violation

SOURCE = "openEO API, Error Handling"

DEPTH = 5_000
"""Brackets within each other."""

LARGE = 2_000_000
"""Bytes of a body that is larger than any sensible one, and still polite."""

BODIES = {
    "nothing": b"",
    "half an object": b'{"process_graph": {',
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "text": b'"text"',
    "bytes that are not UTF-8": b'{"process_graph": "\xff\xfe"}',
    "brackets within brackets": b"[" * DEPTH + b"]" * DEPTH,
    "NaN": b'{"process_graph": {"a": {"process_id": "add", "arguments": {"x": NaN, "y": 1}, "result": true}}}',
}
"""Bodies that are no process, by what they are."""


def _taking_json(backend: BackEnd) -> tuple[Caller, str]:
    """Somewhere to send JSON to, without effect."""
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
    """All kinds of bodies that are none."""
    caller, path = _taking_json(backend)
    for kind, body in BODIES.items():
        answer = _send(caller, path, body)
        if answer.failure:
            yield Violation(f"the connection breaks for a body that is {kind}", answer)
        elif answer.ok and not _has_errors(answer):
            yield Violation(f"HTTP {answer.status} for a body that is {kind}, not 400", answer)


def _send(caller: Caller, path: str, body: bytes, media_type: str = "application/json") -> Exchange:
    try:
        return caller.post(path, content=body, headers={"Content-Type": media_type})
    except NoAnswer as error:
        return error.exchange


def _has_errors(answer: Exchange) -> bool:
    """Whether a validation has found something: a body that fits the schema is faulty as a process."""
    value = answer.object()
    return bool(value.get("errors"))


@check(
    "security.large-body",
    "A large body is refused or processed, and breaks nothing",
    layer="security",
    source=SOURCE,
    mend="Limit the size of bodies, and answer 413 or 400.",
)
def large_body(backend: BackEnd) -> Iterator[Violation]:
    """Two megabytes, most of them a description."""
    caller, path = _taking_json(backend)
    body = b'{"process_graph": {}, "description": "' + b"x" * LARGE + b'"}'
    answer = _send(caller, path, body)
    if answer.failure:
        # The answer is lost when the server closes the connection while the body is on its way: that is a refusal.
        again = caller.get("/")
        if not again.ok:
            yield Violation("the back-end does not answer any more after a large body", again)
    elif answer.status >= 500:
        yield Violation(f"HTTP {answer.status} for a body of {LARGE} bytes", answer)


@check(
    "security.traversal",
    "Paths lead nowhere outside of the user's files",
    layer="security",
    source="openEO API, GET /files/{path}",
    operations=("GET /files/{path}",),
    severity=Severity.CRITICAL,
    account=True,
    mend="Refuse paths with `..`, before and after decoding.",
)
def traversal(backend: BackEnd) -> Iterator[Violation]:
    """Ways up that are encoded, once and twice."""
    for path in (
        "..%2F..%2F..%2F..%2Fetc%2Fpasswd",
        "%2Fetc%2Fpasswd",
        "a/..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd",
        "%252E%252E%252Fetc%252Fpasswd",
        "..%5C..%5Cetc%5Cpasswd",
    ):
        answer = backend.user.get(f"/files/{path}", follow=False)
        if answer.ok:
            yield Violation(f"HTTP {answer.status} for the path {path}", answer)


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
        )
        if caller is not None and backend.offers(operation)
    ]
    if not places:
        raise NotApplicable("nothing that has an identifier is offered")
    for caller, path in places:
        for name in ("%27%20OR%20%271%27%3D%271", "%25", "%00", "*", "%F0%9F%8C%8D", "a" * 3000):
            answer = caller.get(f"{path}{name}")
            if answer.ok:
                shown = name if len(name) < 100 else "a very long one"
                yield Violation(f"HTTP {answer.status} for the identifier {shown}", answer)


@check(
    "security.methods",
    "A method that an operation does not have is refused",
    layer="security",
    source="RFC 9110, section 15.5.6",
    mend="Answer 405 with `Allow`, or 404 or 501.",
)
def methods(backend: BackEnd) -> Iterator[Violation]:
    """Methods that nobody has at public places, without a body."""
    for path in ("/", "/collections", "/processes", "/file_formats"):
        if not backend.offers(f"GET {path}"):
            continue
        for method in ("DELETE", "PATCH", "PUT"):
            if backend.offers(f"{method} {path}"):
                continue
            answer = backend.anonymous.request(method, path)
            if answer.status < 400:
                yield Violation(
                    f"HTTP {answer.status} for {method} {path}, which nobody offers",
                    answer,
                    place=f"{method} {path}",
                )


@check(
    "security.trace",
    "TRACE does not send tokens back",
    layer="security",
    source="RFC 9110, section 9.3.8",
    mend="Switch TRACE off.",
)
def trace(backend: BackEnd) -> Iterator[Violation]:
    """TRACE of the entry, with a header that must not come back."""
    answer = backend.anonymous.request("TRACE", "/", headers={"X-Conformance": "do-not-reflect"})
    if answer.ok and b"do-not-reflect" in answer.body:
        yield Violation("TRACE sends back the headers of the request", answer, place="TRACE /")


@check(
    "security.cross-origin-credentials",
    "Pages of any origin may not use the user's cookies",
    layer="security",
    source="Fetch Standard, CORS protocol and credentials",
    severity=Severity.MINOR,
    mend="Leave `Access-Control-Allow-Credentials` out: openEO sends tokens, no cookies.",
)
def cross_origin_credentials(backend: BackEnd) -> Iterator[Violation]:
    """A request from a page that nobody knows."""
    answer = backend.anonymous.get("/")
    if answer.headers.get("access-control-allow-credentials", "").lower() == "true":
        yield Violation("Access-Control-Allow-Credentials is true for every page", answer)
