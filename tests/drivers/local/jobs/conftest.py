"""Batch jobs in a database of each kind, and a stand-in for the workers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from connexeo.drivers.interface import Json, User
from connexeo.drivers.local.jobs import logs
from connexeo.drivers.local.jobs.batch_jobs import LocalBatchJobs
from connexeo.drivers.local.jobs.document import Asset, Document, result_key
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.tables import job_results, jobs
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import OpenEOError
from connexeo.settings import Settings
from desks import ANA, PROCESS, PortalDesk, check_process

if TYPE_CHECKING:
    from sqlalchemy import Connection

ESTIMATE: dict[str, Any] = {
    "pixels": 4_000_000,
    "input_bytes": 8_000_000,
    "output_bytes": 1_234,
    "seconds": 90.5,
}


@dataclass
class FakeComputing:
    """Answers every estimate with the same figures, or an error."""

    answer: dict[str, Any] | OpenEOError = field(default_factory=lambda: dict(ESTIMATE))
    asked: list[tuple[str, str | None, Json]] = field(default_factory=list)

    async def run(
        self,
        task: str,
        user_id: str | None,
        request: Json,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it belongs to the task
    ) -> Json:
        self.asked.append((task, user_id, request))
        if isinstance(self.answer, OpenEOError):
            raise self.answer
        return self.answer


class Desk(PortalDesk):
    """The driver for code that does not wait, and what a worker would do."""

    def __init__(self, portal: BlockingPortal, settings: Settings, state: State, storage: Storage) -> None:
        super().__init__(portal, state)
        self.storage = storage
        self.computing = FakeComputing()
        self.secrets: list[bytes] = [b"a secret of enough bytes"]
        self.settings = settings
        self.driver = self.make_driver()

    def make_driver(self, **settings: Any) -> LocalBatchJobs:
        """A driver on the same database, with other settings."""
        chosen = self.settings.model_copy(update=settings)
        return LocalBatchJobs(
            chosen, self.state, self.storage, self.computing, check_process, lambda: tuple(self.secrets)
        )

    def create(self, user: User = ANA, /, **request: Any) -> str:
        """A new job."""
        job_id: str = self(self.driver.create_job, user, {"process": PROCESS, **request})
        return job_id

    def describe(self, job_id: str, user: User = ANA) -> dict[str, Any]:
        """A job."""
        return dict(self(self.driver.describe_job, user, job_id))

    def take(self, job_id: str) -> int:
        """Begin a run, as a worker does."""
        return int(self.write(_take, job_id))

    def store(
        self, job_id: str, run: int, files: dict[str, bytes], *, complete: bool = True, **asset: Any
    ) -> None:
        """Store results of a run, as a worker does; each file has the same further properties."""
        assets = []
        for name, content in files.items():
            with self.storage.writing(result_key(job_id, run, name)) as file:
                file.write(content)
            checksum = hashlib.sha256(content).hexdigest()
            assets.append(Asset(name, "text/plain", len(content), checksum, "2026-01-02T03:04:05Z", **asset))
        document = Document(tuple(assets), complete=complete)
        self.write(_store, job_id, run, document.to_json())

    def end(self, job_id: str, status: str, *entries: Json) -> None:
        """End a run."""
        self.write(_end, job_id, status, entries)

    def finish(self, job_id: str, files: dict[str, bytes], **asset: Any) -> None:
        """Start a job, and let it have these results."""
        self(self.driver.start_job, ANA, job_id)
        self.store(job_id, self.take(job_id), files, **asset)
        self.end(job_id, "finished")

    def log(self, job_id: str, *entries: Json) -> None:
        """Add log entries."""
        self.write(logs.append, job_id, entries)


def _take(connection: Connection, job_id: str) -> int:
    run = connection.scalar(jobs.select().with_only_columns(jobs.c.run).where(jobs.c.id == job_id))
    values = {"status": "running", "run": (run or 0) + 1, "worker_id": "w-1", "started": datetime.now(UTC)}
    connection.execute(jobs.update().where(jobs.c.id == job_id).values(values))
    return (run or 0) + 1


def _store(connection: Connection, job_id: str, run: int, document: Json) -> None:
    connection.execute(job_results.insert().values(job_id=job_id, run=run, document=document))


def _end(connection: Connection, job_id: str, status: str, entries: tuple[Json, ...]) -> None:
    logs.append(connection, job_id, entries)
    now = datetime.now(UTC)
    values: dict[str, Any] = {"status": status, "worker_id": None, "updated": now}
    if status == "finished":
        values |= {"published": jobs.c.run, "progress": 100.0, "unpublished": now + timedelta(days=90)}
    connection.execute(jobs.update().where(jobs.c.id == job_id).values(values))


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Batch jobs in an empty database."""
    state = State(database_url)
    storage = Storage(str(tmp_path / "storage"))
    with start_blocking_portal() as portal:
        portal.call(state.start)
        yield Desk(portal, Settings(data=tmp_path), state, storage)
        portal.call(state.stop)
