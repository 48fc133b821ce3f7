"""All batch jobs: those at one back-end each, and those that are split among several."""

from __future__ import annotations

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.jobs.batch_jobs import JOBS, FederatedJobs, Router
from connexeo.drivers.federation.jobs.split_jobs import SplitJobs, refused
from connexeo.drivers.federation.jobs.split_markers import without
from connexeo.drivers.federation.jobs.split_store import is_split
from connexeo.drivers.federation.lists import UserLists
from connexeo.drivers.federation.paging import Entry, Place, Told
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.splitting.plan import CannotSplit, NobodyCan
from connexeo.drivers.interface import JobResults, Json, LogPage, Page, User
from connexeo.generated.errors import OpenEOError
from connexeo.settings.federation import SPLIT


class AllJobs(FederatedJobs):
    """Implements ``BatchJobs``.

    Args:
        asking: Asks back-ends in a user's name.
        router: Finds the back-end for a new job.
        split: Has those that no back-end can run alone.
        snapshots: Which back-ends have jobs.
    """

    def __init__(
        self, asking: Asking, router: Router, split: SplitJobs, snapshots: Snapshots | None = None
    ) -> None:
        super().__init__(asking, router, snapshots)
        self._split = split
        self._lists = UserLists(asking, snapshots, {SPLIT: split.list_jobs})

    async def list_jobs(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's jobs at all back-ends and those that are split, newest first."""
        read = self._without_parts
        return await self._lists.page(JOBS, user, limit=limit, offset=offset, read=read)

    async def _without_parts(
        self, connection: Connection, place: Place, *, limit: int | None, authorization: str, deadline: float
    ) -> Told:
        """The jobs at one back-end, but for parts of split jobs."""
        entries: list[Entry] = []
        places = [place]
        while True:
            told = await JOBS.read(
                connection, places[-1], limit=limit, authorization=authorization, deadline=deadline
            )
            shown = without(told, await self._split.are_parts(told.entries))
            entries += shown.entries
            places[-1:] = shown.places
            if places[-1].done or not told.entries or (limit is not None and len(entries) >= limit):
                return Told(entries, places)

    async def create_job(self, user: User, request: Json) -> str:
        """A new job at one back-end, or split where none can run it alone."""
        try:
            return await super().create_job(user, request)
        except OpenEOError as error:
            # What a back-end said itself has a cause.
            if error.__cause__ is not None or not self._asking.members.federation.split_jobs:
                raise
            try:
                return await self._split.create_job(user, request)
            except NobodyCan:
                raise error from None
            except CannotSplit as cannot:
                raise refused(error, cannot) from cannot

    async def describe_job(self, user: User, job_id: str) -> Json:
        """The job."""
        if is_split(job_id):
            return await self._split.describe_job(user, job_id)
        return await super().describe_job(user, job_id)

    async def update_job(self, user: User, job_id: str, changes: Json) -> None:
        """Change it."""
        if is_split(job_id):
            await self._split.update_job(user, job_id, changes)
        else:
            await super().update_job(user, job_id, changes)

    async def delete_job(self, user: User, job_id: str) -> None:
        """Remove it."""
        if is_split(job_id):
            await self._split.delete_job(user, job_id)
        else:
            await super().delete_job(user, job_id)

    async def estimate_job(self, user: User, job_id: str) -> Json:
        """What is expected of it."""
        if is_split(job_id):
            return await self._split.estimate_job(user, job_id)
        return await super().estimate_job(user, job_id)

    async def debug_job(
        self, user: User, job_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        """Its log."""
        if is_split(job_id):
            return await self._split.debug_job(user, job_id, limit=limit, offset=offset, level=level)
        return await super().debug_job(user, job_id, limit=limit, offset=offset, level=level)

    async def start_job(self, user: User, job_id: str) -> None:
        """Start it."""
        if is_split(job_id):
            await self._split.start_job(user, job_id)
        else:
            await super().start_job(user, job_id)

    async def stop_job(self, user: User, job_id: str) -> None:
        """Cancel it."""
        if is_split(job_id):
            await self._split.stop_job(user, job_id)
        else:
            await super().stop_job(user, job_id)

    async def list_results(self, user: User, job_id: str, *, partial: bool) -> JobResults:
        """Its results."""
        if is_split(job_id):
            return await self._split.list_results(user, job_id, partial=partial)
        return await super().list_results(user, job_id, partial=partial)
