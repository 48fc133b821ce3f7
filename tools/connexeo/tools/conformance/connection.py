"""The HTTP client of a run: no cookies, nothing that outlasts its time, no way into networks of others.

Time limits of ``httpx`` hold for each read and write alone, so that a server which sends one byte now and then is never
too slow. Here a request has to be over, with its answer read, in the time that it was given.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from threading import local
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from connexeo.tools.conformance.decoding import OFFERED
from connexeo.tools.conformance.entrance import DiscoveryError, entry_urls
from connexeo.tools.conformance.reach import OutOfReach, Reach


class Deadline(local):
    """Until when the request that a thread has sent must be over."""

    at: float | None = None

    def begin(self, request: httpx.Request) -> None:
        """A request begins: its time for reading is that of the whole exchange."""
        seconds = request.extensions.get("timeout", {}).get("read")
        self.at = None if seconds is None else time.monotonic() + seconds

    def limit(self, seconds: float | None, over: type[Exception]) -> float | None:
        """The time that one step may take."""
        if self.at is None:
            return seconds
        left = self.at - time.monotonic()
        if left <= 0:
            raise over("the time for the request is over")
        return left if seconds is None else min(seconds, left)


def open_client(url: str, *, timeout: float, insecure: bool = False) -> httpx.Client:
    """A client for testing the back-end at a URL."""
    deadline = Deadline()
    client = httpx.Client(
        verify=not insecure,
        headers={
            "User-Agent": f"connexeo-conformance/{version('connexeo')}",
            "Accept-Encoding": OFFERED,
        },
        timeout=timeout,
        event_hooks={"request": [deadline.begin]},
    )
    # All callers share the client: a session of one user must not become that of the next.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    reach = Reach(_host(url))
    for transport in (client._transport, *client._mounts.values()):
        pool: Any = getattr(transport, "_pool", None)
        if pool is not None:
            direct = type(pool) is httpcore.ConnectionPool
            pool._network_backend = _Network(pool._network_backend, deadline, reach if direct else None)
    return client


def _host(url: str) -> str:
    with suppress(DiscoveryError):
        return urlsplit(entry_urls(url)[0]).hostname or ""
    return ""


class _Network(httpcore.NetworkBackend):
    """Connections with a deadline, to where they may go; a proxy decides itself where it goes."""

    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline, reach: Reach | None) -> None:
        self._inner = inner
        self._deadline = deadline
        self._reach = reach

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if self._reach is not None:
            try:
                # The address itself: what the name leads to may be another one the next time.
                host = self._reach.address(host, port)
            except (OutOfReach, OSError) as error:
                raise httpcore.ConnectError(str(error)) from error
        limit = self._deadline.limit(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, limit, local_address, socket_options)
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.limit(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.limit(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = self._deadline.limit(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
