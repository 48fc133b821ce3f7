"""Metadata of batch jobs, changes of them, and their end."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, cases, drop, put, reply, status
from conformance.orders import ERROR, first_time, instead, nothing_done, ordering, refusing, without
from conformance.stock import Stock
from connexeo.tools.conformance.verdicts import State

LIST = "/jobs"
ONE = "/jobs/[^/]+"


def _keeping(key: str) -> Change:
    """Changes of this property are not made."""
    return without(ONE, key, method="PATCH")


UNCHANGED = nothing_done(ONE, "PATCH")
REFUSED = reply(ONE, 400, ERROR, method="PATCH")
TAKES_ALL = instead(ONE, 400, 204, method="PATCH")

FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.750": [(put(ONE, "id", value="another"),), (reply(ONE, 403, ERROR),)],
    "profile.751": [
        *[(drop(ONE, key),) for key in ("id", "process", "status", "created")],
        (put(ONE, "process", value={}),),
    ],
    "profile.752": [(drop(ONE, "title"),), (put(ONE, "description", value=None),)],
    "profile.755": [(drop(ONE, "conformance:further"),), (put(ONE, "conformance:further", value="Inn"),)],
    "profile.760": [(REFUSED,)],
    "profile.761": [
        (_keeping("process"),),
        (refusing(ONE, "process_graph", method="PATCH"),),
        (TAKES_ALL,),
    ],
    "profile.763": [(_keeping("log_level"),), (refusing(ONE, "log_level", method="PATCH"),)],
    "profile.764": [(UNCHANGED,), (_keeping("description"),), (REFUSED,)],
    "profile.765": [(refusing(ONE, "conformance:further", method="PATCH"),)],
    "jobs.patch-keeps": [
        (ordering(ONE, lambda body: body.update(description="Other"), method="PATCH"),),
        (ordering(ONE, lambda body: body.update(log_level="error"), method="PATCH"),),
    ],
    "jobs.null-clears": [
        (ordering(ONE, lambda body: body.update(description=body.get("description") or "No."), method="PATCH"),),
        (refusing(ONE, "null", method="PATCH"),),
    ],
    "profile.780": [(first_time(status(ONE, 500, method="DELETE")),)],
    "profile.781": [
        (first_time(nothing_done(ONE, "DELETE")),),
        (first_time(status(ONE, 200, method="DELETE")),),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    assert_found(stock.look(check_id, *changes))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    assert_kept(stock.look(check_id))


def test_jobs_that_are_listed_after_their_end(stock: Stock) -> None:
    """Where metadata are gone the list is looked at, too."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        if request.method == "DELETE":
            gone.append(request.url.path.rpartition("/")[2])
            return send(request)
        response = send(request)
        document = response.json()
        document["jobs"] += [{"id": name, "status": "created"} for name in gone]
        return httpx.Response(200, json=document)

    gone: list[str] = []
    changes = Change("DELETE", ONE, apply), Change("GET", LIST, apply)
    result = stock.look("profile.781", *changes)
    assert [finding.message for finding in result.findings] == ["a job that was removed is still listed"]


@pytest.mark.parametrize("check_id", ["profile.761", "profile.763", "jobs.null-clears"])
def test_nothing_builds_upon_changes_that_are_not_made(check_id: str, stock: Stock) -> None:
    result = stock.look(check_id, UNCHANGED)
    assert result.state is State.NOT_TESTABLE
    assert "builds on" in result.reason


def test_what_is_not_kept_cannot_be_cleared(stock: Stock) -> None:
    result = stock.look("jobs.null-clears", drop(ONE, "description"))
    assert result.state is State.NOT_TESTABLE
    assert result.reason == "descriptions are not kept"


ODD: list[Any] = [
    {},
    {"id": 5, "process": [], "status": {}, "created": 3, "title": [], "description": 7, "log_level": {}},
    {"id": {}, "process": {"process_graph": {"load": 5}}, "conformance:further": []},
    [],
]


@pytest.mark.parametrize("document", ODD, ids=str)
def test_documents_of_any_shape(document: Any, stock: Stock) -> None:
    for check_id in FAULTS:
        result = stock.look(check_id, reply(ONE, 200, document), put(LIST, "jobs", value=[document, 5]))
        assert result.state is not State.ERROR, (check_id, result.reason)
