"""The worker of a federation: sees to split jobs, from whichever web worker they come.

One worker of each data folder is at it, the one that has the lock; the others wait for their turn. Workers of several
hosts share the jobs by the database: whoever has taken a job keeps it until he has not been heard of for some time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.jobs import split_store as store
from connexeo.drivers.federation.jobs.split_ledger import Ledger, Outdated
from connexeo.drivers.federation.jobs.split_remote import RemoteJobs
from connexeo.drivers.federation.jobs.split_run import SplitRun
from connexeo.drivers.federation.jobs.split_tokens import TokenBox
from connexeo.drivers.federation.watching import try_to_lock
from connexeo.drivers.local.jobs.patience import now, seen, written
from connexeo.drivers.local.jobs.place import Place
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.secret import load_secrets
from connexeo.generated.errors import InfrastructureBusy
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.federation")

LOCK = "split.lock"
PAUSE = 0.5
"""Seconds between two looks at the database."""
LEASE = timedelta(seconds=120)
"""For how long others leave a job alone."""
GRACE = 5.0
"""Seconds that steps have to end when the worker is stopped."""
AT_ONCE = 8
"""Jobs that are seen to at a time."""


class Service(Protocol):
    """Something that the worker needs while it runs."""

    async def start(self) -> None:
        """Open it."""

    async def stop(self) -> None:
        """Close it."""


class SplitWorker:
    """Sees to split jobs until it is stopped.

    Args:
        settings: The deployment's.
        state: The database.
        asking: Asks back-ends.
        services: What asking needs, in the order in which it is started.
    """

    def __init__(
        self, settings: Settings, state: State, asking: Asking, services: Sequence[Service] = ()
    ) -> None:
        self._settings = settings
        self._state = state
        self._asking = asking
        self._services = services
        self._stopping = asyncio.Event()
        self._place = Place(settings.data.resolve()).id
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._due: dict[str, tuple[tuple[str, int], float]] = {}
        self._told: set[tuple[str, int, str]] = set()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop` is called.

        Raises:
            ValueError: when the database is of a newer release, or the secret is damaged.
        """
        self._tokens = TokenBox(await asyncio.to_thread(partial(load_secrets, self._settings)))
        async with contextlib.AsyncExitStack() as stack:
            await self._state.start()
            stack.push_async_callback(self._state.stop)
            for service in self._services:
                await service.start()
                stack.push_async_callback(service.stop)
            descriptor = await self._turn()
            if descriptor is not None:
                stack.callback(os.close, descriptor)
                stack.push_async_callback(self._end_tasks)
                logger.info("split.worker_ready", place=self._place)
                await self._work()

    async def _turn(self) -> int | None:
        """The lock, as soon as nobody else has it; None when the worker is stopped before."""
        while not self._stopping.is_set():
            descriptor = await asyncio.to_thread(try_to_lock, self._settings.data / LOCK)
            if descriptor is not None:
                return descriptor
            await self._pause()
        return None

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._look()
            except InfrastructureBusy:
                logger.warning("worker.database_unreachable")
            await self._pause()

    async def _look(self) -> None:
        """Start a step of each job that is due, or that its user has changed."""
        if not await seen(self._state, store.is_any):
            return
        rows = await written(self._state, store.claim, self._place, datetime.now(UTC), LEASE)
        claimed = {row["id"] for row in rows}
        self._due = {job_id: due for job_id, due in self._due.items() if job_id in claimed}
        self._told = {each for each in self._told if each[0] in claimed}
        # Those that have waited longest come first: others may take all their time each time.
        for row in sorted(rows, key=self._due_at):
            if len(self._tasks) >= AT_ONCE:
                return
            if row["id"] not in self._tasks and now() >= self._due_at(row):
                await self._begin(row["id"])

    def _due_at(self, row: store.Row) -> float:
        """When a job is due; at once if its user has changed it since."""
        known = self._due.get(row["id"])
        return 0.0 if known is None or known[0] != _version(row) else known[1]

    async def _begin(self, job_id: str) -> None:
        loaded = await seen(self._state, store.load, job_id, self._place)
        if loaded is None:
            return
        job, parts = loaded
        self._due[job_id] = (_version(job), now() + self._asking.members.federation.job_interval)
        user = self._tokens.open(job["token"], job["user_id"], job["provider"])
        run = SplitRun(Ledger(self._state, job, parts, self._told), RemoteJobs(self._asking, user))
        task = asyncio.create_task(self._step(run, job_id))
        self._tasks[job_id] = task
        task.add_done_callback(partial(self._ended, job_id))

    async def _step(self, run: SplitRun, job_id: str) -> None:
        try:
            await run.step()
        except Outdated:
            # Its user has started it anew: at once.
            self._due.pop(job_id, None)
        except InfrastructureBusy:
            logger.warning("worker.database_unreachable")

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[job_id]
        if not task.cancelled() and task.exception() is not None:
            logger.error("split.step_failed", job=job_id, exc_info=task.exception())

    async def _end_tasks(self) -> None:
        """Let steps end; what is cut off is found again, as after a crash."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=GRACE)
        for task in list(self._tasks.values()):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await self._stopping.wait()


def _version(job: Mapping[str, Any]) -> tuple[str, int]:
    """What changes when the user of a job does something to it."""
    return (job["status"] if job["status"] not in store.ACTIVE else "", job["run"])
