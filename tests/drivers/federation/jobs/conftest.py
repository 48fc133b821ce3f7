"""A desk where split jobs are ordered, and a worker that sees to them step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.jobs import split_store as store
from connexeo.drivers.federation.jobs.split_jobs import SplitJobs
from connexeo.drivers.federation.jobs.split_ledger import Ledger, Outdated
from connexeo.drivers.federation.jobs.split_remote import RemoteJobs
from connexeo.drivers.federation.jobs.split_run import SplitRun
from connexeo.drivers.federation.jobs.split_tokens import TokenBox
from connexeo.drivers.federation.splitting.splittable import Splittable
from connexeo.drivers.interface import Json, User
from connexeo.drivers.local.state import State
from upstreams_of_split_jobs import FakeAsking, FakeUpstream

PROCESS: dict[str, Any] = {
    "process_graph": {
        "a": {"process_id": "load_collection", "arguments": {"id": "alps"}},
        "c": {"process_id": "load_collection", "arguments": {"id": "coast"}},
        "j": {
            "process_id": "merge_cubes",
            "arguments": {"cube1": {"from_node": "a"}, "cube2": {"from_node": "c"}},
        },
        "s": {
            "process_id": "save_result",
            "arguments": {"data": {"from_node": "j"}, "format": "GTiff"},
            "result": True,
        },
    }
}


class FakeAnalyst:
    """Each back-end has the collection that bears its name."""

    async def splittable(self, user: User, request: Json) -> Splittable:
        return Splittable(request["process"]["process_graph"], _abilities)


def _abilities(process_graph: Json) -> Mapping[str, str]:
    wanted = [node["arguments"].get("id") for node in process_graph.values()]
    return {name: "" if wanted[0] in (None, name) else "no collection" for name in ("alps", "coast")}


@dataclass
class Office:
    """All that is needed for split jobs, but a server."""

    state: State
    asking: FakeAsking
    jobs: SplitJobs
    user: User = field(default_factory=lambda: User("ana"))
    told: set[tuple[str, int, str]] = field(default_factory=set)
    box: TokenBox = field(default_factory=lambda: TokenBox([b"s" * 20]))

    async def order(self, **further: Any) -> str:
        job_id = await self.jobs.create_job(self.user, {"process": PROCESS, "title": "mine", **further})
        await self.jobs.start_job(self.user, job_id)
        return job_id

    async def step(self, place: str = "here") -> int:
        """One step of each job that there is something to do for; how many there are."""
        now = datetime.now(UTC)
        rows = await self.state.write(store.claim, place, now, timedelta(seconds=60))
        for row in rows:
            loaded = await self.state.read(store.load, row["id"], place)
            if loaded is None:
                continue
            job, parts = loaded
            user = self.box.open(job["token"], job["user_id"], job["provider"])
            remote = RemoteJobs(cast(Asking, self.asking), user)
            try:
                await SplitRun(Ledger(self.state, job, parts, self.told), remote).step()
            except Outdated:
                continue
        return len(rows)

    async def work(self, steps: int = 30) -> None:
        """Until there is nothing left to do."""
        for _ in range(steps):
            if not await self.step():
                return

    async def status(self, job_id: str) -> str:
        return str((await self.jobs.describe_job(self.user, job_id))["status"])

    async def messages(self, job_id: str, level: str = "info") -> list[str]:
        page = await self.jobs.debug_job(self.user, job_id, limit=None, offset=None, level=level)
        return [each["message"] for each in page.items]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def office(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(RemoteJobs, "settling", timedelta(0))
    state = State(database_url)
    await state.start()
    asking = FakeAsking(FakeUpstream("alps"), FakeUpstream("coast"))
    jobs = SplitJobs(state, cast(Asking, asking), FakeAnalyst(), lambda: TokenBox([b"s" * 20]))
    yield Office(state, asking, jobs)
    await state.stop()
