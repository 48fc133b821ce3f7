"""Process definitions prepared for checks."""

import pickle
from typing import Any

import pytest

from connexeo.processing.definitions import (
    ANYTHING,
    Definitions,
    Parameter,
    ProcessDefinition,
    compatible,
    default_definitions,
    kinds_of,
    read_parameters,
)
from connexeo.processing.registry import implemented

CUBE = {"type": "object", "subtype": "datacube"}


def parameter(schema: Any, **more: Any) -> Parameter:
    return read_parameters([{"name": "p", "description": "", "schema": schema, **more}])["p"]


@pytest.mark.parametrize(
    ("schemas", "kinds"),
    [
        ([{"type": "number"}], {"number"}),
        ([{"type": ["number", "null"]}], {"number", "null"}),
        ([CUBE, {"type": "string"}], {"datacube", "string"}),
        ([{"type": "object", "subtype": "raster-cube"}], {"datacube"}),
        ([{"type": "object"}], {"object", "datacube", "ml-model"}),
        ([{"type": "object", "subtype": "ml-model"}], {"ml-model"}),
        ([{"type": "object", "subtype": "bounding-box"}], {"object"}),
        ([{"type": "object", "subtype": "process-graph"}], {"process-graph"}),
        ([{"anyOf": [{"type": "array"}, {"type": "null"}]}], {"array", "null"}),
        ([{"description": "Any data type."}], ANYTHING),
        ([{"type": "number"}, {}], ANYTHING),
    ],
)
def test_kinds(schemas: list[dict[str, Any]], kinds: Any) -> None:
    assert kinds_of(schemas) == kinds


@pytest.mark.parametrize(
    ("given", "accepted", "fits"),
    [
        ({"number"}, {"number", "null"}, True),
        ({"integer"}, {"number"}, True),
        ({"number"}, {"integer"}, True),
        ({"datacube"}, {"number"}, False),
        ({"array"}, {"datacube"}, False),
        (ANYTHING, {"datacube"}, True),
        ({"datacube"}, ANYTHING, True),
    ],
)
def test_compatibility(given: Any, accepted: Any, fits: bool) -> None:
    assert compatible(frozenset(given), frozenset(accepted)) is fits


def test_parameters_with_a_default_are_optional() -> None:
    assert parameter({}).required
    assert not parameter({}, optional=True).required
    assert not parameter({}, default=5).required


def test_ranges_of_pixels_are_not_refused_but_those_of_settings_are() -> None:
    assert parameter({"type": ["number", "null"], "minimum": 0}).is_valid(-1)
    assert not parameter({"type": "number", "minimum": 0}).is_valid(-1)


def test_references_are_accepted_anywhere_in_a_value() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "number"}, "b": {"type": "array", "items": {"type": "string"}}},
    }
    known = parameter(schema)
    assert known.is_valid_with_references({"a": {"from_node": "n"}, "b": ["x", {"from_parameter": "p"}]})
    assert not known.is_valid_with_references({"a": {"from_node": "n"}, "b": [5]})
    assert not known.is_valid_with_references({"a": {"from_node": "n", "other": 1}})
    assert not known.is_valid_with_references({"b": [{"from_node": "n"}]})


def test_parameters_can_be_pickled_after_use() -> None:
    known = parameter({"type": "number"})
    assert known.is_valid(1)
    copy = pickle.loads(pickle.dumps(known))
    assert copy == known
    assert copy.is_valid(1)


def test_callbacks() -> None:
    inner = [{"name": "x", "schema": {"type": "number"}}, {"name": "context", "schema": {}, "default": None}]
    schema = {
        "type": "object",
        "subtype": "process-graph",
        "parameters": inner,
        "returns": {"schema": {"type": "boolean"}},
    }
    signature = parameter([{"type": "null"}, schema]).callback
    assert signature is not None
    assert list(signature.parameters) == ["x", "context"]
    assert signature.returns == {"boolean"}
    assert signature.defaults == {"context": None}
    many = parameter({"type": "object", "subtype": "metadata-filter", "additionalProperties": schema})
    assert many.callback is None
    assert many.callbacks is not None


def test_processes_without_parameters_told_are_open() -> None:
    assert ProcessDefinition.from_json({"id": "a"}).open
    assert not ProcessDefinition.from_json({"id": "a", "parameters": []}).open


def test_definitions_are_a_mapping(all_definitions: Definitions) -> None:
    some = all_definitions.restricted_to({"add", "nope"})
    assert list(some) == ["add"]
    assert some["add"]["id"] == "add"
    assert some.read("add") is some.read("add")
    assert some.read("nope") is None


def test_only_implemented_processes_are_offered_by_default() -> None:
    assert set(default_definitions()) <= implemented()
    assert "load_collection" in default_definitions()


def test_every_schema_of_the_contract_can_be_checked(all_definitions: Definitions) -> None:
    for process_id in all_definitions:
        definition = all_definitions.read(process_id)
        assert definition is not None
        for known in definition.parameters.values():
            if not known.required and known.default is not None:
                assert known.is_valid(known.default), (process_id, known.name)
                assert known.is_valid_with_references(known.default)
