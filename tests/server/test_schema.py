"""OpenAPI 3.0 schemas as validators."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.server.schema import SchemaCompiler, to_json_schema

DOCUMENT = {
    "components": {
        "schemas": {
            "name": {"type": "string", "pattern": "^a", "nullable": True},
            "tree": {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/tree"}}},
            "nullable": {"type": "integer"},
        }
    }
}


@pytest.mark.parametrize(
    ("schema", "accepted", "refused"),
    [
        ({"type": "string"}, ["a"], [None, 1]),
        ({"type": "string", "nullable": True}, ["a", None], [1]),
        ({"type": "string", "enum": ["a"], "nullable": True}, ["a", None], ["b"]),
        ({"type": "string", "enum": ["a", None], "nullable": True}, ["a", None], ["b"]),
        ({"allOf": [{"type": "object"}], "nullable": True}, [{}, None], [1]),
        ({"nullable": True}, [None, 1, "a", {}], []),
        ({"$ref": "#/components/schemas/name"}, ["abc", None], ["b", 1]),
        ({"$ref": "#/components/schemas/tree"}, [{"child": {"child": {}}}], [{"child": {"child": 1}}]),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, [1, 0.1], [0, -1]),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": False}, [0], [-1]),
        ({"type": "number", "maximum": 9, "exclusiveMaximum": True}, [8.9], [9, 10]),
        ({"type": "number", "exclusiveMaximum": True}, [8.9], ["a"]),
        ({"type": "integer"}, [2, 2.0, 2**70, 2.0**70], [2.5, "2", None]),
        ({"type": "string", "format": "date-time"}, ["2020-01-01T00:00:00Z"], ["2020-01-01", "soon"]),
        ({"type": "object", "properties": {"title": {"type": "integer"}}}, [{"title": 1}], [{"title": "a"}]),
        (
            {"type": "object", "properties": {"nullable": {"type": "integer"}}},
            [{}, {"nullable": 1}],
            [{"nullable": "a"}],
        ),
        ({"type": "object", "required": ["title"]}, [{"title": 1}], [{}]),
        ({"type": "object", "additionalProperties": False, "properties": {"a": {}}}, [{"a": 1}], [{"b": 1}]),
    ],
)
def test_compiled_schema(schema: dict[str, Any], accepted: list[Any], refused: list[Any]) -> None:
    validator = SchemaCompiler(DOCUMENT).compile(schema)
    assert [value for value in accepted if not validator.is_valid(value)] == []
    assert [value for value in refused if validator.is_valid(value)] == []


def test_prose_is_left_out_but_not_properties_of_that_name() -> None:
    schema = {
        "description": "x",
        "x-extension": 1,
        "properties": {"description": {"type": "string", "title": "T"}, "x-own": {"example": 1}},
        "required": ["description"],
    }
    assert to_json_schema(schema) == {
        "properties": {"description": {"type": "string"}, "x-own": {}},
        "required": ["description"],
    }
