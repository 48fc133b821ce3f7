"""What is told of answers to random requests, and what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.fuzzing import judgement as checks

Stage = Callable[..., Any]

GRAPH = {"a": {"process_id": "add", "arguments": {"x": 1}, "result": True}}
PAGE = httpx.Response(
    200, json={"jobs": [], "links": [{"rel": "next", "href": "https://backend.example/jobs/2"}]}
)
BAD = httpx.Response(400, json={"code": "Bad", "message": "Bad"})


def job(**other: Any) -> dict[str, Any]:
    """A valid job with something else."""
    return {"process": {"process_graph": GRAPH}, **other}


CASES: tuple[tuple[str, str, Any, httpx.Response | None, set[tuple[str, str]]], ...] = (
    # Accepted, and right so.
    ("GET", "/jobs?limit=5", None, None, set()),
    ("GET", "/jobs?unknown=1", None, None, set()),
    ("POST", "/jobs", job(), None, set()),
    ("POST", "/jobs", job(unknown=1), None, set()),
    ("POST", "/jobs", job(title=None), None, set()),
    ("POST", "/validation", {"process_graph": GRAPH}, httpx.Response(200, json={"errors": []}), set()),
    # Values that may be read in more than one way.
    ("GET", "/jobs?limit=", None, None, set()),
    ("GET", "/jobs?limit=1.0", None, None, set()),
    ("GET", "/jobs?limit=1&limit=x", None, None, set()),
    # Who has no pages may ignore the size of pages.
    ("GET", "/jobs?limit=abc", None, None, set()),
    # What else is said of a process need not be looked at.
    (
        "POST",
        "/validation",
        {"process_graph": GRAPH, "summary": 5},
        httpx.Response(200, json={"errors": []}),
        set(),
    ),
    # Found wrong by /validation, in either way.
    (
        "POST",
        "/validation",
        {"process_graph": 1},
        httpx.Response(200, json={"errors": [{"code": "A"}]}),
        set(),
    ),
    ("POST", "/validation", {"process_graph": 1}, BAD, set()),
    # Refused, for reasons of which the schema knows nothing.
    ("POST", "/jobs", job(), BAD, set()),
    ("GET", "/jobs?limit=1000000", None, BAD, set()),
    ("GET", "/jobs/theirs", None, BAD, set()),
    ("GET", "/jobs?limit=5", None, httpx.Response(403, json={}), set()),
    # Accepted, though wrong.
    (
        "GET",
        "/jobs?limit=abc",
        None,
        PAGE,
        {("minor", "requests that break the contract are answered with HTTP 200: limit is not an integer")},
    ),
    (
        "GET",
        "/jobs?limit=0",
        None,
        PAGE,
        {("minor", "requests that break the contract are answered with HTTP 200: limit is less than 1")},
    ),
    (
        "POST",
        "/jobs",
        job(title=5),
        None,
        {
            (
                "minor",
                "requests that break the contract are answered with HTTP 201: /title is not of the type null or string",
            )
        },
    ),
    (
        "POST",
        "/jobs",
        {},
        None,
        {("major", "requests that break the contract are answered with HTTP 201: /process is missing")},
    ),
    (
        "POST",
        "/jobs",
        b"{",
        None,
        {("major", "requests that break the contract are answered with HTTP 201: the body is not JSON")},
    ),
    (
        "POST",
        "/jobs",
        [],
        None,
        {
            (
                "major",
                "requests that break the contract are answered with HTTP 201: the body is not of the type object",
            )
        },
    ),
    (
        "POST",
        "/validation",
        {"process_graph": {"x": {"arguments": {}}}},
        httpx.Response(200, json={"errors": []}),
        {
            (
                "major",
                "requests that break the contract are answered with HTTP 200: /process_graph/*/process_id is missing",
            )
        },
    ),
    # Refused, though right.
    (
        "GET",
        "/jobs?limit=5",
        None,
        BAD,
        {("major", "a request that keeps the contract is refused with HTTP 400 Bad")},
    ),
    ("GET", "/me", None, BAD, {("major", "a request that keeps the contract is refused with HTTP 400 Bad")}),
    (
        "POST",
        "/validation",
        {"process_graph": GRAPH},
        BAD,
        {("minor", "a request that keeps the contract is refused with HTTP 400 Bad")},
    ),
    # Methods.
    ("TRACE", "/jobs", None, httpx.Response(405, headers={"Allow": "GET"}), set()),
    ("TRACE", "/jobs", None, httpx.Response(501), set()),
    (
        "TRACE",
        "/jobs",
        None,
        httpx.Response(405),
        {("minor", "TRACE is answered with 405, but without `Allow`: /jobs")},
    ),
    ("TRACE", "/jobs", None, httpx.Response(200), {("major", "TRACE is answered with HTTP 200: /jobs")}),
    ("TRACE", "/jobs", None, httpx.Response(500), {("major", "TRACE is answered with HTTP 500: /jobs")}),
)


@pytest.mark.parametrize(("method", "path", "body", "answer", "expected"), CASES)
def test_only_what_is_clear_is_told(
    stage: Stage,
    method: str,
    path: str,
    body: Any,
    answer: httpx.Response | None,
    expected: set[tuple[str, str]],
) -> None:
    here = stage(write=True)
    if answer is not None:
        here.pretender.answers[method, path.partition("?")[0]] = answer
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    here.send(method, path, content, **({"Content-Type": "application/json"} if content else {}))
    assert told(here) == expected


def told(here: Any) -> set[tuple[str, str]]:
    """Severity and message of all that was found."""
    ids = (checks.ACCEPTS, checks.REJECTS, checks.METHODS, checks.HEADERS, checks.STAYS, checks.GONE)
    found = [violation for id in ids for violation in here.gateway.judgement.violations(id)]
    # The pretender goes on to show what was deleted.
    return {(str(each.severity), each.message) for each in found if "deleted" not in each.message}


def test_one_fault_is_told_once_by_the_simplest_request(stage: Stage) -> None:
    here = stage(write=True)
    for body in (job(title=5), job(title=5, plan=7), job(description=1), job(title=5, unknown="long" * 9)):
        here.send("POST", "/jobs", json.dumps(body).encode(), **{"Content-Type": "application/json"})
    (violation,) = here.gateway.judgement.violations(checks.REJECTS)
    assert violation.place == "POST /jobs"
    assert violation.message == (
        "requests that break the contract are answered with HTTP 201: /description is not of the type null or string; "
        "/title is not of the type null or string"
    )
    assert json.loads(violation.exchange.request_body) == job(title=5)


@pytest.mark.parametrize(
    ("odd", "suffix"),
    [({"links": [None]}, ""), ({"process_graph": {**GRAPH, "b": None}}, ""), ({}, "%20b"), ({}, "%C2%84")],
)
def test_what_is_odd_is_not_kept(stage: Stage, odd: dict[str, Any], suffix: str) -> None:
    """Nobody must refuse it, but then it would show in all answers."""
    here = stage(write=True)
    body = json.dumps({"process_graph": GRAPH, **odd}).encode()
    name = f"{here.mine}fuzz_a" if suffix else "own_1"
    here.send("PUT", f"/process_graphs/{name}{suffix}", body, **{"Content-Type": "application/json"})
    assert told(here) == set()
    assert any(change.startswith("DELETE ") for change in here.pretender.changes)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Location": "/jobs/made"}, "the header Location is not an absolute URL"),
        (
            {"OpenEO-Identifier": "a b"},
            "the header OpenEO-Identifier does not match the pattern of the contract",
        ),
    ],
)
def test_values_of_headers_are_judged(stage: Stage, headers: dict[str, str], message: str) -> None:
    here = stage(write=True)
    valid = {"Location": "https://backend.example/jobs/made", "OpenEO-Identifier": "made"}
    here.pretender.answers["POST", "/jobs"] = httpx.Response(201, headers=valid | headers)
    here.send("POST", "/jobs", json.dumps(job()).encode(), **{"Content-Type": "application/json"})
    assert told(here) == {("major", message)}


def test_what_is_created_must_be_there_and_what_is_deleted_gone(stage: Stage) -> None:
    here = stage(write=True)
    here.pretender.answers["GET", "/jobs/made-here-1"] = httpx.Response(404, json={})
    here.send("POST", "/jobs", json.dumps(job()).encode(), **{"Content-Type": "application/json"})
    here.send("DELETE", "/services/own-1")
    (created,) = here.gateway.judgement.violations(checks.STAYS)
    assert (created.message, created.place) == (
        "what was just created is answered with HTTP 404",
        "GET /jobs/{job_id}",
    )
    (deleted,) = here.gateway.judgement.violations(checks.GONE)
    assert (deleted.message, deleted.place) == (
        "what was just deleted is answered with HTTP 200",
        "GET /services/{service_id}",
    )
