"""Nothing of a split job is forgotten at a back-end, whatever its user and the back-ends do meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from connexeo.drivers.federation.jobs import split_remote
from connexeo.drivers.federation.jobs.split_remote import RemoteJobs
from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.local.state.tables import split_jobs
from connexeo.generated.errors import JobNotFinished, JobNotStarted, NotFound
from upstreams_of_split_jobs import Crash, FakeUpstream

from .conftest import PROCESS

if TYPE_CHECKING:
    from .conftest import Office

pytestmark = pytest.mark.anyio


def _upstreams(office: Office) -> tuple[FakeUpstream, FakeUpstream]:
    return office.asking.upstreams["alps"], office.asking.upstreams["coast"]


async def _cut_off(office: Office) -> str:
    """A job whose first part is made by a request that nobody hears the answer of."""
    job_id = await office.order()
    office.asking.cut = (1, "after")
    with pytest.raises(Crash):
        await office.step()
    return job_id


async def test_started_anew_after_a_part_was_made_without_getting_noted(office: Office) -> None:
    alps, coast = _upstreams(office)
    job_id = await _cut_off(office)
    await office.jobs.stop_job(office.user, job_id)
    await office.jobs.start_job(office.user, job_id)
    await office.work()
    assert await office.status(job_id) == "finished"
    assert (coast.started, list(coast.jobs), list(alps.jobs)) == (["coast2"], ["coast2"], ["alps1"])


async def test_found_among_many_jobs(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_remote, "LOOKED_AT", 2)
    _, coast = _upstreams(office)
    job_id = await office.order()
    coast.jobs |= {f"own{number}": {"title": None, "status": "finished"} for number in range(5)}
    office.asking.cut = (1, "after")
    with pytest.raises(Crash):
        await office.step()
    await office.work()
    assert await office.status(job_id) == "finished"
    assert coast.made == 1


@pytest.mark.parametrize("ending", ["stop_job", "delete_job"])
async def test_ended_while_a_part_may_be_made_yet(
    office: Office, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request of a process that was killed can have its effect later than it is looked for."""
    _, coast = _upstreams(office)
    job_id = await _cut_off(office)
    late = dict(coast.jobs)
    coast.jobs.clear()
    with monkeypatch.context() as patch:
        patch.setattr(RemoteJobs, "settling", timedelta(hours=1))
        await getattr(office.jobs, ending)(office.user, job_id)
        assert await office.step() == 1
        assert await office.step() == 1
        coast.jobs |= late
        await office.work()
    assert [job["status"] for job in coast.jobs.values()] == ([] if ending == "delete_job" else ["canceled"])


async def test_another_process_leaves_nothing_behind(office: Office) -> None:
    alps, coast = _upstreams(office)
    job_id = await office.order()
    await office.work()
    alone = {"process_graph": {**PROCESS["process_graph"], "c": PROCESS["process_graph"]["a"]}}
    await office.jobs.update_job(office.user, job_id, {"process": alone})
    described = await office.jobs.describe_job(office.user, job_id)
    assert (described["status"], described[BACKENDS]) == ("created", ["alps"])
    with pytest.raises(JobNotStarted):
        await office.jobs.list_results(office.user, job_id, partial=False)
    await office.jobs.start_job(office.user, job_id)
    await office.work()
    assert await office.status(job_id) == "finished"
    assert (list(alps.jobs), list(coast.jobs)) == (["alps2"], [])


async def test_another_process_right_after_a_cancel(office: Office) -> None:
    _, coast = _upstreams(office)
    coast.endless = True
    job_id = await office.order()
    await office.step()
    await office.jobs.stop_job(office.user, job_id)
    await office.jobs.update_job(office.user, job_id, {"process": PROCESS})
    await office.work()
    assert await office.status(job_id) == "created"
    assert coast.jobs == {}


async def test_back_ends_that_fail_to_delete_are_asked_again(office: Office) -> None:
    _, coast = _upstreams(office)
    job_id = await office.order()
    await office.work()
    coast.refusals["delete_job"] = (500, "Internal")
    await office.jobs.start_job(office.user, job_id)
    await office.work()
    assert await office.status(job_id) == "finished"
    await office.jobs.delete_job(office.user, job_id)
    assert await office.step() == 1
    assert list(coast.jobs) == ["coast1", "coast2"]
    coast.refusals.clear()
    await office.work()
    assert coast.jobs == {}


@pytest.mark.parametrize(("answer", "again"), [((400, "JobNotStarted"), 0), ((501, ""), 0), ((500, ""), 1)])
async def test_back_ends_that_refuse_to_cancel(office: Office, answer: tuple[int, str], again: int) -> None:
    _, coast = _upstreams(office)
    coast.endless = True
    job_id = await office.order()
    await office.step()
    coast.refusals["delete_results"] = answer
    await office.jobs.stop_job(office.user, job_id)
    await office.step()
    assert await office.step() == again


