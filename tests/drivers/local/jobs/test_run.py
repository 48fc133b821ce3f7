"""One run of a job, without a worker around it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from connexeo.drivers.local.computing.host import Child
from connexeo.drivers.local.environment import Sources
from connexeo.drivers.local.jobs import queue, store
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.children import Children
from connexeo.drivers.local.jobs.run import Run, Workplace
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.tables import jobs
from connexeo.drivers.local.storage import Storage
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


def test_a_child_that_dies_before_it_begins_is_no_attempt_of_the_job(tmp_path: Path, descriptor: int) -> None:
    settings = Settings(data=tmp_path / "data", job_tries=1)
    children = Mortal(descriptor, {})

    async def use() -> tuple[str, int, int]:
        state = State.from_settings(settings)
        await state.start()
        job = await state.write(claim)
        at = Workplace(
            settings,
            Sources(),
            state,
            Storage.from_settings(settings),
            "w-1",
            tmp_path / "scratch",
            children,
            Billing.from_settings(settings),
        )
        await Run(at, job).perform()
        columns = select(jobs.c.status, jobs.c.run, jobs.c.crashes)
        row = await state.read(lambda connection: connection.execute(columns).one())
        await children.stop()
        await state.stop()
        return tuple(row)

    assert asyncio.run(use()) == ("finished", 1, 0)
    assert children.killed is not None
