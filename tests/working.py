"""Workers in processes of their own, and jobs for them that are put into the database directly."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, func, select

from connexeo.drivers.local.jobs import store
from connexeo.drivers.local.jobs.document import Document, result_key
from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import job_results, jobs, workers
from served import environment

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

TESTS = Path(__file__).parent
ODD = {"process_modules": "odd_processes", "process_definitions": TESTS / "odd_processes" / "definitions"}
"""Settings with the processes that only tests have."""


def node(process_id: str, **arguments: Any) -> dict[str, Any]:
    """A node of a process graph."""
    return {"process_id": process_id, "arguments": arguments}


def process(**nodes: dict[str, Any]) -> dict[str, Any]:
    """A process whose last node gives the result."""
    last = [*nodes][-1]
    return {"process_graph": {**nodes, last: {**nodes[last], "result": True}}}


@dataclass
class Works:
    """A database with jobs, and workers that do them."""

    folder: Path
    database_url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine: Engine = open_database(self.database_url)
        self.storage = self.folder / "storage"
        self.logs = self.folder / "logs"
        self.logs.mkdir()

    def environment(self) -> dict[str, str]:
        """Environment variables of a worker."""
        given = {
            "data": self.folder / "data",
            "storage": self.storage,
            "database": self.database_url,
            "log_format": "json",
            **ODD,
            **self.settings,
        }
        return environment(**given) | {"PYTHONPATH": str(TESTS)}

    def start(self, *command: str, **settings: Any) -> subprocess.Popen[bytes]:
        """One more worker, which may have settings of its own."""
        with (self.logs / f"{len(self.processes)}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", *(command or ("connexeo.tools.worker",))],
                env=self.environment() | {f"CONNEXEO_{key.upper()}": str(settings[key]) for key in settings},
                stdout=log,
                stderr=log,
            )
        self.processes.append(worker)
        return worker

    def stop(self) -> list[int]:
        """End the workers that run, politely; their exit codes."""
        running = [worker for worker in self.processes if worker.poll() is None]
        for worker in running:
            worker.send_signal(signal.SIGTERM)
        return [worker.wait(40) for worker in running]

    def close(self) -> None:
        """Leave nothing that runs."""
        for worker in self.processes:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        self.engine.dispose()

    def add(self, user_id: str, process: Mapping[str, Any], **values: Any) -> str:
        """A job in the queue."""
        priority = values.pop("priority", 0)
        with transaction(self.engine) as connection:
            now = datetime.now(UTC)
            job_id = store.create(
                connection, user_id, {"process": process, "log_level": "debug", **values}, now
            )
            store.queue(connection, user_id, job_id, now, priority)
        return job_id

    def job(self, job_id: str) -> RowMapping:
        """The row of a job."""
        with transaction(self.engine, writing=False) as connection:
            return connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one()

    def statuses(self) -> Counter[str]:
        """How many jobs have each status."""
        with transaction(self.engine, writing=False) as connection:
            rows = connection.execute(
                select(jobs.c.status, func.count().label("number")).group_by(jobs.c.status)
            )
            return Counter({row.status: row.number for row in rows})

    def wait(self, *statuses: str, seconds: float = 120) -> None:
        """Until all jobs have one of these."""
        deadline = time.monotonic() + seconds
        while not self.statuses().keys() <= set(statuses):
            assert time.monotonic() < deadline, (self.statuses(), self.log_text()[-5000:])
            time.sleep(0.1)

    def document(self, job_id: str) -> Document:
        """What is kept of the published results of a job."""
        with transaction(self.engine, writing=False) as connection:
            return _document(connection, job_id)

    def check_results(self, job_id: str) -> dict[str, bytes]:
        """The files of a job by name, each as its checksum says."""
        run = self.job(job_id)["published"]
        files = {}
        for asset in self.document(job_id).assets:
            content = (self.storage / result_key(job_id, run, asset.name)).read_bytes()
            assert len(content) == asset.size
            assert hashlib.sha256(content).hexdigest() == asset.checksum
            files[asset.name] = content
        assert files
        return files

    def stored(self) -> set[str]:
        """Keys of all that is stored, whatever it is."""
        files = (path for path in self.storage.rglob("*") if path.is_file())
        return {str(path.relative_to(self.storage)) for path in files}

    def published(self) -> set[str]:
        """Keys of what should be stored."""
        with transaction(self.engine, writing=False) as connection:
            rows = connection.execute(select(job_results)).mappings().all()
        return {
            result_key(row["job_id"], row["run"], asset.name)
            for row in rows
            for asset in Document.from_json(row["document"]).assets
        }

    def known_workers(self) -> list[str]:
        """Ids of the workers in the database."""
        with transaction(self.engine, writing=False) as connection:
            return list(connection.scalars(select(workers.c.id)))

    def at_work(self, ids: Container[str] | None = None) -> list[subprocess.Popen[bytes]]:
        """The workers that have a job, or one of certain jobs."""
        with transaction(self.engine, writing=False) as connection:
            rows = connection.execute(select(jobs.c.id, jobs.c.worker_id).where(jobs.c.status == "running"))
            busy = {row.worker_id for row in rows if ids is None or row.id in ids}
        ready = [event for event in self.events() if event.get("event") == "worker.ready"]
        pids = {event["pid"] for event in ready if event["worker"] in busy}
        return [worker for worker in self.alive() if worker.pid in pids]

    def alive(self) -> list[subprocess.Popen[bytes]]:
        """The workers that run, oldest first."""
        return [worker for worker in self.processes if worker.poll() is None]

    def events(self) -> Iterator[dict[str, Any]]:
        """What the workers logged."""
        for line in self.log_text().splitlines():
            # Whoever is killed does not end the line.
            if line.startswith("{") and line.endswith("}"):
                yield json.loads(line)

    def log_text(self) -> str:
        """What the workers wrote, one worker after the other."""
        return "\n".join(log.read_text() for log in sorted(self.logs.iterdir()))


def _document(connection: Connection, job_id: str) -> Document:
    query = (
        select(job_results.c.document)
        .join(jobs, (jobs.c.id == job_results.c.job_id) & (jobs.c.published == job_results.c.run))
        .where(jobs.c.id == job_id)
    )
    return Document.from_json(connection.execute(query).scalar_one())


@contextmanager
def works(folder: Path, database_url: str, **settings: Any) -> Iterator[Works]:
    """A database with workers, which end with it."""
    place = Works(folder, database_url, settings)
    try:
        yield place
    finally:
        place.close()