async def test_results_that_a_back_end_has_lost_before_they_were_used(office: Office) -> None:
    _, coast = _upstreams(office)
    job_id = await office.order()
    coast.refusals["get_results"] = (404, "JobNotFound")
    for _ in range(4):
        await office.step()
    coast.refusals.clear()
    await office.work()
    assert await office.status(job_id) == "finished"
    assert (coast.started, list(coast.jobs)) == (["coast1", "coast2"], ["coast2"])
    assert any("'coast' has lost its results" in each for each in await office.messages(job_id, "warning"))


async def test_results_that_a_back_end_has_lost_since(office: Office) -> None:
    alps, _ = _upstreams(office)
    job_id = await office.order()
    await office.work()
    alps.jobs.clear()
    with pytest.raises(NotFound, match=r"'alps' has the results .* Start the job again"):
        await office.jobs.list_results(office.user, job_id, partial=False)
    await office.jobs.start_job(office.user, job_id)
    with pytest.raises(JobNotFinished):
        await office.jobs.list_results(office.user, job_id, partial=True)
    await office.work()
    assert (await office.jobs.list_results(office.user, job_id, partial=False)).document["id"] == job_id


async def test_waiting_is_told_once(office: Office) -> None:
    _, coast = _upstreams(office)
    coast.offline = True
    job_id = await office.order()
    for _ in range(3):
        await office.step()
    assert await office.messages(job_id) == ["The part 'part-1' waits for 'coast': cannot be reached."]
    coast.offline = False
    await office.work()
    assert await office.status(job_id) == "finished"
    assert coast.made == 1


@pytest.mark.parametrize("request_for", ["get_job", "delete_job"])
async def test_a_web_server_without_a_back_end(office: Office, request_for: str) -> None:
    _, coast = _upstreams(office)
    job_id = await office.order()
    await office.step()
    coast.refusals[request_for] = (404, "")
    await (office.step() if request_for == "get_job" else office.jobs.delete_job(office.user, job_id))
    assert await office.step() == 1
    coast.refusals.clear()
    await office.work()
    assert list(coast.jobs) == ([] if request_for == "delete_job" else ["coast1"])


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        ((403, "TokenInvalid"), "running", "'coast' does not accept the login"),
        ((401, ""), "running", "whoever runs it"),
        ((403, "PermissionsInsufficient"), "error", "'coast' refuses the part 'part-1': HTTP 403"),
    ],
)
async def test_refusals(office: Office, answer: tuple[int, str], status: str, told: str) -> None:
    _, coast = _upstreams(office)
    coast.endless = True
    job_id = await office.order()
    await office.step()
    await office.step()
    coast.refusals["get_job"] = answer
    await office.step()
    await office.step()
    assert await office.status(job_id) == status
    assert sum(told in each for each in await office.messages(job_id, "warning")) == 1


async def test_a_login_that_is_refused_makes_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteJobs, "settling", timedelta(hours=1))
    _, coast = _upstreams(office)
    coast.refusal = (403, "TokenInvalid")
    job_id = await office.order()
    await office.step()
    coast.refusal = None
    await office.work()
    assert await office.status(job_id) == "finished"


async def test_looking_for_a_part_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteJobs, "settling", timedelta(hours=1))
    _, coast = _upstreams(office)
    job_id = await office.order()
    office.asking.cut = (1, "lost")
    await office.step()
    coast.jobs.clear()
    for _ in range(2):
        await office.step()
    assert sum("It is looked for" in each for each in await office.messages(job_id)) == 1


async def test_titles_that_back_ends_cut(office: Office) -> None:
    _, coast = _upstreams(office)
    await office.order(title="t" * 1000)
    await office.step()
    (job,) = coast.jobs.values()
    assert len(job["title"]) < 200


async def test_results_are_those_of_the_whole_job(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_the_part(upstream: FakeUpstream, job_id: str) -> Any:
        import httpx

        told = {"description": "part", "created": "2001-01-01T00:00:00Z", "openeo:status": "finished"}
        return httpx.Response(200, json={"type": "Collection", "assets": {}, "links": [], **told})

    job_id = await office.order()
    await office.step()
    await office.work()
    monkeypatch.setattr(FakeUpstream, "_get_results", of_the_part)
    document = (await office.jobs.list_results(office.user, job_id, partial=False)).document
    assert document["description"] == f"What the batch job `{job_id}` has computed at alps, coast."
    assert document["created"] == (await office.jobs.describe_job(office.user, job_id))["created"]
    assert "updated" not in document


async def test_taken_over_while_a_part_is_made(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes back after he was given up leaves alone what the other one has found."""
    _, coast = _upstreams(office)
    job_id = await office.order()
    create = RemoteJobs.create

    async def stopped(remote: RemoteJobs, upstream: str, request: Any) -> str:
        identifier = await create(remote, upstream, request)
        monkeypatch.setattr(RemoteJobs, "create", create)
        past = datetime.now(UTC) - timedelta(seconds=1)
        await office.state.write(
            lambda connection: connection.execute(update(split_jobs).values(driven_until=past))
        )
        assert await office.step("elsewhere") == 1
        return identifier

    monkeypatch.setattr(RemoteJobs, "create", stopped)
    await office.step()
    assert list(coast.jobs) == ["coast1"]
    for _ in range(20):
        await office.step("elsewhere")
    assert await office.status(job_id) == "finished"
    assert coast.started == ["coast1"]
