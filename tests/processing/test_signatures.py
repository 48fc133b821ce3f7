from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.generated.errors import OpenEOError
from connexeo.processing.definitions import Definitions, ProcessDefinition
from connexeo.processing.signatures import signature_faults
from connexeo.processing.validation import validate


def _parameter(schema: Any, **more: Any) -> dict[str, Any]:
    return {"parameters": [{"name": "n", "description": "", "schema": schema, **more}]}


def _messages(process: dict[str, Any]) -> list[str]:
    found = list(signature_faults(process))
    assert {fault.code for fault in found} <= {"ProcessInvalid"}
    return [fault.message for fault in found]


@pytest.mark.parametrize(
    "process",
    [
        {},
        {"parameters": None, "returns": None},
        {"parameters": [], "returns": {"description": "", "schema": {"type": "number"}}},
        _parameter({"type": "number"}, default=5),
        _parameter({"type": "number"}, default=None),
        _parameter([{"type": "number"}, {"type": "string", "pattern": "^a"}], default="ab"),
        _parameter({}, optional=True),
        _parameter({"type": "object", "properties": {"$ref": {"type": "string"}}}),
        _parameter({"type": "object", "default": {"$ref": "a value"}}),
        _parameter(
            {"type": "object", "subtype": "process-graph", "parameters": [{"name": "x", "schema": {}}]},
            default={"process_graph": {}},
        ),
    ],
)
def test_sound_signatures(process: dict[str, Any]) -> None:
    assert _messages(process) == []


@pytest.mark.parametrize(
    ("process", "message"),
    [
        ({"parameters": 5}, "must be an array, not a number"),
        ({"parameters": ["n"]}, "an object with a name"),
        ({"parameters": [{"name": "a", "schema": {}}, {"name": "a", "schema": {}}]}, "two parameters 'a'"),
        ({"returns": "number"}, "must be described by an object, not a string"),
        ({"returns": {"schema": 5}}, "schema of the return value must be an object"),
        (_parameter(5), "schema of parameter 'n' must be an object"),
        (_parameter([5]), "schema of parameter 'n' must be an object"),
        (_parameter({"type": "nuber"}), 'no JSON Schema: "nuber"'),
        (_parameter({"type": "string", "pattern": "("}), "no JSON Schema"),
        (_parameter({"subtype": ["x"]}), "subtype .* must be a string, not a list|an array"),
        (_parameter({"$ref": "#"}), r"has a '\$ref'"),
        (_parameter({"items": {"anyOf": [{"$ref": "file:///etc/hostname"}]}}), r"has a '\$ref'"),
        (_parameter({"type": "number"}, default="five"), "default of parameter 'n'.*number is expected"),
        (
            _parameter({"subtype": "process-graph", "type": "object", "parameters": 5}),
            "must be an array.*the process graph that parameter 'n' takes",
        ),
        (
            _parameter({"additionalProperties": {"subtype": "process-graph", "returns": 5}}),
            "described by an object",
        ),
    ],
)
def test_faults_of_signatures(process: dict[str, Any], message: str) -> None:
    import re

    (found,) = _messages(process)
    assert re.search(message, found)


def test_schemas_are_not_fetched(tmp_path: Any) -> None:
    """Where a reference slips through, because a property has the name of a keyword, it still leads nowhere."""
    schema_file = tmp_path / "schema.json"
    schema_file.write_text('{"type": "number"}')
    schema = {"properties": {"default": {"$ref": schema_file.as_uri()}}}
    (message,) = _messages(_parameter(schema))
    assert "no JSON Schema" in message


def test_wrong_schemas_of_stored_processes_are_faults_of_the_graph(definitions: Definitions) -> None:
    pi = {"pi": {"process_id": "pi", "arguments": {}, "result": True}}
    stored = {"odd": {**_parameter({"type": "nuber"}), "process_graph": pi}}
    graph = {"a": {"process_id": "odd", "arguments": {"n": 1}, "result": True}}
    (fault,) = validate(graph, definitions=definitions, user_processes=stored)
    assert fault.code == "ProcessInvalid"
    assert fault.message.endswith("(in user-defined process 'odd', node 'a')")


KEYWORDS = [
    *("type", "subtype", "schema", "name", "parameters", "returns", "items", "anyOf", "default", "enum"),
    *("additionalProperties", "properties", "optional", "pattern"),
]

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYWORDS),
            inner | st.sampled_from(["process-graph", "datacube", "number", "object", "n"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.fixed_dictionaries({"parameters": _json, "returns": _json}))
def test_whatever_passes_can_be_read(process: dict[str, Any]) -> None:
    faults = list(signature_faults(process))
    assert all(isinstance(fault, OpenEOError) for fault in faults)
    if not faults:
        definition = ProcessDefinition.from_json(process)
        for parameter in definition.parameters.values():
            parameter.is_valid(3)
            parameter.is_valid_with_references({"a": {"from_node": "x"}})
            assert parameter.callback is None or parameter.callback.kinds is not None
            assert parameter.callbacks is None or parameter.callbacks.defaults is not None
