"""The queue of DBOS, as one would use it for batch jobs: a partition per user, limits per user and in total.

Run as a program, it is a worker: ``python -m bench.dbos_queue URL FOLDER SECONDS EXECUTOR``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PER_USER, IN_TOTAL = 2, 3
NAME = "jobs"
WAITS = 20.0
"""Seconds for which a killed worker's job may be taken over by itself, before another worker is told to."""


class DbosQueue:
    """A client, and processes that work."""

    def __init__(self, url: str, folder: Path) -> None:
        from dbos import DBOSClient

        self.url = _url(url, folder)
        self.folder = folder / "dbos"
        self.folder.mkdir(parents=True, exist_ok=True)
        # Makes the tables.
        with self.workers(1):
            pass
        self.client: Any = DBOSClient(system_database_url=self.url)

    def put(self, user_id: str = "ana") -> str:
        """A job of a user."""
        options = {
            "queue_name": NAME,
            "workflow_name": "job",
            "queue_partition_key": user_id,
            "app_version": "1",
        }
        handle = self.client.enqueue(options, {"process_graph": {}}, user_id)
        return str(handle.get_workflow_id())

    def left(self) -> int:
        """Jobs that have not ended."""
        return len(self.client.list_queued_workflows(load_input=False))

    def clear(self) -> None:
        """No jobs."""
        for workflow in self.client.list_queued_workflows(load_input=False):
            self.client.cancel_workflow(workflow.workflow_id)

    @contextmanager
    def workers(self, number: int, seconds: float = 0.0) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Processes that take jobs and end them after some seconds."""
        for ready in self.folder.glob("ready-*"):
            ready.unlink()
        command = [sys.executable, "-m", "bench.dbos_queue", self.url, str(self.folder), str(seconds)]
        processes = [subprocess.Popen([*command, f"executor{index}"]) for index in range(number)]
        try:
            _until(lambda: len(list(self.folder.glob("ready-*"))) == number)
            yield processes
        finally:
            for process in processes:
                process.kill()
                process.wait()

    def fairness(self) -> float:
        """Jobs that start until a user has all five, who comes when another one has put in fifty."""
        self.clear()
        (self.folder / "started").unlink(missing_ok=True)
        for _ in range(50):
            self.put("first")
        for _ in range(5):
            self.put("late")
        with self.workers(1):
            _until(lambda: self.left() == 0)
        order = (self.folder / "started").read_text().split()
        return float(max(index for index, user_id in enumerate(order) if user_id == "late") + 1)

    def take_over(self) -> float:
        """Seconds; negative if nobody did by itself."""
        self.clear()
        started = self.folder / "started"
        started.unlink(missing_ok=True)
        self.put()
        with self.workers(2, seconds=3600) as processes:
            _until(started.exists)
            owner = int((self.folder / "owner").read_text())
            begun = time.perf_counter()
            os.kill(owner, signal.SIGKILL)
            for process in processes:
                if process.pid == owner:
                    process.wait()
            try:
                _until(lambda: len(started.read_text().split()) == 2, WAITS)
            except TimeoutError:
                return float("inf")
            return time.perf_counter() - begun


def main(url: str, folder: str, seconds: str, executor: str) -> None:
    """Work until somebody kills this process."""
    from dbos import DBOS

    place = Path(folder)
    DBOS(
        config={
            "name": "bench",
            "system_database_url": url,
            "executor_id": executor,
            "application_version": "1",
            "log_level": "ERROR",
        }
    )

    # Without types where the package is not installed.
    workflow: Any = DBOS.workflow(name="job")

    def job(process: dict[str, Any], user_id: str) -> None:
        (place / "owner").write_text(str(os.getpid()))
        with (place / "started").open("a") as file:
            file.write(f"{user_id}\n")
        time.sleep(float(seconds))

    workflow(job)
    DBOS.launch()
    DBOS.register_queue(
        NAME, global_concurrency=IN_TOTAL, partition_concurrency=PER_USER, polling_interval_sec=0.1
    )
    (place / f"ready-{executor}").touch()
    signal.pause()


def _url(url: str, folder: Path) -> str:
    """A database of its own, as two libraries would share no tables anyway."""
    if url.startswith("sqlite"):
        return f"sqlite:///{folder.parent}/dbos.sqlite"
    return url.replace("postgresql+psycopg", "postgresql")


def _until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
