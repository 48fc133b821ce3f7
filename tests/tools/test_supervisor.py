"""The parent of server and workers, with commands that stand in for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connexeo.tools.worker import NOTHING_TO_DO
from served import children, command_of

STAND_IN = """
import os, signal, sys, time
from pathlib import Path
name, folder, status = sys.argv[1:]
def end(number, frame):
    Path(folder, f"{name}-got-{number}").touch()
    if number == signal.SIGTERM:
        sys.exit(int(status))
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, end)
Path(folder, f"{name}-{os.getpid()}").touch()
while True:
    time.sleep(0.05)
"""
SUPERVISOR = """
import sys
from connexeo.tools.supervisor import Supervisor
code, folder = sys.argv[1:]
command = lambda name, status: [sys.executable, "-c", code, name, folder, status]
sys.exit(Supervisor(command("server", "7"), command("worker", "0"), 2).run())
"""

WaitUntil = Callable[[Callable[[], object], str], None]


@pytest.fixture
def supervisor(tmp_path: Path, wait_until: WaitUntil) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", SUPERVISOR, STAND_IN, str(tmp_path)])
    wait_until(lambda: len(list(tmp_path.glob("*-*"))) == 3, "not all are there")
    yield process
    process.kill()
    process.wait()


def pids(name: str, supervisor: subprocess.Popen[bytes]) -> set[int]:
    return {pid for pid in children(supervisor.pid) if name in command_of(pid)}


def test_it_ends_all_and_has_the_status_of_the_server(
    supervisor: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    started = children(supervisor.pid)
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(30) == 7
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)
    assert (tmp_path / f"worker-got-{signal.SIGTERM:d}").exists()


def test_workers_that_die_are_started_anew(
    supervisor: subprocess.Popen[bytes], wait_until: WaitUntil
) -> None:
    (server,) = pids("server", supervisor)
    before = pids("worker", supervisor)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(pids("worker", supervisor) - {victim}) == 2, "the worker is not replaced")
    assert before - {victim} < pids("worker", supervisor)
    assert pids("server", supervisor) == {server}


def test_it_does_not_outlive_the_server(supervisor: subprocess.Popen[bytes]) -> None:
    started = children(supervisor.pid)
    os.kill(min(pids("server", supervisor)), signal.SIGKILL)
    assert supervisor.wait(30) == -signal.SIGKILL % 256 or supervisor.returncode == -signal.SIGKILL
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_nobody_outlives_it(supervisor: subprocess.Popen[bytes], wait_until: WaitUntil) -> None:
    started = children(supervisor.pid)
    supervisor.kill()
    wait_until(lambda: not any(map(is_running, started)), "somebody lives")


def test_signals_of_gunicorn_are_handed_on(
    supervisor: subprocess.Popen[bytes], tmp_path: Path, wait_until: WaitUntil
) -> None:
    before = pids("worker", supervisor)
    supervisor.send_signal(signal.SIGHUP)
    wait_until((tmp_path / f"server-got-{signal.SIGHUP:d}").exists, "the server was not told")
    wait_until(
        lambda: len(pids("worker", supervisor)) == 2 and not before & pids("worker", supervisor),
        "the workers are not replaced",
    )


def test_workers_without_work_are_not_started_again(tmp_path: Path, wait_until: WaitUntil) -> None:
    code = f"""
import sys
from connexeo.tools.supervisor import Supervisor
server = [sys.executable, "-c", "import time; time.sleep(6)"]
worker = [sys.executable, "-c", "open({str(tmp_path / "starts")!r}, 'a').write('.'); raise SystemExit({NOTHING_TO_DO})"]
sys.exit(Supervisor(server, worker, 1).run())
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
    assert (tmp_path / "starts").read_text() == "."


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
