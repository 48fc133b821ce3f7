"""Schemas of the merged document: following references, and naming types in few words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def resolve(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow ``$ref`` until there is none."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def json_type(schema: Any) -> str:
    """Type of a value in few words: ``array of number``, ``raster-cube or null``, ``any``."""
    if isinstance(schema, list):
        return _alternatives(json_type(entry) for entry in schema)
    if not isinstance(schema, Mapping):
        return "any"
    if schema.get("subtype"):
        return str(schema["subtype"])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return _alternatives(json_type(entry) for entry in schema[word])
    kind = schema.get("type")
    if isinstance(kind, list):
        return _alternatives(json_type({**schema, "type": entry}) for entry in kind)
    if kind == "array" and isinstance(schema.get("items"), Mapping) and schema["items"]:
        return f"array of {json_type(schema['items'])}"
    return str(schema.get("format") or kind or ("object" if "properties" in schema else "any"))


def _alternatives(types: Iterator[str]) -> str:
    return " or ".join(dict.fromkeys(types)) or "any"
