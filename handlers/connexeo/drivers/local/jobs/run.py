"""One run of a job: a child process computes, and in the end the queue is told what came of it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from connexeo.drivers.local.accounts.limits import quota_of
from connexeo.drivers.local.computing.failures import ChildDied, TaskFailed, node_of
from connexeo.drivers.local.computing.host import Child, Listener
from connexeo.drivers.local.computing.questions import Questions
from connexeo.drivers.local.computing.tasks import MEMORY_FOR_LIBRARIES
from connexeo.drivers.local.computing.udfs import udf_limits
from connexeo.drivers.local.computing.web import web_limits
from connexeo.drivers.local.environment import Sources, load_definitions
from connexeo.drivers.local.jobs import queue
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.children import Children
from connexeo.drivers.local.jobs.messages import Messages, error_entry
from connexeo.drivers.local.jobs.options import soft_errors
from connexeo.drivers.local.jobs.patience import RETRY, finally_written, now, patiently
from connexeo.drivers.local.jobs.results_of_run import ResultsOfRun
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.secret import load_secrets
from connexeo.drivers.local.storage import Storage
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.generated.errors import (
    InfrastructureBusy,
    Internal,
    OpenEOError,
    RequestTimeout,
    StorageFailure,
)
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.jobs")

Json = Mapping[str, Any]
Tell = Callable[[Connection], str]
"""Tells the queue how a run ended; the answer is for the log."""

PATIENCE = 60.0
"""Seconds for which a child waits for an answer that needs the database."""


@dataclass(frozen=True)
class Workplace:
    """What all runs of a worker share."""

    settings: Settings
    sources: Sources
    state: State
    storage: Storage
    worker_id: str
    scratch: Path
    """Folder of this worker's files."""
    children: Children
    billing: Billing


