"""Validation: our server keeps what the checks ask for, and each check finds what it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, cases, edit, reply
from connexeo.tools.conformance.checks.validation_graphs import MISTAKES
from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

PATH = "/validation"
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}
CLEAN = reply(PATH, 200, {"errors": []}, "POST")
OWN = [
    check.id
    for check in load_checks()
    if str(getattr(getattr(check.run, "func", check.run), "__module__", "")).endswith(
        ("checks.validation", "checks.validation_graphs")
    )
]


def _unwell(request: httpx.Request, send: Answer) -> httpx.Response:
    """What is wrong with a process is told by the status."""
    response = send(request)
    errors = response.json().get("errors") if response.is_success else None
    return httpx.Response(400, json={"id": "1", **errors[0]}) if errors else response


def _stored(request: httpx.Request, send: Answer) -> httpx.Response:
    return httpx.Response(200, json={"id": "x", "process_graph": {}})


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.490": [(reply(PATH, 403, ERROR, "POST"),)],
    "profile.491": [(reply(PATH, 200, {"errors": [ERROR]}, "POST"),)],
    "profile.492": [
        (CLEAN,),
        (Change("POST", PATH, _unwell),),
        (edit(PATH, lambda found: [each.pop("code") for each in found["errors"]] and None, "POST"),),
        (edit(PATH, lambda found: found.update(errors=["wrong"]), "POST"),),
    ],
    "profile.493": [(CLEAN,), (Change("POST", PATH, _unwell),), (reply(PATH, 200, {"errors": [ERROR]}, "POST"),)],
    "profile.494": [(CLEAN,)],
    "profile.495": [(CLEAN,)],
    "profile.496": [(CLEAN,)],
    "validation.open-parameters": [(reply(PATH, 200, {"errors": [ERROR]}, "POST"),)],
    "validation.no-effect": [(Change("GET", "/process_graphs/.*validated", _stored),)],
    **{f"validation.{name}": [(CLEAN,)] for name in MISTAKES if name != "process"},
    "profile.497": [(CLEAN,)],
}  # fmt: skip


def test_each_check_has_faults() -> None:
    assert set(FAULTS) == set(OWN)


@pytest.mark.parametrize("check_id", OWN)
def test_our_server_is_healthy(check_id: str, look: Look) -> None:
    assert_kept(look(check_id, write=False))


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    assert_found(look(check_id, *changes))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_may_be_refused_as_a_request(name: str, look: Look) -> None:
    check_id = "profile.497" if name == "process" else f"validation.{name}"
    assert look(check_id, reply(PATH, 400, ERROR, "POST")).state is State.PASS


@pytest.mark.parametrize("check_id", OWN)
@pytest.mark.parametrize("document", [[], {}, {"errors": {}}, {"errors": [1, None]}])
def test_odd_answers_break_nothing(check_id: str, document: Any, look: Look) -> None:
    assert look(check_id, reply(PATH, 200, document, "POST")).state is not State.ERROR


def test_where_nothing_is_listed_nothing_is_asked(look: Look) -> None:
    nothing = reply("/processes", 200, {"processes": [], "links": []})
    assert look("validation.unknown-argument", nothing).state is State.NOT_TESTABLE
