"""What is swept, and what is not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from connexeo.drivers.local.jobs import queue, store
from connexeo.drivers.local.jobs.document import Asset, Document, result_key
from connexeo.drivers.local.jobs.place import Place
from connexeo.drivers.local.jobs.sweep import Sweep, scratch_folder
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import job_results, job_turns, jobs, workers
from connexeo.drivers.local.storage import Storage
from connexeo.settings import Settings

NOW = datetime.now(UTC)
DOCUMENT = Document((Asset("a.json", "application/json", 1, "ab", "2026-01-01T00:00:00Z"),)).to_json()


class Swept:
    """A database and a storage, and a sweep."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.settings = Settings(data=folder / "data", database=database_url)
        self.state = State(database_url)
        self.storage = Storage.from_settings(self.settings)
        self.place = Place(self.settings.data)
        self.scratch = scratch_folder(self.settings, self.storage)

    async def __aenter__(self) -> Swept:
        await self.state.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.state.stop()

    async def sweep(self) -> None:
        await Sweep(self.settings, self.state, self.storage, self.place).perform()

    def job(self, status: str, *runs: int, **values: object) -> str:
        """A job with stored runs."""
        with transaction(self.state.engine) as connection:
            given = {"process": {}, "log_level": "info", "status": status, **values}
            job_id = store.create(connection, "ana", given, NOW)
        for run in runs:
            with self.storage.writing(result_key(job_id, run, "a.json")) as file:
                file.write(b"1")
        return job_id

    def publish(self, job_id: str, run: int) -> None:
        with transaction(self.state.engine) as connection:
            connection.execute(insert(job_results).values(job_id=job_id, run=run, document=DOCUMENT))

    def stored(self, job_id: str) -> list[str]:
        return self.storage.names(f"jobs/{job_id}")


def test_stored_runs(tmp_path: Path, database_url: str) -> None:
    async def check() -> None:
        async with Swept(tmp_path, database_url) as swept:
            with transaction(swept.state.engine) as connection:
                queue.register(connection, "w-1", swept.place.id, NOW)
            finished = swept.job("finished", 1, 2, run=2, published=2, unpublished=NOW + timedelta(1))
            swept.publish(finished, 2)
            failed = swept.job("error", 3, run=3, unpublished=NOW + timedelta(1))
            swept.publish(failed, 3)
            running = swept.job("running", 1, 2, run=2, worker_id="w-1")
            queued = swept.job("queued", 1, run=1)
            canceled = swept.job("created", 4, run=4)
            unknown = "j-0000"
            with swept.storage.writing(result_key(unknown, 1, "a.json")) as file:
                file.write(b"1")
            await swept.sweep()
            found = {job_id: swept.stored(job_id) for job_id in (finished, failed, running, queued, canceled)}
            assert [*found.values()] == [["2"], ["3"], ["2"], [], []]
            assert unknown not in swept.storage.names("jobs")

    asyncio.run(check())


def test_expired_results(tmp_path: Path, database_url: str) -> None:
    async def check() -> None:
        async with Swept(tmp_path, database_url) as swept:
            old = swept.job("finished", 1, run=1, published=1, unpublished=NOW - timedelta(1))
            young = swept.job("finished", 1, run=1, published=1, unpublished=NOW + timedelta(1))
            for job_id in (old, young):
                swept.publish(job_id, 1)
            await swept.sweep()
            assert (swept.stored(old), swept.stored(young)) == ([], ["1"])
            with transaction(swept.state.engine) as connection:
                rows = connection.execute(select(jobs.c.id, jobs.c.status, jobs.c.published)).all()
                assert {tuple(row) for row in rows} == {(old, "finished", None), (young, "finished", 1)}
                assert list(connection.scalars(select(job_results.c.job_id))) == [young]

    asyncio.run(check())


def test_what_dead_workers_leave(tmp_path: Path, database_url: str) -> None:
    async def check() -> None:
        async with Swept(tmp_path, database_url) as swept:
            living, dead = swept.place.enter(), swept.place.enter()
            for lock in (living, dead):
                (swept.scratch / lock.id / "j-1-1").mkdir(parents=True)
            starting = swept.place.enter()
            with transaction(swept.state.engine) as connection:
                queue.register(connection, living.id, swept.place.id, NOW)
                connection.execute(
                    insert(job_turns), [{"user_id": user, "turn": 1} for user in ("ana", "bob")]
                )
            lost = swept.job("running", run=1, worker_id=dead.id)
            dead_lock = swept.settings.data / "workers" / f"{dead.id}.lock"
            dead.release()
            dead_lock.touch()
            await swept.sweep()
            assert [path.name for path in swept.scratch.iterdir()] == [living.id]
            assert not dead_lock.exists()
            assert set(swept.place.workers()) == {living.id, starting.id}
            with transaction(swept.state.engine) as connection:
                assert connection.scalar(select(jobs.c.status).where(jobs.c.id == lost)) == "queued"
                assert list(connection.scalars(select(job_turns.c.user_id))) == ["ana"]
                connection.execute(update(workers).values(beat=1))
            for lock in (living, starting):
                lock.release()

    asyncio.run(check())


def test_locks_tell_who_is_dead(tmp_path: Path) -> None:
    first, second = Place(tmp_path), Place(tmp_path)
    assert first.id == second.id
    lock = first.enter()
    assert not second.is_dead(lock.id)
    lock.release()
    assert second.is_dead(lock.id)
    assert second.workers() == []
    assert Place(tmp_path / "elsewhere").id != first.id


@pytest.mark.parametrize("storage", [None, "memory://results"])
def test_scratch_folders_are_where_files_can_be_moved_by_name(tmp_path: Path, storage: str | None) -> None:
    settings = Settings(data=tmp_path, storage=storage)
    expected = tmp_path / "scratch" if storage else tmp_path / "storage" / ".scratch"
    assert scratch_folder(settings, Storage.from_settings(settings)) == expected
