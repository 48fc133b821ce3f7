"""Removes what nobody needs any longer: expired results, and what those left behind that were killed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import structlog
from sqlalchemy import Connection, delete, select, update

from connexeo.drivers.local.jobs import queue
from connexeo.drivers.local.jobs.document import result_key
from connexeo.drivers.local.jobs.place import Place
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.tables import job_results, job_turns, jobs, workers
from connexeo.drivers.local.storage import Storage
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.jobs")

_AT_ONCE = 500
"""Jobs of one query."""
_SCRATCH = ".scratch"


def scratch_folder(settings: Settings, storage: Storage) -> Path:
    """Where workers have their folders: on the file system of the storage, if that is one, to move files by name."""
    return storage.path(_SCRATCH) or settings.data.resolve() / "scratch"


class Sweep:
    """Looks at what is stored first, and at the database then: what is new meanwhile is left alone.

    Args:
        settings: The deployment's settings.
        state: The database.
        storage: Where results lie.
        place: Where the worker runs.
    """

    def __init__(self, settings: Settings, state: State, storage: Storage, place: Place) -> None:
        self._scratch = scratch_folder(settings, storage)
        self._state = state
        self._storage = storage
        self._place = place

    async def perform(self) -> None:
        """Sweep everything once.

        Raises:
            OpenEOError: when database or storage cannot be reached.
        """
        now = datetime.now(UTC)
        await self._state.write(queue.take_over_orphans, now)
        await self._state.write(forget_expired, now)
        await self._sweep_workers()
        await self._sweep_results()
        await asyncio.to_thread(self._storage.sweep_drafts)

    async def _sweep_workers(self) -> None:
        """Scratch folders and lock files of workers that the database does not know."""
        folders = await asyncio.to_thread(_names, self._scratch)
        locked = await asyncio.to_thread(self._place.workers)
        known = await self._state.read(_known_workers)
        for worker_id in set(folders) - known:
            logger.info("sweep.scratch", worker=worker_id)
            await asyncio.to_thread(shutil.rmtree, self._scratch / worker_id, ignore_errors=True)
        for worker_id in set(locked) - known:
            await asyncio.to_thread(self._place.is_dead, worker_id, remove=True)

    async def _sweep_results(self) -> None:
        """Stored runs that no row tells of."""
        stored = iter(await asyncio.to_thread(self._storage.names, "jobs"))
        while some := list(islice(stored, _AT_ONCE)):
            runs = await asyncio.to_thread(self._runs_of, some)
            kept = await self._state.read(_kept, some)
            for job_id in some:
                if job_id not in kept:
                    await self._delete(result_key(job_id, 0).rpartition("/")[0])
                    continue
                for run in set(runs[job_id]) - kept[job_id]:
                    await self._delete(f"jobs/{job_id}/{run}")

    def _runs_of(self, job_ids: Iterable[str]) -> dict[str, list[str]]:
        return {job_id: self._storage.names(f"jobs/{job_id}") for job_id in job_ids}

    async def _delete(self, key: str) -> None:
        logger.info("sweep.results", key=key)
        await asyncio.to_thread(self._storage.delete, key)


def forget_expired(connection: Connection, now: datetime) -> None:
    """Forget results that are kept no longer, those of runs that do not count, and turns of users without jobs."""
    expired = select(jobs.c.id).where(jobs.c.unpublished < now)
    connection.execute(delete(job_results).where(job_results.c.job_id.in_(expired)))
    connection.execute(update(jobs).where(jobs.c.id.in_(expired)).values(published=None, unpublished=None))
    columns = job_results.c
    present = select(jobs.c.id).where(jobs.c.id == columns.job_id, jobs.c.run == columns.run).exists()
    published = select(jobs.c.id).where(jobs.c.id == columns.job_id, jobs.c.published == columns.run).exists()
    connection.execute(delete(job_results).where(~present, ~published))
    active = select(jobs.c.user_id).where(jobs.c.status.in_(("queued", "running")))
    connection.execute(delete(job_turns).where(job_turns.c.user_id.not_in(active)))


def _known_workers(connection: Connection) -> set[str]:
    return set(connection.scalars(select(workers.c.id)))


def _kept(connection: Connection, job_ids: Sequence[str]) -> dict[str, set[str]]:
    """Runs that are stored with good reason, of those of the jobs that exist."""
    kept: dict[str, set[str]] = {}
    columns = (jobs.c.id, jobs.c.status, jobs.c.run)
    for row in connection.execute(select(*columns).where(jobs.c.id.in_(job_ids))):
        kept[row.id] = {str(row.run)} if row.status == "running" else set()
    with_results = select(job_results.c.job_id, job_results.c.run).where(job_results.c.job_id.in_(job_ids))
    for job_id, run in connection.execute(with_results):
        kept.get(job_id, set()).add(str(run))
    return kept


def _names(folder: Path) -> list[str]:
    return [path.name for path in _entries(folder)]


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())
