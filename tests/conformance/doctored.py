"""A server whose answers are changed on their way, for tests of single checks: no fault is too odd.

``tests/conformance/mutations`` shows whole runs what real mistakes look like; this is for the checks themselves.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.contract import load_contract
from connexeo.tools.conformance.discovery import discover
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.login import Bearer
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.runner import run_check
from connexeo.tools.conformance.session import open_backend
from connexeo.tools.conformance.verdicts import State

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class Change:
    """What becomes of answers to some requests."""

    method: str
    """As a regular expression."""
    path: str
    """The same, of the whole path."""
    apply: Callable[[httpx.Request, Answer], httpx.Response]

    def concerns(self, request: httpx.Request) -> bool:
        """Whether a request is one of these."""
        method = re.fullmatch(self.method, request.method)
        return method is not None and re.fullmatch(self.path, request.url.path) is not None


def edit(path: str, change: Callable[[Any], Any], method: str = "GET") -> Change:
    """Change the JSON document that comes; what the function gives, unless it is None, takes its place."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        document = response.json()
        changed = change(document)
        return _answer(response.status_code, document if changed is None else changed, response.headers)

    return Change(method, path, apply)


def put(path: str, *keys: str | int, value: Any, method: str = "GET") -> Change:
    """Put a value at a place of the document."""

    def change(document: Any) -> None:
        place = document
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return edit(path, change, method)


def drop(path: str, *keys: str | int, method: str = "GET") -> Change:
    """Take something out of the document."""

    def change(document: Any) -> None:
        place = document
        for key in keys[:-1]:
            place = place[key]
        del place[keys[-1]]

    return edit(path, change, method)


def reply(path: str, status: int, document: Any = None, method: str = "GET", **headers: str) -> Change:
    """Answer something else, and do not ask the server at all."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Change(method, path, lambda request, send: _answer(status, document, named))


def header(path: str, method: str = "GET", **headers: str | None) -> Change:
    """Set headers of answers, or take them away."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        for name, value in headers.items():
            response.headers.pop(name.replace("_", "-"), None)
            if value is not None:
                response.headers[name.replace("_", "-")] = value
        return response

    return Change(method, path, apply)


def status(path: str, code: int, method: str = "GET") -> Change:
    """Set the status of answers."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        response.status_code = code
        return response

    return Change(method, path, apply)


def _answer(code: int, document: Any, headers: Mapping[str, str]) -> httpx.Response:
    kept = {name: value for name, value in headers.items() if name.lower() not in _OF_BODY}
    if document is None:
        return httpx.Response(code, headers=kept)
    # NaN and the like pass: servers send them, too.
    body = json.dumps(document).encode()
    return httpx.Response(code, headers={"content-type": "application/json", **kept}, content=body)


_OF_BODY = {"content-length", "content-encoding", "transfer-encoding", "etag"}


@cache
def _tls() -> ssl.SSLContext:
    """Made once: to read all certificates takes as long as most checks."""
    return httpx.create_ssl_context()


class Doctor(httpx.BaseTransport):
    """Sends requests to the server, and changes what comes back; the last change comes first."""

    def __init__(self, changes: tuple[Change, ...]) -> None:
        self._changes = changes
        self._inner = httpx.HTTPTransport(verify=_tls())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        return self._through(list(self._changes))(request)

    def _through(self, changes: list[Change]) -> Answer:
        if not changes:
            return self._send
        change, inner = changes[-1], self._through(changes[:-1])
        return lambda request: change.apply(request, inner) if change.concerns(request) else inner(request)

    def _send(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.read()
        # It is plain by now.
        headers = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        return httpx.Response(response.status_code, headers=headers, content=response.content)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


@contextmanager
def doctored(
    url: str, *changes: Change, token: str | None = None, stranger: str | None = None, **options: Any
) -> Iterator[BackEnd]:
    """The back-end at a URL with changed answers; what was created there is removed in the end."""
    with httpx.Client(transport=Doctor(changes), timeout=60) as client:
        discovery = discover(client, url)
        contract = load_contract(discovery.api_version)
        backend = open_backend(
            client,
            discovery,
            contract,
            Options(**options),
            Inspection(contract),
            Bearer(token) if token else None,
            Bearer(stranger) if stranger else None,
        )
        try:
            yield backend
        finally:
            left_over = backend.ledger.clean(backend.budget)
            assert left_over == ()


def examine(url: str, check_id: str, *changes: Change, **options: Any) -> Result:
    """What a single check says of a server with changed answers."""
    (check,) = (each for each in load_checks() if each.id == check_id)
    with doctored(url, *changes, **options) as backend:
        return run_check(backend, check)


def cases(faults: Mapping[str, Iterable[tuple[Change, ...]]]) -> list[Any]:
    """Parameters ``check_id`` and ``changes`` of a test for each fault of a table, by check."""
    return [
        pytest.param(check_id, changes, id=f"{check_id}-{number}")
        for check_id, alternatives in faults.items()
        for number, changes in enumerate(alternatives)
    ]


def assert_found(result: Result) -> None:
    """That a check has found something."""
    assert result.state in {State.FAIL, State.WARNING}, (result.state, result.reason)


def assert_kept(result: Result) -> None:
    """That a check has looked, and has found nothing."""
    assert result.state is State.PASS, (result.reason, [finding.message for finding in result.findings])
