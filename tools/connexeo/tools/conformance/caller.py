"""Sends requests in the name of somebody, and keeps what came."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from posixpath import normpath
from typing import Any, Protocol
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import orjson

from connexeo.tools.conformance.answer import created_name, delay, read_answer
from connexeo.tools.conformance.budget import Budget, BudgetExhausted
from connexeo.tools.conformance.contract import Contract
from connexeo.tools.conformance.exchange import Exchange

ORIGIN = "https://conformance.example"
"""The page that pretends to send all requests, so that answers show what CORS allows."""

REDIRECTS = 5

PATIENCE = 30.0
"""Seconds that are waited at most when a back-end asks to come again later."""

_REDIRECT = {301, 302, 303, 307, 308}

_PERSONAL = {"authorization", "cookie", "proxy-authorization"}
"""Headers that go to the API only."""

_CREATES = {"POST /jobs": "job", "POST /services": "service"}
"""Operation → kind of what it creates under a name that only the answer tells."""

Query = Mapping[str, str | int | float | bool | None]


class NoAnswer(Exception):
    """The back-end did not answer, or not to the end."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange.failure or "no answer")
        self.exchange = exchange


class TokenSource(Protocol):
    """Gives the token of an account."""

    def current(self) -> str | None:
        """The whole bearer token that is to be sent, None for nobody."""

    def renew(self) -> bool:
        """Get a new token after one has expired; False when that is impossible."""


class Witness(Protocol):
    """Is told of everything that a caller does, in whichever thread."""

    def saw(self, exchange: Exchange) -> None:
        """A request was answered, or not."""

    def created(self, kind: str, name: str | None, caller: Caller) -> None:
        """Something was created; None when nobody knows what it is called."""

    def undisturbed(self) -> AbstractContextManager[object]:
        """While this lasts the run is not interrupted."""


class Nobody:
    """A witness that keeps nothing."""

    def saw(self, exchange: Exchange) -> None:
        """A request was answered, or not."""

    def created(self, kind: str, name: str | None, caller: Caller) -> None:
        """Something was created."""

    def undisturbed(self) -> AbstractContextManager[object]:
        """No protection."""
        return nullcontext()


