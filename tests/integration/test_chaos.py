"""Jobs while workers are killed, one a second: each ends once, in the right state, with complete results.

Workers that compute are killed first, then those that have a job. ``CONNEXEO_TEST_CHAOS=full`` runs 200
jobs and kills for a minute, rather than 15 and 8 seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import rasterio

from connexeo.drivers.local.jobs.place import Place
from connexeo.drivers.local.jobs.sweep import Sweep
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage
from connexeo.settings import Settings
from databases import whichever_database
from served import link_demo
from working import Works, node, process, works

FULL = os.environ.get("CONNEXEO_TEST_CHAOS") == "full"
JOBS, SECONDS = (200, 60) if FULL else (15, 8)
FEWEST = 3
"""Workers at work that are killed at least, however slow the machine is."""
USERS = [f"user{number}" for number in range(5)]

pytestmark = pytest.mark.timeout(900)


def work(folder: Path, number: int) -> dict[str, Any]:
    """A job that takes a moment and notes whether another process is at it; its results are its own.

    Every fifth writes images, the others an array.
    """
    alone = node("alone", path=str(folder / f"{number}"), seconds=number % 4)
    if number % 5:
        return process(
            alone=alone,
            numbers=node("array_create", data=[number, {"from_node": "alone"}], repeat=2000),
        )
    load = node(
        "load_collection",
        id="climate-monthly-demo",
        spatial_extent={"west": number - 100, "south": -10, "east": number - 70, "north": 10},
        temporal_extent=["2024-01-01", "2024-04-01"],
        bands=["t2m"],
    )
    chosen = node("if", value={"from_node": "alone"}, accept={"from_node": "load"})
    save = node("save_result", data={"from_node": "chosen"}, format="GTiff")
    return process(alone=alone, load=load, chosen=chosen, save=save)


def check(number: int, files: dict[str, bytes]) -> None:
    """The results of a job, whose checksums are right, are all there and the right ones."""
    if number % 5:
        assert json.loads(files["openEO.json"]) == [number, True] * 2000
        return
    assert len(files) == 3
    for content in files.values():
        with rasterio.MemoryFile(content) as memory, memory.open() as image:
            assert image.bounds.left == pytest.approx(number - 100, abs=2)
            assert (image.read(1) > 0).all()


async def sweep(at: Works) -> None:
    """What a worker does every few minutes."""
    settings = Settings(data=at.folder / "data", storage=str(at.storage), database=at.database_url)
    state = State.from_settings(settings)
    await state.start()
    try:
        await Sweep(settings, state, Storage.from_settings(settings), Place(settings.data)).perform()
    finally:
        await state.stop()


def test_jobs_while_workers_are_killed(tmp_path: Path, database_url: str, demo_data: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    settings = {"jobs_per_user": 3, "job_slots": 2, "catalogues": demo_data / "demo"}
    with works(tmp_path, database_url, **settings) as at:
        ids = [at.add(USERS[number % 5], work(locks, number)) for number in range(JOBS)]
        for _ in range(3):
            at.start()
        begun = time.monotonic()
        killed = at_work = 0
        while time.monotonic() - begun < SECONDS or (
            at_work < FEWEST and at.statuses().keys() != {"finished"}
        ):
            time.sleep(1)
            begun_ids = {job_id for number, job_id in enumerate(ids) if (locks / f"{number}").exists()}
            busy = at.at_work(begun_ids) or at.at_work()
            at_work += bool(busy)
            # The youngest, if none is at work: else none might ever be, where starting takes long.
            victim = busy[0] if busy else at.alive()[-1]
            victim.kill()
            victim.wait()
            at.start()
            killed += 1
        chaos = time.monotonic() - begun
        meanwhile = at.statuses()
        at.wait("finished", "error", seconds=600)
        # One that has just been started does not know yet how to end.
        assert set(at.stop()) <= {0, -signal.SIGTERM}
        asyncio.run(sweep(at))
        runs = Counter(at.job(job_id)["run"] for job_id in ids)
        print(
            f"{killed} workers killed in {chaos:.0f} s, {at_work} of them at work; then {dict(meanwhile)}; "
            f"all ended after {time.monotonic() - begun:.0f} s; "
            f"runs of the jobs: {dict(sorted(runs.items()))}"
        )
        assert at.statuses() == {"finished": JOBS}
        for number, job_id in enumerate(ids):
            check(number, at.check_results(job_id))
            job = at.job(job_id)
            assert (job["progress"], job["worker_id"], job["published"]) == (100.0, None, job["run"])
        ends = Counter(event["job"] for event in at.events() if event.get("outcome") == "finished")
        assert max(ends.values()) == 1
        starts = {path.name: path.stat().st_size for path in locks.iterdir()}
        assert [name for name in starts if name.endswith(".overlap")] == []
        print(f"{sum(starts.values()) - JOBS} computations interrupted, no two of a job at once")
        assert max(runs) > 1, "no job was interrupted"
        assert at.stored() == at.published()
        assert at.known_workers() == []
        assert [path.name for path in (tmp_path / "data" / "workers").iterdir()] == ["place"]


@whichever_database
def test_children_that_are_killed(tmp_path: Path, database_url: str) -> None:
    """A job is tried again as often as the setting says, then it fails, with all that it logged."""
    with works(tmp_path, database_url, job_tries=3) as at:
        logged = node("inspect", data={"from_node": "die"}, message="alive")
        jobs = [
            at.add(
                "ana",
                process(
                    before=node("inspect", data=1, message="before", level="debug"),
                    die=node("die", path=str(tmp_path / f"deaths{times}"), times=times),
                    after=logged,
                ),
            )
            for times in (2, 3)
        ]
        at.start()
        at.wait("finished", "error")
        first, second = map(at.job, jobs)
        assert (first["status"], first["run"], first["crashes"]) == ("finished", 3, 2)
        assert at.check_results(jobs[0]) == {"openEO.json": b"true"}
        assert (second["status"], second["run"], second["crashes"]) == ("error", 3, 3)
        messages = [entry["message"] for entry in logs_of(at, jobs[1])]
        assert messages.count("before") == 3
        assert [message for message in messages if "attempt" in message] == [
            f"The computation ended unexpectedly (attempt {number} of 3); it is started anew."
            for number in (1, 2)
        ]
        assert "3 times now, and is not tried again" in messages[-1]
        assert at.stop() == [0]
        assert at.stored() == at.published()


def logs_of(at: Works, job_id: str) -> list[dict[str, Any]]:
    from connexeo.drivers.local.jobs import logs
    from connexeo.drivers.local.state.state import transaction

    with transaction(at.engine, writing=False) as connection:
        return logs.read(connection, job_id, limit=1000)[0]


def test_workers_that_are_stopped_give_jobs_back(tmp_path: Path, database_url: str) -> None:
    """Without a loss, and another worker finishes them."""
    waiting = tmp_path / "go"
    with works(tmp_path, database_url) as at:
        job_id = at.add("ana", process(wait=node("wait_for", path=str(waiting))))
        at.start()
        wait_for(tmp_path / "go.waiting", at)
        assert at.stop() == [0]
        job = at.job(job_id)
        assert (job["status"], job["worker_id"], job["losses"], job["crashes"]) == ("queued", None, 0, 0)
        assert at.known_workers() == []
        waiting.touch()
        at.start()
        at.wait("finished")
        assert at.check_results(job_id) == {"openEO.json": b"true"}
        assert (at.job(job_id)["run"], at.job(job_id)["losses"]) == (2, 0)


def test_jobs_that_are_canceled_or_deleted(tmp_path: Path, database_url: str) -> None:
    """Their children end at once, and the worker goes on."""
    from connexeo.drivers.local.accounts.holdings import remove_holdings
    from connexeo.drivers.local.jobs import store
    from connexeo.drivers.local.state.state import transaction

    with works(tmp_path, database_url, job_slots=2) as at:
        names = ("canceled", "deleted")
        ids = [at.add(name, process(wait=node("wait_for", path=str(tmp_path / name)))) for name in names]
        worker = at.start()
        for name in names:
            wait_for(tmp_path / f"{name}.waiting", at)
        pids = [int((tmp_path / f"{name}.waiting").read_text()) for name in names]
        from datetime import UTC, datetime, timedelta

        with transaction(at.engine) as connection:
            store.cancel(connection, "canceled", ids[0], datetime.now(UTC), timedelta(1))
            remove_holdings(connection, "deleted")
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), at)
        assert at.job(ids[0])["status"] == "created"
        following = at.add("canceled", process(sum=node("add", x=1, y=2)))
        at.wait("created", "finished")
        assert at.check_results(following) == {"openEO.json": b"3"}
        assert worker.poll() is None


def wait_for(path: Path, at: Works) -> None:
    until(path.exists, at)


def until(condition: Any, at: Works) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, at.log_text()[-3000:]
        time.sleep(0.02)


def test_a_whole_server_that_is_killed(
    tmp_path: Path, start_server: Any, demo_data: Path, token_of: Any
) -> None:
    """Web workers, workers and children, all at once; after a restart, all jobs end."""
    import httpx

    from working import ODD, TESTS

    folder = link_demo(demo_data / "demo", tmp_path / "data")
    previous = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(TESTS)
    try:
        settings = {"data": folder, "job_slots": 2, "jobs_per_user": 2, **ODD}
        server = start_server("--demo", **settings)
        graphs = [process(wait=node("wait_for", path=str(tmp_path / f"go{number}"))) for number in range(4)]
        with client_of(server, token_of) as client:
            ids = []
            for graph in graphs:
                created = client.post("/jobs", json={"process": graph})
                created.raise_for_status()
                ids.append(created.headers["openeo-identifier"])
                client.post(f"/jobs/{ids[-1]}/results").raise_for_status()
            deadline = time.monotonic() + 60
            while not (tmp_path / "go0.waiting").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            # First only web workers: jobs do not notice.
            for pid in server.workers():
                os.kill(pid, signal.SIGKILL)
            child = int((tmp_path / "go0.waiting").read_text())
            assert Path(f"/proc/{child}").exists()
            for pid in [server.process.pid, *server.workers(), *server.job_workers()]:
                os.kill(pid, signal.SIGKILL)
            server.process.wait()
        for number in range(4):
            (tmp_path / f"go{number}").touch()
        again = start_server("--demo", **settings)
        with client_of(again, token_of) as client:
            deadline = time.monotonic() + 120
            while True:
                found = client.get("/jobs").json()["jobs"]
                if {job["status"] for job in found} == {"finished"}:
                    break
                assert time.monotonic() < deadline, found
                time.sleep(0.2)
            assert {job["id"] for job in found} == set(ids)
            for job_id in ids:
                results = client.get(f"/jobs/{job_id}/results").json()
                (asset,) = results["assets"].values()
                assert httpx.get(asset["href"]).content == b"true"
    finally:
        if previous is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = previous


def client_of(server: Any, token_of: Any) -> Any:
    import httpx

    headers = {"Authorization": f"Bearer {token_of(server)}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=30)
