"""JSON Schemas of process definitions: whether they are valid, what fits them, and which types they let through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema_rs

ALL = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})

_UNJUDGED = ("process-graph", "datacube", "raster-cube", "vector-cube")
"""Subtypes whose values are no JSON, or graphs: only their type is judged."""

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (Mapping, "object"),
)


def is_schema(schema: Any) -> str | None:
    """Why something is not a JSON Schema of draft 7, None when it is one.

    What a reference to somewhere else leads to is not looked at: a schema must not make the tool send requests.
    """
    if not isinstance(schema, Mapping):
        return "it is no object"
    try:
        _validator(schema)
    except _Elsewhere:
        return None
    except ValueError as error:
        return str(error.args[0] if error.args else error).splitlines()[0][:200]
    return None


class _Elsewhere(Exception):
    """A schema refers to another document."""


def _validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft7Validator:
    asked: list[str] = []

    def retrieve(uri: str) -> Any:
        asked.append(uri)
        raise LookupError(uri)

    try:
        return jsonschema_rs.Draft7Validator(dict(schema), retriever=retrieve)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        if asked:
            raise _Elsewhere from error
        raise


def alternatives(schema: Any) -> list[Mapping[str, Any]]:
    """The schemas of a parameter: one, or an array of which any may fit."""
    return [each for each in (schema if isinstance(schema, list) else [schema]) if isinstance(each, Mapping)]


def fits(value: Any, schema: Any) -> bool:
    """Whether a value fits a schema, or one of several; schemas that are none, or cannot be resolved, let all in."""
    found = alternatives(schema)
    return not found or any(_fits(value, each) for each in found)


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    plain = (
        {"type": schema["type"]} if schema.get("subtype") in _UNJUDGED and "type" in schema else dict(schema)
    )
    try:
        return bool(_validator(plain).is_valid(value))
    except (_Elsewhere, ValueError):
        return True


def types_of(schema: Any) -> frozenset[str]:
    """JSON types that a schema, or an array of alternatives, lets through; integers are numbers too."""
    found = alternatives(schema)
    return frozenset().union(*map(_types, found)) if found else ALL


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    if "const" in schema:
        return _with_integers({_kind(schema["const"])})
    given = schema.get("type")
    types = ALL
    if isinstance(given, str):
        types = _with_integers({given})
    elif isinstance(given, list):
        types = _with_integers(each for each in given if isinstance(each, str))
    elif isinstance(schema.get("enum"), list):
        types = _with_integers(_kind(each) for each in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            types &= types_of(schema[key])
    if isinstance(schema.get("allOf"), list):
        for each in alternatives(schema["allOf"]):
            types &= _types(each)
    return types


def _kind(value: Any) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


def _with_integers(types: Iterable[str]) -> frozenset[str]:
    found = frozenset(types)
    return found | {"integer"} if "number" in found else found
