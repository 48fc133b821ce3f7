from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.fanout import Gathered
from connexeo.drivers.federation.faults import UpstreamFault
from connexeo.drivers.federation.jobs.all_jobs import AllJobs
from connexeo.drivers.federation.routing.route import Route
from connexeo.drivers.interface import Json, User
from connexeo.generated.errors import ProcessUnsupported, RequestInvalid
from upstreams_of_split_jobs import FakeAsking

from .conftest import PROCESS

if TYPE_CHECKING:
    from .conftest import Office

pytestmark = pytest.mark.anyio


class AskingAll(FakeAsking):
    """Asks all back-ends for lists as well."""

    async def gather(self, user: User, sort: str, ask: Any, upstreams: Any = None) -> Gathered[Any]:
        answers: dict[str, Any] = {}
        faults: dict[str, UpstreamFault] = {}
        for name in self.upstreams:
            try:
                answers[name] = await self.one(user, sort, ask, name)
            except UpstreamFault as fault:
                faults[name] = fault
        return Gathered(answers, faults)


class Refusing:
    """A router that finds nobody."""

    async def route(self, user: User, request: Json, *, operation: str | None = None) -> Route:
        raise ProcessUnsupported("No back-end can run this process. alps: no; coast: no.")

    def given(self, upstream: str) -> None:
        raise AssertionError(upstream)


@pytest.fixture
def jobs(office: Office) -> AllJobs:
    asking = AskingAll(*office.asking.upstreams.values())
    office.asking = asking
    office.jobs._asking = cast(Asking, asking)
    return AllJobs(cast(Asking, asking), Refusing(), office.jobs)


async def test_what_nobody_can_run_alone_is_split(office: Office, jobs: AllJobs) -> None:
    job_id = await jobs.create_job(office.user, {"process": PROCESS})
    assert job_id.startswith("split~")
    assert (await jobs.describe_job(office.user, job_id))["status"] == "created"


async def test_no_splitting_when_it_is_switched_off(office: Office, jobs: AllJobs) -> None:
    members = office.asking.members
    members.federation = members.federation.model_copy(update={"split_jobs": False})
    with pytest.raises(ProcessUnsupported, match="No back-end"):
        await jobs.create_job(office.user, {"process": PROCESS})


def _without(**changes: Any) -> Mapping[str, Any]:
    graph = {key: {**node} for key, node in PROCESS["process_graph"].items()}
    for key, arguments in changes.items():
        graph[key]["arguments"] = {**graph[key]["arguments"], **arguments}
    return {"process_graph": graph}


@pytest.mark.parametrize(
    ("process", "told"),
    [
        (_without(c={"id": "nowhere"}), r"coast: no\.$"),
        (_without(c={"bands": {"from_parameter": "p"}}), "cannot be split among several: .*parameter 'p'"),
    ],
)
async def test_reasons(office: Office, jobs: AllJobs, process: Mapping[str, Any], told: str) -> None:
    with pytest.raises(ProcessUnsupported, match=told):
        await jobs.create_job(office.user, {"process": process})


async def test_the_list_has_whole_jobs_only(office: Office, jobs: AllJobs) -> None:
    alps = office.asking.upstreams["alps"]
    ids = [await office.order() for _ in range(3)]
    await office.work()
    for number in range(3):
        alps.jobs[f"own{number}"] = {"title": f"own {number}", "status": "finished"}
    seen: list[str] = []
    offset: str | None = None
    for _ in range(20):
        page = await jobs.list_jobs(office.user, limit=2, offset=offset)
        assert len(page.items) <= 2
        seen += [each["id"] for each in page.items]
        offset = page.next_offset
        if offset is None:
            break
    assert sorted(seen) == sorted([*ids, "alps~own0", "alps~own1", "alps~own2"])


async def test_changes_that_cannot_be_split(office: Office, jobs: AllJobs) -> None:
    job_id = await jobs.create_job(office.user, {"process": PROCESS})
    with pytest.raises(RequestInvalid, match="cannot be split"):
        await jobs.update_job(office.user, job_id, {"process": _without(c={"id": {"from_parameter": "p"}})})
