"""The list of batch jobs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, cases, drop, edit, put, reply
from conformance.orders import ERROR
from conformance.stock import Stock
from connexeo.tools.conformance.verdicts import State

LIST = "/jobs"
ONE = "/jobs/[^/]+"
UNKNOWN = "/jobs/conformance_no_such.*"


def _every(**fields: Any) -> Change:
    """Entries of the list have other fields."""
    return edit(LIST, lambda found: [each.update(fields) for each in found["jobs"]] and None)


def _offering(*paths: str) -> Change:
    """Of all ways to process only these are offered."""
    ways = {"/result", "/jobs", "/services"} - set(paths)

    def change(found: dict[str, Any]) -> None:
        found["endpoints"] = [each for each in found["endpoints"] if each["path"] not in ways]

    return edit("/", change)


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.701": [(_offering(),)],
    "profile.702": [(_offering("/jobs"),), (_offering(),)],
    "profile.714": [
        *[(drop(LIST, "jobs", 0, key),) for key in ("id", "status", "created")],
        (_every(status="done"),),
        (_every(created="yesterday"),),
        (_every(created="2024-01-01T00:00:00"),),
    ],
    "profile.715": [
        (_every(title="Other"),),
        (edit(LIST, lambda found: [each.pop("title", None) for each in found["jobs"]] and None),),
    ],
    "jobs.same-in-list": [
        (_every(status="queued"),),
        (_every(created="2020-01-01T00:00:00Z"),),
        (put(ONE, "title", value="Other"),),
    ],
    "jobs.unknown": [
        (reply(UNKNOWN, 200, {}),),
        (reply(UNKNOWN, 204, method="DELETE"),),
        (reply(UNKNOWN, 400, ERROR, method="PATCH"),),
        (reply(UNKNOWN, 404, ERROR),),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    assert_found(stock.look(check_id, *changes))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    assert_kept(stock.look(check_id))


def test_an_empty_list_tells_nothing(stock: Stock) -> None:
    for check_id in ("profile.714", "profile.715", "jobs.same-in-list"):
        result = stock.look(check_id, put(LIST, "jobs", value=[]))
        assert result.state is State.NOT_TESTABLE, check_id
        assert result.reason


ODD: list[Any] = [
    {},
    {"jobs": [5, {}, {"id": [], "status": {}, "created": 7, "title": None}], "links": 7},
    {"jobs": [{"id": "one"}, {"id": "one"}], "links": [5, {"rel": [], "href": {}}, {"rel": "next"}]},
    [],
    "none",
]


@pytest.mark.parametrize("document", ODD, ids=str)
def test_documents_of_any_shape(document: Any, stock: Stock) -> None:
    for check_id in FAULTS:
        result = stock.look(check_id, reply(LIST, 200, document), reply(ONE, 200, document))
        assert result.state is not State.ERROR, (check_id, result.reason)


def test_nothing_is_created_unless_allowed(stock: Stock) -> None:
    sent: list[httpx.Request] = []

    def watch(request: httpx.Request, send: Answer) -> httpx.Response:
        sent.append(request)
        return send(request)

    for check_id in FAULTS:
        result = stock.look(check_id, Change("POST", LIST, watch), write=False)
        assert result.state is not State.ERROR, (check_id, result.reason)
    assert not sent
