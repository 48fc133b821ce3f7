"""The life of batch jobs; the states of those here are told by nobody but the tests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, cases, put, reply
from conformance.orders import ERROR
from conformance.stock import Stock
from connexeo.tools.conformance.batch import created_job, finished_job
from connexeo.tools.conformance.runner import run_check
from connexeo.tools.conformance.verdicts import State

ONE = "/jobs/[^/]+"
RESULTS = "/jobs/[^/]+/results"
LOCKED = {**ERROR, "code": "JobLocked"}


def states(*names: str) -> Change:
    """A job is seen in these states, one after the other, and stays in the last."""
    left = list(names)

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        if not response.is_success:
            return response
        now = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(200, json={**response.json(), "status": now})

    return Change("GET", ONE, apply)


def _answering(method: str, *codes: int) -> Change:
    """Requests to start or to stop jobs are answered, and nothing is done."""
    left = list(codes)

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        code = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(code, json=ERROR) if code >= 400 else httpx.Response(code)

    return Change(method, RESULTS, apply)


STARTS = _answering("POST", 202)
STOPS = _answering("DELETE", 204)
WAITS = put(ONE, "status", value="queued")

FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.700": [
        (put(ONE, "status", value="running"),),
        (put(ONE, "status", value="created"),),
        (put(ONE, "status", value="error"),),
    ],
    "profile.754": [
        (put(ONE, "progress", value=50),),
        (put(ONE, "progress", value=100),),
        (put(ONE, "progress", value=0),),
        (put(ONE, "updated", value="2001-01-01T00:00:00Z"),),
        (reply(ONE, 500, ERROR),),
    ],
    "profile.851": [
        (STARTS, put(ONE, "status", value="created")),
        (_answering("POST", 200), WAITS),
        (_answering("POST", 202, 500), WAITS),
        (_answering("POST", 400), WAITS),
    ],
    "profile.890": [
        (STARTS, WAITS, _answering("DELETE", 400)),
        (STARTS, WAITS, _answering("DELETE", 500)),
    ],
    "jobs.stop-waiting": [
        (put(ONE, "status", value="canceled"),),
        (_answering("DELETE", 500),),
    ],
    "jobs.locked": [
        (STARTS, WAITS),
        (STARTS, WAITS, reply(ONE, 400, ERROR, method="PATCH")),
        (STARTS, put(ONE, "status", value="running"), reply(ONE, 403, ERROR, method="PATCH")),
    ],
}


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    assert_found(stock.look(check_id, *changes))


@pytest.mark.parametrize("check_id", [*FAULTS, "profile.850", "profile.891"])
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    result = stock.look(check_id)
    too_fast = result.state is State.NOT_TESTABLE and result.reason.startswith("jobs end sooner")
    assert result.state is State.PASS or too_fast, (result.reason, [each.message for each in result.findings])


def test_a_second_start_makes_a_new_job(stock: Stock) -> None:
    result = stock.look("profile.851", STARTS, states("queued", "created"))
    assert [finding.message for finding in result.findings] == ["a second start makes a job created"]


def test_jobs_that_cannot_be_stopped(stock: Stock) -> None:
    """Whoever says that a job is stopped, and lets it go on, is found."""
    changes = STARTS, STOPS, states("queued", "running", "finished")
    result = stock.look("profile.891", *changes)
    assert result.state is State.FAIL, result.reason
    told = stock.look("profile.890", STARTS, _answering("DELETE", 200), states("queued", "canceled"))
    assert told.state is State.WARNING, told.reason


def test_stops_may_take_a_moment(stock: Stock) -> None:
    for check_id in ("profile.890", "profile.891"):
        changes = STARTS, STOPS, states("running", "running", "canceled")
        result = stock.look(check_id, *changes)
        assert result.state is State.PASS, (check_id, [finding.message for finding in result.findings])


def test_a_stop_that_is_refused_has_no_end(stock: Stock) -> None:
    result = stock.look("profile.891", STARTS, WAITS, _answering("DELETE", 400))
    assert result.state is State.NOT_TESTABLE


@pytest.mark.parametrize("check_id", ["profile.890", "jobs.locked"])
def test_jobs_may_end_at_once(check_id: str, stock: Stock) -> None:
    result = stock.look(check_id, STARTS, put(ONE, "status", value="finished"))
    assert result.state is State.NOT_TESTABLE
    assert result.reason.startswith("jobs end sooner")


def test_jobs_that_are_locked(stock: Stock) -> None:
    result = stock.look("jobs.locked", STARTS, WAITS, reply(ONE, 400, LOCKED, method="PATCH"))
    assert result.state is State.PASS


@pytest.mark.parametrize("changes", [(_answering("POST", 400),), (STARTS, put(ONE, "status", value="error"))])
def test_a_job_that_does_not_finish_is_told_once(changes: tuple[Change, ...], stock: Stock) -> None:
    """What many checks build upon is a finding of its own."""
    with stock.open(*changes, but=(finished_job,)) as backend:
        for check_id in ("profile.850", "profile.700", "profile.754", "profile.860"):
            check = stock.checks[check_id]
            assert run_check(backend, check).state is State.NOT_TESTABLE
        assert len(backend.trouble) == 1


ODD: list[Any] = [
    {},
    {"id": 5, "status": [], "progress": "all", "created": {}, "updated": 7, "costs": "much"},
    {"status": {}, "progress": True, "created": "0000-00-00T00:00:00Z", "updated": "yesterday"},
    [],
]


@pytest.mark.parametrize("document", ODD, ids=str)
def test_documents_of_any_shape(document: Any, stock: Stock) -> None:
    for check_id in [*FAULTS, "profile.850", "profile.891"]:
        for but in ((), (created_job, finished_job)):
            changes = STARTS, STOPS, reply(ONE, 200, document)
            result = stock.look(check_id, *changes, but=but, job_timeout=0)
            assert result.state is not State.ERROR, (check_id, result.reason)


def test_nothing_runs_unless_allowed(stock: Stock) -> None:
    billing = put("/", "billing", value={"currency": "EUR"})
    for check_id in sorted(FAULTS.keys() - {"jobs.stop-waiting"}):
        assert stock.look(check_id, write=False).state is State.SKIPPED
        assert stock.look(check_id, billing, allow_costs=False).state is State.SKIPPED
