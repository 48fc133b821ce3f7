"""Logs of secondary web services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, edit, put, reply
from conformance.stock import SERVICES, Stock, stocked
from connexeo.tools.conformance.verdicts import State
from served import Server

LOGS = "/services/[^/]+/logs"
ERROR = {"id": "1", "code": "Internal", "message": "It failed."}


@pytest.fixture(scope="module")
def services(demo_server: Server, demo_token: str) -> Iterator[Stock]:
    """The demo server with services that somebody has looked at."""
    with stocked(demo_server.url, demo_token, SERVICES) as stock:
        yield stock


def _ignoring(parameter: str) -> Change:
    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        request.url = request.url.copy_remove_param(parameter)
        return send(request)

    return Change("GET", LOGS, apply)


def _entries(change: Callable[[list[dict[str, Any]]], Any]) -> Change:
    return edit(LOGS, lambda found: change(found["logs"]) and None)


FAULTS: dict[str, list[Change]] = {
    "profile.690": [reply(LOGS, 500, ERROR), reply(LOGS, 404, ERROR)],
    "profile.691": [_ignoring("offset")],
    "profile.692": [_ignoring("level")],
    "profile.693": [_ignoring("limit"), put(LOGS, "links", value=[])],
    "profile.694": [put(LOGS, "logs", value={}), put(LOGS, "links", value=None)],
    "profile.695": [put(LOGS, "level", value="error")],
    "profile.696": [
        _entries(lambda entries: [each.update(id="one") for each in entries]),
        _entries(lambda entries: [each.update(message="") for each in entries]),
    ],
    "profile.697": [
        _entries(lambda entries: [each.update(time="noon") for each in entries]),
        _entries(lambda entries: [each.pop("time") for each in entries]),
    ],
    "profile.698": [_entries(lambda entries: [each.update(message="x" * 5000) for each in entries])],
}


@pytest.mark.parametrize(
    ("check_id", "change"),
    [
        pytest.param(check_id, change, id=f"{check_id}-{number}")
        for check_id, cases in FAULTS.items()
        for number, change in enumerate(cases)
    ],
)
def test_faults_are_found(check_id: str, change: Change, services: Stock) -> None:
    assert_found(services.look(check_id, change))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, services: Stock) -> None:
    assert_kept(services.look(check_id))


@pytest.mark.parametrize("check_id", FAULTS)
def test_documents_of_any_shape(check_id: str, services: Stock) -> None:
    odd: list[Any] = [
        {},
        {"logs": [5, {}, {"id": [], "level": {}, "time": 3, "message": 1}], "links": "none"},
    ]
    for document in odd:
        result = services.look(check_id, reply(LOGS, 200, document))
        assert result.state is not State.ERROR, (document, result.reason)


@pytest.mark.parametrize(
    "check_id", ["profile.691", "profile.692", "profile.693", "profile.697", "profile.698"]
)
def test_an_empty_log_tells_nothing(check_id: str, services: Stock) -> None:
    result = services.look(check_id, put(LOGS, "logs", value=[]))
    assert result.state is State.NOT_TESTABLE
    assert result.reason
