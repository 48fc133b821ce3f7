"""A dask cluster on loopback: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parent


@dataclass
class DaskCluster:
    """Processes of dask."""

    folder: Path
    allowed_failures: int = 3
    """How many workers may die over a task."""
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_scheduler(self, port: int = 0) -> None:
        """A scheduler, whose address is known afterwards."""
        told = self.folder / "scheduler.json"
        told.unlink(missing_ok=True)
        arguments = ["--port", str(port), "--scheduler-file", str(told)]
        self.scheduler = self._start("scheduler", *arguments)
        end = time.monotonic() + 20
        while not told.exists() or not (text := told.read_text()).endswith("}"):
            assert time.monotonic() < end, "the scheduler does not start"
            time.sleep(0.02)
        self.address = text.partition('"address": "')[2].partition('"')[0]

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One more worker, of one thread."""
        arguments = [
            "--nthreads",
            "1",
            "--no-nanny",
            "--local-directory",
            str(self.folder),
            "--host",
            "127.0.0.1",
        ]
        worker = self._start("worker", self.address, *arguments)
        self.workers.append(worker)
        return worker

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "distributed.cli.dask_" + arguments[0],
            *arguments[1:],
            "--no-dashboard",
        ]
        if arguments[0] == "scheduler":
            command += ["--host", "127.0.0.1"]
        paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(self.allowed_failures),
        }
        log = (self.folder / "dask.log").open("ab")
        with log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self.folder)

    def stop(self) -> None:
        """Kill all processes."""
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()


@contextmanager
def dask_cluster(folder: Path, *, workers: int, allowed_failures: int = 3) -> Iterator[DaskCluster]:
    """A cluster that is gone afterwards."""
    cluster = DaskCluster(folder, allowed_failures)
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        cluster.stop()
