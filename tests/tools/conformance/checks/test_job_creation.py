"""The creation of batch jobs."""

from __future__ import annotations

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
    header,
    put,
    reply,
    status,
)
from conformance.orders import ERROR, instead, refusing, without
from conformance.stock import Stock
from connexeo.tools.conformance.batch import created_job
from connexeo.tools.conformance.verdicts import State

LIST = "/jobs"
ONE = "/jobs/[^/]+"
START = "/jobs/[^/]+/results"
MADE = {"location": "http://127.0.0.1/jobs/s-0", "openeo_identifier": "s-0"}

TAKES_ALL = instead(LIST, 400, 201, method="POST", **MADE)
STARTS_ALL = reply(START, 202, method="POST")
LOAD = ("process", "process_graph", "load")

FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.730": [
        (reply(LIST, 500, ERROR, method="POST"),),
        (reply(LIST, 400, ERROR, method="POST"),),
        (header(LIST, method="POST", location=None, openeo_identifier=None),),
        (put(ONE, "id", value="another"),),
    ],
    "profile.731": [(TAKES_ALL, STARTS_ALL), (TAKES_ALL,)],
    "profile.733": [(without(LIST, "log_level"),), (drop(ONE, "log_level"),)],
    "profile.734": [(put(ONE, "title", value="Other"),), (drop(ONE, "description"),)],
    "profile.735": [(refusing(LIST, "conformance:further"),)],
    "profile.736": [
        (status(LIST, 200, method="POST"),),
        (header(LIST, method="POST", location=None),),
        (header(LIST, method="POST", openeo_identifier=None),),
        (header(LIST, method="POST", location="/jobs/1"),),
        (header(LIST, method="POST", location="https://a.example/elsewhere"),),
    ],
    "profile.737": [
        (put(ONE, "status", value="queued"),),
        (put(ONE, "started", value="2024-01-01T00:00:00Z"),),
    ],
    "jobs.process-kept": [
        (put(ONE, *LOAD, "process_id", value="load_stac"),),
        (drop(ONE, *LOAD),),
        (put(ONE, *LOAD, "arguments", "id", value="other"),),
        (put(ONE, *LOAD, "arguments", "bands", value=[]),),
    ],
    "jobs.created": [
        (put(ONE, "created", value="yesterday"),),
        (put(ONE, "created", value="2024-01-01T00:00:00"),),
        (put(ONE, "updated", value="2001-01-01T00:00:00Z"),),
    ],
}


CREATED_ANEW = {"profile.730", "profile.736"}
"""Those that look at the creation itself."""


def _but(check_id: str) -> tuple[Any, ...]:
    return (created_job,) if check_id in CREATED_ANEW else ()


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    assert_found(stock.look(check_id, *changes, but=_but(check_id)))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    assert_kept(stock.look(check_id, but=_but(check_id)))


UNHURT: list[tuple[str, Change]] = [
    ("jobs.created", drop(ONE, "updated")),
    ("jobs.process-kept", put(ONE, *LOAD, "arguments", "properties", value={})),
    ("jobs.process-kept", put(ONE, *LOAD, "description", value="It loads.")),
    ("profile.736", header(LIST, method="POST", content_type=None)),
]


@pytest.mark.parametrize(("check_id", "change"), UNHURT)
def test_what_is_sound_passes(check_id: str, change: Change, stock: Stock) -> None:
    assert_kept(stock.look(check_id, change, but=_but(check_id)))


def test_processes_may_be_validated_at_the_start(stock: Stock) -> None:
    """A faulty process that is created, and never started, is no fault."""

    def late(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        taken = response.status_code == 400 and b"process_graph" in request.content
        made = {name.replace("_", "-"): value for name, value in MADE.items()}
        return httpx.Response(201, headers=made) if taken else response

    result = stock.look("profile.731", Change("POST", LIST, late))
    assert result.state is State.PASS, [finding.message for finding in result.findings]


ODD: list[Any] = [
    {},
    {"id": 5, "process": [], "status": {}, "created": 3, "updated": [], "title": None, "started": 7},
    {"id": {}, "process": {"process_graph": {"load": 5, "save": {"arguments": []}}}, "log_level": []},
    [],
]


@pytest.mark.parametrize("document", ODD, ids=str)
def test_documents_of_any_shape(document: Any, stock: Stock) -> None:
    for check_id in FAULTS:
        result = stock.look(check_id, reply(ONE, 200, document), but=_but(check_id))
        assert result.state is not State.ERROR, (check_id, result.reason)


def test_nothing_is_created_unless_allowed(stock: Stock) -> None:
    for check_id in FAULTS:
        assert stock.look(check_id, write=False).state is State.SKIPPED