@dataclass(slots=True)
class Caller:
    """Somebody who sends requests. The witness is told of each, whoever asked for it."""

    name: str
    url: str
    """The API's URL, without a slash at its end."""
    client: httpx.Client
    contract: Contract
    budget: Budget
    tokens: TokenSource | None = None
    witness: Witness = field(default_factory=Nobody)
    timeout: float = 60.0

    def get(self, path: str, **options: Any) -> Exchange:
        """Send ``GET``."""
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Exchange:
        """Send ``POST``."""
        return self.request("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> Exchange:
        """Send ``PUT``."""
        return self.request("PUT", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> Exchange:
        """Send ``PATCH``."""
        return self.request("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> Exchange:
        """Send ``DELETE``."""
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Query | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        follow: bool = True,
        timeout: float | None = None,
    ) -> Exchange:
        """Send a request and read its answer, up to ``answer.KEPT`` bytes.

        Args:
            method: HTTP method.
            path: path below the API's URL, encoded; or an absolute URL. The token goes to the API only.
            json: body, as JSON.
            content: body, as bytes.
            params: query; values that are None are left out.
            headers: further headers.
            token: this whole bearer token instead of the caller's own; an empty text sends none.
            follow: whether redirects of ``GET`` and ``HEAD`` are followed.
            timeout: seconds for the whole exchange, by default those of the caller.

        Raises:
            NoAnswer: when the connection fails or the time is over.
            BudgetExhausted: when no more may be sent.
        """
        target = path if "://" in path else f"{self.url}{path if path.startswith('/') else f'/{path}'}"
        if json is not None:
            content = orjson.dumps(json)
            headers = {"Content-Type": "application/json", **(headers or {})}
        query = {key: str(value) for key, value in (params or {}).items() if value is not None}

        def send() -> Exchange:
            return self._exchange(
                method, target, content, query, self._headers(target, headers, token), timeout
            )

        exchange = send()
        if exchange.status == 429:
            # Whoever is told to slow down does, once.
            time.sleep(max(0.0, min(delay(exchange.headers), PATIENCE, self.budget.left)))
            exchange = send()
        expired = exchange.status == 403 and exchange.code == "TokenInvalid" and token is None
        if expired and self._renewed(target):
            exchange = send()
        if follow and method in {"GET", "HEAD"} and exchange.status in _REDIRECT:
            exchange = self._followed(exchange, headers, token, timeout)
        return exchange

    def _renewed(self, target: str) -> bool:
        return self.tokens is not None and self._is_ours(target) and self.tokens.renew()

    def _headers(self, target: str, headers: Mapping[str, str] | None, token: str | None) -> dict[str, str]:
        sent = {"Origin": ORIGIN, **(headers or {})}
        given = {name for name in sent if name.lower() in _PERSONAL}
        if not self._is_ours(target):
            return {name: value for name, value in sent.items() if name not in given}
        if not any(name.lower() == "authorization" for name in given):
            bearer = token if token is not None else self.tokens.current() if self.tokens else None
            if bearer:
                sent["Authorization"] = f"Bearer {bearer}"
        return sent

    def _is_ours(self, target: str) -> bool:
        try:
            api, other = urlsplit(self.url), urlsplit(target)
        except ValueError:
            return False
        same = (api.scheme.lower(), api.netloc.lower()) == (other.scheme.lower(), other.netloc.lower())
        return same and all(f"{path}/".startswith(f"{api.path}/") for path in _meanings(other.path))

    def _followed(
        self, exchange: Exchange, headers: Mapping[str, str] | None, token: str | None, timeout: float | None
    ) -> Exchange:
        hops: tuple[str, ...] = ()
        while exchange.status in _REDIRECT and "location" in exchange.headers:
            hops = (*hops, exchange.url)
            try:
                target = urljoin(exchange.url, exchange.headers["location"])
            except ValueError as error:
                raise self._failed(exchange, f"the redirect leads nowhere: {error}") from error
            if len(hops) > REDIRECTS or target in hops or not target.startswith(("http://", "https://")):
                raise self._failed(exchange, f"redirects do not end: {' → '.join((*hops, target))}")
            sent = self._headers(target, headers, token)
            exchange = self._exchange(exchange.method, target, None, {}, sent, timeout, hops)
        return exchange

    def _exchange(
        self,
        method: str,
        target: str,
        content: bytes | None,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        timeout: float | None,
        hops: tuple[str, ...] = (),
    ) -> Exchange:
        self.budget.take()
        wanted = timeout or self.timeout
        total = min(wanted, max(self.budget.left, 0.1))
        try:
            # Without a query of ours the target's own stays: httpx would drop it.
            request = self.client.build_request(
                method, target, content=content, params=query or None, headers=dict(headers), timeout=total
            )
        except (httpx.InvalidURL, ValueError) as error:
            if self._is_ours(target):
                raise
            raise self._failed(self._unsent(method, target), f"the URL is not valid: {error}") from error
        operation = self._operation(method, str(request.url))
        kind = _CREATES.get(operation.name) if operation else None
        with self.witness.undisturbed() if kind else nullcontext():
            answer = read_answer(self.client, request, total)
            exchange = Exchange(
                method=method,
                url=str(request.url),
                caller=self.name,
                request_headers=request.headers,
                request_body=content or b"",
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                seconds=answer.seconds,
                operation=operation,
                truncated=answer.truncated,
                failure=answer.failure,
                hops=hops,
            )
            if kind and (exchange.ok or (answer.sent and not exchange.status)):
                self.witness.created(kind, created_name(exchange.headers), self)
        if answer.late and total < wanted:
            raise BudgetExhausted(f"{self.budget.seconds:g} s are over; more with --max-time")
        self.witness.saw(exchange)
        if exchange.failure:
            raise NoAnswer(exchange)
        return exchange

    def _unsent(self, method: str, target: str) -> Exchange:
        nothing = httpx.Headers()
        return Exchange(method, target, self.name, nothing, b"", 0, nothing, b"", 0.0)

    def _failed(self, exchange: Exchange, failure: str) -> NoAnswer:
        failed = replace(exchange, failure=failure)
        self.witness.saw(failed)
        return NoAnswer(failed)

    def _operation(self, method: str, target: str) -> Any:
        if not self._is_ours(target):
            return None
        path = urlsplit(target).path[len(urlsplit(self.url).path) :] or "/"
        return self.contract.match(method, path)


def _meanings(path: str) -> tuple[str, ...]:
    """What servers may take a path for: they resolve `..`, with or without slashes that are encoded."""
    if ".." not in unquote(path).split("/"):
        return (path,)
    parts = [unquote(part).replace("/", "_") for part in path.split("/")]
    return path, normpath(unquote(path)), normpath("/".join(parts))
