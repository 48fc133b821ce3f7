"""Schemas of requests with less detail, so that the number of different requests stays polite.

The schema of a process describes examples, parameters with JSON Schemas of their own, and links: thousands of ways to
be wrong, of which few lead to code that differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.spec.documents import Document
from connexeo.tools.spec.references import resolve

DEEPER = {"process_graph": 2}
"""Levels that properties are described with in any case: a graph is what a request is about, down to its nodes'
properties.
"""

DEPTH = 2
"""Levels of objects and arrays that are described."""

_PLAIN = (
    "type",
    "enum",
    "nullable",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "pattern",
    "minLength",
    "format",
)
_COMBINED = ("allOf", "anyOf", "oneOf")


def outline(document: Document, schema: Mapping[str, Any], depth: int = DEPTH) -> dict[str, Any]:
    """The schema down to a depth; below only types."""
    schema = resolve(document, schema)
    kept = {key: schema[key] for key in _PLAIN if key in schema}
    for key in _COMBINED:
        if key in schema:
            kept[key] = [outline(document, part, depth) for part in schema[key]]
    if depth == 0:
        return kept
    if "properties" in schema:
        kept["properties"] = {
            name: outline(document, entry, DEEPER.get(name, depth - 1))
            for name, entry in schema["properties"].items()
            if ":" not in name
        }
        kept["required"] = [name for name in schema.get("required", ()) if ":" not in name]
        if not kept["required"]:
            del kept["required"]
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            kept[key] = outline(document, schema[key], depth - 1)
    return kept
