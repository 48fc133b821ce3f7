"""What operators watch of the queue."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, text

from connexeo.drivers.interface import Watched
from connexeo.drivers.local.capabilities import LocalCapabilities
from connexeo.drivers.local.jobs import gauges, store
from connexeo.drivers.local.jobs.gauges import QueueGauges
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.tables import workers
from connexeo.generated.errors import InfrastructureBusy

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """Of a database that no other test uses: a table is removed from it."""
    return empty_database_url


async def values(watched: QueueGauges) -> dict[str, Mapping[str, float]]:
    return {gauge.name: gauge.values for gauge in await watched.read()}


def fill(connection: Any) -> None:
    """One job that was only made, two in the queue, one that runs; and a worker."""
    for status in ("created", "queued", "queued", "running"):
        store.create(
            connection, "ana", {"process": {}, "log_level": "info", "status": status, "queued": NOW}, NOW
        )
    connection.execute(insert(workers).values(id="w-1", place="p-1", started=NOW, beat=0))


def test_jobs_and_workers_are_counted_now_and_then(database_url: str) -> None:
    clock = [100.0]

    async def use() -> None:
        state = State(database_url)
        await state.start()
        watched = QueueGauges(state, now=lambda: clock[0])
        nothing = {"jobs": {"queued": 0, "running": 0}, "workers": {"": 0}}
        assert await values(watched) == nothing
        await state.write(fill)
        clock[0] += gauges.FRESH - 1
        assert await values(watched) == nothing
        clock[0] += 1
        assert await values(watched) == {"jobs": {"queued": 2, "running": 1}, "workers": {"": 1}}
        await state.stop()

    asyncio.run(use())


class Database:
    """One that fails, or hangs."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read
        self.asked = 0

    async def read(self, _: Any) -> Any:
        self.asked += 1
        return await asyncio.to_thread(self._read)


def test_nothing_is_told_without_a_database() -> None:
    """And it is not asked at each scrape."""

    def fail() -> None:
        raise InfrastructureBusy()

    async def use() -> None:
        database = Database(fail)
        watched = QueueGauges(database, now=lambda: 0.0)  # type: ignore[arg-type]
        assert [await watched.read() for _ in range(3)] == [()] * 3
        assert database.asked == 1

    asyncio.run(use())


def test_a_database_that_hangs_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "PATIENCE", 0.05)
    answering = threading.Event()

    async def use() -> None:
        database = Database(lambda: answering.wait(60) and [])
        watched = QueueGauges(database)  # type: ignore[arg-type]
        assert [await watched.read() for _ in range(3)] == [()] * 3
        assert database.asked == 1
        answering.set()

    asyncio.run(use())


def test_a_table_that_is_gone(database_url: str) -> None:
    async def use() -> None:
        state = State(database_url)
        await state.start()
        await state.write(lambda connection: connection.execute(text("DROP TABLE workers")))
        assert await QueueGauges(state).read() == ()
        await state.stop()

    asyncio.run(use())


def test_the_local_driver_is_watched() -> None:
    assert issubclass(LocalCapabilities, Watched)
