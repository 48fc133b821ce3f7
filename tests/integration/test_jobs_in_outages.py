"""A database that goes away while jobs run, and comes back before their workers give up: nobody notices.

The outage takes a few seconds; with ``CONNEXEO_TEST_OUTAGE=full`` it takes 30.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connexeo.drivers.local.jobs import logs
from connexeo.drivers.local.state.state import transaction
from databases import stop
from working import Works, node, process, works

SECONDS = 30.0 if os.environ.get("CONNEXEO_TEST_OUTAGE") == "full" else 8.0

pytestmark = pytest.mark.timeout(400)

WITHIN, LONGER, WAITING = ("within0", "within1"), ("longer0", "longer1"), ("waiting0", "waiting1", "waiting2")

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


@dataclass(frozen=True)
class Database:
    url: str
    away: Callable[[], AbstractContextManager[None]]


@pytest.fixture(params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """One that can be away: a PostgreSQL that is stopped, a SQLite file that another process holds."""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        return Database(server.get_uri(), lambda: stopped(server))
    path = tmp_path / "data" / "connexeo.sqlite"
    return Database(f"sqlite:///{path}", lambda: locked(path))


@contextmanager
def stopped(postgres: Any) -> Iterator[None]:
    stop(postgres)
    try:
        yield
    finally:
        postgres.ensure_postgres_running()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    command = [sys.executable, "-c", LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        yield
        # Leaving the block closes its standard input, so that it lets go.
    assert holder.returncode == 0


def work(folder: Path, name: str) -> dict[str, Any]:
    """A job that logs before and after it waits for a file of its name, alone."""
    first = node("inspect", data=1, message="before", level="debug")
    alone = node("alone", path=str(folder / f"{name}.lock"), seconds=0)
    wait = node("wait_for", path=str(folder / name))
    both = node("and", x={"from_node": "alone"}, y={"from_node": "wait"})
    after = node("inspect", data={"from_node": "both"}, message="after", level="debug")
    return process(first=first, alone=alone, wait=wait, both=both, after=after)


def until(condition: Callable[[], object], at: Works) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline, at.log_text()[-4000:]
        time.sleep(0.05)


def test_jobs_go_on_while_the_database_is_away(tmp_path: Path, database: Database) -> None:
    """Those that end meanwhile and those that do not: each is computed once, ends once, and has all of its logs."""
    with works(tmp_path, database.url, job_slots=2, jobs_per_user=8) as at:
        ids = {name: at.add("ana", work(tmp_path, name)) for name in (*WITHIN, *LONGER)}
        for place in ("first", "second"):
            at.start(data=tmp_path / place)
        for name in ids:
            until((tmp_path / f"{name}.waiting").exists, at)
        ids |= {name: at.add("ana", work(tmp_path, name)) for name in WAITING}
        with database.away():
            begun = time.monotonic()
            for name in (*WITHIN, *WAITING):
                (tmp_path / name).touch()
            until(lambda: len(at.stored()) == len(WITHIN), at)
            assert not (tmp_path / "waiting0.lock").exists()
            time.sleep(max(begun + SECONDS - time.monotonic(), 0))
        print(f"the database was away for {time.monotonic() - begun:.1f} s")
        assert sorted(path.name for path in tmp_path.glob("longer*.lock")) == ["longer0.lock", "longer1.lock"]
        for name in LONGER:
            (tmp_path / name).touch()
        at.wait("finished")
        for name, job_id in ids.items():
            check(at, name, job_id)
        ends = Counter(event["job"] for event in at.events() if event.get("outcome") == "finished")
        assert ends == dict.fromkeys(ids.values(), 1)
        assert at.stop() == [0, 0]
        assert at.stored() == at.published()
        assert at.known_workers() == []


def check(at: Works, name: str, job_id: str) -> None:
    job = at.job(job_id)
    assert (job["run"], job["published"], job["losses"], job["crashes"]) == (1, 1, 0, 0), name
    assert at.check_results(job_id) == {"openEO.json": b"true"}
    # Each process that begins with the job adds a byte.
    assert (at.folder / f"{name}.lock").read_bytes() == b"."
    assert not (at.folder / f"{name}.lock.overlap").exists()
    with transaction(at.engine, writing=False) as connection:
        entries = logs.read(connection, job_id, limit=1000)[0]
    messages = [entry["message"].partition(" after ")[0] for entry in entries]
    assert messages == ["The computation starts.", "before", "after", "The results are complete"]
