from typing import Any

import pytest

from connexeo.tools.spec.documents import SpecError
from connexeo.tools.spec.json_schema import SchemaJudge

DOCUMENT = {"components": {"schemas": {"name": {"type": "string", "nullable": True, "x-note": "unread"}}}}


@pytest.mark.parametrize(
    ("schema", "value", "valid"),
    [
        ({"type": "string", "nullable": True}, None, True),
        ({"type": "string"}, None, False),
        ({"$ref": "#/components/schemas/name"}, None, True),
        ({"type": "object", "nullable": True, "allOf": [{"type": "object"}]}, None, False),
        ({"type": "string", "nullable": True, "enum": ["a"]}, None, False),
        ({"type": "string", "nullable": True, "enum": ["a", None]}, None, True),
        ({"nullable": True, "allOf": [{"type": "string"}]}, None, False),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, 0, False),
        ({"type": "string", "format": "date-time"}, "2024-02-30T00:00:00Z", False),
        ({"type": "string", "format": "commonmark"}, "*any*", True),
        ({"type": "object", "properties": {"default": {"type": "string"}}}, {"default": 1}, False),
        ({"type": "object", "properties": {"nullable": {"type": "string"}}}, {"nullable": 1}, False),
        ({"type": "string", "example": {"$ref": "#/nowhere"}}, "a", True),
    ],
)
def test_values_are_judged_as_openapi_says(schema: dict[str, Any], value: Any, valid: bool) -> None:
    assert (SchemaJudge(DOCUMENT).compile(schema)(value) == []) is valid


def test_a_fault_names_its_place() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "number"}}}}
    assert SchemaJudge({}).compile(schema)({"a": [1, "2"]}) == ['a/1: "2" is not of type "number"']


def test_a_schema_that_is_none_is_an_error() -> None:
    with pytest.raises(SpecError, match="a schema is not valid"):
        SchemaJudge({}).compile({"type": "text"})
