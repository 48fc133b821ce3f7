"""The microservice of batch jobs: checks what users ask for, and keeps it for the workers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import orjson
import structlog
from sqlalchemy import Connection

from connexeo.drivers.interface import JobResults, Json, LogPage, Page, User
from connexeo.drivers.local.accounts.limits import limits_of
from connexeo.drivers.local.content import StoredContent
from connexeo.drivers.local.jobs import logs, results, store
from connexeo.drivers.local.jobs.billing import Billing, usage_of
from connexeo.drivers.local.jobs.results import SharedResults
from connexeo.drivers.local.jobs.times import iso_duration, rfc3339
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.tables import jobs
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import (
    EstimateComplexity,
    Internal,
    NoDataForUpdate,
    PropertyNotEditable,
    RequestInvalid,
    RequestTimeout,
    StorageFailure,
)
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.jobs")

CheckProcess = Callable[[User, Json], Awaitable[None]]
"""Raises the first fault of a process, as a user may use it."""

PAGE = 1000
"""Entries of a page, unless fewer are asked for."""
ESTIMATE_TIMEOUT = 60.0
"""Seconds after which no estimate is possible."""
ESTIMATE_LIFETIME = timedelta(days=1)
"""For how long an estimate holds; collections grow."""

_LONGEST = {"title": 1_000, "description": 32_000, "plan": 1_000}
"""Characters of texts."""
_KNOWN = frozenset(("title", "description", "process", "plan", "budget", "log_level"))
"""Properties that users set."""
_OURS = frozenset(
    ("id", "status", "progress", "created", "updated", "queued", "started", "unpublished", "costs", "usage", "links")
)  # fmt: skip
"""Properties of a job that the back-end sets."""


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
        size = min(limit or PAGE, PAGE)
        after = _place_of(offset) if offset else None
        rows = await self._state.read(store.page, user.id, size + 1, after)
        shown, more = rows[:size], len(rows) > size
        return Page([_summary(row) for row in shown], _offset_of(shown[-1]) if more else None)

    async def create_job(self, user: User, request: Json) -> str:
        """Identifier of a new job, whose process has no faults."""
        _check_storable(request)
        await self._check(user, request["process"])
        self._billing.check_budget(request.get("budget"))
        values = {
            "title": request.get("title"),
            "description": request.get("description"),
            "process": request["process"],
            "plan": self._billing.plan_of(request.get("plan")),
            "budget": request.get("budget"),
            "log_level": request.get("log_level") or "info",
            "extra": {key: value for key, value in request.items() if not _is_reserved(key)} or None,
        }
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
        if not changes:
            raise NoDataForUpdate()
        for key in changes:
            if key in _OURS:
                raise PropertyNotEditable(property=key)
        _check_storable(changes)
        if "process" in changes:
            await self._check(user, changes["process"])
        values = {key: changes[key] for key in _KNOWN & changes.keys() - {"plan"}}
        if changes.get("plan") is not None:
            values["plan"] = self._billing.plan_of(changes["plan"])
        self._billing.check_budget(changes.get("budget"))
        extra = {key: value for key, value in changes.items() if not _is_reserved(key)}
        await self._state.write(store.change, user.id, job_id, values, extra)

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
        size = min(limit or PAGE, PAGE)
        after = logs.number_of(offset)
        kept, (entries, more) = await self._state.read(_read_logs, user.id, job_id, size, after, level)
        return LogPage(entries, entries[-1]["id"] if more else None, logs.effective_level(kept, level))

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
    connection: Connection, user_id: str, job_id: str, limit: int, after: int, level: str | None
) -> tuple[str, tuple[list[dict[str, Any]], bool]]:
    row = store.find(connection, user_id, job_id, (jobs.c.log_level,))
    return row["log_level"], logs.read(connection, job_id, limit=limit, after=after, level=level)


def _summary(row: store.Row) -> dict[str, Any]:
    """A job as the list shows it; what is not known is left out."""
    plain = ("id", "title", "description", "status", "progress", "plan", "budget", "costs", "log_level")
    times = ("created", "updated", "queued", "started", "unpublished")
    shown = {key: row[key] for key in plain if row[key] is not None}
    return shown | {key: rfc3339(row[key]) for key in times if row[key] is not None}


def _is_reserved(key: str) -> bool:
    """Whether a property means something to the back-end, and so is none of the user's own."""
    return key in _KNOWN or key in _OURS or key.startswith("federation:")


def _check_storable(request: Json) -> None:
    """Refuse what no database keeps, and what would make lists huge.

    Raises:
        RequestInvalid: for values nested beyond measure, and texts that are too long or have NUL characters.
    """
    for key, longest in _LONGEST.items():
        text = request.get(key) or ""
        if len(text) > longest:
            raise RequestInvalid(reason=f"'{key}' must have at most {longest} characters")
        if "\0" in text:
            raise RequestInvalid(reason=f"'{key}' must not contain NUL characters")
    rest = {key: value for key, value in request.items() if key != "process"}
    try:
        orjson.dumps(rest)
    except orjson.JSONEncodeError as error:
        raise RequestInvalid(reason="the values of some property are nested too deeply") from error
    try:
        orjson.dumps(request.get("process"))
    except orjson.JSONEncodeError as error:
        raise RequestInvalid(reason="the process is nested too deeply") from error


def _expected(estimate: Json) -> Json:
    """An estimate as usage that costs can be told of."""
    return usage_of(estimate["seconds"], estimate["pixels"])


def _offset_of(row: store.Row) -> str:
    """Where the page starts that follows a job."""
    microseconds = (row["created"] - _EPOCH) // timedelta(microseconds=1)
    place = f"{microseconds:x}.{row['id']}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place_of(offset: str) -> store.Place:
    """The place that an offset stands for.

    Raises:
        RequestInvalid: when it is none of ours.
    """
    try:
        padded = offset.encode("ascii") + b"=" * (-len(offset) % 4)
        text = base64.urlsafe_b64decode(padded).decode("ascii")
        microseconds, _, job_id = text.partition(".")
        created = _EPOCH + timedelta(microseconds=int(microseconds, 16))
        if not store.is_job_id(job_id):
            raise ValueError(job_id)
    except (ValueError, OverflowError) as error:
        raise RequestInvalid(
            reason="query parameter 'offset': follow the `next` links of the list"
        ) from error
    return created, job_id


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
