"""The table of jobs as a queue against DBOS on the same database: numbers of ours as ratios to those of DBOS.

Measured are putting jobs into the queue; taking and ending them by two workers that do nothing else; the time until
the job of a killed worker goes on elsewhere; and after how many jobs somebody has all of theirs who comes last. DBOS
is no dependency of connexeo: ``pip install dbos``.

    cd tests && python -m bench.job_queue [--jobs 400] [--queued 100000]
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, insert, make_url, select

from bench.dbos_queue import DbosQueue
from connexeo.drivers.local.jobs import queue, store
from connexeo.drivers.local.jobs.document import Document
from connexeo.drivers.local.jobs.place import Place
from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import jobs, workers

PROCESS = {"process_graph": {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}}
PER_USER, IN_TOTAL = 2, 3


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=400, help="jobs that are put in and taken")
    parser.add_argument("--queued", type=int, default=100_000, help="jobs of the long queue")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return 0
    with_dbos = importlib.util.find_spec("dbos") is not None
    if not with_dbos:
        print("DBOS is not installed, so there is nothing to compare with: pip install dbos\n")
    print(f"{'':42}{'ours':>12}{'DBOS':>12}{'ratio':>8}")
    with (
        tempfile.TemporaryDirectory(prefix="queue-", ignore_cleanup_errors=True) as name,
        postgres() as server,
    ):
        folder = Path(name)
        for kind, url in (("SQLite", f"sqlite:///{folder}/ours.sqlite"), ("PostgreSQL", server)):
            ours = OurQueue(url, folder / kind)
            measure(kind, ours, DbosQueue(url, folder / kind) if with_dbos else None, options.jobs)
            ours.fill(options.queued)
            seconds = statistics.median(timed(ours.take_one) for _ in range(20))
            show(f"{kind}: take 1 of {options.queued} jobs, ms", seconds * 1000, None)
            ours.close()
    return 0


def measure(kind: str, ours: OurQueue, theirs: DbosQueue | None, number: int) -> None:
    """The same with both; they take turns where that is possible."""
    show(
        f"{kind}: put in 1 job, ms", *(1000 * median_of(each.put, number // 4) for each in both(ours, theirs))
    )
    for each in both(ours, theirs):
        each.clear()
    rates = []
    for each in both(ours, theirs):
        for index in range(number):
            each.put(f"user{index % 5}")
        with each.workers(2):
            rates.append(number / timed(lambda each=each: until(lambda: each.left() == 0)))  # type: ignore[misc]
    show(f"{kind}: jobs per second, 2 workers", *rates)
    show(
        f"{kind}: jobs before the last of 5 of a late user", *(each.fairness() for each in both(ours, theirs))
    )
    show(f"{kind}: s until a lost job goes on", *(each.take_over() for each in both(ours, theirs)))


def both(ours: OurQueue, theirs: DbosQueue | None) -> list[Any]:
    """Those that are there."""
    return [ours] if theirs is None else [ours, theirs]


def show(what: str, ours: float, theirs: float | None = None) -> None:
    """One line of the table."""
    compared = f"{'-':>12}{'-':>8}" if theirs is None else f"{theirs:>12.2f}{ours / theirs:>8.2f}"
    print(f"{what:42}{ours:>12.2f}{compared}", flush=True)


class OurQueue:
    """The functions of `connexeo.drivers.local.jobs.queue`, used as a worker does."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder / "ours"
        self.engine: Engine = open_database(url)

    def put(self, user_id: str = "ana") -> str:
        """A job of a user."""
        with transaction(self.engine) as connection:
            now = datetime.now(UTC)
            job_id = store.create(connection, user_id, {"process": PROCESS, "log_level": "info"}, now)
        with transaction(self.engine) as connection:
            store.queue(connection, user_id, job_id, now)
        return job_id

    def left(self) -> int:
        """Jobs that have not ended."""
        with transaction(self.engine, writing=False) as connection:
            query = select(func.count()).select_from(jobs).where(jobs.c.status.in_(("queued", "running")))
            return int(connection.scalar(query) or 0)

    def clear(self) -> None:
        """No jobs."""
        with transaction(self.engine) as connection:
            connection.execute(jobs.delete())

    @contextmanager
    def workers(self, number: int, seconds: float = 0.0) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Processes that take jobs and end them after some seconds."""
        command = [
            sys.executable,
            "-m",
            "bench.job_queue",
            "--work",
            self.url,
            str(self.folder),
            str(seconds),
        ]
        processes = [subprocess.Popen(command) for _ in range(number)]
        try:
            until(lambda: len(list(self.folder.glob("workers/*.lock"))) >= number)
            yield processes
        finally:
            for process in processes:
                process.kill()
                process.wait()
            for lock in self.folder.glob("workers/*.lock"):
                lock.unlink()

    def fairness(self) -> float:
        """Jobs that start until a user has all five, who comes when another one has put in fifty."""
        self.clear()
        ids = [self.put("first") for _ in range(50)]
        late = [self.put("late") for _ in range(5)]
        with self.workers(1):
            until(lambda: self.left() == 0)
        with transaction(self.engine, writing=False) as connection:
            rows = connection.execute(select(jobs.c.id).order_by(jobs.c.started)).scalars().all()
        assert len(rows) == len(ids) + len(late)
        return float(max(rows.index(job_id) for job_id in late) + 1)

    def take_over(self) -> float:
        """Seconds."""
        self.clear()
        job_id = self.put()
        with self.workers(2, seconds=3600) as processes:
            until(lambda: self._run(job_id) == 1)
            owner = int((self.folder / job_id).read_text())
            os.kill(owner, signal.SIGKILL)
            for process in processes:
                if process.pid == owner:
                    process.wait()
            return timed(lambda: until(lambda: self._run(job_id) == 2))

    def fill(self, number: int) -> None:
        """A long queue."""
        now = datetime.now(UTC)
        row = {"process": PROCESS, "log_level": "info", "status": "queued", "priority": 0, "created": now}
        rows = [
            {
                **row,
                "id": f"j-{index:032x}",
                "user_id": f"user{index % 50}",
                "queued": now + timedelta(0, index),
            }
            for index in range(number)
        ]
        with transaction(self.engine) as connection:
            connection.execute(jobs.delete())
            connection.execute(insert(jobs), [{**row, "run": 0, "crashes": 0, "losses": 0} for row in rows])
            queue.register(connection, "w-bench", "p-bench", now)

    def take_one(self) -> None:
        """Of the long queue."""
        with transaction(self.engine) as connection:
            queue.claim(connection, "w-bench", datetime.now(UTC), limit_of=lambda *_: PER_USER)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def _run(self, job_id: str) -> int:
        with transaction(self.engine, writing=False) as connection:
            found = connection.execute(select(jobs.c.run).where(jobs.c.id == job_id)).scalar_one()
        return int(found) if (self.folder / job_id).exists() else 0


def work(url: str, folder: str, seconds: str) -> None:
    """What a process of `OurQueue.workers` does: as a worker, without children."""
    engine = open_database(url)
    place = Place(Path(folder))
    lock = place.enter()
    with transaction(engine) as connection:
        queue.register(connection, lock.id, place.id, datetime.now(UTC))
    while True:
        with transaction(engine) as connection:
            job = queue.claim(
                connection, lock.id, datetime.now(UTC), limit_of=lambda *_: PER_USER, in_total=IN_TOTAL
            )
        if job is not None:
            Path(folder, job.id).write_text(str(os.getpid()))
            time.sleep(float(seconds))
            values = {"updated": datetime.now(UTC), "usage": None, "costs": None, "unpublished": None}
            report = queue.Report(job.id, job.run, 100.0)
            with transaction(engine) as connection:
                queue.finish(connection, lock.id, report, Document(()), values)
            continue
        with transaction(engine) as connection:
            others = connection.execute(workers.select()).all()
            for other in others:
                if other.place == place.id and other.id != lock.id and place.is_dead(other.id):
                    queue.take_over(connection, other.id, None, datetime.now(UTC))
        time.sleep(0.5)


def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Wait."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


def timed(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def median_of(function: Callable[[], object], number: int) -> float:
    """Median seconds of several calls."""
    return statistics.median(timed(function) for _ in range(number))


@contextmanager
def postgres() -> Iterator[str]:
    """A database on a PostgreSQL server of its own."""
    import psycopg

    pgserver: Any = importlib.import_module("pgserver")
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        yield make_url(server.get_uri()).set(database="bench").render_as_string(hide_password=False)
        server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
