"""Processes: their list, their definitions, what is computed, and what graphs may hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, cases, edit, put, reply
from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

LIST = "/processes"
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}
PROBLEM = {"code": "ProcessUnsupported", "message": "There is no process like that."}


def _of(id: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    """Change the definition of one process."""

    def apply(document: Any) -> None:
        change(next(each for each in document["processes"] if each["id"] == id))

    return edit(LIST, apply)


def _parameter(id: str, name: str, /, **fields: Any) -> Change:
    def change(process: dict[str, Any]) -> None:
        parameter = next(each for each in process["parameters"] if each["name"] == name)
        parameter.update({key: value for key, value in fields.items() if value is not ...})
        for key, value in fields.items():
            if value is ...:
                del parameter[key]

    return _of(id, change)


def _add(process: Any) -> Change:
    return edit(LIST, lambda found: found["processes"].append(process))


def _judging(judge: Callable[[dict[str, Any], str], list[Any] | None]) -> Change:
    """Answers of validation by nodes and text of a graph; None is the true answer."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        found = judge(json.loads(request.content)["process_graph"], request.content.decode())
        return send(request) if found is None else httpx.Response(200, json={"errors": found})

    return Change("POST", "/validation", apply)


def _refusing(word: str) -> Change:
    return _judging(lambda graph, text: [PROBLEM] if word in text else None)


def _page(change: Callable[[dict[str, Any], int], None]) -> Change:
    """A server that gives pages of processes, which ours does not; changed."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        document = send(request).json()
        if "limit" not in request.url.params:
            return httpx.Response(200, json=document)
        limit, start = int(request.url.params["limit"]), int(request.url.params.get("start", 0))
        following = request.url.copy_merge_params({"limit": limit, "start": start + limit})
        more = start + limit < len(document["processes"])
        document["links"] = [{"rel": "next", "href": str(following)}] if more else []
        document["processes"] = document["processes"][start : start + limit]
        change(document, start)
        return httpx.Response(200, json=document)

    return Change("GET", LIST, apply)


def _result(change: Callable[[Any, str], Any]) -> Change:
    """Change results by the text of the request."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        value = change(response.json(), request.content.decode())
        return response if value is ... else httpx.Response(200, json=value)

    return Change("POST", "/result", apply)


def _no_divisions(value: Any, text: str) -> Any:
    """Whatever is computed with a division comes out as 5."""
    if '"divide"' not in text:
        return ...
    return [5] * len(value) if isinstance(value, list) else 5


def _failing(word: str) -> Change:
    return Change("POST", "/result", lambda request, send: httpx.Response(400, json=ERROR)
                  if word in request.content.decode() else send(request))  # fmt: skip


NUMBER = {"type": "number"}
FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.200": [(put(LIST, "links", value={}),)],
    "profile.201": [(reply(LIST, 401, ERROR),)],
    "profile.202": [(reply(LIST, 403, ERROR),)],
    "profile.203": [
        (_page(lambda document, start: document.update(links=[])),),
        (_page(lambda document, start: document["processes"].pop()),),
        (_page(lambda document, start: document["processes"].insert(0, {"id": "add"})),),
    ],
    "profile.204": [
        (edit(LIST, lambda found: found["links"].append({"rel": "next", "href": "https://a.example"})),),
    ],
    "profile.206": [(_refusing("divide"),)],
    "profile.207": [
        (_of("add", lambda process: process.pop("summary")),),
        (_of("add", lambda process: process.update(categories=[])),),
    ],
    "profile.209": [(_of("add", lambda process: process.update(deprecated=None)),)],
    "processes.unique": [(edit(LIST, lambda found: found["processes"].append(found["processes"][3])),)],
    "processes.known": [
        (_add({"id": "magic", "parameters": [], "returns": {}}),),
        (_judging(lambda graph, text: []),),
        (_judging(lambda graph, text: [PROBLEM] if "divide" in text else None),),
    ],
    "processes.standard": [
        (_parameter("add", "x", name="summand"),),
        (_parameter("add", "x", schema={"type": "string"}),),
        (_of("round", lambda process: process["parameters"].pop()),),
        (_parameter("round", "p", default=2),),
        (_parameter("round", "p", optional=...),),
        (_of("add", lambda process: process["parameters"].append({"name": "z", "schema": NUMBER})),),
        (_of("add", lambda process: process["parameters"].reverse()),),
        (_of("add", lambda process: process["returns"].update(schema={"type": "array"})),),
        (_parameter("apply", "process", schema={"type": "object", "subtype": "process-graph",
                                                "parameters": [{"name": "value"}]}),),
        (_of("array_element", lambda process: process.update(exceptions={"Other": {"message": "x"}})),),
    ],
    "processes.schemas": [
        (_parameter("add", "x", schema={"type": "nothing"}),),
        (_parameter("add", "x", schema=...),),
        (_parameter("round", "p", default="two"),),
        (_of("add", lambda process: process.pop("returns")),),
    ],
    "processes.parameters": [
        (_parameter("add", "y", name="x"),),
        (_parameter("add", "x", optional=True),),
        (_parameter("add", "x", default=1),),
    ],
    "processes.subtypes": [(_parameter("apply", "data", schema={"type": "object", "subtype": "raster-cube"}),)],
    "processes.examples-fit": [
        (_of("add", lambda process: process["examples"][0]["arguments"].update(z=1)),),
        (_of("add", lambda process: process["examples"][0]["arguments"].pop("x")),),
        (_of("add", lambda process: process["examples"][0]["arguments"].update(x="one")),),
        (_of("add", lambda process: process["examples"][0].update(returns="one")),),
    ],
    "processes.links": [(_of("add", lambda process: process["links"].append({"rel": "about", "href": "x.html"})),)],
    "processes.standard-examples": [(_refusing("divide"),)],
    "processes.computed": [
        (_result(_no_divisions),),
        (_failing("divide"),),
        (_result(lambda value, text: 4),),
    ],
    "processes.standard-computed": [(_result(_no_divisions),), (_failing("divide"),)],
    "profile.9": [
        (_refusing('"namespace":"backend"'),),
        (_refusing('"namespace":null'),),
        (_judging(lambda graph, text: []),),
    ],
    "profile.10": [(_refusing('"another"'),)],
    "graphs.several-results": [(_failing('"another"'),)],
    "profile.11": [(_refusing('"own"'),)],
    "graphs.stored-process": [
        (_failing('"own"'),),
        (_result(lambda value, text: 18 if '"own"' in text else ...),),
    ],
    "profile.12": [(_refusing("from_parameter"),)],
    "profile.13": [(_refusing("from_parameter"),)],
    "graphs.child-process": [(_failing("from_parameter"),)],
    "graphs.no-result": [(_judging(lambda graph, text: []),)],
}  # fmt: skip


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    assert_found(look(check_id, *changes))


