"""Stored processes: our server keeps what the checks ask for, and each check finds what it is for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import (
    Answer,
    Change,
    assert_found,
    assert_kept,
    cases,
    drop,
    edit,
    put,
    reply,
    status,
)
from conformance.orders import first_time, ordering
from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

LIST = "/process_graphs"
ONE = "/process_graphs/.+"
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}
OWN = [
    check.id
    for check in load_checks()
    if str(getattr(check.run, "__module__", "")).endswith("checks.stored_processes")
]


def _each(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Change the entries of the list."""
    return edit(LIST, lambda found: [change(entry) for entry in found["processes"]] and None)


def _id_of_body(request: httpx.Request, send: Answer) -> httpx.Response:
    name = json.loads(request.content).get("id")
    if name:
        request.url = request.url.copy_with(path=f"/process_graphs/{name}")
    return send(request)


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.404": [
        (_each(lambda entry: entry.pop("id")),),
        (_each(lambda entry: entry.update(id="two words")),),
        (_each(lambda entry: entry.update(summary="Another")),),
        (edit(LIST, lambda found: found["processes"].extend(found["processes"])),),
    ],
    "profile.405": [(_each(lambda entry: entry.update(categories=None)),)],
    "profile.410": [
        (reply(ONE, 403, ERROR, "PUT"),),
        (reply(ONE, 200, None, "PUT"),),
        (ordering(ONE, lambda body: body["process_graph"]["sum"]["arguments"].update(y=9), "PUT"),),
    ],
    "profile.411": [(ordering(ONE, lambda body: body["process_graph"]["sum"]["arguments"].update(y=1), "PUT"),)],
    "profile.412": [
        (reply(".*faulty", 200, None, "PUT"),),
        (status(".*faulty", 200),),
    ],
    "profile.413": [
        (Change("PUT", ONE, _id_of_body),),
        (reply(".*right", 400, ERROR, "PUT"),),
        (edit(".*right", lambda found: found.update(id=found["id"].replace("right", "wrong"))),),
    ],
    "profile.414": [
        (put(".*replaced", "summary", value="Deeper snow"),),
        (put(".*replaced", "process_graph", value={}),),
    ],
    "profile.420": [
        (reply(".*plain", 404, ERROR),),
        (reply("/process_graphs/conformance_no_such.*", 200, {}),),
    ],
    "profile.421": [
        (drop(".*full", "id"),),
        (put(".*full", "process_graph", value="{}"),),
    ],
    "profile.422": [(put(".*plain", "deprecated", value=None),)],
    "profile.430": [(first_time(reply(".*to_remove", 403, ERROR, "DELETE")),)],
    "profile.431": [
        (reply(".*gone", 204, None, "DELETE"),),
        (status(".*gone", 200),),
    ],
    "udp.kept": [
        (ordering(ONE, lambda body: body.pop("parameters", None), "PUT"),),
        (ordering(ONE, lambda body: body.pop("examples", None), "PUT"),),
        (put(".*full", "returns", value={"description": "None.", "schema": {}}),),
    ],
    "udp.identifiers": [(reply(".*(words|-ed|ted|what.)", 200, None, "PUT"),)],
    "udp.predefined-name": [(reply("/process_graphs/sgn", 200, None, "PUT"),)],
}  # fmt: skip


def test_each_check_has_faults() -> None:
    assert set(FAULTS) == set(OWN)


@pytest.mark.parametrize("check_id", OWN)
def test_our_server_is_healthy(check_id: str, look: Look) -> None:
    assert_kept(look(check_id))


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    assert_found(look(check_id, *changes))


def test_defaults_that_are_told_are_no_fault(look: Look) -> None:
    told = edit(".*full", lambda found: found.update({"federation:backends": ["here"], "deprecated": False}))
    assert look("udp.kept", told).state is State.PASS


@pytest.mark.parametrize("check_id", ["profile.404", "profile.405"])
@pytest.mark.parametrize(
    "document", [[], {}, {"processes": "none"}, {"processes": [1, None, []], "links": {}}]
)
def test_odd_lists_break_nothing(check_id: str, document: Any, look: Look) -> None:
    assert look(check_id, reply(LIST, 200, document)).state is not State.ERROR
