"""Split jobs as their users see them: each is one job. A worker sees to the parts."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.credentials import FederatedUser
from connexeo.drivers.federation.faults import UpstreamFault
from connexeo.drivers.federation.jobs import split_store as store
from connexeo.drivers.federation.jobs.results import results_at
from connexeo.drivers.federation.jobs.split_markers import split_job_of
from connexeo.drivers.federation.jobs.split_remote import RemoteJobs
from connexeo.drivers.federation.jobs.split_tokens import TokenBox
from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.federation.paging import Place, Told
from connexeo.drivers.federation.routing.forcing import without_choice
from connexeo.drivers.federation.splitting.plan import CannotSplit, Plan
from connexeo.drivers.federation.splitting.splittable import Splittable
from connexeo.drivers.interface import JobFailed, JobResults, Json, LogPage, User
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.times import iso_duration, rfc3339
from connexeo.drivers.local.properties import Properties
from connexeo.drivers.local.state import State
from connexeo.generated.errors import (
    EstimateComplexity,
    JobNotFinished,
    JobNotFound,
    JobNotStarted,
    NotFound,
    OpenEOError,
    RequestInvalid,
)

PAGE = 1000
"""Entries of a page, unless fewer are asked for."""

_PROPERTIES = Properties(
    known=frozenset(("title", "description", "process", "plan", "budget", "log_level")),
    ours=frozenset(
        ("id", "status", "progress", "created", "updated", "queued", "started", "costs", "usage", "links")
    ),
)
_UNBILLED = Billing()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([0-9]{1,16})\.(p-[0-9a-f]{32})")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_UNKNOWN_ERROR = {"id": "error", "level": "error", "code": "Internal", "message": "The job has failed."}


class Analyst(Protocol):
    """Knows which back-ends can run what."""

    async def splittable(self, user: User, request: Json) -> Splittable:
        """The process of a request for a job, and who can run which node of it in the user's name."""
        ...


