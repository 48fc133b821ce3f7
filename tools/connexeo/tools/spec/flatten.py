"""Takes the parts of ``allOf`` together where they describe one object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.spec.references import resolve

_PROSE = {"title", "description", "example", "examples", "externalDocs", "discriminator"}
_OBJECT = {"type", "properties", "required", "additionalProperties", "allOf", "anyOf", "oneOf"}


def flatten_object(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """One object schema instead of ``allOf``; properties are not looked into.

    A property that several parts declare becomes an ``allOf`` of its own, unless all but one only describe it.
    None when there is no ``allOf`` or a part is more than a plain object.
    """
    if not schema.get("allOf") or not _is_object(document, schema, ()):
        return None
    merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    _absorb(document, schema, merged)
    return {key: value for key, value in merged.items() if value not in ([], {})}


def _absorb(document: Mapping[str, Any], schema: Mapping[str, Any], merged: dict[str, Any]) -> None:
    for part in schema.get("allOf", ()):
        _absorb(document, resolve(document, part), merged)
    for name, entry in schema.get("properties", {}).items():
        present = merged["properties"].get(name)
        if present is None or not set(present) - _PROSE or present == entry:
            merged["properties"][name] = entry
        elif set(entry) - _PROSE:
            merged["properties"][name] = {"allOf": [present, entry]}
    merged["required"] += [name for name in schema.get("required", ()) if name not in merged["required"]]
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            merged.setdefault(keyword, []).extend(schema[keyword])
    for key in schema:
        if key in _PROSE or key.startswith("x-"):
            merged[key] = schema[key]


def _is_object(document: Mapping[str, Any], schema: Mapping[str, Any], within: tuple[int, ...]) -> bool:
    """Whether a schema describes one object: alternatives may only differ in what they require."""
    if id(schema) in within:
        return False
    parts = {key for key in schema if key not in _PROSE and not key.startswith("x-")}
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    open_to_more = schema.get("additionalProperties", True)
    return (
        bool(parts & {"properties", "required", "allOf", "anyOf", "oneOf"})
        and parts <= _OBJECT
        and schema.get("type", "object") == "object"
        and (open_to_more is True or (open_to_more is not False and not set(open_to_more) - _PROSE))
        and all(set(entry) <= {"required", "title", "description"} for entry in alternatives)
        and all(
            _is_object(document, resolve(document, part), (*within, id(schema)))
            for part in schema.get("allOf", ())
        )
    )