def test_pages_are_sound(look: Look) -> None:
    assert look("profile.203", _page(lambda document, start: None)).state is State.PASS


def test_the_process_that_is_unsupported_is_named(look: Look) -> None:
    """Also when there are more processes than a server finds faults in one graph."""
    result = look("processes.known", _add({"id": "magic", "parameters": [], "returns": {}}))
    assert [finding.place for finding in result.findings] == ["process magic"]


def test_validation_that_stops_at_the_first_fault(look: Look) -> None:
    def first(request: httpx.Request, send: Answer) -> httpx.Response:
        document = send(request).json()
        return httpx.Response(200, json={"errors": document["errors"][:1]})

    stopping = Change("POST", "/validation", first)
    assert look("processes.known", stopping).state is State.PASS
    ghost = _add({"id": "magic", "parameters": [], "returns": {}})
    result = look("processes.known", ghost, stopping)
    assert [finding.place for finding in result.findings] == ["process magic"]


def test_wrong_results_are_told_one_by_one(look: Look) -> None:
    result = look("processes.standard-computed", _result(_no_divisions))
    assert {finding.place for finding in result.findings} == {"process divide"}
    assert any("it gives 5, not 6" in finding.message for finding in result.findings)


def test_one_process_is_one_finding(look: Look) -> None:
    result = look("processes.standard-computed", _result(_no_divisions))
    assert [finding.count for finding in result.findings] == [1]


def test_examples_without_arguments_are_one_finding(look: Look) -> None:
    """Whoever drops nulls, say, drops them everywhere."""
    changes = (
        _of("add", lambda process: process["examples"][0]["arguments"].pop("x")),
        _of("subtract", lambda process: process["examples"][0]["arguments"].pop("y")),
    )
    (finding,) = look("processes.examples-fit", *changes).findings
    assert finding.message == "an example lacks a required parameter"
    assert finding.places == ("process add, x", "process subtract, y")


def test_back_ends_that_give_no_numbers(look: Look) -> None:
    for check_id in ("processes.computed", "processes.standard-computed"):
        assert look(check_id, reply("/result", 400, ERROR, "POST")).state is State.NOT_TESTABLE


def test_refused_examples_are_one_finding(look: Look) -> None:
    """Many processes often have one fault in common."""
    result = look("profile.206", _refusing("null"))
    messages = {finding.message for finding in result.findings}
    assert messages == {"an example is refused: ProcessUnsupported"}


def test_definitions_of_any_shape(look: Look) -> None:
    odd: list[Any] = [
        {},
        {"id": 7, "parameters": 3},
        {"id": "add", "parameters": [{"schema": []}, 5], "returns": [], "examples": {}, "links": None},
        {"id": "round", "parameters": [{"name": "x", "schema": {"$ref": "#/no"}}], "exceptions": []},
    ]
    ids = [
        check.id for check in load_checks() if check.layer == "processes" and check.run and not check.costs
    ]
    for check_id in ids:
        result = look(check_id, put(LIST, "processes", value=[*odd, "text", None]))
        assert result.state is not State.ERROR, (check_id, result.reason)
