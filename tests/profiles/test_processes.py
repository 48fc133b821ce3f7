"""Requirements of predefined processes and of validation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from profiles.api import body, link, nulls, refused
from profiles.graphs import FAULTY, Graph, add, ndvi, node, process
from profiles.requirement import requirement


@pytest.fixture(scope="module")
def listed(anonymous: httpx.Client) -> Any:
    return body(anonymous.get("/processes"), "/processes")


@requirement(200)
def test_list(listed: Any) -> None:
    assert isinstance(listed["processes"], list)
    assert isinstance(listed["links"], list)
    assert {"load_collection", "save_result", "reduce_dimension", "add"} <= {
        each["id"] for each in listed["processes"]
    }


@requirement(203)
def test_one_page(listed: Any, anonymous: httpx.Client) -> None:
    """Clients read one page only, so there is one page only, whatever the limit."""
    limited = body(anonymous.get("/processes?limit=2"), "/processes")
    assert limited["processes"] == listed["processes"]
    assert link(limited, "next") is None


@requirement(204)
def test_all_without_limit(listed: Any, user: httpx.Client) -> None:
    assert link(listed, "next") is None
    ids = [each["id"] for each in listed["processes"]]
    assert len(set(ids)) == len(ids) > 50
    # Whatever can be computed is listed.
    graph = {name: node(name) for name in ("ndvi_of_nothing", *ids)}
    errors = user.post("/validation", json={"process_graph": graph}).json()["errors"]
    assert {each["code"] for each in errors} >= {"ProcessUnsupported"}
    (unsupported,) = (each for each in errors if each["code"] == "ProcessUnsupported")
    assert "ndvi_of_nothing" in unsupported["message"]


def examples(listed: Any) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Process, arguments and return value of the examples that stand for themselves."""
    for each in listed["processes"]:
        for example in each.get("examples", ()):
            if "returns" in example and not has_reference(example["arguments"]):
                yield each["id"], example["arguments"], example["returns"]


def has_reference(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value.keys() & {"from_node", "from_parameter"}) or any(map(has_reference, value.values()))
    return isinstance(value, list) and any(map(has_reference, value))


def equals(given: Any, expected: Any) -> bool:
    """Whether values are the same but for rounding."""
    if isinstance(expected, list):
        return isinstance(given, list) and len(given) == len(expected) and all(map(equals, given, expected))
    if (
        isinstance(expected, float | int)
        and not isinstance(expected, bool)
        and isinstance(given, float | int)
    ):
        return math.isclose(given, expected, rel_tol=1e-9, abs_tol=1e-9)
    return bool(given == expected)


@requirement(206)
def test_definitions_are_those_of_the_implementation(listed: Any, user: httpx.Client) -> None:
    """Their examples come out as they say, their parameters are accepted, and no others."""
    cases = list(examples(listed))
    assert len(cases) > 100
    graph: Graph = {f"n{i}": node(name, **arguments) for i, (name, arguments, _) in enumerate(cases)}
    together = node("array_create", data=[{"from_node": name} for name in graph])
    graph["all"] = {**together, "result": True}
    answer = user.post("/result", json=process(graph))
    assert answer.status_code == 200, answer.text
    wrong = [
        (name, arguments, returns, value)
        for (name, arguments, returns), value in zip(cases, answer.json(), strict=True)
        if not equals(value, returns)
    ]
    assert wrong == []
    for each in listed["processes"]:
        extra = {"n": {**node(each["id"], no_such_parameter=1), "result": True}}
        errors = user.post("/validation", json={"process_graph": extra}).json()["errors"]
        unknown = [error["message"] for error in errors if error["code"] == "ProcessParameterUnsupported"]
        assert len(unknown) == 1, each["id"]
        assert all(f"'{parameter['name']}'" in unknown[0] for parameter in each["parameters"]), unknown


@requirement(207)
def test_summaries_and_categories(listed: Any) -> None:
    for each in listed["processes"]:
        assert each["summary"], each["id"]
        assert each["categories"], each["id"]
        assert all(isinstance(category, str) and category for category in each["categories"])


@requirement(209)
def test_nothing_is_null(listed: Any) -> None:
    for each in listed["processes"]:
        described = {key: value for key, value in each.items() if key != "examples"}
        places = [place for place in nulls(described) if not may_be_null(place)]
        assert places == [], each["id"]


def may_be_null(place: str) -> bool:
    """Whether a null is a value here: a default, or one of the values that a schema lists."""
    parts = place.split("/")
    return "default" in parts or "enum" in parts or "const" in parts or "examples" in parts


@requirement(490)
def test_validation(user: httpx.Client, anonymous: httpx.Client) -> None:
    body(user.post("/validation", json={"process_graph": add()}), "/validation")
    refused(user.post("/validation", headers={"Authorization": "Bearer x"}), 403, "TokenInvalid")
    body(anonymous.post("/validation", json={"process_graph": add()}), "/validation")


