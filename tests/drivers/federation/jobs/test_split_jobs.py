from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from connexeo.drivers.federation.credentials import FederatedUser
from connexeo.drivers.federation.jobs import split_ledger
from connexeo.drivers.federation.jobs.split_markers import split_job_of, without
from connexeo.drivers.federation.jobs.split_remote import RemoteJobs
from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.federation.paging import Place, Told
from connexeo.drivers.interface import JobFailed, Token, User
from connexeo.drivers.local.jobs import patience
from connexeo.drivers.local.state.tables import split_job_parts, split_jobs
from connexeo.generated.errors import (
    EstimateComplexity,
    JobLocked,
    JobNotFinished,
    JobNotFound,
    JobNotStarted,
    OpenEOError,
    PropertyNotEditable,
)
from upstreams_of_split_jobs import Crash

if TYPE_CHECKING:
    from .conftest import Office

pytestmark = pytest.mark.anyio

OIDC = FederatedUser("egi~ana", provider="egi", token=Token("oidc", "egi", "first"))


async def test_a_job_runs_at_two_back_ends(office: Office) -> None:
    job_id = await office.order(job_options={"memory": 1})
    await office.work()
    alps, coast = office.asking.upstreams["alps"], office.asking.upstreams["coast"]
    assert await office.status(job_id) == "finished"
    assert (coast.started, alps.started) == (["coast1"], ["alps1"])
    primary = alps.jobs["alps1"]
    assert primary["process"]["process_graph"]["c"]["arguments"]["url"] == (
        "https://coast.example/coast1?signed"
    )
    assert primary["job_options"] == {"memory": 1}
    described = await office.jobs.describe_job(office.user, job_id)
    assert described[BACKENDS] == ["alps", "coast"]
    assert described["progress"] == 100
    assert described["job_options"] == {"memory": 1}
    results = await office.jobs.list_results(office.user, job_id, partial=False)
    assert (results.document["id"], results.document["title"]) == (job_id, "mine")
    assert results.document[BACKENDS] == ["alps", "coast"]
    assert results.document["links"][0]["rel"] == "canonical"


async def test_logs_of_all_parts(office: Office) -> None:
    job_id = await office.order()
    await office.work()
    page = await office.jobs.debug_job(office.user, job_id, limit=None, offset=None, level=None)
    assert [each["id"] for each in page.items] == [str(number + 1) for number in range(len(page.items))]
    copied = [each[BACKENDS] for each in page.items if each["message"] == "starts"]
    assert copied == [["coast"], ["alps"]]


@pytest.mark.parametrize("when", ["before", "after", "lost"])
@pytest.mark.parametrize("number", range(1, 17))
async def test_killed_at_any_request(office: Office, number: int, when: str) -> None:
    job_id = await office.order()
    office.asking.cut = (number, when)
    for _ in range(40):
        try:
            if not await office.step():
                break
        except Crash:
            office.told.clear()
    assert office.asking.requests >= number
    assert await office.status(job_id) == "finished"
    for upstream in office.asking.upstreams.values():
        assert len(upstream.started) == 1
        assert len(upstream.jobs) == 1


