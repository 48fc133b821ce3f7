"""The queue: who is next, who is heard, and what becomes of jobs whose workers are gone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, RowMapping, insert, select

from connexeo.drivers.local.jobs import logs, queue, store
from connexeo.drivers.local.jobs.document import Asset, Document
from connexeo.drivers.local.jobs.queue import MOST_LOSSES, Job, Report, WorkerForgotten
from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import job_results, jobs, workers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DOCUMENT = Document((Asset("a.json", "application/json", 1, "ab", "2026-01-01T00:00:00Z"),))
ENTRY = {"level": "info", "message": "hello", "time": NOW}
ERROR = {"level": "error", "message": "It failed.", "code": "Internal"}
VALUES = {"updated": NOW, "unpublished": NOW + timedelta(1), "usage": {}, "costs": None}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_database(database_url)
    with transaction(opened) as connection:
        for worker_id in ("w-1", "w-2"):
            queue.register(connection, worker_id, "p-1", NOW)
    yield opened
    opened.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with transaction(engine) as opened:
        yield opened


def add(connection: Connection, user_id: str, *, priority: int = 0, age: int = 0) -> str:
    """A job in the queue, since some seconds."""
    values = {"process": {"process_graph": {}}, "log_level": "info"}
    job_id = store.create(connection, user_id, values, NOW)
    store.queue(connection, user_id, job_id, NOW - timedelta(seconds=age), priority)
    return job_id


def claim(
    connection: Connection, worker_id: str = "w-1", *, per_user: int = 100, in_total: int = 0
) -> Job | None:
    return queue.claim(connection, worker_id, NOW, limit_of=lambda *_: per_user, in_total=in_total)


def taken(connection: Connection, worker_id: str = "w-1") -> Job:
    job = claim(connection, worker_id)
    assert job is not None
    return job


def report(job: Job, *entries: dict[str, Any], progress: float = 50.0) -> Report:
    return Report(job.id, job.run, progress, entries, job.next_log)


def row_of(connection: Connection, job_id: str) -> RowMapping:
    return connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one()


def messages(connection: Connection, job_id: str) -> list[str]:
    return [entry["message"] for entry in logs.read(connection, job_id, limit=1000)[0]]


def test_an_empty_queue(connection: Connection) -> None:
    assert not queue.is_waiting(connection)
    assert claim(connection) is None


def test_a_job_that_is_taken(connection: Connection) -> None:
    job_id = add(connection, "ana")
    assert queue.is_waiting(connection)
    job = taken(connection)
    assert (job.id, job.user_id, job.run, job.next_log) == (job_id, "ana", 1, 1)
    row = row_of(connection, job_id)
    assert (row["status"], row["worker_id"], row["started"], row["run"]) == ("running", "w-1", NOW, 1)
    assert claim(connection, "w-2") is None


def test_the_oldest_of_a_user_goes_first_unless_another_has_priority(connection: Connection) -> None:
    ids = [
        add(connection, "ana", age=age, priority=priority)
        for age, priority in ((1, 0), (9, 0), (5, 0), (2, 7))
    ]
    assert [taken(connection).id for _ in ids] == [ids[3], ids[1], ids[2], ids[0]]


def test_users_with_fewer_running_jobs_go_first(connection: Connection) -> None:
    for number in range(4):
        add(connection, "ana", age=100 + number)
    for user, age in (("bob", 9), ("eve", 5)):
        add(connection, user, age=age)
    assert [taken(connection).user_id for _ in range(3)] == ["ana", "bob", "eve"]
    assert taken(connection).user_id == "ana"


def test_priority_counts_among_users_with_as_many_jobs(connection: Connection) -> None:
    add(connection, "ana", age=100)
    add(connection, "bob", priority=1)
    add(connection, "bob", priority=1)
    assert [taken(connection).user_id for _ in range(3)] == ["bob", "ana", "bob"]


def test_users_take_turns_when_one_job_runs_at_a_time(connection: Connection) -> None:
    """Though all jobs of the first are older than those of the others."""
    for number in range(6):
        add(connection, "ana", age=1000 - number)
    for user, age in (("bob", 9), ("eve", 5)):
        for _ in range(3):
            add(connection, user, age=age)
    order = []
    for _ in range(9):
        job = taken(connection)
        order.append(job.user_id)
        assert queue.finish(connection, "w-1", report(job), DOCUMENT, VALUES)
    assert order == ["ana", "bob", "eve"] * 3


def test_limits(connection: Connection) -> None:
    for user in ("ana", "ana", "ana", "bob"):
        add(connection, user)
    assert [claim(connection, per_user=2) is not None for _ in range(4)] == [True, True, True, False]
    add(connection, "eve")
    assert claim(connection, in_total=3) is None
    assert claim(connection, in_total=4) is not None


def test_limits_hold_when_several_take_jobs_at_once(engine: Engine) -> None:
    with transaction(engine) as connection:
        for number in range(40):
            add(connection, f"user{number % 2}")
    got: list[Job] = []

    def take(worker_id: str) -> None:
        for _ in range(10):
            with transaction(engine) as connection:
                job = claim(connection, worker_id, per_user=4, in_total=7)
            if job is not None:
                got.append(job)

    threads = [threading.Thread(target=take, args=(f"w-{number}",)) for number in (1, 2, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({job.id for job in got}) == len(got) == 7
    assert max(Counter(job.user_id for job in got).values()) == 4


def test_a_worker_that_is_forgotten(connection: Connection) -> None:
    add(connection, "ana")
    with pytest.raises(WorkerForgotten):
        claim(connection, "w-9")
    with pytest.raises(WorkerForgotten):
        queue.beat(connection, "w-9", [])


def test_beats_bring_progress_and_logs_once(connection: Connection) -> None:
    add(connection, "ana")
    job = taken(connection)
    for _ in range(2):
        # The second time, the worker did not get to know of the first.
        said = report(job, ENTRY, {**ENTRY, "message": "again"}, progress=12.5)
        assert queue.beat(connection, "w-1", [said]) == {job.id: 1}
    assert messages(connection, job.id) == ["hello", "again"]
    assert row_of(connection, job.id)["progress"] == 12.5
    assert connection.scalar(select(workers.c.beat).where(workers.c.id == "w-1")) == 2


def test_nobody_is_heard_but_the_worker_at_its_run(connection: Connection) -> None:
    add(connection, "ana")
    job = taken(connection)
    former = Report(job.id, 0, 99.0, (ENTRY,), 1)
    assert queue.beat(connection, "w-1", [former]) == {job.id: 1}
    assert queue.beat(connection, "w-2", [report(job, ENTRY)]) == {}
    assert not queue.finish(connection, "w-2", report(job), DOCUMENT, VALUES)
    assert not queue.finish(connection, "w-1", former, DOCUMENT, VALUES)
    assert not queue.fail(connection, "w-2", report(job), ERROR, VALUES)
    assert queue.crash(connection, "w-2", report(job), 3, ERROR, VALUES) is None
    assert not queue.give_back(connection, "w-2", report(job), NOW)
    assert not queue.publish_part(connection, "w-2", job.id, 1, DOCUMENT)
    assert messages(connection, job.id) == []
    row = row_of(connection, job.id)
    assert (row["status"], row["progress"], row["worker_id"]) == ("running", 0.0, "w-1")


def test_finishing_twice_is_finishing_once(connection: Connection) -> None:
    add(connection, "ana")
    job = taken(connection)
    for _ in range(2):
        assert queue.finish(connection, "w-1", report(job, ENTRY), DOCUMENT, VALUES)
    row = row_of(connection, job.id)
    assert (row["status"], row["progress"], row["published"], row["worker_id"]) == (
        "finished",
        100.0,
        1,
        None,
    )
    assert messages(connection, job.id) == ["hello"]
    assert queue.is_kept(connection, job.id, 1)


def test_a_canceled_job_is_its_workers_no_longer(connection: Connection) -> None:
    add(connection, "ana")
    job = taken(connection)
    store.cancel(connection, "ana", job.id, NOW, timedelta(1))
    assert queue.beat(connection, "w-1", [report(job, ENTRY)]) == {}
    assert not queue.finish(connection, "w-1", report(job), DOCUMENT, VALUES)
    assert row_of(connection, job.id)["status"] == "created"
    assert not queue.is_kept(connection, job.id, 1)


def test_results_of_a_part_outlive_cancelling_and_failing(connection: Connection) -> None:
    for user, status in (("ana", "canceled"), ("bob", "error")):
        add(connection, user)
        job = taken(connection)
        assert queue.publish_part(connection, "w-1", job.id, 1, DOCUMENT)
        assert queue.publish_part(connection, "w-1", job.id, 1, DOCUMENT)
        if user == "ana":
            store.cancel(connection, user, job.id, NOW, timedelta(1))
        else:
            assert queue.fail(connection, "w-1", report(job), ERROR, VALUES)
        row = row_of(connection, job.id)
        assert (row["status"], row["unpublished"]) == (status, NOW + timedelta(1))
        assert queue.is_kept(connection, job.id, 1)


def test_failing_keeps_the_log(connection: Connection) -> None:
    add(connection, "ana")
    job = taken(connection)
    assert queue.fail(connection, "w-1", report(job, ENTRY), ERROR, VALUES)
    row = row_of(connection, job.id)
    assert (row["status"], row["worker_id"], row["unpublished"]) == ("error", None, None)
    assert messages(connection, job.id) == ["hello", "It failed."]


def test_crashes_are_tried_again_but_not_forever(connection: Connection) -> None:
    job_id = add(connection, "ana", age=5)
    for attempt in (1, 2, 3):
        job = taken(connection)
        assert job.run == attempt
        queue.publish_part(connection, "w-1", job_id, job.run, DOCUMENT)
        outcome = queue.crash(connection, "w-1", report(job, ENTRY), 3, ERROR, VALUES)
        assert outcome == ("error" if attempt == 3 else "queued")
        if attempt < 3:
            assert not queue.is_kept(connection, job_id, attempt)
            row = row_of(connection, job_id)
            # It keeps its place.
            assert (row["queued"], row["started"]) == (NOW - timedelta(seconds=5), None)
    said = messages(connection, job_id)
    assert said.count("hello") == 3
    assert [message for message in said if "attempt" in message] == [
        f"The computation ended unexpectedly (attempt {number} of 3); it is started anew."
        for number in (1, 2)
    ]
    assert said[-1] == "It failed."
    assert claim(connection) is None


def test_giving_back_is_no_loss(connection: Connection) -> None:
    job_id = add(connection, "ana")
    job = taken(connection)
    assert queue.give_back(connection, "w-1", report(job, ENTRY), NOW)
    row = row_of(connection, job_id)
    assert (row["status"], row["losses"], row["crashes"]) == ("queued", 0, 0)
    assert taken(connection).next_log == 2


def test_taking_over(connection: Connection) -> None:
    job_id = add(connection, "ana")
    mine, theirs = taken(connection), add(connection, "bob")
    assert mine.id == job_id
    assert taken(connection, "w-2").id == theirs
    assert queue.take_over(connection, "w-1", 5, NOW) == [], "it has another beat, so it lives"
    assert queue.take_over(connection, "w-1", 0, NOW) == [job_id]
    assert queue.take_over(connection, "w-1", 0, NOW) == []
    with pytest.raises(WorkerForgotten):
        queue.beat(connection, "w-1", [])
    row = row_of(connection, job_id)
    assert (row["status"], row["losses"], row["crashes"]) == ("queued", 1, 0)
    assert row_of(connection, theirs)["status"] == "running"
    assert taken(connection, "w-2").run == 2
    assert not queue.finish(connection, "w-1", report(mine), DOCUMENT, VALUES)


def test_jobs_are_lost_many_times_before_they_fail(connection: Connection) -> None:
    job_id = add(connection, "ana")
    for number in range(MOST_LOSSES):
        assert row_of(connection, job_id)["status"] == "queued"
        worker_id = f"w-lost-{number}"
        queue.register(connection, worker_id, "p-1", NOW)
        taken(connection, worker_id)
        queue.take_over(connection, worker_id, None, NOW)
    row = row_of(connection, job_id)
    assert (row["status"], row["losses"], row["worker_id"]) == ("error", MOST_LOSSES, None)
    assert f"{MOST_LOSSES}th time" in messages(connection, job_id)[-1]


def test_running_jobs_of_nobody(connection: Connection) -> None:
    job_id = add(connection, "ana")
    taken(connection)
    assert queue.take_over_orphans(connection, NOW) == []
    connection.execute(workers.delete().where(workers.c.id == "w-1"))
    assert queue.take_over_orphans(connection, NOW) == [job_id]
    assert row_of(connection, job_id)["status"] == "queued"


def test_a_job_that_is_queued_again_forgets_its_results(connection: Connection) -> None:
    job_id = add(connection, "ana")
    queue.finish(connection, "w-1", report(taken(connection)), DOCUMENT, VALUES)
    store.queue(connection, "ana", job_id, NOW)
    assert not queue.is_kept(connection, job_id, 1)
    assert taken(connection).run == 2


def test_a_step_reads_little_of_a_long_queue(connection: Connection) -> None:
    """SQLite tells how: by searches in the index, not by reading all that wait."""
    if connection.dialect.name != "sqlite":
        pytest.skip(
            "PostgreSQL plans by statistics that a test does not have; measured in tests/bench/job_queue.py"
        )
    statement = queue._first_of_each_user().compile(connection, compile_kwargs={"literal_binds": True})
    plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    scans = [step for step in plan if step.startswith("SCAN") and "users_waiting" not in step]
    assert scans == ["SCAN CONSTANT ROW"] * len(scans)
    assert all("jobs_to_do" in step or "sqlite_autoindex" in step for step in plan if "SEARCH" in step)


def test_documents_of_other_jobs_stay(connection: Connection) -> None:
    other = add(connection, "bob")
    connection.execute(insert(job_results).values(job_id=other, run=1, document=DOCUMENT.to_json()))
    add(connection, "ana", age=9)
    job = taken(connection)
    queue.give_back(connection, "w-1", report(job), NOW)
    assert queue.is_kept(connection, other, 1)
