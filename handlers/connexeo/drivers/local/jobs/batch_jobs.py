"""The microservice of batch jobs: checks what users ask for, and keeps it for the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection

from connexeo.drivers.interface import JobResults, Json, LogPage, Page, User
from connexeo.drivers.local.accounts.limits import limits_of
from connexeo.drivers.local.content import StoredContent
from connexeo.drivers.local.jobs import logs, results, store
from connexeo.drivers.local.jobs.billing import Billing, usage_of
from connexeo.drivers.local.jobs.options import soft_errors
from connexeo.drivers.local.jobs.results import SharedResults
from connexeo.drivers.local.jobs.times import iso_duration, rfc3339
from connexeo.drivers.local.properties import Properties
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.paging import newest_first
from connexeo.drivers.local.state.tables import jobs
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import (
    EstimateComplexity,
    Internal,
    RequestTimeout,
    StorageFailure,
)
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.jobs")

CheckProcess = Callable[[User, Json], Awaitable[None]]
"""Raises the first fault of a process, as a user may use it."""

ESTIMATE_TIMEOUT = 60.0
"""Seconds after which no estimate is possible."""
ESTIMATE_LIFETIME = timedelta(days=1)
"""For how long an estimate holds; collections grow."""

_PROPERTIES = Properties(
    known=frozenset(("title", "description", "process", "plan", "budget", "log_level")),
    ours=frozenset(
        (
            "id", "status", "progress", "created", "updated", "queued", "started", "unpublished", "costs", "usage",
            "links",
        )
    ),
)  # fmt: skip


class Computing(Protocol):
    """What computes estimates."""

    async def run(
        self,
        task: str,
        user_id: str | None,
        request: Json,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it belongs to the task
    ) -> Json:
        """The answer of a task."""
        ...


class LocalBatchJobs:
    """Batch jobs in the database; workers run them, this only changes rows.

    Args:
        settings: The deployment's settings.
        state: The database.
        storage: Where results lie.
        computing: Computes estimates.
        check: Checks processes.
        secrets: The present secret and former ones, as soon as they are known.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        storage: Storage,
        computing: Computing,
        check: CheckProcess,
        secrets: Callable[[], Sequence[bytes]],
    ) -> None:
        self._settings = settings
        self._state = state
        self._storage = storage
        self._computing = computing
        self._check = check
        self._billing = Billing.from_settings(settings)
        self._shared = SharedResults(secrets, settings.link_lifetime)

    async def list_jobs(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's jobs, newest first; pages start behind the time and id of a job."""
        return await newest_first(
            self._state, jobs, store.SUMMARY, user.id, _summary, limit=limit, offset=offset
        )

    async def create_job(self, user: User, request: Json) -> str:
        """Identifier of a new job, whose process has no faults."""
        _PROPERTIES.check_storable(request)
        soft_errors(request, 0.0)
        await self._check(user, request["process"])
        values = _PROPERTIES.values_of(request, self._billing)
        return await self._state.write(store.create, user.id, values, _now())

    async def describe_job(self, user: User, job_id: str) -> Json:
        """Everything about a job, with the properties that only its creator knows."""
        row = await self._state.read(store.find, user.id, job_id)
        described = {**(row["extra"] or {}), **_summary(row), "process": row["process"]}
        if row["usage"] is not None:
            described["usage"] = row["usage"]
        return described

    async def update_job(self, user: User, job_id: str, changes: Json) -> None:
        """Change what is given. The status stays, and so do results until the job is started again."""
        row = await self._state.read(store.find, user.id, job_id, (jobs.c.status,))
        store.check_unlocked(row)
        _PROPERTIES.check_changes(changes)
        soft_errors(changes, 0.0)
        if "process" in changes:
            await self._check(user, changes["process"])
        values = _PROPERTIES.changed_values(changes, self._billing)
        await self._state.write(store.change, user.id, job_id, values, _PROPERTIES.extra_of(changes))

    async def delete_job(self, user: User, job_id: str) -> None:
        """Remove a job; a worker that is at it notices, and what it stored meanwhile is swept later."""
        await self._state.write(store.remove, user.id, job_id)
        await self._delete_stored(f"jobs/{job_id}")

    async def estimate_job(self, user: User, job_id: str) -> Json:
        """Duration and size by a dry run of the process; costs where any are charged."""
        row = await self._state.read(store.find, user.id, job_id, (jobs.c.process, jobs.c.plan))
        estimate = await self._estimate(user, row["process"])
        answer: dict[str, Any] = {
            "duration": iso_duration(estimate["seconds"]),
            "size": int(estimate["output_bytes"]),
            "downloads_included": None,
            "expires": rfc3339(_now() + ESTIMATE_LIFETIME),
        }
        costs = self._billing.costs_of(_expected(estimate), row["plan"])
        return answer if costs is None else {**answer, "costs": costs}

    async def debug_job(
        self, user: User, job_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        """Log entries behind the one that the offset names."""
        return await self._state.read(_read_logs, user.id, job_id, limit, offset, level)

    async def start_job(self, user: User, job_id: str) -> None:
        """Put a job into the queue, unless it would cost more than its budget."""
        columns = (jobs.c.status, jobs.c.process, jobs.c.plan, jobs.c.budget, jobs.c.published)
        row = await self._state.read(store.find, user.id, job_id, columns)
        if row["status"] in store.ACTIVE:
            return
        await self._check_payment(user, row)
        if not await self._state.write(store.queue, user.id, job_id, _now(), self._priority(user)):
            return
        if row["published"] is not None:
            await self._delete_stored(f"jobs/{job_id}/{row['published']}")

    async def stop_job(self, user: User, job_id: str) -> None:
        """Take a job from the queue, or from its worker, which notices within moments."""
        kept_for = timedelta(seconds=self._settings.result_lifetime)
        await self._state.write(store.cancel, user.id, job_id, _now(), kept_for)

    async def list_results(self, user: User, job_id: str, *, partial: bool) -> JobResults:
        """The results of the last run."""
        return await self._state.read(self._results_of, user.id, job_id, partial)

    async def list_shared_results(self, job_id: str, permission: str) -> JobResults:
        """The results that a permission is for."""
        return await self._state.read(self._shared.find, job_id, permission)

    async def describe_shared_item(self, job_id: str, permission: str, item_id: str) -> JobResults:
        """One Item of the results that a permission is for."""
        return await self._state.read(self._shared.find_item, job_id, permission, item_id)

    async def download_result(self, job_id: str, permission: str, path: str) -> StoredContent:
        """One file of the results that a permission is for."""
        return await self._state.read(self._shared.open, self._storage, job_id, permission, path)

    def _results_of(self, connection: Connection, user_id: str, job_id: str, partial: bool) -> JobResults:
        return self._shared.make(*results.find_results(connection, user_id, job_id, partial))

    async def _check_payment(self, user: User, row: store.Row) -> None:
        """Refuse a job whose estimated costs exceed its budget; one that cannot be estimated may start."""
        if row["budget"] is None or not self._billing.charges(row["plan"]):
            return
        try:
            estimate = await self._estimate(user, row["process"])
        except EstimateComplexity:
            return
        costs = self._billing.costs_of(_expected(estimate), row["plan"])
        self._billing.check_payment(row["budget"], costs)

    async def _estimate(self, user: User, process: Json) -> Json:
        """Figures of a dry run."""
        try:
            return await self._computing.run(
                "estimate", user.id, {"process": process}, timeout=ESTIMATE_TIMEOUT
            )
        except (Internal, RequestTimeout) as error:
            logger.error("estimate.failed", exc_info=error)
            raise EstimateComplexity() from error

    def _priority(self, user: User) -> int:
        """By the user's roles."""
        return limits_of(self._settings, user.roles).priority

    async def _delete_stored(self, key: str) -> None:
        """Remove results that no row tells of any longer; workers sweep what remains."""
        try:
            await asyncio.to_thread(self._storage.delete, key)
        except StorageFailure as error:
            logger.warning("results.not_removed", key=key, reason=str(error.__cause__))


def _now() -> datetime:
    return datetime.now(UTC)


def _read_logs(
    connection: Connection,
    user_id: str,
    job_id: str,
    limit: int | None,
    offset: str | None,
    level: str | None,
) -> LogPage:
    kept = store.find(connection, user_id, job_id, (jobs.c.log_level,))["log_level"]
    return logs.page(connection, job_id, kept, limit=limit, offset=offset, level=level)


def _summary(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A job as the list shows it; what is not known is left out."""
    plain = ("id", "title", "description", "status", "progress", "plan", "budget", "costs", "log_level")
    times = ("created", "updated", "queued", "started", "unpublished")
    shown = {key: row[key] for key in plain if row[key] is not None}
    return shown | {key: rfc3339(row[key]) for key in times if row[key] is not None}


def _expected(estimate: Json) -> Json:
    """An estimate as usage that costs can be told of."""
    return usage_of(estimate["seconds"], estimate["pixels"])
