"""One run of a job, without a worker around it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from connexeo.drivers.local.computing.host import Child
from connexeo.drivers.local.environment import Sources
from connexeo.drivers.local.jobs import queue, store
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.children import Children
from connexeo.drivers.local.jobs.run import Run, Workplace
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.state.tables import job_logs, jobs
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import InfrastructureBusy
from connexeo.settings import Settings
from working import node, process

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def descriptor() -> Iterator[int]:
    """An open file, which children inherit."""
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


def claim(connection: Connection) -> queue.Job:
    """A job that a worker has just taken."""
    queue.register(connection, "w-1", "p-1", NOW)
    values = {"process": process(sum=node("add", x=1, y=2)), "log_level": "info"}
    store.queue(connection, "ana", store.create(connection, "ana", values, NOW), NOW)
    job = queue.claim(connection, "w-1", NOW, limit_of=lambda *_: 1)
    assert job is not None
    return job


class Mortal(Children):
    """The first child that is taken dies before anybody notices, having waited until then."""

    killed: Child | None = None

    async def take(self) -> Child:
        child = await super().take()
        if self.killed is None:
            self.killed = child
            kill(child._process.pid)
            assert child.idle
        return child


def kill(pid: int) -> None:
    """And leave it to the event loop to notice, which does not run meanwhile."""
    os.kill(pid, signal.SIGKILL)
    # A thread of asyncio may have taken note of it already.
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


class WithoutCluster(Children):
    """Their cluster does not answer."""

    async def take(self) -> Child:
        child = await super().take()

        async def ask(*_: Any, **__: Any) -> Any:
            raise InfrastructureBusy("The cluster that computes does not answer.")

        child.ask = ask  # type: ignore[method-assign]
        return child


async def performed(
    settings: Settings, children: Children, folder: Path, attempts: int = 1
) -> list[tuple[str, int, int]]:
    """Status, run and crashes of a job after each attempt, if it is queued again."""
    state = State.from_settings(settings)
    await state.start()
    job: queue.Job | None = await state.write(claim)
    storage, billing = Storage.from_settings(settings), Billing.from_settings(settings)
    at = Workplace(settings, Sources(), state, storage, "w-1", folder / "scratch", children, billing)
    seen: list[tuple[str, int, int]] = []
    columns = select(jobs.c.status, jobs.c.run, jobs.c.crashes)
    for _ in range(attempts):
        assert job is not None
        await Run(at, job).perform()
        row = await state.read(lambda connection: connection.execute(columns).one())
        seen.append((row.status, row.run, row.crashes))
        job = await state.write(partial(queue.claim, limit_of=lambda *_: 1), "w-1", NOW)
    await children.stop()
    await state.stop()
    return seen


def test_a_child_that_dies_before_it_begins_is_no_attempt_of_the_job(tmp_path: Path, descriptor: int) -> None:
    settings = Settings(data=tmp_path / "data", job_tries=1)
    children = Mortal(descriptor, {})

    assert asyncio.run(performed(settings, children, tmp_path)) == [("finished", 1, 0)]
    assert children.killed is not None


def test_a_job_whose_cluster_does_not_answer_is_tried_again(tmp_path: Path, descriptor: int) -> None:
    settings = Settings(data=tmp_path / "data", job_tries=2)
    seen = asyncio.run(performed(settings, WithoutCluster(descriptor, {}), tmp_path, attempts=2))
    assert seen == [("queued", 1, 1), ("error", 2, 2)]
    with open_database(settings.database_url).connect() as connection:
        last = connection.scalars(select(job_logs.c.entry).order_by(job_logs.c.number.desc())).first()
    assert "The cluster that computes does not answer." in str(last)
