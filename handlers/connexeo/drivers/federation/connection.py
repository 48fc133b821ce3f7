"""Requests to one back-end: each within a total deadline, and none that knows of another.

Connections are shared, for that is what makes them cheap, but nothing that belongs to a user is: no cookies, and the
credentials of each request come with the request.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from connexeo.drivers.federation.faults import Busy, Garbled, Refused, TooSlow, Unreachable

if TYPE_CHECKING:
    import httpx

    from connexeo.settings import Upstream

LONGEST_PAUSE = 1.0
"""Seconds to wait at most before a request is repeated."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 502, 503, 504})
_AGAIN = frozenset({"GET", "HEAD"})
_MAX_REDIRECTS = 3
_HOST = re.compile(rb"[a-z0-9._-]+|[0-9a-f:.]+")
_ERROR_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer that is no error."""

    upstream: str
    url: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The document.

        Raises:
            Garbled: when it is none.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Garbled(self.upstream, f"the answer of {path_of(self.url)} is not JSON") from error

    def object(self) -> dict[str, Any]:
        """The document, which must be an object.

        Raises:
            Garbled: when it is none.
        """
        document = self.json()
        if not isinstance(document, dict):
            raise Garbled(self.upstream, f"the answer of {path_of(self.url)} is no JSON object")
        return document


@dataclass(frozen=True, slots=True)
class Call:
    """A request, by its path below the API or by an absolute URL."""

    method: str
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    authorization: str | None = field(default=None, repr=False)
    """Value of the header, of whoever asks."""
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: AsyncIterator[bytes] | None = None


class Connection:
    """The way to one back-end; opened on first use, in the event loop that uses it.

    Args:
        upstream: The back-end.
        max_bytes: Most bytes of a document.
        allow_private: Whether it may redirect to other hosts at loopback and private addresses.
    """

    def __init__(
        self, upstream: Upstream, *, max_bytes: int = 64 * 2**20, allow_private: bool = False
    ) -> None:
        self.upstream = upstream
        self._max_bytes = max_bytes
        self._allow_private = allow_private
        self._origin = _origin(upstream.url)
        self._client: httpx.AsyncClient | None = None
        self._client_elsewhere: httpx.AsyncClient | None = None

    @property
    def id(self) -> str:
        """Of the back-end."""
        return self.upstream.id

    async def fetch(self, call: Call, deadline: float) -> Answer:
        """The complete answer, redirects followed; a busy back-end is asked once more, if there is time.

        Args:
            call: The request.
            deadline: Seconds until it must be there, all tries included.

        Raises:
            UpstreamFault: Unreachable, TooSlow, Busy, Garbled, or Refused.
        """
        try:
            async with asyncio.timeout(deadline):
                return await self._fetch(call)
        except TimeoutError as error:
            raise TooSlow(self.id, f"no complete answer within {deadline:g} s") from error

    async def get(
        self, path: str, deadline: float, authorization: str | None = None, **params: Any
    ) -> Answer:
        """``fetch`` of a GET; parameters that are None are left out."""
        given = {key: value for key, value in params.items() if value is not None}
        return await self.fetch(Call("GET", path, given, authorization), deadline)

    @asynccontextmanager
    async def stream(self, call: Call, deadline: float) -> AsyncGenerator[httpx.Response, None]:
        """An answer whose body is read by the caller; its head must come within the deadline.

        Raises:
            UpstreamFault: as ``fetch``; what breaks later is an error of httpx.
        """
        response: httpx.Response | None = None
        try:
            try:
                async with asyncio.timeout(deadline):
                    response = await self._send(call)
                    if not response.is_success:
                        await self._raise_for(response)
            except TimeoutError as error:
                raise TooSlow(self.id, f"no answer within {deadline:g} s") from error
            yield response
        finally:
            if response is not None:
                await response.aclose()

    async def close(self) -> None:
        """Close all connections."""
        clients = (self._client, self._client_elsewhere)
        self._client = self._client_elsewhere = None
        for client in clients:
            if client is not None:
                await client.aclose()

    def is_here(self, url: str) -> bool:
        """Whether an absolute URL is one of this back-end's host."""
        return _origin(url) == self._origin

    async def _fetch(self, call: Call) -> Answer:
        tries = self.upstream.retries if call.method in _AGAIN else 0
        while True:
            try:
                return await self._once(call)
            except (Busy, Unreachable) as fault:
                if tries == 0:
                    raise
                wanted = getattr(fault, "retry_after", None)
                if wanted is not None and wanted > LONGEST_PAUSE:
                    raise
                tries -= 1
                await asyncio.sleep(wanted if wanted is not None else 0.1)

    async def _once(self, call: Call) -> Answer:
        response = await self._send(call)
        try:
            if not response.is_success:
                await self._raise_for(response)
            body = await self._read(response, self._max_bytes)
        finally:
            await response.aclose()
        return Answer(self.id, str(response.url), response.status_code, dict(response.headers), body)

    async def _send(self, call: Call) -> httpx.Response:
        """The head of the answer, redirects followed.

        Credentials never leave the back-end's host. Other hosts are asked only where a redirect leads there, and only
        at addresses that URLs of users may lead to as well.
        """
        import httpx

        target = httpx.URL(call.path if "://" in call.path else f"{self.upstream.url}{call.path}")
        if call.params:
            target = target.copy_merge_params(dict(call.params))
        method = call.method
        for _ in range(_MAX_REDIRECTS + 1):
            headers = {"accept": "application/json", **call.headers}
            if call.authorization is not None and self.is_here(str(target)):
                headers["authorization"] = call.authorization
            response = await self._exchange(method, target, headers, call)
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None or call.content is not None:
                return response
            await response.aclose()
            target = self._following(target, location, call)
            if response.status_code == 303 and method != "HEAD":
                method = "GET"
        raise Garbled(self.id, f"{path_of(call.path)} redirects more than {_MAX_REDIRECTS} times")

    def _following(self, target: httpx.URL, location: str, call: Call) -> httpx.URL:
        """Where a redirect leads.

        Raises:
            Garbled: when nobody should go there.
        """
        import httpx

        asked = path_of(call.path)
        try:
            following = target.join(location)
        except (httpx.InvalidURL, ValueError) as error:
            raise Garbled(self.id, f"{asked} redirects to a malformed address") from error
        if following.scheme not in ("http", "https"):
            raise Garbled(self.id, f"{asked} redirects to something that is no web address")
        if not _HOST.fullmatch(following.raw_host) or not 0 < (following.port or 80) < 2**16:
            raise Garbled(self.id, f"{asked} redirects to a malformed address")
        if following.userinfo:
            raise Garbled(self.id, f"{asked} redirects to an address with a user name or password in it")
        if (target.scheme, following.scheme) != ("https", "http"):
            return following
        if following.host != target.host or following.port is not None:
            raise Garbled(self.id, f"{asked} redirects from https to http")
        # Whoever is behind a proxy may not know that it is reached by HTTPS.
        return following.copy_with(scheme="https")

    async def _exchange(
        self, method: str, target: httpx.URL, headers: dict[str, str], call: Call
    ) -> httpx.Response:
        import httpx

        from connexeo.drivers.federation.clients import NotAllowed

        client = self._open() if self._is_trusted(target) else self._open_elsewhere()
        body: dict[str, Any] = {}
        if call.content is not None:
            body["content"] = call.content
        elif call.json is not None and method not in _AGAIN:
            body["content"] = orjson.dumps(call.json)
            headers.setdefault("content-type", "application/json")
        try:
            return await client.send(
                client.build_request(method, target, headers=headers, **body), stream=True
            )
        except NotAllowed as error:
            text = f"{path_of(call.path)} redirects to another host, whose address is not allowed"
            raise Garbled(self.id, text) from error
        except UnicodeError as error:
            # The client looks at redirects too, whoever follows them.
            raise Garbled(self.id, f"{path_of(call.path)} redirects to a malformed address") from error
        except httpx.TimeoutException as error:
            raise Unreachable(self.id, "cannot be reached in time") from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise Unreachable(self.id, _told(error)) from error

    async def _read(self, response: httpx.Response, most: int) -> bytes:
        import httpx

        pieces: list[bytes] = []
        size = 0
        try:
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > most:
                    raise Garbled(self.id, f"the answer has more than {most} bytes")
                pieces.append(piece)
        except httpx.DecodingError as error:
            raise Garbled(self.id, "the answer is compressed in a way that nobody understands") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise Unreachable(self.id, _told(error)) from error
        return b"".join(pieces)

    async def _raise_for(self, response: httpx.Response) -> None:
        status = response.status_code
        body = await self._read(response, _ERROR_BYTES)
        document: Any = None
        if body.lstrip()[:1] == b"{":
            try:
                document = orjson.loads(body)
            except orjson.JSONDecodeError:
                document = None
        refused = Refused(self.id, status, document)
        if status in _BUSY:
            raise Busy(self.id, refused.reason, _seconds(response.headers.get("retry-after")), status)
        if status < 400 and status != 304:
            raise Garbled(self.id, f"HTTP {status} where a document was expected")
        raise refused

    def _is_trusted(self, target: httpx.URL) -> bool:
        """Whether it is the host that the operator has named, be it that it wants to be asked by HTTPS."""
        origin = _origin(str(target))
        return origin == self._origin or (
            self._origin[0] == "http" and origin == ("https", self._origin[1], 443)
        )

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            from connexeo.drivers.federation.clients import pooled_client

            self._client = pooled_client(self.upstream)
        return self._client

    def _open_elsewhere(self) -> httpx.AsyncClient:
        if self._client_elsewhere is None:
            from connexeo.drivers.federation.clients import guarded_client

            self._client_elsewhere = guarded_client(self.upstream, allow_private=self._allow_private)
        return self._client_elsewhere


def path_of(url: str) -> str:
    """What of a URL may be told: no host, no query."""
    return urlsplit(url).path or "/"


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, however they are written; of what is no address, nothing that anything else equals."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        port = parts.port or {"http": 80, "https": 443}.get(scheme)
        return scheme, (parts.hostname or "").lower().rstrip("."), port
    except ValueError:
        return "", url, None


def _told(error: Exception) -> str:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return {"connect error": "cannot be reached", "read error": "breaks off"}.get(name, name)


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and re.fullmatch(r"\d{1,6}", value.strip()) else None


def prepare() -> None:
    """What the first request would have to wait for; takes a while."""
    from connexeo.drivers.federation.clients import ssl_context

    ssl_context(None)
