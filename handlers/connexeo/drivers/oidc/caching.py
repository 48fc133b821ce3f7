"""Answers that are kept for a while, and asked for once however many wait for them.

All of it belongs to one event loop at a time and needs no locks.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

V = TypeVar("V")
Clock = Callable[[], float]


class SingleFlight:
    """Runs one load per key at a time; whoever asks meanwhile waits for the same result."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[Any]] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._flights

    async def run(self, key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        """The result of ``load``. One waiter that is cancelled does not take it from the others."""
        loop = asyncio.get_running_loop()
        flight: asyncio.Task[V] | None = self._flights.get(key)
        if flight is None or flight.get_loop() is not loop:
            flight = loop.create_task(_await(load))
            self._flights[key] = flight
            flight.add_done_callback(lambda task: self._land(key, task))
        return await asyncio.shield(flight)

    def _land(self, key: Hashable, flight: asyncio.Task[Any]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # nobody may be left to see it


async def _await(load: Callable[[], Awaitable[V]]) -> V:
    return await load()


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    until: float
    value: V | None
    error: Exception | None

    def result(self) -> V:
        if self.error is not None:
            raise self.error.with_traceback(None)
        return self.value  # type: ignore[return-value]


class ExpiringCache(Generic[V]):
    """Values by key, each for ``lifetime`` seconds; the oldest go when there are more than ``size``.

    Errors of the types in ``failures`` are kept too, for ``failure_lifetime`` seconds.
    """

    def __init__(
        self,
        lifetime: float,
        *,
        size: int,
        failures: tuple[type[Exception], ...] = (),
        failure_lifetime: float = 0.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self._lifetime = lifetime
        self._size = size
        self._failures = failures
        self._failure_lifetime = failure_lifetime
        self._clock = clock
        self._kept: OrderedDict[Hashable, _Kept[V]] = OrderedDict()
        self._flights = SingleFlight()

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        """The value that is kept for this key, or else that of ``load``."""
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept.until:
            return kept.result()
        return await self._flights.run(key, lambda: self._load(key, load))

    async def _load(self, key: Hashable, load: Callable[[], Awaitable[V]]) -> V:
        # Counted from the start: what was read at the beginning of a slow load is old when it ends.
        started = self._clock()
        try:
            value = await load()
        except self._failures as error:
            self._keep(key, _Kept(started + self._failure_lifetime, None, error))
            raise
        self._keep(key, _Kept(started + self._lifetime, value, None))
        return value

    def _keep(self, key: Hashable, kept: _Kept[V]) -> None:
        self._kept.pop(key, None)
        self._kept[key] = kept
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


class Refreshed(Generic[V]):
    """One value that is loaded when it is first needed, and again when it is old.

    When loading fails with one of ``failures``, a value younger than ``stale`` seconds is still good enough, and
    nobody tries again for ``pause`` seconds.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[V]],
        *,
        lifetime: float,
        stale: float,
        pause: float,
        failures: tuple[type[Exception], ...],
        clock: Clock = time.monotonic,
    ) -> None:
        self._load = load
        self._lifetime = lifetime
        self._stale = stale
        self._pause = pause
        self._failures = failures
        self._clock = clock
        self._value: V | None = None
        self._loaded = float("-inf")
        self._tried = float("-inf")
        self._error: Exception | None = None
        self._flights = SingleFlight()

    async def get(self) -> V:
        """The value, loaded if need be."""
        if self._value is not None and self._clock() - self._loaded < self._lifetime:
            return self._value
        return await self._try()

    async def refresh(self) -> V:
        """The value, loaded again unless that was done less than ``pause`` seconds ago."""
        # A load that is under way is waited for: it may bring just what was missed.
        if self._value is not None and self._paused() and None not in self._flights:
            return self._value
        return await self._try()

    def _paused(self) -> bool:
        return self._clock() - self._tried < self._pause

    async def _try(self) -> V:
        try:
            if self._error is not None and self._paused():
                raise self._error.with_traceback(None)
            return await self._flights.run(None, self._load_once)
        except self._failures:
            if self._value is not None and self._clock() - self._loaded < self._stale:
                return self._value
            raise

    async def _load_once(self) -> V:
        self._tried, self._error = self._clock(), None
        try:
            self._value = await self._load()
        except self._failures as error:
            self._error = error
            raise
        self._loaded = self._tried
        return self._value
