"""What is too large is refused or served, and breaks nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import Caller, NoAnswer, Nobody
from connexeo.tools.conformance.checks.security.robustness import taking_json
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation

BODY = 2_000_000
"""Bytes of a body that is larger than any sensible one, and still polite."""

QUERY = 12_000
"""Characters of a query that many servers and proxies refuse."""

HEADER = 20_000
"""The same of a header."""

_BUSY = {501, 503}

Send = Callable[[Caller], Exchange]


def unwitnessed(caller: Caller) -> Caller:
    """The same caller, whose requests nobody else judges: those may be cut off with good reason."""
    return replace(caller, witness=Nobody())


def _survived(backend: BackEnd, caller: Caller, send: Send, what: str, place: str) -> Iterator[Violation]:
    """What is wrong with the answer; without one, whether the back-end is still there."""
    try:
        answer = send(unwitnessed(caller))
    except NoAnswer as error:
        # Whoever closes the connection while much is still on its way refuses it.
        answer = error.exchange
    if answer.failure:
        try:
            unwitnessed(backend.anonymous).get("/")
        except NoAnswer as error:
            message = f"the back-end does not answer any more after {what}"
            yield Violation(message, error.exchange, severity=Severity.CRITICAL, place=place)
    elif answer.status >= 500 and answer.status not in _BUSY:
        yield Violation(f"HTTP {answer.status} for {what}", answer, place=place)


@check(
    "security.large-body",
    "A large body is refused or processed, and breaks nothing",
    layer="security",
    source="openEO API, Error Handling",
    mend="Limit the size of bodies, and answer 413 or 400.",
)
def large_body(backend: BackEnd) -> Iterator[Violation]:
    """Two megabytes, most of them a description."""
    caller, path = taking_json(backend)
    body = b'{"process_graph": {}, "description": "' + b"x" * BODY + b'"}'
    headers = {"Content-Type": "application/json"}

    def send(caller: Caller) -> Exchange:
        return caller.post(path, content=body, headers=headers)

    yield from _survived(backend, caller, send, f"a body of {BODY} bytes", f"POST {path}")


@check(
    "security.large-head",
    "A long URL or header is refused or served, and breaks nothing",
    layer="security",
    source="RFC 9110, sections 4.1 and 5.4",
    severity=Severity.MINOR,
    mend="Answer 414 for the URL and 431 for headers; see the log of the proxy.",
)
def large_head(backend: BackEnd) -> Iterator[Violation]:
    """A query that means nothing, and a header that nobody knows."""
    path = next((each for each in ("/collections", "/processes") if backend.offers(f"GET {each}")), None)
    if path is None:
        raise NotTestable("neither collections nor processes are listed")

    def query(caller: Caller) -> Exchange:
        return caller.get(path, params={"conformance": "x" * QUERY, "limit": 1})

    def header(caller: Caller) -> Exchange:
        return caller.get(path, params={"limit": 1}, headers={"X-Conformance": "x" * HEADER})

    for send, what in ((query, f"a query of {QUERY} characters"), (header, f"a header of {HEADER} bytes")):
        yield from _survived(backend, backend.anonymous, send, what, f"GET {path}")
