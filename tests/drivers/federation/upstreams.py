"""Connections to back-ends that are functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from connexeo.drivers.federation.connection import Connection
from connexeo.settings import Upstream

Handler = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


def connected(
    handler: Any, identifier: str = "alps", *, max_bytes: int = 10_000, **settings: Any
) -> Connection:
    """A connection whose requests a function answers; it is otherwise as it opens itself."""
    upstream = Upstream(
        id=identifier, url=settings.pop("url", f"https://{identifier}.example/api"), **settings
    )
    connection = Connection(upstream, max_bytes=max_bytes)
    client = connection._open()
    client._transport = httpx.MockTransport(handler)
    client._mounts = {}
    return connection
