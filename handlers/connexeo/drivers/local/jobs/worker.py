"""The worker: takes jobs from the queue and runs them, each in a child process.

Several workers, on one host or on many, know of each other by the database only. Each counts its beat there; when a
worker of another place does not count on for `TAKE_OVER` seconds of the watcher's own clock, its jobs go back into
the queue. Of the same place, its lock file tells at once. A worker whose beat is not heard ends its children after
`LEASE` seconds, well before others may take over; and they end by themselves, should it be halted. So no job is
computed by two children at a time, whatever dies or is cut off, and no clock setting matters.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, select

from connexeo.drivers.local.accounts.limits import find_limits
from connexeo.drivers.local.environment import Sources
from connexeo.drivers.local.jobs import queue
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.children import Children, variables_for
from connexeo.drivers.local.jobs.patience import finally_written, now, seen, written
from connexeo.drivers.local.jobs.place import Place, WorkerLock
from connexeo.drivers.local.jobs.run import Run, Workplace
from connexeo.drivers.local.jobs.sweep import Sweep, scratch_folder
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.tables import workers
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import InfrastructureBusy, OpenEOError
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.jobs")

PAUSE = 0.5
"""Seconds between two looks at the queue; a canceled job is stopped after as many, or a little more."""


@dataclass(frozen=True)
class Pace:
    """How fast workers decide that one is dead, in seconds; the same for all workers of a deployment."""

    lease: float = 40.0
    """From the last beat that was heard until a worker ends its children."""
    take_over: float = 60.0
    """From the last beat that another one saw until it takes over."""
    sweep: float = 600.0
    """Between two sweeps."""


class Worker:
    """Runs jobs until it is stopped.

    Args:
        settings: The deployment's settings.
        sources: Collections and processes.
        state: The database.
        storage: Where results lie.
        pace: How fast it is.
    """

    def __init__(
        self, settings: Settings, sources: Sources, state: State, storage: Storage, pace: Pace = Pace()
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._state = state
        self._storage = storage
        self._pace = pace
        self._billing = Billing.from_settings(settings)
        self._place = Place(settings.data.resolve())
        self._stopping = asyncio.Event()
        self._awake = asyncio.Event()
        self._runs: dict[asyncio.Task[None], Run] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        self._heard = now()
        self._at: Workplace | None = None
        self._lock: WorkerLock | None = None

    def stop(self) -> None:
        """End as soon as the jobs are back in the queue."""
        self._stopping.set()
        self._awake.set()

    async def run(self) -> None:
        """Work until `stop` is called.

        Raises:
            ValueError: when the database is of a newer release.
        """
        await self._state.start()
        guards = [asyncio.create_task(task) for task in (self._guard(), self._sweep_now_and_then())]
        work = asyncio.create_task(self._work())
        sound = False
        try:
            # A guard that fails is a fault of ours, as is any other error: it is better to end, and be started anew.
            done, _ = await asyncio.wait([work, *guards], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            sound = True
        finally:
            work.cancel()
            await asyncio.wait([work])
            await self._leave(sound=sound)
            for guard in guards:
                guard.cancel()
            await asyncio.wait(guards)
            await self._state.stop()

    async def _work(self) -> None:
        await self._enter()
        while not self._stopping.is_set():
            try:
                await self._beat()
                await self._claim()
                await self._watch()
            except InfrastructureBusy:
                logger.warning("worker.database_unreachable")
            except queue.WorkerForgotten:
                await self._enter_again()
            self._awake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._awake.wait()

    async def _enter(self) -> None:
        """Become known to the others."""
        lock = self._lock = self._place.enter()
        while not self._stopping.is_set():
            try:
                await written(self._state, queue.register, lock.id, self._place.id, datetime.now(UTC))
                break
            except InfrastructureBusy:
                logger.warning("worker.database_unreachable")
                await asyncio.sleep(PAUSE)
        self._heard = now()
        scratch = scratch_folder(self._settings, self._storage) / lock.id
        self._at = Workplace(
            self._settings,
            self._sources,
            self._state,
            self._storage,
            lock.id,
            scratch,
            Children(lock.descriptor, variables_for(self._settings)),
            self._billing,
        )
        logger.info("worker.ready", worker=lock.id, pid=os.getpid())

    async def _enter_again(self) -> None:
        """Others took this worker for dead: its jobs are theirs now."""
        assert self._at is not None
        assert self._lock is not None
        logger.warning("worker.forgotten", worker=self._at.worker_id)
        for run in self._runs.values():
            run.drop()
        if self._runs:
            await asyncio.wait(list(self._runs))
        await self._at.children.stop()
        self._lock.release()
        await self._enter()

    async def _beat(self) -> None:
        """Tell that this worker lives, and hear which jobs are still its own."""
        assert self._at is not None
        reports = {run: run.messages.report() for run in self._runs.values() if run.computing}
        begun = now()
        mine = await written(self._state, queue.beat, self._at.worker_id, list(reports.values()))
        self._heard = begun
        for run, report in reports.items():
            run.messages.heard(report)
            if mine.get(run.job.id) != run.job.run:
                run.drop()
            run.lease(begun + self._pace.lease)
        self._at.children.lease(self._pace.lease)
        known = {run.job.id for run in self._runs.values()}
        for job_id in mine.keys() - known:
            # Taken without getting to know, when the connection broke; or its run has failed.
            lost = (self._at.worker_id, job_id, mine[job_id], datetime.now(UTC))
            await written(self._state, queue.lose, *lost)

    async def _claim(self) -> None:
        assert self._at is not None
        while len(self._runs) < self._settings.job_slots and not self._stopping.is_set():
            if not await seen(self._state, queue.is_waiting):
                return
            job = await written(self._state, self._take, self._at.worker_id)
            if job is None:
                return
            run = Run(self._at, job)
            run.lease(self._heard + self._pace.lease)
            task = asyncio.create_task(run.perform())
            self._runs[task] = run
            task.add_done_callback(self._ended)

    def _take(self, connection: Connection, worker_id: str) -> queue.Job | None:
        return queue.claim(
            connection,
            worker_id,
            datetime.now(UTC),
            limit_of=self._limit_of,
            in_total=self._settings.jobs_in_total,
        )

    def _limit_of(self, connection: Connection, user_id: str) -> int:
        return find_limits(connection, self._settings, user_id).jobs_per_user

    def _ended(self, task: asyncio.Task[None]) -> None:
        run = self._runs.pop(task)
        if not task.cancelled() and task.exception() is not None:
            # The row is still this worker's, and unknown to it: after the next beat, it is in the queue again.
            logger.error("job.run_failed", job=run.job.id, exc_info=task.exception())
        self._awake.set()

    async def _watch(self) -> None:
        """Take over from workers that are dead."""
        assert self._at is not None
        others = await seen(self._state, _others, self._at.worker_id)
        moment = now()
        self._seen = {
            worker_id: self._seen[worker_id]
            if self._seen.get(worker_id, (None,))[0] == beat
            else (beat, moment)
            for worker_id, _, beat in others
        }
        for worker_id, place, beat in others:
            if place == self._place.id and self._place.is_dead(worker_id):
                await self._take_over(worker_id, None)
                self._place.is_dead(worker_id, remove=True)
            elif moment - self._seen[worker_id][1] > self._pace.take_over:
                await self._take_over(worker_id, beat)

    async def _take_over(self, worker_id: str, beat: int | None) -> None:
        jobs = await written(self._state, queue.take_over, worker_id, beat, datetime.now(UTC))
        logger.warning("worker.lost", worker=worker_id, jobs=jobs)

    async def _guard(self) -> None:
        """End the children when no beat was heard for too long; asks nothing that could be in the way."""
        while True:
            await asyncio.sleep(PAUSE)
            if now() - self._heard > self._pace.lease:
                for run in self._runs.values():
                    if run.computing:
                        logger.warning("job.given_back", job=run.job.id, reason="the database is unreachable")
                        run.give_back()

    async def _sweep_now_and_then(self) -> None:
        sweep = Sweep(self._settings, self._state, self._storage, self._place)
        # Not all workers at once.
        await asyncio.sleep(self._pace.sweep * random.uniform(0.02, 0.1))  # noqa: S311 - no secret
        while True:
            try:
                await sweep.perform()
            except OpenEOError as error:
                logger.warning("sweep.failed", reason=error.message)
            await asyncio.sleep(self._pace.sweep * random.uniform(0.8, 1.2))  # noqa: S311 - no secret

    async def _leave(self, *, sound: bool) -> None:
        """Give the jobs back, and become unknown; without a database, others take over later.

        Args:
            sound: Whether all is well. If not, the jobs count a loss, since one of them may be to blame.
        """
        if self._at is None or self._lock is None:
            return
        for run in self._runs.values():
            run.give_back() if sound else run.drop()
        try:
            async with asyncio.timeout(self._settings.shutdown_timeout / 2):
                while self._runs:
                    await asyncio.wait(list(self._runs))
                await finally_written(
                    self._state, queue.take_over, self._at.worker_id, None, datetime.now(UTC)
                )
        except TimeoutError:
            logger.warning("worker.left_jobs", jobs=[run.job.id for run in self._runs.values()])
            for task in list(self._runs):
                task.cancel()
            if self._runs:
                await asyncio.wait(list(self._runs))
        await self._at.children.stop()
        self._lock.release()
        logger.info("worker.stopped", worker=self._at.worker_id)


def _others(connection: Connection, worker_id: str) -> list[tuple[str, str, int]]:
    query = select(workers.c.id, workers.c.place, workers.c.beat).where(workers.c.id != worker_id)
    return [(row.id, row.place, row.beat) for row in connection.execute(query)]
