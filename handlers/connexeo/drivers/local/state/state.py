"""The database as the parts of one process share it: opened once, asked beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from connexeo.generated.errors import InfrastructureBusy

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.state")

T = TypeVar("T")

RETRY = 2.0
"""Seconds between attempts to reach a database that cannot be reached at the start."""
THREADS = 8
PATIENCE = 40.0
"""Seconds after which a database that does not answer counts as one that cannot be reached; SQLite waits for 30 s
by itself when others write."""


@contextmanager
def transaction(engine: Engine, *, writing: bool = True) -> Iterator[Connection]:
    """A transaction: all of it happens, or nothing.

    One that writes takes its turn at once: in SQLite one that reads first and writes then may be refused half-way.
    """
    begin = "IMMEDIATE" if writing else "DEFERRED"
    with engine.connect().execution_options(sqlite_begin=begin) as connection, connection.begin():
        yield connection


async def ask(executor: ThreadPoolExecutor, function: Callable[..., T], *args: Any) -> T:
    """The value of a blocking function that asks the database, in a thread of these.

    Raises:
        InfrastructureBusy: when the database cannot be reached, or does not answer.
    """
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError

    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().run_in_executor(executor, function, *args)
    except (OperationalError, PoolTimeoutError, TimeoutError) as error:
        raise InfrastructureBusy() from error


class State:
    """The database; making one opens nothing, ``start`` does."""

    def __init__(self, database_url: str, *, threads: int = THREADS) -> None:
        self._url = database_url
        self._threads = threads
        self._engine: Engine | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._opening: asyncio.Task[None] | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> State:
        """As the deployment's settings say."""
        return cls(settings.database_url)

    @property
    def engine(self) -> Engine:
        """The open database.

        Raises:
            InfrastructureBusy: when it has not been reached yet.
        """
        if self._engine is None:
            if self._opening is None:
                raise RuntimeError("the database is not open: start() was not called")
            raise InfrastructureBusy()
        return self._engine

    async def start(self, then: Callable[[Engine], None] = lambda _: None) -> None:
        """Open the database, with its tables up to date.

        One that cannot be reached is tried again until it can: until then whatever needs it answers
        InfrastructureBusy, but a worker that starts during an outage does not end the service.

        Args:
            then: What to do as soon as it is open; blocking.

        Raises:
            ValueError: when the tables are of a newer release, or ``then`` raises it.
        """
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="state")
        if not await self._try_to_open(then):
            self._opening = asyncio.create_task(self._open_later(then))

    async def stop(self) -> None:
        """Close it again."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        engine, self._engine = self._engine, None
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
        if engine is not None:
            await asyncio.to_thread(engine.dispose)

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """The value of a blocking function that asks the database.

        Raises:
            InfrastructureBusy: when the database cannot be reached, or does not answer. What was to be written may
                have been, or will be.
        """
        if self._executor is None:
            raise RuntimeError("the database is not open: start() was not called")
        return await ask(self._executor, function, *args)

    async def read(self, function: Callable[..., T], *args: Any) -> T:
        """The value of ``function(connection, *args)``, in a transaction that only reads."""
        return await self.run(self._within, False, function, args)

    async def write(self, function: Callable[..., T], *args: Any) -> T:
        """The value of ``function(connection, *args)``, in a transaction that writes: all of it or nothing."""
        return await self.run(self._within, True, function, args)

    async def ready(self) -> bool:
        """Whether the database answers."""
        from connexeo.drivers.local.state.database import is_reachable

        if self._engine is None:
            return False
        return await self.run(is_reachable, self._engine)

    def _within(self, writing: bool, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        with transaction(self.engine, writing=writing) as connection:
            return function(connection, *args)

    async def _try_to_open(self, then: Callable[[Engine], None]) -> bool:
        from sqlalchemy.exc import OperationalError

        try:
            self._engine = await asyncio.to_thread(self._open, then)
        except OperationalError as error:
            logger.error("state.database_unreachable", reason=str(error.orig).strip().partition("\n")[0])
            return False
        return True

    def _open(self, then: Callable[[Engine], None]) -> Engine:
        # Imported here: a quarter of a second that is not everybody's who imports the driver.
        from connexeo.drivers.local.state.database import open_database

        engine = open_database(self._url)
        try:
            then(engine)
        except BaseException:
            engine.dispose()
            raise
        return engine

    async def _open_later(self, then: Callable[[Engine], None]) -> None:
        opened = False
        while not opened:
            await asyncio.sleep(RETRY)
            opened = await self._try_to_open(then)
