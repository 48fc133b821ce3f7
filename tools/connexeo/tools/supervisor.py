"""What ``connexeo serve`` is while it serves: the parent of gunicorn and of the workers for batch jobs.

It starts workers anew that end, hands signals on, and ends when gunicorn does. Should it be killed, the system ends
its children, and they end theirs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from connexeo.logs import configure_logging
from connexeo.settings import load_settings
from connexeo.tools.worker import NOTHING_TO_DO

logger = structlog.get_logger("connexeo.supervisor")

CONFIGURATION = "python:connexeo.server.gunicorn_conf"

HANDED_ON = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)
"""Signals that mean something to gunicorn, besides those that end it."""

SHORTEST = 1.0
LONGEST = 30.0
"""Seconds until a worker is started anew; doubled each time that it does not live for long."""
GRACE = 20.0
"""Seconds that workers are given to put jobs back into the queue, once the server is gone."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class _Worker:
    """One of the workers, or its place while it is not there."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    """When to start it; in seconds of the monotonic clock."""
    delay: float = SHORTEST
    needed: bool = True


@dataclass
class Supervisor:
    """Gunicorn and workers.

    Args:
        server: Command of gunicorn.
        worker: Command of a worker.
        workers: How many of them.
    """

    server: Sequence[str]
    worker: Sequence[str]
    workers: int
    _workers: list[_Worker] = field(default_factory=list)
    _gunicorn: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Serve until gunicorn ends; its exit code."""
        # Blocked, they wait until they are asked for, also those that come now.
        waited = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD, *HANDED_ON}
        signal.pthread_sigmask(signal.SIG_BLOCK, waited)
        self._gunicorn = _start(self.server)
        self._workers = [_Worker() for _ in range(self.workers)]
        while self._gunicorn.poll() is None:
            self._tend()
            received = signal.sigtimedwait(waited, 1.0)
            if received is not None:
                self._handle(signal.Signals(received.si_signo))
        self._stop_workers()
        return self._gunicorn.returncode

    def _handle(self, number: signal.Signals) -> None:
        assert self._gunicorn is not None
        if number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            self._tell_workers(signal.SIGTERM)
            for worker in self._workers:
                worker.needed = False
        if number == signal.SIGHUP:
            # Gunicorn replaces its workers, which read code and settings again; so do ours.
            self._tell_workers(signal.SIGTERM)
        if number != signal.SIGCHLD:
            self._gunicorn.send_signal(number)

    def _tell_workers(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process is not None:
                worker.process.send_signal(number)

    def _tend(self) -> None:
        """Start the workers that lack."""
        now = time.monotonic()
        for worker in self._workers:
            if worker.process is not None and worker.process.poll() is not None:
                _note_end(worker, worker.process.returncode, now)
            if worker.process is None and worker.needed and now >= worker.due:
                worker.process = _start(self.worker)
                worker.started = now

    def _stop_workers(self) -> None:
        self._tell_workers(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for worker in self._workers:
            if worker.process is None:
                continue
            try:
                worker.process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()


def main() -> int:
    """Run gunicorn, and as many workers as the settings want; the exit code."""
    settings = load_settings()
    configure_logging(settings)
    server = [sys.executable, "-m", "gunicorn", "-c", CONFIGURATION]
    worker = [sys.executable, "-m", "connexeo.tools.worker"]
    return Supervisor(server, worker, settings.job_workers).run()


def _note_end(worker: _Worker, status: int, now: float) -> None:
    worker.process = None
    if status == NOTHING_TO_DO:
        worker.needed = False
        return
    if worker.needed and status != 0:
        logger.error("supervisor.worker_ended", status=status)
    worker.delay = SHORTEST if now - worker.started > LONGEST else min(2 * worker.delay, LONGEST)
    worker.due = now + (0 if status == 0 else worker.delay)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def end_with_parent() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    # There is one thread here, so that code may run between fork and exec.
    return subprocess.Popen(command, preexec_fn=end_with_parent)  # noqa: PLW1509, S603


if __name__ == "__main__":
    sys.exit(main())
