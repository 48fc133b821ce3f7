"""Connections to back-ends that are functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from connexeo.drivers.federation.connection import Connection
from connexeo.settings import Upstream

Handler = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


def connected(
    handler: Any,
    identifier: str = "alps",
    *,
    max_bytes: int = 10_000,
    allow_private: bool = False,
    **settings: Any,
) -> Connection:
    """A connection whose requests a function answers; it is otherwise as it opens itself.

    Requests to hosts that the back-end redirects to have the address in place of the host.
    """
    upstream = Upstream(
        id=identifier, url=settings.pop("url", f"https://{identifier}.example/api"), **settings
    )
    connection = Connection(upstream, max_bytes=max_bytes, allow_private=allow_private)
    connection._open()._transport = httpx.MockTransport(handler)
    guarded: Any = connection._open_elsewhere()._transport
    guarded._transport = httpx.MockTransport(handler)
    return connection
