"""The back-ends of the federation as they are configured now, and the ways to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connexeo.drivers.federation.configuration import Configuration
from connexeo.drivers.federation.connection import Connection, prepare
from connexeo.settings import Federation, Upstream


class Members:
    """Back-ends and connections; a back-end whose configuration changes gets a new connection.

    Args:
        configuration: Of the federation.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._connections: dict[str, Connection] = {}
        self._task: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def federation(self) -> Federation:
        """The configuration as it is now."""
        return self._configuration.current

    @property
    def ids(self) -> Sequence[str]:
        """Of all back-ends, in the order of preference."""
        return self.federation.order

    def upstream(self, identifier: str) -> Upstream | None:
        """The back-end with this id."""
        return self.federation.upstream(identifier)

    def deadline(self, identifier: str) -> float:
        """Seconds that a list may wait for a back-end."""
        upstream = self.upstream(identifier)
        return self.federation.deadline if upstream is None else self.federation.deadline_of(upstream)

    def connection(self, identifier: str) -> Connection:
        """The way to a back-end, which must be one of ours."""
        upstream = self.upstream(identifier)
        if upstream is None:
            raise KeyError(identifier)
        known = self._connections.get(identifier)
        if known is not None and known.upstream == upstream:
            return known
        if known is not None:
            self._close_later(known)
        connection = Connection(
            upstream,
            max_bytes=self.federation.max_document,
            allow_private=self._configuration.allow_private,
        )
        self._connections[identifier] = connection
        return connection

    async def start(self) -> None:
        """Follow the configuration."""
        await asyncio.to_thread(prepare)
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Close all connections."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for closing in self._closing:
            closing.cancel()
        if self._closing:
            await asyncio.wait(self._closing)
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    async def _follow(self) -> None:
        while True:
            await self._configuration.changed()

    def _close_later(self, connection: Connection) -> None:
        """When the requests that are on their way have had their time."""

        async def close() -> None:
            try:
                await asyncio.sleep(self.federation.request_timeout)
            finally:
                await connection.close()

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
