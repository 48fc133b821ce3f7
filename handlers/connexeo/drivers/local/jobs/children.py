"""The child processes of a worker, kept for the next job."""

from __future__ import annotations

from collections.abc import Mapping

from connexeo.drivers.local.computing.host import Child
from connexeo.settings import Settings

MOST_TASKS = 50
"""Jobs that one child computes, one after the other: libraries do not give back all that they take."""


class Children:
    """Starts children, and keeps those that have nothing to do.

    Args:
        descriptor: The lock of the worker, which they inherit: it is free when they are dead too.
        variables: Environment variables for them.
    """

    def __init__(self, descriptor: int, variables: Mapping[str, str]) -> None:
        self._descriptor = descriptor
        self._variables = variables
        self._free: list[Child] = []
        self._tasks: dict[Child, int] = {}

    async def take(self) -> Child:
        """A child that has nothing to do."""
        while self._free:
            child = self._free.pop()
            if child.idle:
                return child
            await self._end(child)
        return await self.start()

    async def start(self) -> Child:
        """A new child."""
        child = await Child.start(end_with_host=True, inherited=[self._descriptor], variables=self._variables)
        self._tasks[child] = 0
        return child

    async def put_back(self, child: Child) -> None:
        """Keep it if it has done its task, and end it if not."""
        self._tasks[child] += 1
        if child.idle and self._tasks[child] < MOST_TASKS:
            self._free.append(child)
        else:
            await self._end(child)

    def lease(self, seconds: float) -> None:
        """Let those that wait live on."""
        for child in self._free:
            child.lease(seconds)

    async def stop(self) -> None:
        """End those that wait."""
        while self._free:
            await self._end(self._free.pop())

    async def _end(self, child: Child) -> None:
        del self._tasks[child]
        await child.kill()


def variables_for(settings: Settings) -> dict[str, str]:
    """What keeps libraries within the memory of a job."""
    megabytes = min(settings.job_memory // 2**20 // 8, 512)
    return {"GDAL_CACHEMAX": str(max(megabytes, 16))}
