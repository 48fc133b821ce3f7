"""The life of batch jobs, as their users see it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select, update

from connexeo.drivers.interface import JobFailed, User
from connexeo.drivers.local.jobs import store
from connexeo.drivers.local.state.tables import job_logs, job_results, jobs
from connexeo.generated.errors import (
    BillingPlanInvalid,
    BillingPlanMissing,
    BudgetInvalid,
    EstimateComplexity,
    Internal,
    JobLocked,
    JobNotFinished,
    JobNotFound,
    JobNotStarted,
    NoDataForUpdate,
    NotFound,
    PaymentRequired,
    ProcessUnsupported,
    PropertyNotEditable,
    RequestInvalid,
    RequestTimeout,
)
from connexeo.settings import Billing, BillingPlan, Role
from desks import ANA, BAD, BOB, PROCESS, nowhere

if TYPE_CHECKING:
    from .conftest import Desk
else:
    Desk = Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_new_job(desk: Desk) -> None:
    job = desk.describe(desk.create())
    assert re.fullmatch(r"j-[0-9a-f]{32}", job["id"])
    assert TIME.fullmatch(job["created"])
    assert job == {
        "id": job["id"],
        "status": "created",
        "progress": 0.0,
        "created": job["created"],
        "updated": job["created"],
        "log_level": "info",
        "process": PROCESS,
    }


def test_all_that_is_given_is_kept(desk: Desk) -> None:
    given = {
        "title": "Snow",
        "description": "Deep\n\n**snow**",
        "budget": 12.5,
        "log_level": "debug",
        "job_options": {"driver-memory": "2g", "list": [1, None]},
        "": "nameless",
    }
    job = desk.describe(desk.create(**given))
    assert {key: job[key] for key in given} == given


def test_nulls_are_as_good_as_nothing(desk: Desk) -> None:
    nothing = dict.fromkeys(("title", "description", "plan", "budget"))
    job = desk.describe(desk.create(**nothing))
    assert not nothing.keys() & job.keys()


def test_own_properties_never_replace_ours(desk: Desk) -> None:
    wrong = {
        "id": "j-1",
        "status": "finished",
        "costs": "much",
        "links": 7,
        "usage": [],
        "federation:backends": 1,
    }
    job = desk.describe(desk.create(**wrong))
    assert job["status"] == "created"
    assert not {"costs", "links", "usage", "federation:backends"} & job.keys()


def test_process_with_faults_is_refused(desk: Desk) -> None:
    with pytest.raises(ProcessUnsupported):
        desk.create(process=BAD)
    assert desk(desk.driver.list_jobs, ANA, limit=None, offset=None).items == []


@pytest.mark.parametrize("key", ["title", "description"])
def test_characters_that_no_database_keeps(desk: Desk, key: str) -> None:
    with pytest.raises(RequestInvalid, match=f"'{key}' must not contain NUL"):
        desk.create(**{key: "a\0b"})


@pytest.mark.parametrize(("key", "longest"), [("title", 1_000), ("description", 32_000)])
def test_texts_that_would_make_lists_huge(desk: Desk, key: str, longest: int) -> None:
    job_id = desk.create(**{key: "ü" * longest})
    for change in (desk.create, lambda **given: desk(desk.driver.update_job, ANA, job_id, given)):
        with pytest.raises(RequestInvalid, match=f"'{key}' must have at most {longest}"):
            change(**{key: "ü" * (longest + 1)})


def test_values_that_are_nested_too_deeply(desk: Desk) -> None:
    deep: Any = {}
    for _ in range(600):
        deep = [deep]
    with pytest.raises(RequestInvalid, match="some property are nested"):
        desk.create(options=deep)
    with pytest.raises(RequestInvalid, match="the process is nested"):
        desk.create(process={**PROCESS, "examples": deep})
    job_id = desk.create()
    with pytest.raises(RequestInvalid, match="some property are nested"):
        desk(desk.driver.update_job, ANA, job_id, {"options": deep})


def test_options_that_mean_nothing(desk: Desk) -> None:
    kept = {"soft-errors": 0.1, "anything": "else"}
    job_id = desk.create(job_options=kept)
    assert desk.describe(job_id)["job_options"] == kept
    for change in (desk.create, lambda **given: desk(desk.driver.update_job, ANA, job_id, given)):
        with pytest.raises(RequestInvalid, match="'soft-errors' must be true, false, or a number"):
            change(job_options={"soft-errors": "many"})


def test_nul_in_own_properties_is_kept(desk: Desk) -> None:
    assert desk.describe(desk.create(note="a\0b"))["note"] == "a\0b"


def _operations(desk: Desk, user: User, job_id: str) -> list[Any]:
    driver = desk.driver
    return [
        lambda: desk(driver.describe_job, user, job_id),
        lambda: desk(driver.update_job, user, job_id, {"title": "mine"}),
        lambda: desk(driver.update_job, user, job_id, {"process": BAD}),
        lambda: desk(driver.delete_job, user, job_id),
        lambda: desk(driver.estimate_job, user, job_id),
        lambda: desk(driver.debug_job, user, job_id, limit=None, offset=None, level=None),
        lambda: desk(driver.start_job, user, job_id),
        lambda: desk(driver.stop_job, user, job_id),
        lambda: desk(driver.list_results, user, job_id, partial=False),
        lambda: desk(driver.list_results, user, job_id, partial=True),
    ]


def test_unknown_jobs_and_those_of_others_look_alike(desk: Desk) -> None:
    job_id = desk.create(title="ana's")
    desk.finish(job_id, {"a.txt": b"a"})
    before = desk.describe(job_id)
    for user, tried in ((BOB, job_id), *((ANA, missing) for missing in nowhere("j")), (User("an\0a"), "j-1")):
        for operation in _operations(desk, user, tried):
            with pytest.raises(JobNotFound) as raised:
                operation()
            assert raised.value.message == JobNotFound(identifier=tried).message
    assert desk.describe(job_id) == before
    assert desk(desk.driver.list_jobs, BOB, limit=None, offset=None).items == []


def test_queueing(desk: Desk) -> None:
    job_id = desk.create()
    desk(desk.driver.start_job, ANA, job_id)
    job = desk.describe(job_id)
    assert (job["status"], job["progress"]) == ("queued", 0.0)
    assert TIME.fullmatch(job["queued"])
    assert job["updated"] == job["queued"]


def test_double_start_changes_nothing(desk: Desk) -> None:
    job_id = desk.create()
    desk(desk.driver.start_job, ANA, job_id)
    queued = desk.describe(job_id)
    desk.write(_set, job_id, {"crashes": 2})
    desk(desk.driver.start_job, ANA, job_id)
    assert desk.describe(job_id) == queued
    desk.take(job_id)
    running = desk.describe(job_id)
    desk(desk.driver.start_job, ANA, job_id)
    assert desk.describe(job_id) == running
    assert desk.write(_get, job_id, "crashes") == 2


def _set(connection: Any, job_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(values))


def _get(connection: Any, job_id: str, name: str) -> Any:
    return connection.scalar(select(jobs.c[name]).where(jobs.c.id == job_id))


def _count(connection: Any, table: Any) -> int:
    return len(connection.execute(select(table)).all())


def test_priority_comes_from_roles(desk: Desk) -> None:
    driver = desk.make_driver(roles=(Role(name="staff", priority=5), Role(name="guest", priority=-1)))
    job_id = desk.create()
    for roles, priority in (({"staff", "guest"}, 5), ({"guest"}, -1), (set(), 0)):
        desk(driver.start_job, User("ana", roles=frozenset(roles)), job_id)
        assert desk.write(_get, job_id, "priority") == priority
        desk(driver.stop_job, ANA, job_id)


@pytest.mark.parametrize("status", ["finished", "error", "canceled"])
def test_job_that_has_ended_starts_again_without_its_results(desk: Desk, status: str) -> None:
    job_id = desk.create()
    desk(desk.driver.start_job, ANA, job_id)
    run = desk.take(job_id)
    desk.store(job_id, run, {"a.txt": b"a"})
    if status == "canceled":
        desk(desk.driver.stop_job, ANA, job_id)
    else:
        desk.end(job_id, status, {"level": "error", "message": "it failed"})
    desk.write(
        _set, job_id, {"costs": 2.0, "usage": {"cpu": {"value": 1, "unit": "cpu-seconds"}}, "losses": 1}
    )
    desk(desk.driver.start_job, ANA, job_id)
    job = desk.describe(job_id)
    assert job["status"] == "queued"
    assert not {"costs", "usage", "started", "unpublished"} & job.keys()
    assert desk.write(_get, job_id, "losses") == 0
    assert desk.write(_get, job_id, "run") == run
    assert desk.write(_count, job_results) == desk.write(_count, job_logs) == 0
    if status != "error":
        assert desk.storage.names(f"jobs/{job_id}") == []
    with pytest.raises(JobNotFinished):
        desk(desk.driver.list_results, ANA, job_id, partial=False)


def test_cancelling(desk: Desk) -> None:
    job_id = desk.create()
    desk(desk.driver.stop_job, ANA, job_id)
    assert desk.describe(job_id)["status"] == "created"
    desk(desk.driver.start_job, ANA, job_id)
    desk(desk.driver.stop_job, ANA, job_id)
    job = desk.describe(job_id)
    assert job["status"] == "created"
    assert "queued" not in job
    desk(desk.driver.start_job, ANA, job_id)
    desk.take(job_id)
    desk(desk.driver.stop_job, ANA, job_id)
    job = desk.describe(job_id)
    assert (job["status"], job["progress"]) == ("created", 0.0)
    assert "started" not in job
    assert desk.write(_get, job_id, "worker_id") is None
    with pytest.raises(JobNotStarted):
        desk(desk.driver.list_results, ANA, job_id, partial=True)


def test_cancelling_keeps_what_was_computed(desk: Desk) -> None:
    job_id = desk.create()
    desk(desk.driver.start_job, ANA, job_id)
    run = desk.take(job_id)
    desk.store(job_id, run, {"a.txt": b"a"}, complete=False)
    desk.write(_set, job_id, {"progress": 40.0})
    desk(desk.driver.stop_job, ANA, job_id)
    job = desk.describe(job_id)
    assert (job["status"], job["progress"]) == ("canceled", 40.0)
    kept = datetime.fromisoformat(job["unpublished"]) - datetime.now(UTC)
    assert timedelta(days=89) < kept <= timedelta(days=90)
    results = desk(desk.driver.list_results, ANA, job_id, partial=False)
    assert results.document["openeo:status"] == "canceled"
    assert list(results.document["assets"]) == ["a.txt"]


@pytest.mark.parametrize("status", ["finished", "error", "created"])
def test_cancelling_what_does_not_run_changes_nothing(desk: Desk, status: str) -> None:
    job_id = desk.create()
    if status != "created":
        desk(desk.driver.start_job, ANA, job_id)
        desk.store(job_id, desk.take(job_id), {"a.txt": b"a"})
        desk.end(job_id, status)
    before = desk.describe(job_id)
    desk(desk.driver.stop_job, ANA, job_id)
    assert desk.describe(job_id) == before


def test_changing(desk: Desk) -> None:
    job_id = desk.create(title="Old", description="Text", budget=5, note="kept", other=1)
    other = {"process_graph": {"one": {"process_id": "e", "arguments": {}, "result": True}}}
    changes = {
        "title": "New",
        "process": other,
        "budget": 7.5,
        "log_level": "error",
        "other": None,
        "more": [2],
    }
    desk(desk.driver.update_job, ANA, job_id, changes)
    job = desk.describe(job_id)
    expected = {"title": "New", "description": "Text", "process": other, "budget": 7.5, "log_level": "error"}
    assert {key: job[key] for key in expected} == expected
    assert (job["note"], job["more"], "other" in job) == ("kept", [2], False)


def test_null_removes_title_description_and_budget(desk: Desk) -> None:
    job_id = desk.create(title="Old", description="Text", budget=5)
    desk(
        desk.driver.update_job,
        ANA,
        job_id,
        {"title": None, "description": None, "budget": None, "plan": None},
    )
    assert not {"title", "description", "budget"} & desk.describe(job_id).keys()


@pytest.mark.parametrize("running", [False, True])
def test_job_that_runs_or_waits_is_locked(desk: Desk, running: bool) -> None:
    job_id = desk.create(title="Old")
    desk(desk.driver.start_job, ANA, job_id)
    if running:
        desk.take(job_id)
    for changes in ({"title": "New"}, {"process": BAD}, {}):
        with pytest.raises(JobLocked):
            desk(desk.driver.update_job, ANA, job_id, changes)
    assert desk.describe(job_id)["title"] == "Old"


def test_job_that_is_queued_while_its_process_is_checked_is_locked(desk: Desk) -> None:
    """The check takes its time outside of the transaction."""
    job_id = desk.create(title="Old")
    desk(desk.driver.start_job, ANA, job_id)
    with pytest.raises(JobLocked):
        desk.write(store.change, "ana", job_id, {"title": "New"}, {})


def test_changing_a_finished_job_keeps_status_and_results(desk: Desk) -> None:
    job_id = desk.create()
    desk.finish(job_id, {"a.txt": b"a"})
    before = desk.describe(job_id)
    desk(desk.driver.update_job, ANA, job_id, {"title": "New"})
    assert desk.describe(job_id) == {**before, "title": "New"}
    assert list(desk(desk.driver.list_results, ANA, job_id, partial=False).document["assets"]) == ["a.txt"]


def test_changes_that_cannot_be(desk: Desk) -> None:
    job_id = desk.create()
    before = desk.describe(job_id)
    with pytest.raises(NoDataForUpdate):
        desk(desk.driver.update_job, ANA, job_id, {})
    for name in ("id", "status", "progress", "created", "costs", "usage", "links"):
        with pytest.raises(PropertyNotEditable, match=f"'{name}'"):
            desk(desk.driver.update_job, ANA, job_id, {"title": "New", name: 1})
    with pytest.raises(ProcessUnsupported):
        desk(desk.driver.update_job, ANA, job_id, {"title": "New", "process": BAD})
    assert desk.describe(job_id) == before


@pytest.mark.parametrize("running", [False, True])
def test_deleting(desk: Desk, running: bool) -> None:
    job_id, other = desk.create(), desk.create()
    desk.finish(job_id, {"a.txt": b"a"})
    desk.finish(other, {"b.txt": b"b"})
    desk.log(job_id, {"level": "info", "message": "hello"})
    if running:
        desk.write(_set, job_id, {"status": "running", "worker_id": "w-1"})
    desk(desk.driver.delete_job, ANA, job_id)
    for operation in _operations(desk, ANA, job_id):
        with pytest.raises(JobNotFound):
            operation()
    assert desk.storage.names("jobs") == [other]
    assert desk.write(_count, job_logs) == 0
    assert desk.write(_count, job_results) == 1


def test_pages_are_complete_and_stable(desk: Desk) -> None:
    ids = [desk.create(title=str(number)) for number in range(7)]
    # Three of the same moment, as far as the database can tell.
    same = datetime(2026, 1, 1, tzinfo=UTC)
    for job_id in ids[2:5]:
        desk.write(_set, job_id, {"created": same})
    desk.create(BOB)
    expected = [*reversed(ids[5:]), *reversed(ids[:2]), *sorted(ids[2:5], reverse=True)]
    for limit in (1, 2, 3, 7, 8, 10**30):
        seen: list[str] = []
        offset = None
        while True:
            page = desk(desk.driver.list_jobs, ANA, limit=limit, offset=offset)
            assert len(page.items) <= limit
            seen += [job["id"] for job in page.items]
            offset = page.next_offset
            if offset is None:
                break
            if len(seen) == 2:
                # Newer ones do not move the pages.
                desk.write(_delete, desk.create())
        assert seen == expected
    shown = desk(desk.driver.list_jobs, ANA, limit=1, offset=None).items[0]
    assert set(shown) == {"id", "title", "status", "progress", "created", "updated", "log_level"}


def _delete(connection: Any, job_id: str) -> None:
    store.remove(connection, "ana", job_id)


def test_offset_of_a_job_that_is_gone(desk: Desk) -> None:
    ids = [desk.create() for _ in range(3)]
    page = desk(desk.driver.list_jobs, ANA, limit=1, offset=None)
    desk(desk.driver.delete_job, ANA, ids[2])
    rest = desk(desk.driver.list_jobs, ANA, limit=5, offset=page.next_offset)
    assert [job["id"] for job in rest.items] == [ids[1], ids[0]]


@pytest.mark.parametrize(
    "offset", ["x", "-1", "ü", "MTIz", "Li4", "A" * 5000, "\0", "ZmZmZmZmZmZmZmZmZmZmZmY", "MS4A"]
)
def test_offset_that_is_none(desk: Desk, offset: str) -> None:
    with pytest.raises(RequestInvalid, match="offset"):
        desk(desk.driver.list_jobs, ANA, limit=5, offset=offset)


def test_polling_is_one_query(desk: Desk) -> None:
    job_id = desk.create()
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(desk.state.engine, "before_cursor_execute", note)
    desk.describe(job_id)
    asked = [statement for statement in statements if not statement.startswith("BEGIN")]
    assert len(asked) == 1
    assert "jobs.id = " in asked[0]
    assert "jobs.user_id = " in asked[0]


def test_estimate(desk: Desk) -> None:
    job_id = desk.create()
    estimate = desk(desk.driver.estimate_job, ANA, job_id)
    expires = datetime.fromisoformat(estimate.pop("expires"))
    assert timedelta(hours=23) < expires - datetime.now(UTC) <= timedelta(days=1)
    assert estimate == {"duration": "PT1M31S", "size": 1234, "downloads_included": None}
    assert desk.computing.asked == [("estimate", "ana", {"process": PROCESS})]


@pytest.mark.parametrize("error", [Internal("x"), RequestTimeout(), EstimateComplexity()])
def test_estimate_that_is_not_possible(desk: Desk, error: Any) -> None:
    job_id = desk.create()
    desk.computing.answer = error
    with pytest.raises(EstimateComplexity):
        desk(desk.driver.estimate_job, ANA, job_id)


def test_results_before_there_are_any(desk: Desk) -> None:
    job_id = desk.create()
    for partial in (False, True):
        with pytest.raises(JobNotStarted):
            desk(desk.driver.list_results, ANA, job_id, partial=partial)
    desk(desk.driver.start_job, ANA, job_id)
    for taken in (False, True):
        if taken:
            run = desk.take(job_id)
        for partial in (False, True):
            with pytest.raises(JobNotFinished):
                desk(desk.driver.list_results, ANA, job_id, partial=partial)
    desk.store(job_id, run, {"a.txt": b"a"}, complete=False)
    with pytest.raises(JobNotFinished):
        desk(desk.driver.list_results, ANA, job_id, partial=False)
    results = desk(desk.driver.list_results, ANA, job_id, partial=True)
    assert results.document["openeo:status"] == "running"


def test_results_of_a_failed_job(desk: Desk) -> None:
    job_id = desk.create()
    desk(desk.driver.start_job, ANA, job_id)
    run = desk.take(job_id)
    desk.end(
        job_id,
        "error",
        {"level": "error", "code": "First", "message": "the first"},
        {"level": "error", "code": "DataCubeEmpty", "message": "the last", "path": [{"node_id": "load"}]},
        {"level": "info", "message": "cleared up"},
    )
    for partial in (False, True):
        with pytest.raises(JobFailed) as raised:
            desk(desk.driver.list_results, ANA, job_id, partial=partial)
        entry = dict(raised.value.entry)
        assert TIME.fullmatch(entry.pop("time"))
        assert entry == {
            "id": "2", "level": "error", "code": "DataCubeEmpty", "message": "the last", "path": [{"node_id": "load"}],
        }  # fmt: skip
    desk.store(job_id, run, {"a.txt": b"a"}, complete=False)
    results = desk(desk.driver.list_results, ANA, job_id, partial=True)
    assert results.document["openeo:status"] == "error"


def test_failed_job_without_a_word(desk: Desk) -> None:
    job_id = desk.create()
    desk(desk.driver.start_job, ANA, job_id)
    desk.take(job_id)
    desk.end(job_id, "error")
    with pytest.raises(JobFailed) as raised:
        desk(desk.driver.list_results, ANA, job_id, partial=False)
    assert {"id", "level", "message", "code"} <= raised.value.entry.keys()


def test_results_that_are_no_longer_kept(desk: Desk) -> None:
    job_id = desk.create()
    desk.finish(job_id, {"a.txt": b"a"})
    desk.write(_set, job_id, {"published": None})
    with pytest.raises(NotFound, match="no longer kept"):
        desk(desk.driver.list_results, ANA, job_id, partial=False)


PLANS = Billing(
    currency="EUR",
    plans=(
        BillingPlan(name="Free", description="Nothing.", paid=False),
        BillingPlan(
            name="agency", description="All.", paid=True, price_per_cpu_hour=2.0, price_per_megapixel=0.5
        ),
    ),
)


def test_without_billing_there_are_no_plans(desk: Desk) -> None:
    with pytest.raises(BillingPlanInvalid):
        desk.create(plan="free")
    assert "plan" not in desk.describe(desk.create(budget=0))


def test_plans(desk: Desk) -> None:
    desk.driver = desk.make_driver(billing=PLANS)
    with pytest.raises(BillingPlanMissing):
        desk.create()
    with pytest.raises(BillingPlanInvalid):
        desk.create(plan="gold")
    job_id = desk.create(plan="FREE")
    assert desk.describe(job_id)["plan"] == "Free"
    desk(desk.driver.update_job, ANA, job_id, {"plan": None, "title": "New"})
    assert desk.describe(job_id)["plan"] == "Free"
    with pytest.raises(BillingPlanInvalid):
        desk(desk.driver.update_job, ANA, job_id, {"plan": "gold"})
    desk(desk.driver.update_job, ANA, job_id, {"plan": "Agency"})
    assert desk.describe(job_id)["plan"] == "agency"


def test_budgets(desk: Desk) -> None:
    desk.driver = desk.make_driver(billing=PLANS)
    with pytest.raises(BudgetInvalid):
        desk.create(plan="free", budget=0)
    job_id = desk.create(plan="agency", budget=2)
    with pytest.raises(BudgetInvalid):
        desk(desk.driver.update_job, ANA, job_id, {"budget": 0})
    # 90.5 s of 2 EUR an hour, 4 megapixels of 0.5 EUR
    assert desk(desk.driver.estimate_job, ANA, job_id)["costs"] == pytest.approx(2.0503)
    with pytest.raises(PaymentRequired, match=r"2\.05.*budget of 2\."):
        desk(desk.driver.start_job, ANA, job_id)
    assert desk.describe(job_id)["status"] == "created"
    desk(desk.driver.update_job, ANA, job_id, {"budget": 2.1})
    desk(desk.driver.start_job, ANA, job_id)
    assert desk.describe(job_id)["status"] == "queued"


def test_job_that_cannot_be_estimated_may_start(desk: Desk) -> None:
    desk.driver = desk.make_driver(billing=PLANS)
    desk.computing.answer = EstimateComplexity()
    job_id = desk.create(plan="agency", budget=2)
    desk(desk.driver.start_job, ANA, job_id)
    assert desk.describe(job_id)["status"] == "queued"


def test_free_plans_need_no_estimate(desk: Desk) -> None:
    desk.driver = desk.make_driver(billing=PLANS)
    desk(desk.driver.start_job, ANA, desk.create(plan="free", budget=2))
    assert desk.computing.asked == []
