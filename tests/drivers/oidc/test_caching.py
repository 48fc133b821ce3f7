from __future__ import annotations

import asyncio

import pytest

from connexeo.drivers.oidc.caching import ExpiringCache, Refreshed, SingleFlight


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


class Source:
    """Counts how often it is asked; fails while there is an error."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> int:
        self.count += 1
        number = self.count
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return number


def test_waiters_share_one_load() -> None:
    async def run() -> None:
        source, flights = Source(), SingleFlight()
        assert await asyncio.gather(*(flights.run("a", source) for _ in range(5))) == [1] * 5
        assert await flights.run("a", source) == 2

    asyncio.run(run())


def test_keys_do_not_share() -> None:
    async def run() -> None:
        source, flights = Source(), SingleFlight()
        assert await asyncio.gather(*(flights.run(key, source) for key in "ab")) == [1, 2]

    asyncio.run(run())


def test_a_waiter_that_leaves_takes_nothing_from_the_others() -> None:
    async def run() -> None:
        source, flights = Source(), SingleFlight()
        source.gate.clear()
        first, second = (asyncio.create_task(flights.run("a", source)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        source.gate.set()
        assert await second == 1

    asyncio.run(run())


def test_nobody_left_to_see_the_error() -> None:
    async def run() -> None:
        source, flights = Source(), SingleFlight()
        source.error = ValueError("unseen")
        source.gate.clear()
        only = asyncio.create_task(flights.run("a", source))
        await asyncio.sleep(0)
        only.cancel()
        source.gate.set()
        await asyncio.sleep(0.01)
        assert "a" not in flights

    asyncio.run(run())


def test_values_expire() -> None:
    async def run() -> None:
        clock, source = Clock(), Source()
        cache: ExpiringCache[int] = ExpiringCache(5, size=10, clock=clock)
        assert [await cache.get("a", source) for _ in range(3)] == [1, 1, 1]
        clock.time += 4.9
        assert await cache.get("a", source) == 1
        clock.time += 0.1
        assert await cache.get("a", source) == 2

    asyncio.run(run())


def test_size_is_bounded() -> None:
    async def run() -> None:
        source = Source()
        cache: ExpiringCache[int] = ExpiringCache(5, size=3, clock=Clock())
        for key in range(10):
            await cache.get(key, source)
        assert len(cache) == 3
        assert await cache.get(9, source) == 10
        assert await cache.get(0, source) == 11

    asyncio.run(run())


def test_only_certain_failures_are_kept() -> None:
    async def run() -> None:
        clock, source = Clock(), Source()
        cache: ExpiringCache[int] = ExpiringCache(
            5, size=3, failures=(ValueError,), failure_lifetime=2, clock=clock
        )
        source.error = ValueError("no")
        for _ in range(3):
            with pytest.raises(ValueError, match="no"):
                await cache.get("a", source)
        assert source.count == 1
        clock.time += 2
        source.error = KeyError("other")
        for _ in range(2):
            with pytest.raises(KeyError):
                await cache.get("a", source)
        assert source.count == 3

    asyncio.run(run())


def _refreshed(source: Source, clock: Clock) -> Refreshed[int]:
    return Refreshed(source, lifetime=60, stale=600, pause=10, failures=(ConnectionError,), clock=clock)


def test_value_is_refreshed_when_it_is_old() -> None:
    async def run() -> None:
        clock, source = Clock(), Source()
        value = _refreshed(source, clock)
        assert await asyncio.gather(*(value.get() for _ in range(5))) == [1] * 5
        clock.time += 59
        assert await value.get() == 1
        clock.time += 1
        assert await value.get() == 2

    asyncio.run(run())


def test_refresh_on_demand_has_a_limited_rate() -> None:
    async def run() -> None:
        clock, source = Clock(), Source()
        value = _refreshed(source, clock)
        assert await value.refresh() == 1
        assert await value.refresh() == 1
        clock.time += 10
        assert await asyncio.gather(*(value.refresh() for _ in range(5))) == [2] * 5

    asyncio.run(run())


def test_old_value_while_the_source_is_away() -> None:
    async def run() -> None:
        clock, source = Clock(), Source()
        value = _refreshed(source, clock)
        assert await value.get() == 1
        source.error = ConnectionError("away")
        clock.time += 100
        assert [await value.get() for _ in range(3)] == [1, 1, 1]
        assert source.count == 2
        clock.time += 499
        assert await value.get() == 1
        clock.time += 10
        with pytest.raises(ConnectionError):
            await value.get()
        source.error = None
        with pytest.raises(ConnectionError):  # nobody asks again so soon
            await value.get()
        clock.time += 10
        assert await value.get() == source.count == 5

    asyncio.run(run())


def test_no_value_at_all() -> None:
    async def run() -> None:
        clock, source = Clock(), Source()
        source.error = ConnectionError("away")
        value = _refreshed(source, clock)
        results = await asyncio.gather(*(value.get() for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [ConnectionError] * 3
        with pytest.raises(ConnectionError):
            await value.refresh()
        assert source.count == 1

    asyncio.run(run())
