"""What checks of security find, answer by answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, edit, header, reply
from connexeo.tools.conformance.checks.security.probes import NOBODY
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import Severity, State

Look = Callable[..., Result]

ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}
TRACE = 'Traceback (most recent call last):\n  File "/srv/app/main.py", line 3, in read'


def let_in(path: str, method: str, whom: Callable[[httpx.Request], bool], document: Any = None) -> Change:
    """Answers with success whoever must be refused."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        return (
            httpx.Response(200, json=document or {})
            if whom(request) and response.status_code >= 400
            else response
        )

    return Change(method, path, apply)


def told(request: httpx.Request) -> str:
    return str(request.headers.get("authorization", ""))


def nobody(request: httpx.Request) -> bool:
    return not told(request)


def somebody(request: httpx.Request) -> bool:
    return bool(told(request))


def having(text: str) -> Callable[[httpx.Request], bool]:
    return lambda request: text in told(request)


def refusing(path: str, status: int, whom: Callable[[httpx.Request], bool], method: str = "GET") -> Change:
    """Answers somebody with a status of its own."""
    return Change(
        method,
        path,
        lambda request, send: httpx.Response(status, json=ERROR) if whom(request) else send(request),
    )


def done(path: str, method: str) -> Change:
    """Says that something was done for whoever asks, and does nothing."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        return httpx.Response(204) if response.status_code == 404 else response

    return Change(method, path, apply)


def _unaltered(request: httpx.Request, send: Answer) -> httpx.Response:
    """Sends what a link of results opened once, whatever its signature."""
    response = send(request)
    parts = request.url.path.split("/")
    if parts[1] != "results":
        return response
    thing = "/".join(parts[:3] + parts[4:])
    if response.is_success:
        KEPT[thing] = response
    return KEPT.get(thing, response)


KEPT: dict[str, httpx.Response] = {}

JOB = "/jobs/(?!conformance)[^/]*"
FAULTS: dict[str, list[Change]] = {
    "profile.101": [
        let_in("/me", "GET", nobody),
        refusing("/jobs", 403, nobody),
        refusing("/jobs", 404, nobody),
        refusing("/jobs/[^/]*", 404, nobody),
        let_in("/process_graphs/[^/]*", "PUT", nobody),
    ],
    "profile.102": [
        let_in("/me", "GET", having("not-a-token")),
        refusing("/me", 401, having("not-a-token")),
        refusing("/me", 400, having("not-a-token")),
        refusing("/me", 500, having("not-a-token")),
    ],
    "security.malformed-token": [
        let_in("/me", "GET", having("magic//")),
        let_in("/me", "GET", having("eyJ")),
        refusing("/me", 500, having("oidc/")),
        let_in("/me", "GET", lambda request: told(request) == "Bearer"),
        let_in("/me", "GET", lambda request: told(request).startswith("bearer ")),
        let_in("/me", "GET", lambda request: told(request).startswith("Basic ")),
        let_in("/me", "GET", lambda request: request.headers.get("authorization") == ""),
    ],
    "security.forged-token": [let_in("/me", "GET", having("basic//")), refusing("/me", 500, having("AAAA"))],
    "security.token-provider": [let_in("/me", "GET", having("oidc/conformance-no-provider/"))],
    "security.scheme-case": [
        refusing("/me", 401, lambda request: told(request).startswith("bearer ")),
        refusing("/me", 400, lambda request: told(request).startswith("bearer ")),
    ],
    "security.head": [let_in("/me", "HEAD", nobody)],
    "security.foreign-job": [
        let_in(JOB, "GET", somebody, {"id": "x"}),
        let_in(f"{JOB}/logs", "GET", somebody),
        done(f"{JOB}/results", "DELETE"),
        done(JOB, "DELETE"),
        done(f"{JOB}/results", "POST"),
        done(JOB, "PATCH"),
    ],
    "security.foreign-results": [
        let_in(f"{JOB}/results", "GET", somebody),
        let_in(f"{JOB}/results", "GET", nobody),
        let_in(f"{JOB}/logs", "GET", somebody),
    ],
    "security.foreign-file": [
        let_in("/files/conformance_.*", "GET", somebody),
        done("/files/conformance_.*", "DELETE"),
    ],
    "security.foreign-process": [
        let_in("/process_graphs/conformance_.*private", "GET", somebody),
        done("/process_graphs/conformance_.*private", "DELETE"),
    ],
    "security.foreign-service": [
        let_in("/services/(?!conformance)[^/]*", "GET", somebody),
        done("/services/(?!conformance)[^/]*", "DELETE"),
        done("/services/(?!conformance)[^/]*", "PATCH"),
    ],
    "security.closed-things": [
        let_in(JOB, "GET", nobody),
        let_in("/files/.*", "GET", nobody),
        let_in("/process_graphs/.*", "GET", having("not-a-token")),
        let_in("/services/.*", "GET", nobody),
    ],
    "security.broken-bodies": [reply("/validation", 200, {"errors": []}, "POST")],
    "security.large-body": [reply("/validation", 500, ERROR, "POST")],
    "security.large-head": [reply("/collections", 502, ERROR)],
    "security.traversal": [
        reply("/files/.*passwd", 200, "root:x:0:0:root"),
        reply("/files/.*passwd", 200, {}),
    ],
    "security.odd-identifiers": [reply("/jobs/.*", 200, {}), reply("/collections/.*", 200, {})],
    "security.methods": [
        reply("/collections", 200, {}, "PUT"),
        reply("/processes", 500, ERROR, "DELETE"),
        reply("/jobs", 405, ERROR, "PUT"),
        reply("/jobs", 405, {"detail": "Method Not Allowed"}, "PUT", allow="GET"),
    ],
    "security.head-served": [reply("/collections", 405, method="HEAD")],
    "security.trace": [reply("/", 200, "X-Conformance: do-not-reflect", "TRACE")],
    "security.cross-origin-credentials": [
        header(
            "/",
            access_control_allow_origin="https://conformance.example",
            access_control_allow_credentials="true",
        )
    ],
    "security.leaks": [
        reply("/validation", 400, {**ERROR, "message": TRACE}, "POST"),
        reply(
            "/collections/.*", 404, {**ERROR, "message": "lost in /usr/lib/python3/site-packages/api/main.py"}
        ),
        reply("/jobs/.*", 404, {**ERROR, "message": "see https://errors.pydantic.dev/2.5/v/missing"}),
        reply("/jobs", 400, {**ERROR, "message": "(Background: https://sqlalche.me/e/20/e3q8)"}),
        reply("/validation", 400, {**ERROR, "message": "x\n\tat org.example.Api.read(Api.java:40)"}, "POST"),
    ],
    "security.altered-link": [Change("GET", ".*", _unaltered)],
}
CASES = [
    pytest.param(check_id, change, id=f"{check_id}-{number}")
    for check_id, changes in FAULTS.items()
    for number, change in enumerate(changes)
]


@pytest.mark.parametrize(("check_id", "change"), CASES)
def test_fault_is_found(check_id: str, change: Change, look: Look, stranger_token: str) -> None:
    KEPT.clear()
    assert_found(look(check_id, change, stranger=stranger_token))


LENIENT: list[tuple[str, Change]] = [
    # The order of checks, and what is not there after all.
    ("profile.101", refusing("/jobs", 501, nobody)),
    ("security.malformed-token", refusing("/me", 400, lambda request: told(request) == "Bearer")),
    # Too large is too large.
    ("security.large-body", reply("/validation", 413, ERROR, "POST")),
    ("security.large-head", reply("/collections", 431, ERROR)),
    # A proxy has resolved the path, and shows a page.
    (
        "security.traversal",
        Change("GET", "/files/.*passwd", lambda request, send: httpx.Response(200, html="<p>Hello")),
    ),
    # An asterisk lets no cookies through.
    ("security.cross-origin-credentials", header("/", access_control_allow_credentials="true")),
    ("security.methods", reply("/jobs", 404, ERROR, "PUT")),
    # Paths of URLs are no paths of the server.
    (
        "security.leaks",
        reply("/collections/.*", 404, {**ERROR, "message": "See https://a.example/usr/share/help.js, v1.2"}),
    ),
    # Whoever says of everything that it has been removed, and removes nothing.
    (
        "security.foreign-job",
        Change(
            "DELETE",
            "/jobs/.*",
            lambda request, send: (
                httpx.Response(204) if (response := send(request)).status_code == 404 else response
            ),
        ),
    ),
]


@pytest.mark.parametrize(
    ("entries", "severity"),
    [
        ([{"id": "1", "level": "error", "message": "There is no such job."}], Severity.MAJOR),
        ([], Severity.CRITICAL),
    ],
)
def test_a_log_that_is_not_the_owners_discloses_less(
    entries: list[Any], severity: Severity, look: Look, stranger_token: str
) -> None:
    """Nobody can tell an empty log from that of the owner."""
    log = let_in(
        f"{JOB}/logs",
        "GET",
        lambda request: stranger_token in told(request) and NOBODY not in request.url.path,
        {"logs": entries, "links": []},
    )
    (finding,) = look("security.foreign-job", log, stranger=stranger_token).findings
    assert (finding.message, finding.severity) == ("HTTP 200 for another user", severity)


@pytest.mark.parametrize(("check_id", "change"), LENIENT)
def test_what_is_allowed_is_no_fault(check_id: str, change: Change, look: Look, stranger_token: str) -> None:
    result = look(check_id, change, stranger=stranger_token)
    assert result.state is State.PASS, [finding.message for finding in result.findings]


def test_what_is_not_offered_is_not_applicable(look: Look) -> None:
    nothing = edit("/", lambda found: {**found, "endpoints": [{"path": "/collections", "methods": ["GET"]}]})
    for check_id in ("profile.101", "profile.102", "security.malformed-token", "security.broken-bodies"):
        assert look(check_id, nothing).state is State.NOT_APPLICABLE
