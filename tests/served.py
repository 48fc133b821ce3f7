"""Fixtures with a real server: the command that users type, in a process of its own."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]
    log: Path

    def workers(self) -> list[int]:
        """Process ids of the web workers."""
        return [child for master in self._running("gunicorn") for child in children(master)]

    def job_workers(self) -> list[int]:
        """Process ids of the workers for batch jobs."""
        return self._running("connexeo.tools.worker")

    def _running(self, argument: str) -> list[int]:
        """The process, or children of it, that were started with an argument."""
        pids = [self.process.pid, *children(self.process.pid)]
        return [pid for pid in pids if argument in command_of(pid)][: 1 if argument == "gunicorn" else None]

    @property
    def temporary(self) -> Path:
        """The folder for temporary files."""
        return self.log.with_name("temporary")

    def computing(self) -> list[int]:
        """Process ids of the children that compute for the web workers."""
        return [child for worker in self.workers() for child in children(worker)]


def children(parent: int) -> list[int]:
    """Process ids of the living children of a process, whichever of its threads started them."""
    found: list[int] = []
    for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
        found += map(int, tasks.read_text().split())
    return sorted(found)


def command_of(process: int) -> list[str]:
    """The command line of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


class StartServer(NamedTuple):
    """Starts servers that run until the stack is closed; called with options, and settings by keyword."""

    folder: Callable[[], Path]
    stack: ExitStack

    def __call__(
        self, *options: str, command: tuple[str, ...] = ("connexeo.tools", "serve"), **settings: object
    ) -> Server:
        """A server that is ready, on a free port; ``data`` is a new folder unless it is given."""
        folder = self.folder()
        temporary = folder / "temporary"
        temporary.mkdir()
        given = {"data": folder / "data", "port": free_port(), "workers": 2, "log_format": "json"} | settings
        log = folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *command, *options],
                env=environment(**given) | {"TMPDIR": str(temporary)},
                stdout=output,
                stderr=output,
            )
        self.stack.callback(stop, process)
        url = f"http://127.0.0.1:{given['port']}"
        _wait(f"{url}/ready", process, log)
        return Server(url, Path(str(given["data"])), process, log)


def environment(**settings: object) -> dict[str, str]:
    """Environment variables with these settings and no others."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CONNEXEO_")}
    return kept | {f"CONNEXEO_{key.upper()}": str(value) for key, value in settings.items()}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server, whatever state it is in."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def demo_collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo collections, which all processes of pytest-xdist share; nobody changes it."""
    from connexeo.drivers.local.demo import write_demo

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_demo(folder / "demo")
    return folder / "demo"


def link_demo(demo_collections: Path, data: Path) -> Path:
    """Put the demo collections into a data folder, which is made if it is not there."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "demo").symlink_to(demo_collections)
    return data


@pytest.fixture(scope="session")
def demo_data(demo_collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demo collections."""
    return link_demo(demo_collections, tmp_path_factory.mktemp("data"))


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def start_lasting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts servers that run until the end of the session: for fixtures that many modules share."""
    with ExitStack() as stack:
        yield StartServer(lambda: tmp_path_factory.mktemp("server"), stack)


@pytest.fixture(scope="module")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts servers that run until the end of the module, for each takes half a gigabyte."""
    with ExitStack() as stack:
        yield StartServer(lambda: tmp_path_factory.mktemp("server"), stack)


@pytest.fixture(scope="session")
def demo_server(start_lasting_server: StartServer, demo_data: Path) -> Server:
    """The demo server on a free port, with two gunicorn workers."""
    return start_lasting_server("--demo", data=demo_data)


def another_demo_server(start_server: StartServer, demo_data: Path, data: Path) -> Server:
    """A demo server for tests that leave something in the demo account while they run.

    Args:
        start_server: Starts it.
        demo_data: The fixture.
        data: Folder for its data.
    """
    return start_server("--demo", data=link_demo(demo_data / "demo", data))


@pytest.fixture(scope="session")
def run_command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``connexeo`` with arguments and settings, to its end."""

    def run(*arguments: object, text: str = "", **settings: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "connexeo.tools", *map(str, arguments)]
        return subprocess.run(
            command,
            env=environment(**settings),
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], object], str], None]:
    """Waits for something to become true, and fails with the text when it does not."""

    def wait(condition: Callable[[], object], text: str) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(text)
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def issued() -> list[str]:
    """Tokens that were given out."""
    return []


@pytest.fixture(scope="session")
def token_of(issued: list[str]) -> Callable[..., str]:
    """Logs in with HTTP Basic; gives the whole bearer token."""

    def login(server: Any, username: str = "demo", password: str = "demo") -> str:
        answer = httpx.get(f"{server.url}/credentials/basic", auth=(username, password), timeout=30)
        answer.raise_for_status()
        issued.append(answer.json()["access_token"])
        return f"basic//{issued[-1]}"

    return login
