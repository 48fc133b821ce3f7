"""Processes of the benchmark: the back-ends, front-ends in new data folders, and a Starlette to compare with."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson

from bench.server import free_port, run, wait_for

TESTS = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
USER = "bench"


@dataclass(frozen=True)
class FrontEnd:
    """One that runs."""

    port: int
    pid: int
    token: str

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def headers(self, path: str) -> dict[str, str]:
        """What a request needs besides."""
        return {"authorization": f"Bearer basic//{self.token}"} if path == "/jobs" else {}


@contextmanager
def upstreams(folder: Path, collections: int) -> Iterator[int]:
    """The process of all back-ends; its port."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.federation.upstreams:application"]
    command += ["--port", str(port), "--log-level", "warning", "--no-access-log", "--lifespan", "off"]
    # Those that hang would keep it from ending.
    command += ["--timeout-graceful-shutdown", "1"]
    environment = {"PYTHONPATH": str(TESTS), "CONNEXEO_TEST_COLLECTIONS": str(collections)}
    with run(command, environment, folder / "upstreams.log") as process:
        wait_for(f"http://127.0.0.1:{port}/healthy-0/", process, folder / "upstreams.log")
        for number in range(30):
            # So that no front-end waits for documents that are made only now.
            for path in ("", "collections", "processes"):
                httpx.get(f"http://127.0.0.1:{port}/healthy-{number}/{path}")
        yield port


def write_config(
    path: Path, port: int, modes: Sequence[str], *, probe: float = 15, refresh: float = 300
) -> Path:
    """Settings of a federation of back-ends with these modes."""
    lines = ['driver = "federation"', "[federation]"]
    lines += [f"probe_interval = {probe}", f"refresh_interval = {refresh}"]
    for number, mode in enumerate(modes):
        lines += ["[[federation.upstreams]]", f'id = "up{number:02}"']
        lines += [f'url = "http://127.0.0.1:{port}/{mode}-{number}"']
        lines += ['accounts = {"*" = {username = "u", password = "p"}}']
    path.write_text("\n".join(lines) + "\n")
    return path


def prepare_data(folder: Path, port: int) -> tuple[Path, str]:
    """A data folder with an account that is logged in, and nothing of the federation; and the token."""
    data = folder / "template"
    config = write_config(folder / "template.toml", port, ["healthy"])
    command = [sys.executable, "-m", "connexeo.tools", "users", "add", USER, "--password-stdin"]
    command += ["--data", str(data), "--config", str(config)]
    subprocess.run(command, input=f"{PASSWORD}\n".encode(), check=True, capture_output=True)
    with _serve(data, config, folder / "template.log", 1) as (free, _):
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        answer = httpx.get(
            f"http://127.0.0.1:{free}/credentials/basic",
            headers={"authorization": f"Basic {basic}"},
            timeout=30,
        )
        token = str(answer.raise_for_status().json()["access_token"])
    for each in data.glob("federation.*"):
        each.unlink()
    return data, token


@contextmanager
def front_end(
    folder: Path, template: tuple[Path, str], config: Path, *, workers: int = 1
) -> Iterator[FrontEnd]:
    """A real ``connexeo serve --config`` that has never asked any back-end before."""
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(template[0], data)
    with _serve(data, config, folder / "front.log", workers) as (port, pid):
        yield FrontEnd(port, pid, template[1])


@contextmanager
def _serve(data: Path, config: Path, log: Path, workers: int) -> Iterator[tuple[int, int]]:
    port = free_port()
    environment = {
        "CONNEXEO_PORT": str(port),
        "CONNEXEO_WORKERS": str(workers),
        "CONNEXEO_JOB_WORKERS": "0",
        "CONNEXEO_DATA": str(data),
    }
    command = [sys.executable, "-m", "connexeo.tools", "serve", "--config", str(config)]
    with run(command, environment, log) as process:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield port, process.pid


@contextmanager
def bare(folder: Path, bodies: dict[str, bytes], workers: int) -> Iterator[int]:
    """Starlette with the same bytes, as gunicorn with as many workers."""
    entries = [{"path": path, "method": "GET", "body": body.decode()} for path, body in bodies.items()]
    (folder / "bare.json").write_bytes(orjson.dumps(entries))
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-w", str(workers), "-k", "uvicorn_worker.UvicornWorker"]
    command += ["-b", f"127.0.0.1:{port}", "--log-level", "warning", "bare:application()"]
    environment = {"CONNEXEO_TEST_BARE": str(folder / "bare.json"), "PYTHONPATH": str(TESTS / "bench")}
    with run(command, environment, folder / "bare.log") as process:
        wait_for(f"http://127.0.0.1:{port}/collections", process, folder / "bare.log")
        yield port


def memory(pid: int) -> dict[str, float]:
    """Resident MB of the largest web worker, and of the watch."""
    found = {"worker": 0.0, "watch": 0.0}
    for process in _descendants(pid):
        status = Path(f"/proc/{process}/status").read_text()
        size = int(status.split("VmRSS:")[1].split()[0]) / 1024
        sort = "watch" if b"federation.watch" in Path(f"/proc/{process}/cmdline").read_bytes() else "worker"
        found[sort] = max(found[sort], size)
    return found


def _descendants(pid: int) -> list[int]:
    children = [
        int(each)
        for task in os.listdir(f"/proc/{pid}/task")
        for each in Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    ]
    return [*children, *(each for child in children for each in _descendants(child))]
