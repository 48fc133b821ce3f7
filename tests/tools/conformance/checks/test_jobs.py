"""The list of batch jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, drop, edit, put, reply
from conformance.orders import ERROR
from conformance.stock import Stock
from connexeo.tools.conformance.verdicts import State

LIST = "/jobs"
ONE = "/jobs/[^/]+"
UNKNOWN = "/jobs/conformance_no_such.*"
NEXT = {"rel": "next", "href": "https://a.example/jobs?page=2"}


def _page(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Change pages only, and never the whole list."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        if "limit" not in request.url.params:
            return response
        document = response.json()
        change(document)
        return httpx.Response(200, json=document)

    return Change("GET", LIST, apply)


def _whole(request: httpx.Request, send: Answer) -> httpx.Response:
    request.url = request.url.copy_with(query=None)
    return send(request)


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
    "profile.710": [(reply(LIST, 403, ERROR),)],
    "profile.711": [(drop(LIST, "links"),), (put(LIST, "jobs", value={}),)],
    "profile.712": [
        (Change("GET", LIST, _whole),),
        (_page(lambda found: found.update(links=[])),),
        (_page(lambda found: found.update(jobs=found["jobs"] * 3)),),
        (_page(lambda found: found.update(jobs=[])),),
        (_page(lambda found: found["jobs"][0].update(id="one")),),
    ],
    "profile.713": [
        (edit(LIST, lambda found: found["links"].append(NEXT)),),
        (put(LIST, "jobs", value=[]),),
    ],
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

CASES = [
    pytest.param(check_id, changes, id=f"{check_id}-{number}")
    for check_id, cases in FAULTS.items()
    for number, changes in enumerate(cases)
]


@pytest.mark.parametrize(("check_id", "changes"), CASES)
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    result = stock.look(check_id, *changes)
    assert result.state in {State.FAIL, State.WARNING}, (result.state, result.reason)


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    result = stock.look(check_id)
    assert result.state is State.PASS, (result.reason, [finding.message for finding in result.findings])


def test_an_empty_list_tells_nothing(stock: Stock) -> None:
    for check_id in ("profile.714", "profile.715", "jobs.same-in-list"):
        result = stock.look(check_id, put(LIST, "jobs", value=[]))
        assert result.state is State.NOT_TESTABLE, check_id
        assert result.reason


def test_one_page_is_no_fault_of_a_long_list(stock: Stock) -> None:
    """More than what pages are read of must not be missed."""
    many = [{"id": f"j-{number}", "status": "finished"} for number in range(100)]

    def answer(request: httpx.Request, send: Answer) -> httpx.Response:
        number = int(request.url.params.get("page", 0))
        target = str(request.url.copy_merge_params({"page": number + 1}))
        links = [{"rel": "next", "href": target}] if number + 1 < len(many) else []
        return httpx.Response(200, json={"jobs": many[number : number + 1], "links": links})

    result = stock.look("profile.712", Change("GET", LIST, answer))
    assert result.state is State.PASS, [finding.message for finding in result.findings]


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
