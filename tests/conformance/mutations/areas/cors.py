"""Web applications of other sites cannot use the API."""

from __future__ import annotations

from conformance.mutations.edits import answers, error, header, status, without_headers
from conformance.mutations.fault import Fault, Turn
from conformance.mutations.message import Answer
from connexeo.tools.conformance.verdicts import Severity

_ANY = ("* /*",)
_CORS = "openEO API, Cross-Origin Resource Sharing"
_PREFLIGHT = "OPTIONS /jobs | Origin: https://app.example | Access-Control-Request-Method: POST"


async def _nowhere(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    found.headers = [pair for pair in found.headers if not pair[0].startswith("access-control-")]
    return found


async def _twice(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    found.headers.append(("access-control-allow-origin", "*"))
    return found


async def _not_on_errors(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if found.status >= 400:
        found.headers = [pair for pair in found.headers if not pair[0].startswith("access-control-")]
    return found


FAULTS = (
    Fault(
        "cors-missing",
        "No answer has headers for web applications of other sites",
        _ANY,
        ("security", "schema"),
        _CORS,
        Severity.MAJOR,
        _nowhere,
        ("GET / | Origin: https://app.example",),
    ),
    Fault(
        "cors-missing-on-errors",
        "Errors have no headers for web applications of other sites",
        _ANY,
        ("security", "schema"),
        f"{_CORS}: all answers",
        Severity.MAJOR,
        _not_on_errors,
        ("GET /collections/nothing | Origin: https://app.example",),
    ),
    Fault(
        "cors-twice",
        "Server and proxy both allow all origins, so that browsers refuse the answer",
        _ANY,
        ("security", "schema"),
        "Fetch Standard, CORS check: one origin or *",
        Severity.MAJOR,
        _twice,
        ("GET / | Origin: https://app.example",),
    ),
    Fault(
        "cors-one-origin",
        "Only the provider's own application is allowed",
        _ANY,
        ("security", "schema"),
        f"{_CORS}: Access-Control-Allow-Origin lets all in",
        Severity.MAJOR,
        answers(header("access-control-allow-origin", "https://editor.example")),
        ("GET / | Origin: https://app.example",),
    ),
    Fault(
        "cors-nothing-exposed",
        "Web applications cannot read Location and OpenEO-Identifier",
        _ANY,
        ("security", "schema"),
        f"{_CORS}: Access-Control-Expose-Headers",
        Severity.MAJOR,
        answers(without_headers("access-control-expose-headers")),
        ("GET / | Origin: https://app.example",),
    ),
    Fault(
        "options-refused",
        "OPTIONS is refused",
        ("OPTIONS /*",),
        ("security", "schema"),
        f"{_CORS}: OPTIONS is answered with 204",
        Severity.MAJOR,
        answers(error(405, "MethodNotAllowed")),
        (_PREFLIGHT,),
    ),
    Fault(
        "options-without-methods",
        "OPTIONS does not tell the methods",
        ("OPTIONS /*",),
        ("security", "schema"),
        f"{_CORS}: Access-Control-Allow-Methods",
        Severity.MAJOR,
        answers(without_headers("access-control-allow-methods")),
        (_PREFLIGHT,),
    ),
    Fault(
        "options-without-authorization",
        "Web applications must not send tokens",
        ("OPTIONS /*",),
        ("security", "schema"),
        f"{_CORS}: Access-Control-Allow-Headers has Authorization and Content-Type",
        Severity.MAJOR,
        answers(header("access-control-allow-headers", "Accept, Range")),
        (_PREFLIGHT,),
    ),
    Fault(
        "options-needs-token",
        "OPTIONS asks for a token, which browsers do not send",
        ("OPTIONS /*",),
        ("security", "schema"),
        f"{_CORS}: OPTIONS needs no token",
        Severity.MAJOR,
        answers(error(401, "AuthenticationRequired")),
        (_PREFLIGHT,),
    ),
    Fault(
        "options-200",
        "OPTIONS is answered with 200",
        ("OPTIONS /*",),
        ("security", "schema"),
        f"{_CORS}: OPTIONS is answered with 204",
        Severity.MINOR,
        answers(status(200)),
        (_PREFLIGHT,),
    ),
)
