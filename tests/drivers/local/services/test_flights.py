"""Work that is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from connexeo.drivers.local.services.flights import Flights
from connexeo.generated.errors import InfrastructureBusy, NotFound


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


class Work:
    """Counts how often it was begun and ended."""

    def __init__(self, flights: Flights[int] | None = None, *, begins: bool = False) -> None:
        self.flights = flights
        self.begins = begins
        self.begun = self.cancelled = self.done = 0
        self.gate = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        if self.begins and self.flights is not None:
            self.flights.begin("key")
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.done += 1
        return 42


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_once_for_all() -> None:
    async def scenario() -> None:
        flights: Flights[int] = Flights(5)
        work = Work()
        waiting = [asyncio.create_task(flights.join("key", work)) for _ in range(4)]
        await settle()
        work.gate.set()
        assert await asyncio.gather(*waiting) == [42] * 4
        assert work.begun == 1
        assert await flights.join("key", work) == 42
        assert work.begun == 2

    run(scenario)


def test_failure_is_everybody_s() -> None:
    async def scenario() -> None:
        async def fail() -> int:
            await asyncio.sleep(0)
            raise NotFound()

        flights: Flights[int] = Flights(5)
        outcomes = await asyncio.gather(
            *(flights.join("key", fail) for _ in range(3)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [NotFound] * 3

    run(scenario)


@pytest.mark.parametrize("begins", [True, False])
def test_all_go_away(begins: bool) -> None:
    async def scenario() -> None:
        flights: Flights[int] = Flights(5)
        work = Work(flights, begins=begins)
        waiting = [asyncio.create_task(flights.join("key", work)) for _ in range(3)]
        await settle()
        waiting[0].cancel()
        await settle()
        assert work.cancelled == 0
        for each in waiting[1:]:
            each.cancel()
        await settle()
        assert work.cancelled == (0 if begins else 1)
        work.gate.set()
        await settle()
        assert work.done == (1 if begins else 0)
        assert await flights.join("key", work) == 42

    run(scenario)


def test_too_many() -> None:
    async def scenario() -> None:
        flights: Flights[int] = Flights(2)
        work = Work()
        waiting = [asyncio.create_task(flights.join(key, work)) for key in ("a", "b", "a")]
        await settle()
        with pytest.raises(InfrastructureBusy):
            await flights.join("c", work)
        work.gate.set()
        assert await asyncio.gather(*waiting) == [42] * 3

    run(scenario)


def test_stop() -> None:
    async def scenario() -> None:
        flights: Flights[int] = Flights(2)
        work = Work(flights, begins=True)
        waiting = asyncio.create_task(flights.join("key", work))
        await settle()
        await flights.stop()
        assert work.cancelled == 1
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(scenario)
