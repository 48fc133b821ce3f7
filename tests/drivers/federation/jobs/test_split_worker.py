from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.jobs import split_worker
from connexeo.drivers.federation.jobs.split_worker import SplitWorker
from connexeo.drivers.local.state import State
from connexeo.settings import Settings

if TYPE_CHECKING:
    from .conftest import Office

pytestmark = pytest.mark.anyio


class Counted:
    """A service of a worker."""

    def __init__(self) -> None:
        self.running = 0

    async def start(self) -> None:
        self.running += 1

    async def stop(self) -> None:
        self.running -= 1


@pytest.fixture
def make(
    office: Office, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., SplitWorker]:
    monkeypatch.setattr(split_worker, "PAUSE", 0.01)
    federation = office.asking.members.federation
    office.asking.members.federation = federation.model_copy(update={"job_interval": 0.01})

    def made(*services: Any) -> SplitWorker:
        settings = Settings(data=tmp_path)
        state = State(database_url)
        return SplitWorker(settings, state, cast(Asking, office.asking), services)

    return made


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        for _ in itertools.count():
            if await condition():
                return
            await asyncio.sleep(0.02)


async def _ended(office: Office, job_id: str) -> str:
    async def ended() -> bool:
        return await office.status(job_id) not in ("queued", "running")

    await _until(ended)
    return await office.status(job_id)


async def test_it_sees_to_jobs_until_it_is_stopped(office: Office, make: Callable[..., SplitWorker]) -> None:
    service = Counted()
    worker = make(service)
    running = asyncio.create_task(worker.run())
    first, second = await office.order(), await office.order()
    assert [await _ended(office, first), await _ended(office, second)] == ["finished", "finished"]
    assert service.running == 1
    worker.stop()
    await running
    assert service.running == 0


async def test_one_of_two_works_and_the_other_takes_over(
    office: Office, make: Callable[..., SplitWorker]
) -> None:
    workers = [make(), make()]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    first = await office.order()
    assert await _ended(office, first) == "finished"
    for worker, task in zip(workers, tasks, strict=True):
        # Whichever has the lock: the last one left gets it.
        second = await office.order()
        assert await _ended(office, second) == "finished"
        worker.stop()
        await task
    assert all(len(each.started) == 3 for each in office.asking.upstreams.values())


async def test_cancelling_is_seen_at_once(office: Office, make: Callable[..., SplitWorker]) -> None:
    federation = office.asking.members.federation
    office.asking.members.federation = federation.model_copy(update={"job_interval": 3600.0})
    coast = office.asking.upstreams["coast"]
    coast.endless = True
    worker = make()
    running = asyncio.create_task(worker.run())
    job_id = await office.order()

    async def started() -> bool:
        return bool(coast.started)

    async def canceled() -> bool:
        return bool(coast.jobs["coast1"]["status"] == "canceled")

    await _until(started)
    await office.jobs.stop_job(office.user, job_id)
    await _until(canceled)
    worker.stop()
    await running


async def test_nobody_is_kept_waiting_by_those_who_came_first(
    office: Office, make: Callable[..., SplitWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split_worker, "AT_ONCE", 1)
    federation = office.asking.members.federation
    worker = make()
    office.asking.members.federation = federation.model_copy(update={"job_interval": 0.001})
    coast = office.asking.upstreams["coast"]
    coast.endless = True
    for _ in range(4):
        await office.order()
    running = asyncio.create_task(worker.run())

    async def all_started() -> bool:
        return len(coast.started) == 4

    await _until(all_started)
    worker.stop()
    await running
