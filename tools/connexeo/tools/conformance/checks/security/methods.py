"""Methods of HTTP that operations do not have, and those that all have."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import ORIGIN, NoAnswer
from connexeo.tools.conformance.checks.security.limits import unwitnessed
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.resources import answer_to
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation

UNKNOWN = (
    ("PUT", "/"),
    ("PUT", "/collections"),
    ("DELETE", "/processes"),
    ("PATCH", "/file_formats"),
    ("PUT", "/jobs"),
    ("PUT", "/services"),
)
"""Methods that no version of the API has at these paths."""

_BUSY = {501, 503}


@check(
    "security.methods",
    "A method that a path does not have is refused, with an openEO error",
    layer="security",
    source="openEO API, Error Handling; RFC 9110, section 15.5.6",
    mend="Answer 405 with `Allow`, or 404 or 501, and an error object.",
)
def methods(backend: BackEnd) -> Iterator[Violation]:
    """Methods that nobody has, without a token and a body."""
    asked = False
    for method, path in UNKNOWN:
        if not backend.offers(f"GET {path}") and path != "/":
            continue
        if backend.offers(f"{method} {path}"):
            continue
        asked = True
        answer = backend.anonymous.request(method, path)
        yield from _faults_of_refusal(answer, f"{method} {path}")
    if not asked:
        raise NotApplicable("all these methods are offered")


def _faults_of_refusal(answer: Exchange, place: str) -> Iterator[Violation]:
    if answer.ok:
        yield Violation(f"HTTP {answer.status} for a method that nobody offers", answer, place=place)
        return
    if answer.status < 400:
        return
    if answer.status >= 500 and answer.status not in _BUSY:
        yield Violation(f"HTTP {answer.status} for a method that nobody offers, not 405", answer, place=place)
        return
    if answer.status == 405 and "allow" not in answer.headers:
        yield Violation("405 comes without the header Allow", answer, severity=Severity.MINOR, place=place)
    document = _document(answer)
    missing = [key for key in ("code", "message") if not isinstance(document.get(key), str)]
    if missing:
        message = f"the refusal of a method lacks {' and '.join(missing)}"
        yield Violation(message, answer, severity=Severity.MINOR, place=place)


def _document(answer: Exchange) -> dict[str, object]:
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@check(
    "security.head-served",
    "HEAD is served where GET is",
    layer="security",
    source="RFC 9110, section 9.1",
    severity=Severity.MINOR,
    mend="Answer HEAD as GET, without the body.",
)
def head_served(backend: BackEnd) -> Iterator[Violation]:
    """Public documents, without their bodies."""
    asked = False
    for path in ("/", "/collections", "/processes"):
        if path != "/" and not backend.offers(f"GET {path}"):
            continue
        if not backend.once(answer_to(path, anonymous=True)).ok:
            continue
        asked = True
        answer = backend.anonymous.request("HEAD", path)
        if answer.status in {404, 405, 500, 501}:
            yield Violation(
                f"HEAD is answered with HTTP {answer.status}, GET with 200", answer, place=f"HEAD {path}"
            )
    if not asked:
        raise NotTestable("nothing is served to everybody")


@check(
    "security.trace",
    "TRACE does not send tokens back",
    layer="security",
    source="RFC 9110, section 9.3.8",
    mend="Switch TRACE off.",
)
def trace(backend: BackEnd) -> Iterator[Violation]:
    """TRACE of the entry, with a header that must not come back."""
    try:
        # Firewalls may close the connection.
        answer = unwitnessed(backend.anonymous).request(
            "TRACE", "/", headers={"X-Conformance": "do-not-reflect"}
        )
    except NoAnswer:
        return
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
    """A request from a page that nobody knows; with an asterisk as origin browsers send no cookies."""
    answer = backend.once(answer_to("/", anonymous=True))
    allowed = answer.headers.get("access-control-allow-credentials", "").strip().lower() == "true"
    if allowed and answer.headers.get("access-control-allow-origin") == ORIGIN:
        yield Violation("pages of any origin may read what the user's cookies open", answer)
