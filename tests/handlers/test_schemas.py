"""Schemas: references, and types in few words."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.handlers.schemas import json_type, resolve


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "any"),
        (None, "any"),
        ({"type": "number"}, "number"),
        ({"type": ["number", "null"]}, "number or null"),
        ({"type": "array", "items": {"type": "number"}}, "array of number"),
        ({"type": "array", "items": {}}, "array"),
        ({"type": "array"}, "array"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"type": "object", "subtype": "raster-cube"}, "raster-cube"),
        ([{"type": "string"}, {"type": "null"}], "string or null"),
        ({"anyOf": [{"type": "string"}, {"type": "string"}, {"$ref": "#/x/link"}]}, "string or link"),
        ({"properties": {}}, "object"),
        ([], "any"),
    ],
)
def test_json_type(schema: Any, words: str) -> None:
    assert json_type(schema) == words


def test_references_are_followed_to_the_end() -> None:
    document = {"a": {"$ref": "#/b~1c/d~0e"}, "b/c": {"d~e": {"type": "string"}}}
    assert resolve(document, {"$ref": "#/a"}) == {"type": "string"}
    assert resolve(document, {"type": "number"}) == {"type": "number"}
