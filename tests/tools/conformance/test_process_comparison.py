from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connexeo.tools.conformance.json_types import ALL, fits, is_schema, types_of
from connexeo.tools.conformance.process_comparison import differences, standard_processes
from connexeo.tools.conformance.process_examples import applicable, examples, same
from connexeo.tools.conformance.verdicts import Severity

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "processes"


@pytest.mark.parametrize("name", sorted(standard_processes()))
def test_the_standard_is_equal_to_itself(name: str) -> None:
    assert list(differences(standard_processes()[name], standard_processes()[name])) == []


@pytest.mark.parametrize("name", sorted(standard_processes()))
def test_published_definitions_are_no_violation(name: str) -> None:
    if not REFERENCE.is_dir():
        pytest.skip("the published definitions are not beside the checkout")
    (path,) = REFERENCE.rglob(f"{name}.json")
    assert list(differences(standard_processes()[name], json.loads(path.read_text()))) == []


def _changed(name: str, change: Callable[[dict[str, Any]], Any]) -> list[tuple[str, Severity]]:
    given = copy.deepcopy(dict(standard_processes()[name]))
    change(given)
    return [(each.message, each.severity) for each in differences(standard_processes()[name], given)]


def test_documented_restrictions_are_recommendations() -> None:
    narrower = {"type": "integer"}
    (found,) = _changed("add", lambda given: given["parameters"][0].update(schema=narrower))
    assert found == ("the parameter x does not take null or number, as in the standard", Severity.MINOR)


def test_more_is_no_difference() -> None:
    optional = {"name": "context", "schema": {}, "optional": True}
    assert _changed("add", lambda given: given["parameters"].append(optional)) == []
    assert _changed("add", lambda given: given["parameters"][0].update(schema={})) == []
    assert _changed("add", lambda given: given.update(exceptions={"Own": {"message": "x"}})) == []


def test_what_is_experimental_is_recommended_only() -> None:
    names = [name for name, each in standard_processes().items() if each.get("experimental") is True]
    name = next(each for each in names if standard_processes()[each]["parameters"])
    found = _changed(name, lambda given: given.update(parameters=[]))
    assert found
    assert {severity for _, severity in found} == {Severity.MINOR}


def test_earlier_versions_are_no_violation() -> None:
    (found,) = _changed("save_result", lambda given: given["returns"].update(schema={"type": "boolean"}))
    assert found[1] is Severity.MINOR


def test_a_default_of_another_type_differs() -> None:
    (found,) = _changed("round", lambda given: given["parameters"][1].update(default=False))
    assert found == ("the default of p is False, in the standard 0", Severity.MAJOR)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "number"}, {"number", "integer"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ([{"type": "string"}, {"type": "array"}], {"string", "array"}),
        ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, {"string", "boolean"}),
        ({"type": ["string", "null"], "oneOf": [{"type": "string"}]}, {"string"}),
        ({"enum": ["a", 1, None, True, 1.5]}, {"string", "integer", "null", "boolean", "number"}),
        ({"const": 1}, {"integer"}),
        ({}, ALL),
        ("nothing", ALL),
    ],
)
def test_types_of_schemas(schema: Any, expected: set[str]) -> None:
    assert types_of(schema) == expected


def test_what_is_a_schema() -> None:
    assert is_schema({"type": "string"}) is None
    assert is_schema({"$ref": "#/elsewhere"}) is not None
    assert is_schema({"type": "text"}) is not None
    assert is_schema([]) is not None


def test_references_to_other_documents_are_not_followed() -> None:
    elsewhere = {"$ref": "http://127.0.0.1:1/schema.json"}
    assert is_schema(elsewhere) is None
    assert fits("anything", elsewhere)


def test_what_fits() -> None:
    assert fits(1, [{"type": "string"}, {"type": "number"}])
    assert not fits(True, {"type": "string"})
    assert fits({"from": "anything"}, {"type": "object", "subtype": "datacube", "required": ["x"]})
    assert fits(1, {"type": "broken"})
    assert fits(1, None)


@pytest.mark.parametrize(
    ("given", "expected", "equal"),
    [
        (0.1 + 0.2, 0.3, True),
        (1, True, False),
        ([1, [2.0000001]], [1, [2]], True),
        ([1], [1, 2], False),
        ("NaN", None, True),
        (None, None, True),
        (0, None, False),
        ("a", "a", True),
        ([1], 1, False),
    ],
)
def test_results_are_compared_but_for_rounding(given: Any, expected: Any, equal: bool) -> None:
    assert same(given, expected) is equal


def test_examples_that_stand_for_themselves() -> None:
    definition = {
        "id": "x",
        "parameters": [{"name": "a", "schema": {"type": "number"}}],
        "examples": [
            {"arguments": {"a": 1}, "returns": 1},
            {"arguments": {"a": 1}},
            {"arguments": {"a": {"from_node": "b"}}, "returns": 1},
            {"arguments": {"a": "2020-01-01"}, "returns": 1},
        ],
    }
    found = list(examples(definition))
    assert [each.arguments for each in found] == [{"a": 1}, {"a": "2020-01-01"}]
    assert [applicable(each, definition) for each in found] == [True, False]
