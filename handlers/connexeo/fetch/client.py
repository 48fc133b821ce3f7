"""The guarded HTTP client."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from connexeo.fetch.addresses import Address, resolve
from connexeo.fetch.decoding import ACCEPT_ENCODING, body_for
from connexeo.fetch.errors import FetchFailed, FetchRefused, FetchTimeout, FetchTooLarge
from connexeo.fetch.policy import FetchPolicy

if TYPE_CHECKING:
    import httpx

    Receive = Callable[[httpx.Response], Awaitable[bytes]]

_HOST = re.compile(rb"[a-z0-9._-]+|[0-9a-f:.]+")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONNECT_TIMEOUT = 5.0
_SILENCE = 20.0
"""Seconds without a byte after which a server has stopped."""
_DEFAULT_HEADERS = {"accept": "*/*", "user-agent": "connexeo"}
_OWN_HEADERS = frozenset({"host", "accept-encoding", "connection"})
_KEPT_ACROSS_ORIGINS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})


@dataclass(frozen=True)
class _Message:
    """What is sent, and how the answer is taken."""

    headers: Mapping[str, str]
    receive: Receive
    body: bytes | None = None
    """That of a POST; None: a GET."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer."""

    url: str
    """Where it came from, after redirects."""
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class GuardedClient:
    """Fetches URLs that users supply, within the limits of a policy.

    Each host is resolved here, each address checked, and the connection made to exactly that address, while
    TLS still proves the host name. Redirects are followed one by one and checked in the same way. Proxies and
    ``.netrc`` are not consulted. Instances hold nothing but the policy, so that they may be shared between
    threads, forked and pickled.
    """

    def __init__(self, policy: FetchPolicy | None = None) -> None:
        self.policy = policy or FetchPolicy()

    def __repr__(self) -> str:
        return f"GuardedClient({self.policy!r})"

    async def aget_bytes(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """GET a URL. Any status other than a redirect is an answer.

        ``headers`` go to the origin of ``url``; after a redirect to another origin only ``Accept`` and the
        like are sent on. ``Host`` and ``Accept-Encoding`` cannot be set.

        Raises:
            FetchError: see ``connexeo.fetch.errors``.
        """
        return await self._within_time(url, _Message(_sent(headers), self._read))

    def download(self, url: str, target: Path) -> int:
        """GET a file, and write it to a path where nothing is yet; gives its size.

        It goes straight to disk, so ``max_bytes`` may be more than memory has room for. When that fails, nothing is
        left at the path.

        Raises:
            FetchError: also for a status other than 2xx, and for a body that ends too early.
        """
        with target.open("xb") as file:
            try:
                with ThreadPoolExecutor(1, thread_name_prefix="fetch") as executor:
                    executor.submit(lambda: asyncio.run(self._adownload(url, file))).result()
                return file.tell()
            except BaseException:
                target.unlink()
                raise

    async def _adownload(self, url: str, file: BinaryIO) -> None:
        headers = _DEFAULT_HEADERS | {"accept-encoding": "identity"}
        _check_status(await self._within_time(url, _Message(headers, partial(self._save, file))))

    async def _within_time(self, url: str, message: _Message) -> Fetched:
        try:
            async with asyncio.timeout(self.policy.timeout):
                return await self._follow(url, message)
        except TimeoutError as error:
            raise FetchTimeout(f"no complete answer within {self.policy.timeout:g} seconds") from error

    async def aget_json(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """GET a JSON document.

        Raises:
            FetchError: also for a status other than 2xx, and for anything that is not JSON.
        """
        return _parse_json(await self.aget_bytes(url, {"accept": "application/json"} | dict(headers or {})))

    def get_bytes(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """``aget_bytes`` for threads that may wait; works beside a running event loop too."""
        # A thread of its own: the caller's thread may have an event loop that runs (a notebook), or one that
        # must stay the current one.
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as executor:
            return executor.submit(lambda: asyncio.run(self.aget_bytes(url, headers))).result()

    def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """``aget_json`` for threads that may wait."""
        return _parse_json(self.get_bytes(url, {"accept": "application/json"} | dict(headers or {})))

    def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Fetched:
        """POST to a URL, for threads that may wait. Any status is an answer, also a redirect, which is not followed.

        A server may be silent for as long as the whole exchange may take. ``FetchFailed.passing`` tells that nothing
        was sent, so that another attempt does nothing twice.

        Raises:
            FetchError: see ``connexeo.fetch.errors``.
        """
        message = _Message(_sent(headers), self._read, body)
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as executor:
            return executor.submit(lambda: asyncio.run(self._within_time(url, message))).result()

    async def _follow(self, url: str, message: _Message) -> Fetched:
        target = self._target(url)
        for _ in range(self.policy.max_redirects + 1):
            answer = await self._exchange(target, message)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None or message.body is not None:
                return answer
            following = self._target(location, base=target)
            if (target.scheme, following.scheme) == ("https", "http"):
                raise FetchRefused(f"{target.host} redirects from https to http")
            if _origin(following) != _origin(target):
                kept = {name: message.headers[name] for name in message.headers.keys() & _KEPT_ACROSS_ORIGINS}
                message = replace(message, headers=kept)
            target = following
        raise FetchRefused(f"more than {self.policy.max_redirects} redirects")

    def _target(self, text: str, base: httpx.URL | None = None) -> httpx.URL:
        import httpx

        try:
            url = httpx.URL(text) if base is None else base.join(text)
        except (httpx.InvalidURL, ValueError) as error:
            raise FetchRefused("the URL is malformed") from error
        if url.scheme not in self.policy.schemes:
            raise FetchRefused("the scheme of the URL is not allowed")
        if url.userinfo:
            raise FetchRefused("URLs with user name or password are not allowed")
        if not _HOST.fullmatch(url.raw_host) or not 0 < (url.port or 80) < 2**16:
            raise FetchRefused("the URL is malformed")
        return url

    async def _exchange(self, target: httpx.URL, message: _Message) -> Fetched:
        import httpx

        host = target.raw_host.decode("ascii").strip("[]").rstrip(".")
        port = target.port or (443 if target.scheme == "https" else 80)
        addresses = await resolve(host, port, allow_private=self.policy.allow_private)
        try:
            for address in addresses[:-1]:
                try:
                    return await self._exchange_with(address, host, target, message)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
            return await self._exchange_with(addresses[-1], host, target, message)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise FetchFailed(f"{host} cannot be reached", passing=True) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise FetchFailed(f"{host} does not answer properly", passing=message.body is None) from error

    async def _exchange_with(
        self, address: Address, host: str, target: httpx.URL, message: _Message
    ) -> Fetched:
        import httpx

        # Whoever gets a document has it; whoever gets data may have to compute.
        silence = _SILENCE if message.body is None else None
        request = httpx.Request(
            "GET" if message.body is None else "POST",
            target.copy_with(host=str(address), fragment=None),
            headers={
                "accept-encoding": ACCEPT_ENCODING,
                **message.headers,
                "host": target.netloc.decode("ascii"),
            },
            content=message.body,
            extensions={
                "sni_hostname": host,
                "timeout": httpx.Timeout(None, connect=_CONNECT_TIMEOUT, read=silence).as_dict(),
            },
        )
        # A new transport each time: a pool would tell connections apart by address alone, and give a
        # connection whose certificate was checked for one host to another host at the same address.
        context = _ssl_context(self.policy.ca_file)
        async with httpx.AsyncHTTPTransport(verify=context, trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            try:
                body = b"" if response.status_code in _REDIRECTS else await message.receive(response)
            finally:
                await response.aclose()
        return Fetched(str(target), response.status_code, dict(response.headers), body)

    async def _read(self, response: httpx.Response) -> bytes:
        limit = self.policy.max_bytes
        # Compressed data may be slightly longer than what it expands to, but not much.
        wire_limit = limit + limit // 100 + 1024
        self._check_length(response, wire_limit)
        body = body_for(response.headers.get("content-encoding", ""), limit)
        received = 0
        async for piece in response.aiter_raw():
            received += len(piece)
            if received > wire_limit:
                raise FetchTooLarge(f"the answer has more than {limit} bytes")
            body.feed(piece)
        return body.finish()

    async def _save(self, file: BinaryIO, response: httpx.Response) -> bytes:
        limit = self.policy.max_bytes
        self._check_length(response, limit)
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise FetchFailed("the answer has a content encoding that was not asked for")
        async for piece in response.aiter_raw():
            if file.tell() + len(piece) > limit:
                raise FetchTooLarge(f"the answer has more than {limit} bytes")
            file.write(piece)
        return b""

    def _check_length(self, response: httpx.Response, limit: int) -> None:
        """Refuse at once what says itself that it is too long."""
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > limit:
            raise FetchTooLarge(f"the answer has more than {self.policy.max_bytes} bytes")


def _sent(headers: Mapping[str, str] | None) -> dict[str, str]:
    own = {name.lower(): value for name, value in (headers or {}).items()}
    return _DEFAULT_HEADERS | {name: own[name] for name in own.keys() - _OWN_HEADERS}


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


def _parse_json(answer: Fetched) -> Any:
    import orjson

    _check_status(answer)
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise FetchFailed("the answer is not JSON", answer.status) from error


def _check_status(answer: Fetched) -> None:
    if not 200 <= answer.status < 300:
        raise FetchFailed(f"the server answers with status {answer.status}", answer.status)


@lru_cache(maxsize=8)
def _ssl_context(ca_file: str | None) -> ssl.SSLContext:
    """Trust what the system trusts, the certificates that httpx brings, and those of ``ca_file``."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context