class SplitJobs:
    """What `BatchJobs` asks for, for split jobs only.

    Args:
        state: The database.
        asking: Asks back-ends.
        analyst: Knows which of them can run what.
        tokens: Encrypts tokens; called when the first one is to be kept.
    """

    def __init__(
        self, state: State, asking: Asking, analyst: Analyst, tokens: Callable[[], TokenBox]
    ) -> None:
        self._state = state
        self._asking = asking
        self._analyst = analyst
        self._tokens = tokens
        self._box: TokenBox | None = None
        self._kept: dict[str, bytes] = {}

    async def list_jobs(self, user: User, place: Place, limit: int | None) -> Told:
        """The user's split jobs, newest first, from a place of the list on."""
        await self.refresh(user)
        if place.done:
            return Told([], [place])
        size = min(limit or PAGE, PAGE)
        rows = await self._state.read(store.newest, user.id, size + 1, _position(place.url))
        shown = rows[:size]
        places = [place, *(Place(_offset_of(row)) for row in shown)]
        if len(rows) <= size:
            places[-1] = Place(done=True)
        return Told([_summary(row) for row in shown], places)

    async def are_parts(self, entries: Sequence[Json]) -> list[bool]:
        """Which jobs at a back-end are parts of split jobs."""
        owners = [split_job_of(entry) for entry in entries]
        asked = sorted({each for each in owners if each is not None})
        known = await self._state.read(store.which_exist, asked) if asked else set()
        return [each in known for each in owners]

    async def create_job(self, user: User, request: Json) -> str:
        """Identifier of a new job.

        Raises:
            CannotSplit: when the process cannot be cut.
            OpenEOError: when something else is wrong with it.
        """
        _PROPERTIES.check_storable(request)
        plan = await self._plan(user, request)
        values = _PROPERTIES.values_of(without_choice(request), _UNBILLED)
        now = _now()
        return await self._state.write(store.create, user.id, user.provider, values, plan, now)

    async def describe_job(self, user: User, job_id: str) -> Json:
        """Everything about a job."""
        await self.refresh(user)
        row = await self._state.read(store.find, user.id, job_id)
        return {**(row["extra"] or {}), **_summary(row), "process": row["process"]}

    async def update_job(self, user: User, job_id: str, changes: Json) -> None:
        """Change what is given, unless the job is queued or running."""
        row = await self._state.read(store.find, user.id, job_id)
        store.check_unlocked(row)
        _PROPERTIES.check_changes(changes)
        kept = without_choice(changes)
        plan = None
        if changes.get("process") is not None:
            try:
                plan = await self._plan(user, changes)
            except CannotSplit as error:
                raise RequestInvalid(f"This process cannot be split: {error.reason}") from error
        values = _PROPERTIES.changed_values(kept, _UNBILLED)
        extra = _PROPERTIES.extra_of(kept)
        await self._state.write(store.change, user.id, job_id, values, extra, plan, _now())

    async def delete_job(self, user: User, job_id: str) -> None:
        """Remove it; the worker deletes what there is of it at the back-ends."""
        token, lifetime = await self._sealed(user), self._asking.members.federation.split_lifetime
        await self._state.write(store.remove, user.id, job_id, token, _now(), lifetime)

    async def estimate_job(self, user: User, job_id: str) -> Json:
        """The sum of what back-ends expect of the parts that have been sent to them.

        Raises:
            EstimateComplexity: when none of them tells.
        """
        _, parts = await self._state.read(store.find_with_parts, user.id, job_id)
        remote = RemoteJobs(self._asking, user)
        sent = [(part["upstream"], part["remote"]) for part in parts if part["remote"]]
        told = await asyncio.gather(*(_estimate(remote, *each) for each in sent))
        total = _total([each for each in told if each is not None])
        if not total:
            raise EstimateComplexity()
        return {**total, BACKENDS: list(dict.fromkeys(upstream for upstream, _ in sent))}

    async def debug_job(
        self, user: User, job_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        """What the worker has done, and the logs of the parts as far as they are known."""
        await self.refresh(user)
        return await self._state.read(_logs, user.id, job_id, limit, offset, level)

    async def start_job(self, user: User, job_id: str) -> None:
        """Let the worker see to it."""
        token, lifetime = await self._sealed(user), self._asking.members.federation.split_lifetime
        await self._state.write(store.queue, user.id, job_id, token, _now(), lifetime)

    async def stop_job(self, user: User, job_id: str) -> None:
        """Cancel it, and let the worker cancel its parts."""
        await self._state.write(store.cancel, user.id, job_id, await self._sealed(user), _now())

    async def list_results(self, user: User, job_id: str, *, partial: bool) -> JobResults:
        """Those of the primary part."""
        await self.refresh(user)
        row, parts = await self._state.read(store.find_with_parts, user.id, job_id)
        primary = parts[-1]
        if row["status"] == "created":
            raise JobNotStarted()
        if row["status"] == "error":
            raise JobFailed(await self._state.read(_last_error, row["id"]))
        if primary["remote"] is None or (row["status"] != "finished" and not partial):
            if row["status"] == "canceled":
                raise NotFound("The job was canceled, and has no results. Start it again.")
            raise JobNotFinished()
        try:
            results = await results_at(
                self._asking,
                user,
                primary["upstream"],
                primary["remote"],
                job_id=job_id,
                partial=partial and row["status"] != "finished",
                backends=row["upstreams"],
            )
        except JobNotFound as error:
            raise NotFound(
                f"The back-end '{primary['upstream']}' has the results of this job no longer. Start the job again to "
                "compute them anew."
            ) from error
        return replace(results, document=_as_of(row, results.document))

    async def refresh(self, user: User) -> None:
        """Keep the token of a request in place of an older one, for jobs of the user that go on."""
        token = user.token if isinstance(user, FederatedUser) else None
        if user.provider == "basic" or token is None:
            return
        digest = hashlib.sha256(token.value.encode()).digest()
        if self._kept.get(user.id) != digest:
            await self._state.write(store.refresh, user.id, await self._sealed(user))
            self._kept[user.id] = digest

    async def _plan(self, user: User, request: Json) -> Plan:
        splittable = await self._analyst.splittable(user, request)
        # Large processes take seconds.
        return await asyncio.to_thread(splittable.plan)

    async def _sealed(self, user: User) -> str | None:
        if user.provider == "basic":
            return None
        if self._box is None:
            self._box = await asyncio.to_thread(self._tokens)
        return self._box.seal(user)


def refused(error: OpenEOError, cannot: CannotSplit) -> OpenEOError:
    """Why no back-end can run a process, and why it cannot be split either."""
    return type(error)(f"{error.message} It cannot be split among several: {cannot.reason}")


async def _estimate(remote: RemoteJobs, upstream: str, identifier: str) -> Json | None:
    try:
        return await remote.estimate(upstream, identifier)
    except UpstreamFault:
        return None


def _total(estimates: list[Json]) -> dict[str, Any]:
    """The sum of all; what some of them do not tell is left out."""
    total: dict[str, Any] = {}
    for name in ("costs", "size"):
        values = [each.get(name) for each in estimates]
        if values and all(isinstance(each, int | float) for each in values):
            total[name] = sum(values)
    seconds = [_seconds(each.get("duration")) for each in estimates]
    if seconds and all(each is not None for each in seconds):
        total["duration"] = iso_duration(sum(each or 0.0 for each in seconds))
    return total


def _seconds(duration: Any) -> float | None:
    match = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if match is None:
        return None
    days, hours, minutes, seconds = (float(each or 0) for each in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    """A job as the list shows it; what is not known is left out."""
    plain = ("title", "description", "status", "progress", "plan", "budget", "log_level")
    times = ("created", "updated", "queued", "started")
    shown = {key: row[key] for key in plain if row[key] is not None}
    shown |= {key: rfc3339(row[key]) for key in times if row[key] is not None}
    return {"id": store.shown_id(row["id"]), **shown, BACKENDS: row["upstreams"]}


def _as_of(row: Mapping[str, Any], document: Json) -> dict[str, Any]:
    """Results of the primary part as those of the whole job."""
    times = {key: rfc3339(row[key]) for key in ("created", "updated", "queued", "started") if row[key]}
    told: dict[str, Any] = {**times, "openeo:status": row["status"]}
    told["description"] = row["description"] or (
        f"What the batch job `{store.shown_id(row['id'])}` has computed at {', '.join(row['upstreams'])}."
    )
    own = {key: value for key, value in told.items() if key in document}
    named = {"title": row["title"]} if row["title"] else {}
    return {key: value for key, value in document.items() if key != "title"} | own | named


def _logs(
    connection: Connection,
    user_id: str,
    job_id: str,
    limit: int | None,
    offset: str | None,
    level: str | None,
) -> LogPage:
    row = store.find(connection, user_id, job_id)
    return store.LOGS.page(connection, row["id"], row["log_level"], limit=limit, offset=offset, level=level)


def _last_error(connection: Connection, row_id: str) -> Json:
    return store.LOGS.last_error(connection, row_id) or _UNKNOWN_ERROR


def _offset_of(row: Mapping[str, Any]) -> str:
    return f"{(row['created'] - _EPOCH) // timedelta(microseconds=1)}.{row['id']}"


def _position(offset: str | None) -> tuple[datetime, str] | None:
    """Creation and identifier of the job that a place stands for.

    Raises:
        RequestInvalid: when it is none of ours.
    """
    if offset is None:
        return None
    match = _OFFSET.fullmatch(offset)
    if match is None:
        raise RequestInvalid(reason="query parameter 'offset': follow the `next` links of the list")
    return _EPOCH + timedelta(microseconds=int(match[1])), match[2]


def _now() -> datetime:
    return datetime.now(UTC)
