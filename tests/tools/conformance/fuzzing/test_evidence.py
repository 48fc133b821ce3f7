"""What is kept of thousands of answers that show the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from connexeo.tools.conformance.contract import load_contract
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.inspection import Inspection

URL = "https://backend.example"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, OpenEO-Identifier, OpenEO-Costs, Link",
}


def exchanges(inspection: Inspection) -> Callable[..., Exchange]:
    """Makes exchanges."""

    def make(path: str, answer: httpx.Response) -> Exchange:
        return Exchange(
            method="GET",
            url=f"{URL}{path}",
            caller="user",
            request_headers=httpx.Headers({"Authorization": "Bearer x"}),
            request_body=b"",
            status=answer.status_code,
            headers=answer.headers,
            body=answer.content,
            seconds=0.1,
            operation=inspection.contract.match("GET", path.partition("?")[0]),
        )

    return make


def log(level: Any, identifier: Any = "1") -> httpx.Response:
    """A log that says which level was asked for."""
    entry = {"id": identifier, "level": "info", "message": "Hello"}
    return httpx.Response(200, json={"level": level, "logs": [entry], "links": []}, headers=CORS)


def test_a_value_that_is_repeated_is_one_fault_and_one_answer_is_kept() -> None:
    inspection = Inspection(load_contract("1.3.0"))
    make = exchanges(inspection)
    for level in ("loud", "is very loud", "loud"):
        inspection.inspect(make(f"/jobs/j/logs?level={'x' * 9}", log(level)))
    inspection.inspect(make("/jobs/j/logs", log("loud")))
    found = inspection.found["answers.body"]
    assert {violation.message.partition(" is not")[0] for violation in found} == {'/level: "loud"'}
    assert [violation.place for violation in found[1:]] == ["GET /jobs/{job_id}/logs"] * 3
    (evidence,) = [violation.exchange for violation in found if violation.exchange is not None]
    assert evidence.url == f"{URL}/jobs/j/logs"


def test_what_a_query_says_may_be_repeated() -> None:
    inspection = Inspection(load_contract("1.3.0"))
    inspection.inspect(exchanges(inspection)("/jobs/j/logs?level=loud", log("loud")))
    assert inspection.found == {}


def test_null_for_all_that_is_missing_is_one_fault() -> None:
    inspection = Inspection(load_contract("1.3.0"))
    make = exchanges(inspection)
    nothing: dict[str, Any] = {"categories": None, "examples": None, "deprecated": None}
    process: dict[str, Any] = {"id": "mine", "process_graph": {}, **nothing}
    inspection.inspect(make("/process_graphs/mine", httpx.Response(200, json=process, headers=CORS)))
    several = {"processes": [{"id": "other"}, process], "links": []}
    inspection.inspect(make("/process_graphs", httpx.Response(200, json=several, headers=CORS)))
    messages = [violation.message for violation in inspection.found["answers.body"]]
    assert (
        messages == ["null is no value of categories, deprecated, examples: leave out what there is not"] * 2
    )


def test_faults_of_different_kinds_stay_apart() -> None:
    inspection = Inspection(load_contract("1.3.0"))
    make = exchanges(inspection)
    inspection.inspect(make("/jobs/j/logs", log("loud")))
    inspection.inspect(make("/jobs/j/logs", log("info", 5)))
    inspection.inspect(make("/services/s/logs", log("loud")))
    assert len([each for each in inspection.found["answers.body"] if each.exchange is not None]) == 3


def test_files_of_users_may_hold_anything() -> None:
    inspection = Inspection(load_contract("1.3.0"))
    body = httpx.Response(200, content=b"\xff{", headers={**CORS, "Content-Type": "application/geo+json"})
    inspection.inspect(exchanges(inspection)("/files/mine.geojson", body))
    assert inspection.found == {}
