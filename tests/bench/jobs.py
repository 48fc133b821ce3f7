"""Milliseconds for a page of the list of jobs when there are 100,000, and for one job; memory of the server meanwhile.

Of one user there are 100,000 jobs and 10,000 files. Pages at the beginning, in the middle and at the end of the list
are asked for in turns with a bare Starlette that returns the same bytes, so that a busy machine slows both.

    cd tests && python -m bench.jobs [--database postgres] [--requests 200]
"""

from __future__ import annotations

import argparse
import base64
import http.client
import importlib
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text

from bench.server import free_port, process_graph, run, wait_for
from connexeo.drivers.local.accounts.users import Users
from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.state.tables import files, jobs

LIMIT = 100
WANTED = 30.0
"""Milliseconds at the median."""
FLAT = 20.0
"""MB that the memory of a worker may grow by."""
PASSWORD = "a rather long sentence"
START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> int:
    """Measure, print a table, and fail when a page takes too long or the memory grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=200, help="for each page")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(database(options.database, folder))
        fill(url, options.jobs, options.files)
        port, pid = stack.enter_context(serve(folder, url))
        token = log_in(port)
        pages = {
            "first": f"/jobs?limit={LIMIT}",
            "middle": page_behind(port, token, options.jobs // 2),
            "last": page_behind(port, token, options.jobs - LIMIT),
        }
        bodies = {name: ask(port, path, token) for name, path in pages.items()}
        for name, body in bodies.items():
            found = len(json.loads(body)["jobs"])
            assert found == LIMIT, f"{found} jobs on the {name} page"
        job_id = json.loads(bodies["first"])["jobs"][0]["id"]
        pages["one job"] = f"/jobs/{job_id}"
        bodies["one job"] = ask(port, pages["one job"], token)
        bare = stack.enter_context(serve_same(folder, bodies))
        print(f"{options.jobs} jobs and {options.files} files of one user, {options.database}, 2 workers")
        return report(port, pid, bare, token, pages, options.requests)


def report(port: int, pid: int, bare: int, token: str, pages: dict[str, str], count: int) -> int:
    """Print the table; 1 when something is not as it should be."""
    for path in pages.values():
        measure(port, path, token, 20)
    before = memory(pid)
    missed = 0
    print(f"{'page':8}{'ours ms':>10}{'p95':>8}{'bare ms':>10}{'wanted':>8}")
    for name, path in pages.items():
        ours, theirs = [], []
        for _ in range(10):
            ours += measure(port, path, token, count // 10)
            theirs += measure(bare, bare_path(name), token, count // 10)
        median = statistics.median(ours)
        p95 = statistics.quantiles(ours, n=20)[-1]
        missed += median >= WANTED
        print(f"{name:8}{median:10.2f}{p95:8.2f}{statistics.median(theirs):10.2f}{WANTED:8.0f}")
    for path in ("/jobs", "/files"):
        started = time.perf_counter()
        size = len(ask(port, path, token))
        print(f"all of {path}: {size / 2**20:.1f} MB in {time.perf_counter() - started:.2f} s")
    after = memory(pid)
    print("MB of the workers before and after:", list(zip(before, after, strict=True)))
    missed += any(new - old > FLAT for old, new in zip(before, after, strict=True))
    return int(missed > 0)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/connexeo.sqlite"
        return
    pgserver = importlib.import_module("pgserver")
    # Under root the server runs as another user, who must be able to reach its data.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as data:
        server = pgserver.get_server(data)
        yield str(server.get_uri())
        server.cleanup()


def fill(url: str, jobs_count: int, files_count: int) -> None:
    """A user with jobs and files, and another one with as many jobs again."""
    users = Users.open(url)
    users.add_user("maria", PASSWORD)
    users.close()
    engine = open_database(url)
    process = {"process_graph": process_graph()}
    for user in ("maria", "other"):
        for start in range(0, jobs_count, 5000):
            rows = [a_job(user, number, process) for number in range(start, min(start + 5000, jobs_count))]
            _insert(engine, jobs, rows)
    _insert(engine, files, [a_file(number) for number in range(files_count)])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _insert(engine: Engine, table: Any, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(table), rows)


def a_job(user: str, number: int, process: dict[str, Any]) -> dict[str, Any]:
    """A finished job, with a process of 5 KB."""
    created = START + timedelta(seconds=number)
    return {
        "id": f"j-{number:031x}{'1' if user == 'maria' else '2'}",
        "user_id": user,
        "title": f"Monthly vegetation number {number}",
        "description": "The median of each month, without clouds.",
        "process": process,
        "log_level": "info",
        "priority": 0,
        "status": "finished",
        "progress": 100.0,
        "created": created,
        "updated": created + timedelta(minutes=5),
        "queued": created + timedelta(minutes=1),
        "started": created + timedelta(minutes=2),
        "unpublished": created + timedelta(days=90),
        "usage": {"cpu": {"value": 12.5, "unit": "cpu-seconds"}},
        "run": 1,
        "published": 1,
        "crashes": 0,
        "losses": 0,
    }


def a_file(number: int) -> dict[str, Any]:
    """A file in one of a hundred folders."""
    return {
        "user_id": "maria",
        "path": f"folder{number % 100}/file{number}.tif",
        "blob": f"{number:032x}",
        "size": 1000 + number,
        "modified": START,
        "media_type": "image/tiff",
        "checksum": f"{number:064x}",
    }


@contextmanager
def serve(folder: Path, url: str) -> Iterator[tuple[int, int]]:
    """The web server: its port, and the process id of the parent of its workers."""
    port = free_port()
    environment = {
        "CONNEXEO_PORT": str(port),
        "CONNEXEO_WORKERS": "2",
        "CONNEXEO_DATA": str(folder),
        "CONNEXEO_DATABASE": url,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:connexeo.server.gunicorn_conf"]
    with run(command, environment, folder / "ours.log") as process:
        wait_for(f"http://127.0.0.1:{port}/ready", process, folder / "ours.log")
        yield port, process.pid


@contextmanager
def serve_same(folder: Path, bodies: dict[str, bytes]) -> Iterator[int]:
    """Starlette with the same bytes, at ``/first`` and so on."""
    port = free_port()
    entries = [
        {"path": bare_path(name), "method": "GET", "body": body.decode()} for name, body in bodies.items()
    ]
    (folder / "bare.json").write_text(json.dumps(entries))
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-k", "uvicorn_worker.UvicornWorker"]
    command += ["-b", f"127.0.0.1:{port}", "--log-level", "warning", "bench.bare:application()"]
    tests = str(Path(__file__).parents[1])
    environment = {"CONNEXEO_TEST_BARE": str(folder / "bare.json"), "PYTHONPATH": tests}
    with run(command, environment, folder / "bare.log") as process:
        wait_for(f"http://127.0.0.1:{port}/first", process, folder / "bare.log")
        yield port


def bare_path(name: str) -> str:
    """Where Starlette has the bytes of a page."""
    return f"/{name.replace(' ', '-')}"


def log_in(port: int) -> str:
    """A bearer token."""
    credentials = base64.b64encode(f"maria:{PASSWORD}".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/credentials/basic", headers={"Authorization": f"Basic {credentials}"}
    )
    return f"basic//{json.load(urllib.request.urlopen(request))['access_token']}"


def ask(port: int, path: str, token: str) -> bytes:
    """The body of an answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def page_behind(port: int, token: str, number: int) -> str:
    """Path of the page that follows so many jobs, by the ``next`` links in large steps."""
    passed, path = 0, f"/jobs?limit={min(number, 1000)}"
    while True:
        document = json.loads(ask(port, path, token))
        passed += len(document["jobs"])
        (following,) = (link["href"] for link in document["links"] if link["rel"] == "next")
        offset = following.partition("offset=")[2]
        if passed == number:
            return f"/jobs?limit={LIMIT}&offset={offset}"
        path = f"/jobs?limit={min(number - passed, 1000)}&offset={offset}"


def measure(port: int, path: str, token: str, count: int) -> list[float]:
    """Milliseconds of requests, one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    found = []
    for _ in range(count):
        started = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        found.append(1000 * (time.perf_counter() - started))
        assert answer.status == 200, answer.status
    connection.close()
    return found


def memory(pid: int) -> list[float]:
    """Resident MB of each worker."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    sizes = [Path(f"/proc/{child}/status").read_text() for child in children]
    return [round(int(size.split("VmRSS:")[1].split()[0]) / 1024, 1) for size in sizes]


if __name__ == "__main__":
    sys.exit(main())