@requirement(491)
@pytest.mark.parametrize("graph", [add(), ndvi(), ndvi("netCDF")], ids=["scalar", "GTiff", "netCDF"])
def test_valid_process(graph: Graph, user: httpx.Client) -> None:
    described = {
        "id": "sound",
        "summary": "Sound.",
        "description": "A *sound* process.",
        "process_graph": graph,
    }
    for given in (described, {"process_graph": graph}):
        assert body(user.post("/validation", json=given), "/validation") == {"errors": []}


@requirement(492)
@pytest.mark.parametrize("name", FAULTY)
def test_faulty_process(name: str, user: httpx.Client) -> None:
    graph, code = FAULTY[name]
    errors = body(user.post("/validation", json={"process_graph": graph}), "/validation")["errors"]
    assert [each["code"] for each in errors] == [code]
    assert all(len(each["message"]) > 10 for each in errors)


@requirement(493)
def test_other_statuses_of_validation(user: httpx.Client) -> None:
    for graph, _ in FAULTY.values():
        assert user.post("/validation", json={"process_graph": graph}).status_code == 200
    invalid = {"Content-Type": "application/json"}
    refused(user.post("/validation", content=b"{", headers=invalid), 400, "RequestInvalid")
    refused(user.post("/validation", content=b"[]", headers=invalid), 400, "RequestInvalid")
    refused(
        user.post("/validation", content=b"x", headers={"Content-Type": "text/x"}), 400, "ContentTypeInvalid"
    )


@requirement(494)
def test_validation_of_the_id(user: httpx.Client) -> None:
    for name in ("sound", "Sound_2", None):
        assert user.post("/validation", json={"id": name, "process_graph": add()}).json() == {"errors": []}
    for name in ("two words", "a/b", "", "ndvi?"):
        answer = user.post("/validation", json={"id": name, "process_graph": add()})
        assert "id" in refused(answer, 400, "RequestInvalid")
    # A process that calls itself would never end.
    itself = {"id": "sound", "process_graph": {"a": {**node("sound"), "result": True}}}
    errors = body(user.post("/validation", json=itself), "/validation")["errors"]
    assert errors


NUMBER = {"name": "x", "description": "A number.", "schema": {"type": "number"}}


@requirement(495)
@pytest.mark.parametrize(
    "parameters",
    [
        [NUMBER, NUMBER],
        [{**NUMBER, "optional": True, "default": "text"}],
        [{**NUMBER, "schema": {"$ref": "#/elsewhere"}}],
        [{**NUMBER, "schema": {"type": "string"}}],
        [{**NUMBER, "name": "y"}],
    ],
    ids=["twice", "default of another type", "no JSON Schema", "used as another type", "not used"],
)
def test_validation_of_parameters(parameters: Any, user: httpx.Client) -> None:
    graph = add(x={"from_parameter": "x"})
    sound = {"process_graph": graph, "parameters": [NUMBER]}
    assert user.post("/validation", json=sound).json() == {"errors": []}
    faulty = {"process_graph": graph, "parameters": parameters}
    errors = body(user.post("/validation", json=faulty), "/validation")["errors"]
    assert errors
    assert all("'x'" in each["message"] for each in errors)


@requirement(496)
def test_validation_of_the_return_value(user: httpx.Client) -> None:
    def errors(schema: Any) -> list[Any]:
        returns = {"description": "The sum.", "schema": schema}
        given = {"process_graph": add(), "returns": returns}
        return list(body(user.post("/validation", json=given), "/validation")["errors"])

    assert errors({"type": "number"}) == []
    assert errors([{"type": "number"}, {"type": "null"}]) == []
    for wrong in (
        {"$ref": "#/elsewhere"},
        {"type": "string"},
        {"type": "object", "subtype": "datacube"},
    ):
        assert len(errors(wrong)) == 1, wrong


@requirement(497)
def test_validation_of_the_graph(user: httpx.Client) -> None:
    """All faults of a graph are found at once, and each names its node."""
    graph: Graph = {
        "spinner": node("spin"),
        "half": node("add", x=1),
        "text": node("add", x="one", y=2),
        "dangling": node("add", x={"from_node": "nowhere"}, y=1),
        "stray": node("add", x={"from_parameter": "nothing"}, y=1),
        "edge": node("load_collection", id="x", spatial_extent={"west": 2, "east": 1, "south": 0, "north": 1},
                     temporal_extent=None),
        "last": {**node("add", x=1, y=2), "result": True},
    }  # fmt: skip
    given = {"process_graph": graph, "parameters": []}
    errors = body(user.post("/validation", json=given), "/validation")["errors"]
    messages = "\n".join(each["message"] for each in errors)
    for name in ("spinner", "half", "text", "dangling", "stray", "edge"):
        assert f"'{name}'" in messages, messages
    assert {each["code"] for each in errors} == {
        "CollectionNotFound",
        "ProcessUnsupported",
        "ProcessParameterRequired",
        "ProcessParameterInvalid",
        "ProcessGraphInvalid",
    }
    nested = {"process_graph": {"a": {**node("add", x={"from_parameter": "no"}, y=1), "result": True}}}
    apply = {
        "load": ndvi()["load"],
        "apply": {**node("apply", data={"from_node": "load"}, process=nested), "result": True},
    }
    given = {"process_graph": apply, "parameters": []}
    assert len(user.post("/validation", json=given).json()["errors"]) == 1
