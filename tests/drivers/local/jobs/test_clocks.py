"""A worker whose wall clock is set while it runs a job: nobody takes the job away, and it ends once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from clocks import Clock
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import workers
from working import Works, node, process, works

QUICK = ("quick_worker", "15", "30")
BEATS = 8
DAY = timedelta(days=1)


def until(condition: Callable[[], object], at: Works) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline, at.log_text()[-4000:]
        time.sleep(0.05)


def beats(at: Works) -> dict[str, int]:
    with transaction(at.engine, writing=False) as connection:
        return {row.id: row.beat for row in connection.execute(select(workers.c.id, workers.c.beat))}


@pytest.mark.parametrize("days", [1, -1], ids=["a day ahead", "a day back"])
def test_a_clock_that_jumps_while_a_job_runs(
    tmp_path: Path, database_url: str, clock: Clock, days: int
) -> None:
    with works(tmp_path, database_url) as at:
        alone = node("alone", path=str(tmp_path / "name"), seconds=0)
        wait = node("wait_for", path=str(tmp_path / "go"))
        both = node("and", x={"from_node": "alone"}, y={"from_node": "wait"})
        job_id = at.add("ana", process(alone=alone, wait=wait, both=both))
        clock.apply()
        at.start(*QUICK, data=tmp_path / "first")
        until((tmp_path / "go.waiting").exists, at)
        clock.spare()
        at.start(*QUICK, data=tmp_path / "second")
        until(lambda: len(at.known_workers()) == 2, at)
        begun, true = at.job(job_id), datetime.now(UTC)
        clock.set(days)
        before = beats(at)
        until(lambda: all(beats(at).get(name, 0) >= beat + BEATS for name, beat in before.items()), at)
        assert at.job(job_id)["status"] == "running"
        (tmp_path / "go").touch()
        at.wait("finished")
        job = at.job(job_id)
        assert (job["run"], job["losses"], job["crashes"], job["published"]) == (1, 0, 0, 1)
        assert job["started"] == begun["started"]
        if days > 0:
            assert job["updated"] > true + DAY
        else:
            # It never goes back.
            assert job["updated"] == begun["updated"] >= job["created"]
        # What the clock said to the worker: results are kept for as long, by that clock.
        kept = job["unpublished"] - true - timedelta(seconds=7776000)
        assert abs(kept - days * DAY) < timedelta(hours=1)
        assert 0 < job["usage"]["duration"]["value"] < 3600
        assert at.check_results(job_id) == {"openEO.json": b"true"}
        assert (tmp_path / "name").read_bytes() == b"."
        following = [at.add("ana", process(sum=node("add", x=1, y=number))) for number in range(4)]
        at.wait("finished")
        ends = Counter(event["job"] for event in at.events() if event.get("outcome") == "finished")
        assert ends == dict.fromkeys([job_id, *following], 1)
        assert not any(event.get("event") in ("worker.lost", "worker.forgotten") for event in at.events())
        assert at.stop() == [0, 0]
        assert at.stored() == at.published()