@dataclass(eq=False)
class Run:
    """Computes one job; `perform` is called once.

    Attributes:
        messages: What it says while it runs.
        computing: Whether it has a child; afterwards it only has to tell what came of it.
    """

    at: Workplace
    job: queue.Job
    computing: bool = True
    _end_of_lease: float | None = None
    _child: Child | None = None
    _usage: dict[str, Any] = field(default_factory=dict)
    _task: asyncio.Task[Tell] | None = None
    _stopped: Tell | None = None

    def __post_init__(self) -> None:
        self.messages = Messages(self.job)
        self._folder = self.at.scratch / f"{self.job.id}-{self.job.run}"
        self._written = self._folder / "results"
        self._results = ResultsOfRun(self.at.storage, self.at.worker_id, self.job, self._written)
        self._started = time.monotonic()

    async def perform(self) -> None:
        """Compute to the end, or until `drop` or `give_back` is called, and tell the queue."""
        logger.info("job.started", job=self.job.id, run=self.job.run)
        self.messages.log({"level": "info", "message": "The computation starts."})
        try:
            tell = await self._compute_or_stop()
        finally:
            self.computing = False
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        outcome = await finally_written(self.at.state, tell)
        logger.info("job.ended", job=self.job.id, run=self.job.run, outcome=outcome, seconds=self._seconds())
        if not await finally_written(self.at.state, queue.is_kept, self.job.id, self.job.run):
            await self._discard()

    async def _compute_or_stop(self) -> Tell:
        if self._stopped is None:
            self._task = asyncio.create_task(self._compute())
            try:
                await asyncio.wait([self._task])
            except asyncio.CancelledError:
                self._task.cancel()
                raise
            if not self._task.cancelled():
                return self._task.result()
        return self._stopped or self._tell_given_back

    def lease(self, end: float) -> None:
        """Let the child go on until a moment of `now`; the database knows that the worker lives."""
        self._end_of_lease = end
        if self._child is not None:
            self._child.lease(end - now())

    def drop(self) -> None:
        """Stop: the job is not this worker's any longer."""
        self._stop(lambda _: "dropped")

    def give_back(self) -> None:
        """Stop: somebody else shall compute the job."""
        self._stop(self._tell_given_back)

    def _stop(self, tell: Tell) -> None:
        if self._stopped is None and self.computing:
            self._stopped = tell
            if self._task is not None:
                self._task.cancel()

    async def _compute(self) -> Tell:
        """How it ended."""
        settings = self.at.settings
        try:
            async with asyncio.timeout(settings.job_timeout):
                request = await self._request()
                try:
                    await self._ask(await self.at.children.take(), request)
                except ChildDied as error:
                    if error.begun:
                        raise
                    # It may have died while it waited, a moment ago: the job is not to blame.
                    await self._ask(await self.at.children.start(), request)
        except TimeoutError:
            message = (
                f"The job took longer than the {settings.job_timeout:.0f} s that jobs may take. Ask for less."
            )
            return self._failed(RequestTimeout(message))
        except ChildDied:
            return self._crashed(
                _CRASHED.format(tries=settings.job_tries, memory=settings.job_memory / 2**20)
            )
        except InfrastructureBusy as error:
            # The cluster that computes may be back for another attempt.
            logger.error("job.interrupted", job=self.job.id, run=self.job.run, reason=error.message)
            return self._crashed(error.message)
        except TaskFailed as error:
            logger.error("job.failed", job=self.job.id, run=self.job.run, traceback=error.traceback)
            reason = (
                f"The computation failed. The provider finds the reason in the logs, under {self.job.id}."
            )
            return self._failed(Internal(reason))
        except StorageFailure as error:
            logger.error("job.not_stored", job=self.job.id, run=self.job.run)
            return self._failed(StorageFailure(_NOT_STORED), node_of(error))
        except OpenEOError as error:
            return self._failed(error, node_of(error))
        except OSError as error:
            # No process, or no folder for it.
            logger.error("job.not_started", job=self.job.id, exc_info=error)
            return self._failed(StorageFailure(_NOT_STORED))
        return self._finished()

    async def _ask(self, child: Child, request: Json) -> None:
        self._child = child
        if self._end_of_lease is not None:
            child.lease(self._end_of_lease - now())
        try:
            await child.ask("job", request, listener=self._listener())
        finally:
            self._child = None
            await self.at.children.put_back(child)

    async def _request(self) -> dict[str, Any]:
        job, settings = self.job, self.at.settings
        used = await self._used_processes()
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True)
        return {
            "process": job.process,
            "folder": str(self._written),
            "user": job.user_id,
            "user_processes": used,
            "sources": asdict(self.at.sources),
            "memory": MEMORY_FOR_LIBRARIES + settings.job_memory,
            "dask": settings.dask,
            "soft_errors": soft_errors(job.extra or {}, settings.soft_errors),
            "web": web_limits(settings),
            "udf": udf_limits(settings),
        }

    async def _used_processes(self) -> dict[str, Any]:
        """What the job's process uses beside the predefined ones, as soon as the database answers."""
        finder = ProcessFinder(self.at.settings, self.at.state, load_definitions(self.at.sources))
        while True:
            try:
                return await finder.used_by(self.job.user_id, self.job.process)
            except InfrastructureBusy:
                await asyncio.sleep(RETRY)

    def _listener(self) -> Listener:
        engine, quota = self.at.state.engine, quota_of(self.at.settings)
        secrets = partial(load_secrets, self.at.settings)
        inputs = self._folder / "inputs"
        questions = Questions(engine, self.at.storage, self.job.user_id, inputs, quota=quota, secrets=secrets)

        def answer(name: str, arguments: Json) -> Any:
            if name == "publish":
                return self._results.publish(engine, arguments["assets"])
            return questions(name, arguments)

        return Listener(
            on_log=self.messages.log,
            on_progress=self.messages.progress,
            on_usage=self._usage.update,
            answer=patiently(answer, seconds=PATIENCE),
        )

    def _finished(self) -> Tell:
        message = f"The results are complete after {self._seconds():.1f} s: {self._results.size} bytes."
        self.messages.log({"level": "info", "message": message})
        report = self.messages.report(everything=True)
        document, values = self._results.document(), self._values()
        worker_id = self.at.worker_id
        return lambda connection: _outcome(
            "finished", queue.finish(connection, worker_id, report, document, values)
        )

    def _failed(self, error: OpenEOError, node: str | None = None) -> Tell:
        report = self.messages.report(everything=True)
        entry, values = error_entry(error, node), self._values()
        worker_id = self.at.worker_id
        return lambda connection: _outcome("error", queue.fail(connection, worker_id, report, entry, values))

    def _crashed(self, message: str) -> Tell:
        """It is tried again; the message is for the last attempt."""
        report = self.messages.report(everything=True)
        tries = self.at.settings.job_tries
        last = error_entry(Internal(message))
        values = self._values()
        worker_id = self.at.worker_id
        return lambda connection: queue.crash(connection, worker_id, report, tries, last, values) or _UNHEARD

    def _tell_given_back(self, connection: Connection) -> str:
        report = self.messages.report(everything=True)
        told = queue.give_back(connection, self.at.worker_id, report, datetime.now(UTC))
        return _outcome("given back", told)

    def _values(self) -> dict[str, Any]:
        """Columns that every end of a job sets."""
        moment = datetime.now(UTC)
        usage = self._used()
        return {
            "updated": moment,
            "unpublished": moment + timedelta(seconds=self.at.settings.result_lifetime),
            "usage": usage,
            "costs": self.at.billing.costs_of(usage, self.job.plan),
        }

    def _used(self) -> dict[str, Any]:
        seconds = self._seconds()
        usage = {"duration": {"value": seconds, "unit": "seconds"}}
        if "pixels" in self._usage:
            usage["pixels"] = {"value": self._usage["pixels"], "unit": "pixels"}
        if "cpu" in self._usage:
            megabytes = self._usage["memory"] / 2**20
            usage["cpu"] = {"value": round(self._usage["cpu"], 2), "unit": "cpu-seconds"}
            usage["memory"] = {"value": round(megabytes * seconds, 1), "unit": "mb-seconds"}
        usage["storage"] = {"value": self._results.size, "unit": "b"}
        return usage

    def _seconds(self) -> float:
        return round(time.monotonic() - self._started, 2)

    async def _discard(self) -> None:
        """Remove what is stored; what cannot be removed now is swept later."""
        try:
            await asyncio.to_thread(self._results.discard)
        except StorageFailure as error:
            logger.warning("job.results_not_removed", job=self.job.id, reason=str(error.__cause__))


_UNHEARD = "not heard"
_CRASHED = (
    "The computation ended unexpectedly, {tries} times now, and is not tried again. It may need more memory than the "
    "{memory:.0f} MB that a job may take: ask for a smaller extent, fewer bands or dates."
)
_NOT_STORED = (
    "The results could not be stored: there is no room, or the storage cannot be reached. Start the job again later, "
    "or ask our support."
)


def _outcome(text: str, heard: bool) -> str:
    return text if heard else _UNHEARD
