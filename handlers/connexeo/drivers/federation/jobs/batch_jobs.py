"""Batch jobs: each lives at the back-end that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Answer, Call
from connexeo.drivers.federation.identifiers import federated
from connexeo.drivers.federation.jobs.creation import identifier_of
from connexeo.drivers.federation.jobs.entries import described_job, listed_job, newest_first
from connexeo.drivers.federation.jobs.logs import log_page
from connexeo.drivers.federation.jobs.results import SORT, results_at
from connexeo.drivers.federation.lists import UserList, UserLists
from connexeo.drivers.federation.routing.forcing import check_stays, without_choice
from connexeo.drivers.federation.routing.route import FORCE, Route
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.translation import object_of
from connexeo.drivers.interface import JobResults, Json, LogPage, Page, User
from connexeo.generated.errors import Internal, JobNotFound

JOBS = UserList(SORT, newest_first, listed_job)


class Router(Protocol):
    """Finds the back-end for a process."""

    async def route(self, user: User, request: Json, *, operation: str | None = None) -> Route:
        """Who can run it.

        Args:
            user: Who wants it.
            request: For a job or a service.
            operation: What a back-end is going to be asked for, when that is not to make one.

        Raises:
            OpenEOError: when nobody can.
        """
        ...

    def given(self, upstream: str) -> None:
        """Take note of who was given a job or a service."""
        ...


class FederatedJobs:
    """Implements ``BatchJobs``, but for what needs an account at more than one back-end.

    Args:
        asking: Asks back-ends in a user's name.
        router: Finds the back-end for a new job.
        snapshots: Which of them have jobs; all are asked when not given.
    """

    list_shared_results = None
    describe_shared_item = None
    download_result = None

    def __init__(self, asking: Asking, router: Router, snapshots: Snapshots | None = None) -> None:
        self._asking = asking
        self._lists = UserLists(asking, snapshots)
        self._router = router

    async def list_jobs(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's jobs at all back-ends, newest first."""
        return await self._lists.page(JOBS, user, limit=limit, offset=offset)

    async def create_job(self, user: User, request: Json) -> str:
        """A new job at the best of the back-ends that can run it."""
        route = await self._router.route(user, request)
        upstream = route.candidates[0]
        sent = {**without_choice(request), "process": route.process}
        answer = await self._asking.call(user, SORT, upstream, Call("POST", "/jobs", json=sent))
        self._router.given(upstream)
        return federated(upstream, identifier_of(answer))

    async def describe_job(self, user: User, job_id: str) -> Json:
        """The job, as its back-end describes it."""
        upstream, answer = await self._get(user, job_id, "")
        described = described_job(upstream, object_of(answer))
        if described is None:
            raise Internal(f"The back-end failed: {upstream}: its description of the job is incomplete.")
        return {"process": {"process_graph": {}}, **described}

    async def update_job(self, user: User, job_id: str, changes: Json) -> None:
        """Change it; a new process must be one for the same back-end."""
        upstream, _ = self._asking.find(job_id, JobNotFound(identifier=job_id))
        check_stays(changes, upstream, self._asking.members.ids)
        sent = without_choice(changes)
        if changes.get("process") is not None:
            route = await self._router.route(user, {**changes, FORCE: [upstream]}, operation="PATCH /jobs/{}")
            sent["process"] = route.process
        await self._send(user, "PATCH", job_id, "", sent)

    async def delete_job(self, user: User, job_id: str) -> None:
        """Remove it."""
        await self._send(user, "DELETE", job_id, "")

    async def estimate_job(self, user: User, job_id: str) -> Json:
        """What its back-end expects."""
        _, answer = await self._get(user, job_id, "/estimate")
        return object_of(answer)

    async def debug_job(
        self, user: User, job_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        """The log at its back-end; the offset is that of the back-end."""
        given: dict[str, str | int | None] = {"limit": limit, "offset": offset, "level": level}
        params = {key: value for key, value in given.items() if value is not None}
        upstream, answer = await self._get(user, job_id, "/logs", params)
        return log_page(upstream, object_of(answer), level)

    async def start_job(self, user: User, job_id: str) -> None:
        """Put it into the queue of its back-end."""
        await self._send(user, "POST", job_id, "/results")

    async def stop_job(self, user: User, job_id: str) -> None:
        """Cancel it."""
        await self._send(user, "DELETE", job_id, "/results")

    async def list_results(self, user: User, job_id: str, *, partial: bool) -> JobResults:
        """The results, whose files the back-end gives out itself."""
        upstream, identifier = self._asking.find(job_id, JobNotFound(identifier=job_id))
        return await results_at(self._asking, user, upstream, identifier, job_id=job_id, partial=partial)

    async def _get(
        self, user: User, job_id: str, below: str, params: Mapping[str, str | int] | None = None
    ) -> tuple[str, Answer]:
        missing = JobNotFound(identifier=job_id)
        upstream, identifier = self._asking.find(job_id, missing)
        call = Call("GET", _path(identifier, below), params or {})
        return upstream, await self._asking.call(user, SORT, upstream, call, missing=missing)

    async def _send(self, user: User, method: str, job_id: str, below: str, json: Any = None) -> None:
        missing = JobNotFound(identifier=job_id)
        upstream, identifier = self._asking.find(job_id, missing)
        call = Call(method, _path(identifier, below), json=json)
        await self._asking.call(user, SORT, upstream, call, missing=missing)


def _path(identifier: str, below: str) -> str:
    return f"/jobs/{quote(identifier, safe='')}{below}"
