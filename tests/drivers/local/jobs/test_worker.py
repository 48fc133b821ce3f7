"""Workers that are halted or cut off: others take over, and no job is computed by two at a time.

They are given seconds, where ``connexeo worker`` takes its time, and do as it does otherwise.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from databases import whichever_database
from working import Works, node, process, works

QUICK = ("quick_worker", "6", "13")


def until(condition: Callable[[], object], at: Works) -> None:
    deadline = time.monotonic() + 150
    while not condition():
        assert time.monotonic() < deadline, at.log_text()[-4000:]
        time.sleep(0.05)


@contextmanager
def hanging(at: Works) -> Iterator[None]:
    """The database takes questions, and does not answer those of workers until the end."""
    lock = "LOCK TABLE workers, jobs IN ACCESS EXCLUSIVE MODE"
    begin = {"sqlite_begin": "IMMEDIATE"}
    with at.engine.connect().execution_options(**begin) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text(lock))
        yield


def job_that_waits(at: Works, folder: Path) -> str:
    """A job that is at work until the file ``go`` is there, alone."""
    alone = node("alone", path=str(folder / "name"), seconds=0)
    wait = node("wait_for", path=str(folder / "go"))
    both = node("and", x={"from_node": "alone"}, y={"from_node": "wait"})
    return at.add("ana", process(alone=alone, wait=wait, both=both))


def child_of(folder: Path) -> int:
    return int((folder / "go.waiting").read_text())


def is_gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_worker_of_another_place_that_is_halted(tmp_path: Path, database_url: str) -> None:
    """Its child ends by itself, before another worker may start the job; the halted one finds a new place."""
    with works(tmp_path, database_url) as at:
        job_id = job_that_waits(at, tmp_path)
        halted = at.start(*QUICK, data=tmp_path / "first")
        until((tmp_path / "go.waiting").exists, at)
        at.start(*QUICK, data=tmp_path / "second")
        until(lambda: len(at.known_workers()) == 2, at)
        child, run = child_of(tmp_path), at.job(job_id)["run"]
        halted.send_signal(signal.SIGSTOP)
        until(lambda: is_gone(child), at)
        until(lambda: at.job(job_id)["run"] > run, at)
        halted.send_signal(signal.SIGCONT)
        (tmp_path / "go").touch()
        at.wait("finished")
        assert at.check_results(job_id) == {"openEO.json": b"true"}
        assert not (tmp_path / "name.overlap").exists()
        assert at.job(job_id)["losses"] >= 1
        until(lambda: len(at.known_workers()) == 2, at)
        assert any(event.get("event") == "worker.forgotten" for event in at.events())
        assert at.stop() == [0, 0]
        assert at.stored() == at.published()


def test_a_worker_of_the_same_place_that_dies(tmp_path: Path, database_url: str) -> None:
    """Its lock file tells at once; nobody waits for its beat."""
    with works(tmp_path, database_url) as at:
        job_id = job_that_waits(at, tmp_path)
        dead = at.start()
        until((tmp_path / "go.waiting").exists, at)
        child = child_of(tmp_path)
        at.start()
        until(lambda: len(at.known_workers()) == 2, at)
        dead.kill()
        until(lambda: at.job(job_id)["run"] == 2, at)
        assert is_gone(child)
        (tmp_path / "go").touch()
        at.wait("finished")
        assert not (tmp_path / "name.overlap").exists()
        lost = [event for event in at.events() if event.get("event") == "worker.lost"]
        assert [event["jobs"] for event in lost] == [[job_id]]
        assert at.stop() == [0]
        assert at.stored() == at.published()


def test_a_database_that_hangs_for_a_while(tmp_path: Path, database_url: str) -> None:
    """For less than the lease: the job is computed on, and finished by the worker that began it."""
    with works(tmp_path, database_url) as at:
        job_id = job_that_waits(at, tmp_path)
        at.start()
        until((tmp_path / "go.waiting").exists, at)
        with hanging(at):
            (tmp_path / "go").touch()
            time.sleep(5)
        at.wait("finished")
        job = at.job(job_id)
        assert (job["run"], job["losses"], job["crashes"]) == (1, 0, 0)
        assert at.check_results(job_id) == {"openEO.json": b"true"}
        assert at.stop() == [0]


def test_a_database_that_hangs_for_long(tmp_path: Path, database_url: str) -> None:
    """The children end, also that of the worker that would have been the only one; then the job starts anew."""
    with works(tmp_path, database_url) as at:
        job_id = job_that_waits(at, tmp_path)
        for place in ("first", "second"):
            at.start(*QUICK, data=tmp_path / place)
        until((tmp_path / "go.waiting").exists, at)
        until(lambda: len(at.known_workers()) == 2, at)
        child = child_of(tmp_path)
        with hanging(at):
            until(lambda: is_gone(child), at)
        until(lambda: at.job(job_id)["run"] > 1, at)
        (tmp_path / "go").touch()
        at.wait("finished")
        assert not (tmp_path / "name.overlap").exists()
        assert at.check_results(job_id) == {"openEO.json": b"true"}
        assert at.stop() == [0, 0]
        assert at.stored() == at.published()


@whichever_database
def test_limits_of_a_job(tmp_path: Path, database_url: str) -> None:
    """Time and memory: the job fails with an error that says so, and the worker goes on."""
    settings = {"job_timeout": 8, "job_memory": 2**26, "jobs_per_user": 1}
    with works(tmp_path, database_url, **settings) as at:
        long = at.add("ana", process(wait=node("wait_for", path=str(tmp_path / "never"))))
        large = at.add("ana", process(array=node("array_create", data=[1], repeat=10**9)))
        fine = at.add("ana", process(sum=node("add", x=1, y=2)))
        at.start()
        at.wait("error", "finished")
        assert [at.job(job_id)["status"] for job_id in (long, large, fine)] == ["error", "error", "finished"]
        assert (last_error(at, long)["code"], last_error(at, large)["code"]) == (
            "RequestTimeout",
            "ProcessGraphComplexity",
        )
        assert last_error(at, large)["path"] == [{"node_id": "array"}]
        usage = at.job(fine)["usage"]
        assert {name: metric["unit"] for name, metric in usage.items()} == {
            "cpu": "cpu-seconds",
            "memory": "mb-seconds",
            "duration": "seconds",
            "pixels": "pixels",
            "storage": "b",
        }
        assert at.stop() == [0]


@whichever_database
def test_a_storage_without_room(tmp_path: Path, database_url: str) -> None:
    """The job ends with an error that says so, and leaves nothing behind."""
    with works(tmp_path, database_url) as at:
        at.storage.mkdir()
        (at.storage / "jobs").write_text("In the way of all results.")
        job_id = at.add("ana", process(sum=node("add", x=1, y=2)))
        at.start()
        at.wait("error")
        error = last_error(at, job_id)
        assert error["code"] == "StorageFailure"
        assert "no room" in error["message"]
        assert str(tmp_path) not in error["message"]
        assert at.stop() == [0]
        assert at.stored() == {"jobs"}


def test_several_results_appear_one_after_the_other(
    tmp_path: Path, database_url: str, demo_data: Path
) -> None:
    """Those that are complete are there while the job goes on."""
    load = node(
        "load_collection",
        id="climate-monthly-demo",
        spatial_extent={"west": 0, "south": 0, "east": 10, "north": 10},
        temporal_extent=["2024-01-01", "2024-02-01"],
        bands=["t2m"],
    )
    wait = node("wait_for_block", data={"from_node": "load"}, path=str(tmp_path / "go"))
    graph = process(
        load=load,
        first=node("save_result", data={"from_node": "load"}, format="GTiff"),
        wait=wait,
        second=node("save_result", data={"from_node": "wait"}, format="netCDF"),
    )
    with works(tmp_path, database_url, catalogues=demo_data / "demo") as at:
        job_id = at.add("ana", graph)
        at.start()
        until((tmp_path / "go.waiting").exists, at)
        until(lambda: len(at.published()) == 1, at)
        assert at.job(job_id)["status"] == "running"
        until(lambda: at.job(job_id)["progress"] >= 50, at)
        (tmp_path / "go").touch()
        at.wait("finished")
        files = at.check_results(job_id)
        assert sorted(Path(name).suffix for name in files) == [".nc", ".tif"]
        assert at.stop() == [0]


def last_error(at: Works, job_id: str) -> dict[str, Any]:
    from connexeo.drivers.local.jobs import logs
    from connexeo.drivers.local.state.state import transaction

    with transaction(at.engine, writing=False) as connection:
        found = logs.last_error(connection, job_id)
    assert found is not None
    return found
