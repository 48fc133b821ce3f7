"""HTTP clients for one back-end: one for the host that the operator has named, one for hosts that it redirects to.

What a back-end answers must not make this server ask services of its own network.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import httpx

from connexeo.fetch import FetchFailed, FetchRefused
from connexeo.fetch.addresses import resolve
from connexeo.settings import Upstream

CONNECTIONS = 64
"""Open at a time to one back-end."""
IDLE = 20
"""Of these, how many stay open when nobody needs them."""
IDLE_FOR = 3.0
"""Seconds until an idle connection is closed: before the back-end does it, which many do after five, at the moment
when a request is on its way."""


def pooled_client(upstream: Upstream) -> httpx.AsyncClient:
    """For its own host, wherever that is."""
    limits = httpx.Limits(
        max_connections=CONNECTIONS, max_keepalive_connections=IDLE, keepalive_expiry=IDLE_FOR
    )
    verify = ssl_context(upstream.ca_file)
    return _client(upstream, httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits))


def guarded_client(upstream: Upstream, *, allow_private: bool) -> httpx.AsyncClient:
    """For hosts that nobody has named, at harmless addresses only."""
    return _client(upstream, GuardedTransport(ssl_context(upstream.ca_file), allow_private=allow_private))


def _client(upstream: Upstream, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    client = httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        headers={"user-agent": "connexeo"},
        # Deadlines are for the whole request.
        timeout=httpx.Timeout(None, connect=upstream.connect_timeout),
    )
    # One user's cookie must never go out with another user's request.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


class NotAllowed(httpx.TransportError):
    """The address is none that may be connected to; nothing was sent there."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves hosts itself, and connects to exactly the addresses that it has checked; TLS still proves the name.

    No connection is used twice: a pool would tell them apart by address alone, and give one that was made for one host
    to another host at the same address.

    Args:
        verify: What is trusted.
        allow_private: Whether loopback and private addresses are harmless.
    """

    def __init__(self, verify: ssl.SSLContext, *, allow_private: bool) -> None:
        self._transport = httpx.AsyncHTTPTransport(
            verify=verify, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._allow_private = allow_private

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the host.

        Raises:
            NotAllowed: before anything is sent.
        """
        host = request.url.raw_host.decode("ascii").strip("[]").rstrip(".")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = await resolve(host, port, allow_private=self._allow_private)
        except FetchRefused as error:
            raise NotAllowed(str(error)) from error
        except FetchFailed as error:
            raise httpx.ConnectError(str(error)) from error
        for address in addresses[:-1]:
            try:
                return await self._transport.handle_async_request(_at(str(address), host, request))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._transport.handle_async_request(_at(str(addresses[-1]), host, request))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


def _at(address: str, host: str, request: httpx.Request) -> httpx.Request:
    """The request, to an address of its host."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


def ssl_context(ca_file: str | None) -> ssl.SSLContext:
    """What is trusted: the system's certificates, those that httpx brings, and those of the file."""
    return _shared_context(ca_file, None if ca_file is None else Path(ca_file).stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _shared_context(ca_file: str | None, _changed: int | None) -> ssl.SSLContext:
    """All connections share one: reading the certificates of the system takes 40 ms each time."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
