"""What is listed is there, and what is not there is told as such."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, cases, edit, reply, status
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import Severity, State

Look = Callable[..., Result]

UNKNOWN = ".*conformance_no_such_thing.*"
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}


def _unlisted(path: str) -> Change:
    def change(document: Any) -> None:
        document["endpoints"] = [each for each in document["endpoints"] if each["path"] != path]

    return edit("/", change)


def _listed(path: str, *methods: str) -> Change:
    return edit("/", lambda found: found["endpoints"].append({"path": path, "methods": list(methods)}))


def _wrong_query(code: int) -> Change:
    """Answers to queries that are not valid."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        return httpx.Response(code, json=ERROR) if request.url.params.get("limit") == "x" else send(request)

    return Change("GET", ".*", apply)


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.1": [
        (status(".*", 200, method="OPTIONS"),),
        (reply(".*", 405, ERROR, method="OPTIONS"),),
    ],
    "profile.31": [(_unlisted("/jobs"),), (_unlisted("/services/{service_id}"),)],
    "endpoints.unknown-identifiers": [
        (reply(UNKNOWN, 404, ERROR),),
        (reply(UNKNOWN, 400, ERROR),),
        (reply("/jobs/[^/]*", 200, {}),),
    ],
    "endpoints.wrong-query": [(_wrong_query(422),), (_wrong_query(404),)],
    "endpoints.templates": [
        (_listed("jobs", "GET"),),
        (_listed("/jobs/", "GET"),),
        (_listed("/river/:id", "GET"),),
        (_listed("/collections", "GET"),),
        (_listed("/river", "get"),),
        (_listed("/river"),),
    ],
}


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    assert_found(look(check_id, *changes))


def test_a_wrong_code_is_one_finding_whatever_it_is_about(look: Look) -> None:
    result = look("endpoints.unknown-identifiers", reply(UNKNOWN, 404, ERROR))
    (finding,) = result.findings
    assert finding.count > 3
    assert "GET /jobs/{job_id}: NotFound, not JobNotFound" in finding.places


def test_success_for_what_does_not_exist_is_the_worst(look: Look) -> None:
    result = look("endpoints.unknown-identifiers", reply("/jobs/[^/]*", 200, {}))
    assert [finding.severity for finding in result.findings] == [Severity.MAJOR]


def test_preflight_answered_with_200_is_a_warning(look: Look) -> None:
    result = look("profile.1", status(".*", 200, method="OPTIONS"))
    assert result.state is State.WARNING


@pytest.mark.parametrize("check_id", ["endpoints.unknown-identifiers", "endpoints.wrong-query"])
def test_failures_of_the_server_are_for_others_to_tell(check_id: str, look: Look) -> None:
    result = look(check_id, reply(UNKNOWN, 500, ERROR), _wrong_query(500))
    assert result.state is State.NOT_TESTABLE
    assert not result.findings


def test_a_server_without_pages_may_ignore_the_query(look: Look) -> None:
    def ignoring(request: httpx.Request, send: Answer) -> httpx.Response:
        request.url = request.url.copy_remove_param("limit")
        return send(request)

    assert look("endpoints.wrong-query", Change("GET", ".*", ignoring)).state is State.PASS


def test_wrong_queries_are_sent(look: Look) -> None:
    asked: list[str] = []

    def watch(request: httpx.Request, send: Answer) -> httpx.Response:
        if "limit" in request.url.params:
            asked.append(request.url.path)
        response = send(request)
        assert response.status_code != 500, json.dumps(response.json())
        return response

    look("endpoints.wrong-query", Change("GET", ".*", watch))
    assert {"/jobs", "/services", "/collections"} <= set(asked)
