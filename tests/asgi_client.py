"""A client that talks to an ASGI application without a network, its lifespan included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp, Message

HOST = "connexeo.test"
TOKEN = {"Authorization": "Bearer basic//alice-token"}


class Client:
    """Sends requests one after the other, from synchronous code."""

    def __init__(self, portal: BlockingPortal, http: httpx.AsyncClient) -> None:
        self._portal = portal
        self._http = http

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; an absolute URL as ``path`` counts as it is."""
        return self._portal.call(lambda: self._http.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET request."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST request."""
        return self.request("POST", path, **options)

    def send_chunks(self, method: str, path: str, chunks: list[bytes], **headers: str) -> httpx.Response:
        """Send a body in pieces, its length not announced."""

        async def stream() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request(method, path, content=stream(), headers=given)


@contextmanager
def connected(app: ASGIApp) -> Iterator[Client]:
    """A client of a started application, which is stopped afterwards."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_client(app)) as http:
        yield Client(portal, http)


@asynccontextmanager
async def _client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with (
        _lifespan(app),
        httpx.AsyncClient(
            transport=transport, base_url=f"http://{HOST}", headers={"Accept": "application/json"}
        ) as http,
    ):
        yield http


@asynccontextmanager
async def _lifespan(app: ASGIApp) -> AsyncIterator[None]:
    received: asyncio.Queue[Message] = asyncio.Queue()
    sent: asyncio.Queue[Message] = asyncio.Queue()

    async def run() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, received.get, sent.put)

    task = asyncio.create_task(run())
    await received.put({"type": "lifespan.startup"})
    message = await sent.get()
    assert message["type"] == "lifespan.startup.complete", message
    try:
        yield
    finally:
        await received.put({"type": "lifespan.shutdown"})
        message = await sent.get()
        await task
        assert message["type"] == "lifespan.shutdown.complete", message
