"""Sends requests in the name of somebody, and keeps what came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from connexeo.tools.conformance.budget import Budget
from connexeo.tools.conformance.contract import Contract
from connexeo.tools.conformance.exchange import Exchange

ORIGIN = "https://conformance.example"
"""The page that pretends to send all requests, so that answers show what CORS allows."""

KEPT = 32 * 1024 * 1024
"""Bytes of an answer that are read."""

REDIRECTS = 5

_REDIRECT = {301, 302, 303, 307, 308}

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


@dataclass(slots=True)
class Caller:
    """Somebody who sends requests. Each goes to ``listen`` with its answer, whoever asked for it."""

    name: str
    url: str
    """The API's URL, without a slash at its end."""
    client: httpx.Client
    contract: Contract
    budget: Budget
    tokens: TokenSource | None = None
    listen: Callable[[Exchange], None] = lambda exchange: None
    timeout: float = 60.0
    exchanges: int = field(default=0)

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
        """Send a request and read its answer, up to ``KEPT`` bytes.

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
        sent = self._headers(target, headers, token)
        if json is not None:
            content = orjson.dumps(json)
            sent.setdefault("Content-Type", "application/json")
        query = {key: str(value) for key, value in (params or {}).items() if value is not None}
        exchange = self._exchange(method, target, content, query, sent, timeout)
        if exchange.status == 429:
            exchange = self._again_later(exchange, method, target, content, query, sent, timeout)
        if (
            exchange.status == 403
            and exchange.code == "TokenInvalid"
            and token is None
            and self._renewed(target)
        ):
            sent = {**sent, **self._headers(target, headers, token)}
            exchange = self._exchange(method, target, content, query, sent, timeout)
        if follow and method in {"GET", "HEAD"} and exchange.status in _REDIRECT:
            exchange = self._followed(exchange, headers, token, timeout)
        return exchange

    def _renewed(self, target: str) -> bool:
        return self.tokens is not None and self._is_ours(target) and self.tokens.renew()

    def _headers(self, target: str, headers: Mapping[str, str] | None, token: str | None) -> dict[str, str]:
        sent = {"Origin": ORIGIN, **(headers or {})}
        if self._is_ours(target) and "Authorization" not in sent:
            bearer = token if token is not None else self.tokens.current() if self.tokens else None
            if bearer:
                sent["Authorization"] = f"Bearer {bearer}"
        return sent

    def _is_ours(self, target: str) -> bool:
        api, other = urlsplit(self.url), urlsplit(target)
        same = (api.scheme, api.netloc) == (other.scheme, other.netloc)
        return same and f"{other.path}/".startswith(f"{api.path}/")

    def _again_later(self, exchange: Exchange, *request: Any) -> Exchange:
        """Whoever is told to slow down does, once."""
        try:
            wait = float(exchange.headers.get("retry-after", "2"))
        except ValueError:
            wait = 2.0
        time.sleep(max(0.0, min(wait, 30.0, self.budget.left)))
        return self._exchange(*request)

    def _followed(
        self, exchange: Exchange, headers: Mapping[str, str] | None, token: str | None, timeout: float | None
    ) -> Exchange:
        hops: tuple[str, ...] = ()
        while exchange.status in _REDIRECT and "location" in exchange.headers:
            hops = (*hops, exchange.url)
            target = urljoin(exchange.url, exchange.headers["location"])
            if len(hops) > REDIRECTS or target in hops or not target.startswith(("http://", "https://")):
                raise NoAnswer(_failed(exchange, f"redirects do not end: {' → '.join((*hops, target))}"))
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
        self.exchanges += 1
        total = timeout or self.timeout
        # Without a query of ours the target's own stays: httpx would drop it.
        request = self.client.build_request(
            method, target, content=content, params=query or None, headers=dict(headers), timeout=total
        )
        started = time.monotonic()
        status, answer_headers, body, failure = 0, httpx.Headers(), b"", None
        truncated = False
        try:
            answer = self.client.send(request, stream=True, follow_redirects=False)
            try:
                status, answer_headers = answer.status_code, answer.headers
                chunks: list[bytes] = []
                size = 0
                for chunk in answer.iter_bytes():
                    chunks.append(chunk)
                    size += len(chunk)
                    truncated = size > KEPT
                    if time.monotonic() - started > total:
                        failure = f"the answer was not complete after {total:g} s"
                    if truncated or failure:
                        break
                body = b"".join(chunks)
            finally:
                answer.close()
        except httpx.TimeoutException:
            failure = f"no answer within {total:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failure = f"the connection failed: {error or type(error).__name__}"
        exchange = Exchange(
            method=method,
            url=str(request.url),
            caller=self.name,
            request_headers=request.headers,
            request_body=content or b"",
            status=status,
            headers=answer_headers,
            body=body,
            seconds=time.monotonic() - started,
            operation=self._operation(method, str(request.url)),
            truncated=truncated,
            failure=failure,
            hops=hops,
        )
        self.listen(exchange)
        if failure:
            raise NoAnswer(exchange)
        return exchange

    def _operation(self, method: str, target: str) -> Any:
        if not self._is_ours(target):
            return None
        path = urlsplit(target).path[len(urlsplit(self.url).path) :] or "/"
        return self.contract.match(method, path)


def _failed(exchange: Exchange, failure: str) -> Exchange:
    from dataclasses import replace

    return replace(exchange, failure=failure)
