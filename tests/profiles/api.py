"""The API under test, as its clients see it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import pytest

from connexeo.generated import load_openapi
from connexeo.tools.spec.json_schema import Faults, SchemaJudge
from connexeo.tools.spec.references import resolve
from oidc_issuer import OidcIssuer
from served import Server

BASE_PATH = "/openeo/1.3"
DOCUMENT = load_openapi()
"""The contract."""


@dataclass(frozen=True)
class Api:
    """A server, and the issuer whose tokens it takes."""

    server: Server
    issuer: OidcIssuer
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the API lives."""
        return f"{self.server.url}{BASE_PATH}"

    def token(self, subject: str) -> str:
        """A token that is valid for the whole session."""
        return f"oidc/river/{self.issuer.jwt(subject, exp=int(time.time()) + 3600)}"

    def anonymous(self) -> httpx.Client:
        """A client without a token."""
        return self._client({})

    def user(self, subject: str | None = None) -> httpx.Client:
        """A client with the token of this user, or of somebody new."""
        token = self.token(subject or f"u{secrets.token_hex(4)}")
        return self._client({"Authorization": f"Bearer {token}"})

    def _client(self, headers: dict[str, str]) -> httpx.Client:
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60)
        self.clients.append(client)
        return client


def operations() -> list[tuple[str, str]]:
    """Method and path of all operations of the contract."""
    methods = ("get", "post", "put", "patch", "delete")
    return [
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in methods
        if method in item
    ]


@cache
def _judge() -> SchemaJudge:
    return SchemaJudge(DOCUMENT)


@cache
def _response_schema(method: str, path: str, status: str) -> Faults:
    response = resolve(DOCUMENT, DOCUMENT["paths"][path][method.lower()]["responses"][status])
    return _judge().compile(response["content"]["application/json"]["schema"])


def body(answer: httpx.Response, path: str, *, status: int = 200) -> Any:
    """The body of an answer, which must be what the contract says of this operation."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    value = answer.json()
    faults = _response_schema(answer.request.method, path, str(status))(value)
    assert faults == [], f"{faults} in {answer.text[:2000]}"
    return value


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """An answer must be this error; gives its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    error = answer.json()
    assert error["code"] == code, error
    assert error["message"]
    return str(error["message"])


def denied(answer: httpx.Response) -> None:
    """An answer must say that somebody has to log in first."""
    refused(answer, 401, "AuthenticationRequired")


def link(document: Mapping[str, Any], rel: str) -> str | None:
    """Target of the only link of this kind, None when there is none."""
    targets = [str(each["href"]) for each in document["links"] if each["rel"] == rel]
    assert len(targets) < 2, targets
    return targets[0] if targets else None


def pages(client: httpx.Client, path: str, key: str, limit: int) -> list[Any]:
    """All entries, page by page, following the links; no page may have more than the limit."""
    entries: list[Any] = []
    target: str | None = f"{client.base_url}{path.lstrip('/')}?limit={limit}"
    while target is not None:
        assert target.startswith(str(client.base_url)), "links between pages are absolute"
        document = client.get(target).raise_for_status().json()
        assert 0 < len(document[key]) <= limit
        entries += document[key]
        assert len(entries) < 1000
        target = link(document, "next")
    return entries


def wait_for(condition: Callable[[], Any], say: Callable[[], str], seconds: float = 60) -> Any:
    """The value of a condition once it is true; else the test fails with what there is to say."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(say())
        time.sleep(0.05)
    return value


def nulls(value: Any, place: str = "") -> list[str]:
    """Places of all nulls in a document."""
    if value is None:
        return [place]
    if isinstance(value, dict):
        return [found for key, entry in value.items() for found in nulls(entry, f"{place}/{key}")]
    if isinstance(value, list):
        return [found for number, entry in enumerate(value) for found in nulls(entry, f"{place}/{number}")]
    return []
