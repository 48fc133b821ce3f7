"""Work that is done once for all who ask for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from connexeo.generated.errors import InfrastructureBusy

T = TypeVar("T")


@dataclass(eq=False)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    passengers: int = 0
    begun: bool = False


class Flights(Generic[T]):
    """Tasks by what they make.

    When all who wait for a task have gone away it is cancelled, unless it has begun: then it goes on, as what it makes
    is kept by itself, and somebody who looks at a map often comes back.

    Args:
        most: Tasks at a time; more are refused.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._flights: dict[str, _Flight[T]] = {}

    async def join(self, key: str, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The value of the task that is at it, or of a new one.

        Raises:
            InfrastructureBusy: when there are too many.
        """
        flight = self._flights.get(key)
        if flight is None:
            if len(self._flights) >= self._most:
                raise InfrastructureBusy()
            flight = _Flight(asyncio.create_task(make()))
            self._flights[key] = flight
            flight.task.add_done_callback(lambda _: self._landed(key, flight))
        flight.passengers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.passengers -= 1
            if not flight.passengers and not flight.begun and not flight.task.done():
                # At once, so that nobody joins a task that ends.
                self._forget(key, flight)
                flight.task.cancel()

    def begin(self, key: str) -> None:
        """Let a task go on from now on, whoever waits for it."""
        if key in self._flights:
            self._flights[key].begun = True

    async def stop(self) -> None:
        """End all tasks."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _landed(self, key: str, flight: _Flight[T]) -> None:
        self._forget(key, flight)
        if not flight.task.cancelled():
            flight.task.exception()  # those who waited may all have gone away

    def _forget(self, key: str, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