@pytest.mark.parametrize("number", range(1, 13))
async def test_killed_before_any_note(office: Office, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = await office.order()
    count = 0
    written = patience.written

    async def cut_off(*args: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            raise Crash
        return await written(*args)

    monkeypatch.setattr(split_ledger, "written", cut_off)
    for _ in range(40):
        try:
            if not await office.step():
                break
        except Crash:
            office.told.clear()
    assert count >= number
    assert await office.status(job_id) == "finished"
    for upstream in office.asking.upstreams.values():
        assert len(upstream.started) == 1
        assert len(upstream.jobs) == 1


async def test_a_failed_back_end_gets_another_try(office: Office) -> None:
    job_id = await office.order()
    coast = office.asking.upstreams["coast"]
    coast.outcomes = [("error", "Internal")]
    await office.work()
    assert await office.status(job_id) == "finished"
    assert len(coast.started) == 2
    assert len(coast.jobs) == 1


@pytest.mark.parametrize(
    ("outcomes", "tries"),
    [([("error", "ProcessUnsupported")], 1), ([("error", "Internal")] * 3, 2)],
)
async def test_a_failed_process_fails(office: Office, outcomes: list[tuple[str, str]], tries: int) -> None:
    job_id = await office.order()
    coast = office.asking.upstreams["coast"]
    coast.outcomes = list(outcomes)
    await office.work()
    assert await office.status(job_id) == "error"
    assert len(coast.started) == tries
    assert office.asking.upstreams["alps"].started == []
    with pytest.raises(JobFailed, match="broken") as failed:
        await office.jobs.list_results(office.user, job_id, partial=False)
    assert failed.value.entry["code"] == outcomes[0][1]


async def test_refused_parts(office: Office) -> None:
    office.asking.upstreams["coast"].refusal = (400, "BudgetInvalid")
    job_id = await office.order()
    await office.work()
    assert await office.status(job_id) == "error"
    assert "BudgetInvalid" in (await office.messages(job_id, "error"))[0]


async def test_a_back_end_that_fails_to_make_jobs(office: Office) -> None:
    office.asking.upstreams["coast"].refusal = (500, "Internal")
    job_id = await office.order()
    await office.step()
    office.asking.upstreams["coast"].refusal = None
    await office.work()
    assert await office.status(job_id) == "finished"


async def test_results_that_nobody_else_can_load(office: Office) -> None:
    office.asking.upstreams["coast"].signs = False
    job_id = await office.order()
    await office.work()
    assert await office.status(job_id) == "error"
    assert "signed address" in (await office.messages(job_id, "error"))[0]


async def test_offline_back_ends_are_waited_for(office: Office) -> None:
    job_id = await office.order()
    for _ in range(2):
        await office.step()
    office.asking.upstreams["coast"].offline = True
    for _ in range(3):
        await office.step()
    assert await office.status(job_id) == "running"
    office.asking.upstreams["coast"].offline = False
    await office.work()
    assert await office.status(job_id) == "finished"


async def test_jobs_are_given_up(office: Office) -> None:
    job_id = await office.order()
    coast = office.asking.upstreams["coast"]
    coast.endless = True
    for _ in range(4):
        await office.step()
    past = datetime.now(UTC) - timedelta(seconds=1)
    await office.state.write(lambda connection: connection.execute(update(split_jobs).values(expires=past)))
    await office.work()
    assert await office.status(job_id) == "error"
    assert coast.jobs["coast1"]["status"] == "canceled"


async def test_cancel(office: Office) -> None:
    job_id = await office.order()
    coast = office.asking.upstreams["coast"]
    coast.endless = True
    await office.step()
    assert await office.status(job_id) in ("queued", "running")
    with pytest.raises(JobLocked):
        await office.jobs.update_job(office.user, job_id, {"title": "other"})
    with pytest.raises(JobNotFinished):
        await office.jobs.list_results(office.user, job_id, partial=False)
    await office.jobs.stop_job(office.user, job_id)
    assert await office.status(job_id) == "canceled"
    await office.work()
    assert coast.jobs["coast1"]["status"] == "canceled"
    assert office.asking.upstreams["alps"].jobs == {}


async def test_started_again(office: Office) -> None:
    job_id = await office.order()
    await office.work()
    await office.jobs.start_job(office.user, job_id)
    await office.work()
    assert await office.status(job_id) == "finished"
    for upstream in office.asking.upstreams.values():
        assert len(upstream.started) == 2
        assert len(upstream.jobs) == 1


@pytest.mark.parametrize("steps", range(8))
async def test_delete(office: Office, steps: int) -> None:
    job_id = await office.order()
    for _ in range(steps):
        await office.step()
    await office.jobs.delete_job(office.user, job_id)
    with pytest.raises(JobNotFound):
        await office.jobs.describe_job(office.user, job_id)
    assert (await office.jobs.list_jobs(office.user, Place(), None)).entries == []
    await office.work()
    assert all(upstream.jobs == {} for upstream in office.asking.upstreams.values())
    rows = await office.state.read(lambda connection: connection.execute(select(split_job_parts)).all())
    assert rows == []


async def test_a_deletion_waits_for_an_offline_back_end(office: Office) -> None:
    job_id = await office.order()
    await office.work()
    office.asking.upstreams["coast"].offline = True
    await office.jobs.delete_job(office.user, job_id)
    await office.step()
    office.asking.upstreams["coast"].offline = False
    await office.work()
    assert office.asking.upstreams["coast"].jobs == {}


async def test_jobs_of_others(office: Office) -> None:
    job_id = await office.order()
    bob = User("bob")
    for call in (
        office.jobs.describe_job(bob, job_id),
        office.jobs.start_job(bob, job_id),
        office.jobs.stop_job(bob, job_id),
        office.jobs.delete_job(bob, job_id),
        office.jobs.update_job(bob, job_id, {"title": "x"}),
        office.jobs.estimate_job(bob, job_id),
        office.jobs.list_results(bob, job_id, partial=False),
        office.jobs.debug_job(bob, job_id, limit=None, offset=None, level=None),
    ):
        with pytest.raises(JobNotFound):
            await call
    assert (await office.jobs.list_jobs(bob, Place(), None)).entries == []


async def test_before_it_is_started(office: Office) -> None:
    job_id = await office.jobs.create_job(office.user, {"process": {"process_graph": _graph()}})
    with pytest.raises(JobNotStarted):
        await office.jobs.list_results(office.user, job_id, partial=False)
    with pytest.raises(EstimateComplexity):
        await office.jobs.estimate_job(office.user, job_id)
    with pytest.raises(PropertyNotEditable):
        await office.jobs.update_job(office.user, job_id, {"status": "finished"})
    changed = _graph()
    changed["c"]["arguments"]["bands"] = ["B1"]
    await office.jobs.update_job(office.user, job_id, {"title": "new", "process": {"process_graph": changed}})
    assert (await office.jobs.describe_job(office.user, job_id))["title"] == "new"
    await office.jobs.start_job(office.user, job_id)
    await office.work()
    sent = office.asking.upstreams["coast"].jobs["coast1"]["process"]["process_graph"]
    assert sent["c"]["arguments"]["bands"] == ["B1"]
    expected = {"costs": 4, "size": 20, "duration": "PT2H1M", BACKENDS: ["coast", "alps"]}
    assert await office.jobs.estimate_job(office.user, job_id) == expected


async def test_tokens_are_kept_as_long_as_they_are_needed(office: Office) -> None:
    office.user = OIDC
    job_id = await office.order()
    await office.step()
    newer = replace(OIDC, token=Token("oidc", "egi", "second"))
    await office.jobs.describe_job(newer, job_id)
    await office.work()
    assert await office.status(job_id) == "finished"
    used = [
        user.token.value for user in office.asking.users if isinstance(user, FederatedUser) and user.token
    ]
    assert used[0] == "first"
    assert used[-1] == "second"
    kept = await office.state.read(lambda connection: connection.execute(select(split_jobs.c.token)).all())
    assert kept == [(None,)]


async def test_another_host_leaves_jobs_alone(office: Office) -> None:
    await office.order()
    await office.step()
    assert await office.step("elsewhere") == 0


async def test_the_list_in_pages(office: Office) -> None:
    ids = [await office.jobs.create_job(office.user, {"process": {"process_graph": _graph()}}) for _ in "123"]
    seen: list[str] = []
    place = Place()
    while not place.done:
        told = await office.jobs.list_jobs(office.user, place, 1)
        seen += [each["id"] for each in told.entries]
        place = told.places[-1]
    assert seen == ids[::-1]


async def test_offsets_that_are_none(office: Office) -> None:
    with pytest.raises(OpenEOError, match="offset"):
        await office.jobs.list_jobs(office.user, Place("https://example.com"), 1)


async def test_parts_are_hidden(office: Office) -> None:
    await office.order()
    await office.work()
    titles = [{"title": job["title"]} for job in office.asking.upstreams["coast"].jobs.values()]
    other = {"title": f"[split {'0' * 32}/1/main/1]"}
    assert split_job_of(other) == f"p-{'0' * 32}"
    assert await office.jobs.are_parts([*titles, other, {"title": None}]) == [True, False, False]


def test_hidden_entries_are_passed_over() -> None:
    places = [Place(), Place("u", 1), Place("u", 2), Place(done=True)]
    told = without(Told([{"id": "1"}, {"id": "2"}, {"id": "3"}], places), [True, False, True])
    assert told.entries == [{"id": "2"}]
    assert told.places == [Place("u", 1), Place(done=True)]


def _graph() -> dict[str, Any]:
    return {
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


async def test_started_anew_while_a_part_is_made(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = await office.order()
    create = RemoteJobs.create

    async def interrupted(remote: RemoteJobs, upstream: str, request: Any) -> str:
        identifier = await create(remote, upstream, request)
        monkeypatch.setattr(RemoteJobs, "create", create)
        await office.jobs.stop_job(office.user, job_id)
        await office.jobs.start_job(office.user, job_id)
        return identifier

    monkeypatch.setattr(RemoteJobs, "create", interrupted)
    await office.work()
    assert await office.status(job_id) == "finished"
    for upstream in office.asking.upstreams.values():
        assert len(upstream.started) == 1
        assert len(upstream.jobs) == 1
