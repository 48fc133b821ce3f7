"""Logs of batch jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, drop, edit, put, reply
from conformance.stock import Stock
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

LOGS = "/jobs/[^/]+/logs"
CHECKS = [f"profile.{number}" for number in range(800, 809)] + ["jobs.log-of-nothing"]


def without(*names: str) -> Change:
    """A server that does not look at some parameters."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        query = {name: value for name, value in request.url.params.items() if name not in names}
        other = httpx.Request(
            request.method,
            request.url.copy_with(params=query),
            headers=request.headers,
            content=request.content,
        )
        return send(other)

    return Change("GET", LOGS, apply)


def every(**fields: Any) -> Change:
    """Entries with other fields."""

    def change(document: Any) -> None:
        for entry in document["logs"]:
            entry.update(fields)

    return edit(LOGS, change)


def lacking(*fields: str) -> Change:
    """Entries without some fields."""

    def change(document: Any) -> None:
        document["logs"] = [
            {key: value for key, value in entry.items() if key not in fields} for entry in document["logs"]
        ]

    return edit(LOGS, change)


def _backwards(document: Any) -> None:
    for day, entry in enumerate(document["logs"]):
        entry["time"] = f"2024-01-{20 - day:02}T00:00:00Z"


def _no_next(document: Any) -> None:
    document["links"] = []


TRACE = 'It failed.\nTraceback (most recent call last):\n  File "a.py", line 1, in f'
JAVA = "Failed: null\n    at org.example.Cube.load(Cube.java:17)"

FAULTS: dict[str, tuple[str, Change]] = {
    "no log before the start": ("profile.800", reply(LOGS, 400, {"code": "X", "message": "no"})),
    "log of nothing": ("jobs.log-of-nothing", reply(LOGS, 200, {"logs": [], "links": []})),
    "offset ignored": ("profile.801", without("offset")),
    "level ignored": ("profile.802", without("level")),
    "limit ignored": ("profile.803", without("limit")),
    "pages without links": ("profile.803", edit(LOGS, _no_next)),
    "no links": ("profile.804", drop(LOGS, "links")),
    "level not echoed": ("profile.805", drop(LOGS, "level")),
    "wrong level": ("profile.805", put(LOGS, "level", value="error")),
    "no ids": ("profile.806", lacking("id")),
    "same ids": ("profile.806", every(id="1")),
    "no messages": ("profile.806", lacking("message")),
    "levels of Python": ("profile.806", every(level="INFO")),
    "no times": ("profile.807", lacking("time")),
    "time without zone": ("profile.807", every(time="2024-01-01T00:00:00")),
    "time of elsewhere": ("profile.807", every(time="2024-01-01T00:00:00+02:00")),
    "latest first": ("profile.807", edit(LOGS, _backwards)),
    "stack traces": ("profile.808", every(message=TRACE)),
    "stack traces of Java": ("profile.808", every(message=JAVA)),
    "long messages": ("profile.808", every(message="x" * 5000)),
}


@pytest.mark.parametrize("check_id", CHECKS)
def test_our_logs_are_sound(check_id: str, stock: Stock) -> None:
    assert_kept(stock.look(check_id))


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault: str, stock: Stock) -> None:
    check_id, change = FAULTS[fault]
    assert_found(stock.look(check_id, change))


def test_identifiers_must_stay(stock: Stock) -> None:
    count = iter(range(1000))

    def change(document: Any) -> None:
        for entry in document["logs"]:
            entry["id"] = str(next(count))

    result = stock.look("profile.806", edit(LOGS, change))
    assert [finding.message for finding in result.findings] == [
        "entries have other identifiers when they are asked for again"
    ]


@pytest.mark.parametrize(
    "document", [{}, {"logs": [1, {}, {"id": 5, "time": 7, "level": []}], "links": 3}, []]
)
@pytest.mark.parametrize("check_id", CHECKS)
def test_answers_of_any_shape(check_id: str, document: Any, stock: Stock) -> None:
    result = stock.look(check_id, reply(LOGS, 200, document))
    assert result.state is not State.ERROR, result.reason


def test_an_empty_log_tells_nothing(stock: Stock) -> None:
    result = stock.look("profile.801", reply(LOGS, 200, {"logs": [], "links": []}))
    assert result.state is State.NOT_TESTABLE


@pytest.mark.parametrize("check_id", CHECKS[1:9])
def test_nothing_is_run_without_permission(check_id: str, look: Look) -> None:
    assert look(check_id, write=False).state is State.SKIPPED
