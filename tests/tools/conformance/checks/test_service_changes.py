"""Metadata of secondary web services, changes of them, and their end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, cases, drop, put, reply, status
from conformance.orders import first_time, nothing_done, ordering, refusing, without
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

LIST = "/services"
ONE = "/services/[^/]+"
ERROR = {"id": "1", "code": "Internal", "message": "It failed."}
BILLING = {"currency": "EUR", "plans": [{"name": "free", "description": "Free.", "paid": False}]}


UNCHANGED = nothing_done(ONE, "PATCH")
REFUSED = reply(ONE, 400, ERROR, method="PATCH")
BILLED = put("/", "billing", value=BILLING)


def _no_fault(key: str) -> Change:
    """Changes of this property are never refused."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        return httpx.Response(204) if key in json.loads(request.content) else response

    return Change("PATCH", ONE, apply)


def _retyped(request: httpx.Request, send: Answer) -> httpx.Response:
    """A back-end that keeps whatever type it is told."""
    if request.method == "PATCH":
        return httpx.Response(204)
    response = send(request)
    document = response.json()
    document.update(type="gopher", title="", description="It was changed.")
    return httpx.Response(200, json=document)


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.650": [(put(ONE, "id", value="another"),)],
    "profile.651": [
        *[(drop(ONE, key),) for key in ("id", "url", "type", "enabled", "process", "configuration", "attributes")],
        (put(ONE, "process", value={}),),
        (put(ONE, "url", value="/xyz"),),
    ],
    "profile.652": [(drop(ONE, "title"),), (put(ONE, "description", value=None),)],
    "profile.653": [(BILLED, drop(ONE, "plan")), (BILLED, put(ONE, "costs", value=-1))],
    "profile.654": [(drop(ONE, "conformance:further"),), (put(ONE, "conformance:further", value="Inn"),)],
    "profile.660": [(REFUSED,)],
    "profile.661": [(without(ONE, "process", "PATCH"),), (_no_fault("process"),), (refusing(ONE, "process", "PATCH"),)],
    "profile.662": [(without(ONE, "configuration", "PATCH"),), (refusing(ONE, "configuration", "PATCH"),)],
    "profile.663": [(_no_fault("configuration"),)],
    "profile.664": [(Change("PATCH|GET", ONE, _retyped),)],
    "profile.665": [(BILLED, put(ONE, "plan", value="golden")), (BILLED, put(ONE, "budget", value=99))],
    "profile.666": [(without(ONE, "log_level", "PATCH"),)],
    "profile.667": [(without(ONE, "enabled", "PATCH"),), (refusing(ONE, "enabled", "PATCH"),)],
    "profile.668": [(UNCHANGED,), (without(ONE, "description", "PATCH"),), (REFUSED,)],
    "profile.669": [(refusing(ONE, "conformance:further", "PATCH"),)],
    "services.patch-keeps": [
        (ordering(ONE, lambda body: body.update(description="Other"), "PATCH"),),
        (ordering(ONE, lambda body: body.update(enabled=True), "PATCH"),),
    ],
    "services.null-clears": [
        (ordering(ONE, lambda body: body.update(description=body.get("description") or "Still there."), "PATCH"),),
    ],
    "profile.680": [(first_time(status(ONE, 500, method="DELETE")),)],
    "profile.681": [(first_time(nothing_done(ONE, "DELETE")),), (status(ONE, 200, method="DELETE"),)],
}  # fmt: skip


OF_BILLING = {"profile.653", "profile.665"}


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    assert_found(look(check_id, *changes))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, look: Look) -> None:
    result = look(check_id)
    expected = State.NOT_APPLICABLE if check_id in OF_BILLING else State.PASS
    assert result.state is expected, (result.reason, [finding.message for finding in result.findings])


UNHURT: list[tuple[str, Change]] = [
    # The API has no change of the type: it is as good as a further property.
    ("profile.664", without(ONE, "type", "PATCH")),
    ("services.null-clears", drop(ONE, "log_level")),
    ("services.patch-keeps", drop(ONE, "configuration")),
]


@pytest.mark.parametrize(("check_id", "change"), UNHURT)
def test_what_is_sound_passes(check_id: str, change: Change, look: Look) -> None:
    assert_kept(look(check_id, change))


@pytest.mark.parametrize("check_id", [f"profile.{number}" for number in (661, 662, 663, 664, 666, 667)])
def test_nothing_builds_upon_changes_that_are_not_made(check_id: str, look: Look) -> None:
    result = look(check_id, UNCHANGED)
    assert result.state is State.NOT_TESTABLE
    assert "builds on" in result.reason


ODD: list[Any] = [
    {},
    {"id": 5, "process": [], "configuration": 1, "enabled": None, "title": [], "attributes": 0},
]


@pytest.mark.parametrize("check_id", FAULTS)
def test_documents_of_any_shape(check_id: str, look: Look) -> None:
    for document in ODD:
        result = look(check_id, BILLED, put(LIST, "services", value=[document, 5]), reply(ONE, 200, document))
        assert result.state is not State.ERROR, (document, result.reason)
