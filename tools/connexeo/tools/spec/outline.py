"""A schema as a tree to read: names, types, what is required, one line about each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connexeo.tools.spec.references import reference_name, resolve

_LIMITS = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minLength": "≥ {} characters",
    "maxLength": "≤ {} characters",
    "minItems": "≥ {} entries",
    "maxItems": "≤ {} entries",
    "minProperties": "≥ {} properties",
    "maxProperties": "≤ {} properties",
    "pattern": "pattern {}",
}


@dataclass(frozen=True, slots=True)
class Outline:
    """One line of the tree."""

    name: str
    """Name of the property; empty at the root, `[]` for the entries of an array, `*` for any other name."""
    type: str
    required: bool
    description: str
    """CommonMark, as in the contract."""
    rules: tuple[str, ...] = ()
    """Limits, allowed values, default, for reading."""
    component: str | None = None
    """Name of the shared schema that this refers to."""
    children: tuple[Outline, ...] = ()
    alternative: bool = False
    """Whether this is one of several schemas for the same place."""


def outline(
    document: Mapping[str, Any],
    schema: Any,
    *,
    name: str = "",
    required: bool = True,
    inline: int = 0,
    within: tuple[str, ...] = (),
) -> Outline:
    """The tree of a schema.

    Args:
        document: the merged document.
        schema: the schema, or a reference to one.
        name: name of the property that has the schema.
        required: whether that property must be there.
        inline: how many levels of references within the schema are shown in place.
        within: components around this one, where recursion ends.
    """
    component = reference_name(schema)
    resolved = resolve(document, schema)
    if component is None:
        component = _alias(resolved)
        if component is not None:
            resolved = {**resolve(document, resolved["allOf"][0]), **_prose(resolved)}
    opened = component is None or (component not in within and (not within or inline > 0))
    inside = within if component is None else (*within, component)
    depth = inline if component is None or not within else inline - 1
    children: tuple[Outline, ...] = ()
    if opened:
        # What is not a component counts as within something too: references below it are links.
        children = tuple(_children(document, resolved, depth, inside or ("",)))
    return Outline(
        name=name,
        type=_type(document, resolved),
        required=required,
        description=str(resolved.get("description", "")),
        rules=tuple(_rules(resolved)),
        component=component,
        children=children,
    )


def _children(
    document: Mapping[str, Any], schema: Mapping[str, Any], inline: int, within: tuple[str, ...]
) -> Iterator[Outline]:
    def child(node: Any, name: str, required: bool = True) -> Outline:
        return outline(document, node, name=name, required=required, inline=inline, within=within)

    properties, required = _all_properties(document, schema)
    for name, entry in properties.items():
        yield child(entry, name, name in required)
    additional = schema.get("additionalProperties")
    if isinstance(additional, Mapping) and set(additional) - {"description"}:
        yield child(additional, "*", False)
    if schema.get("items"):
        yield child(schema["items"], "[]")
    for keyword, label in (("anyOf", "or"), ("oneOf", "either")):
        for entry in schema.get(keyword, ()):
            content = resolve(document, entry)
            # Null is in the type already, and rules about what is required have no line of their own.
            if content.get("enum") != [None] and set(content) - {"title", "description", "required"}:
                yield replace(child(entry, label), alternative=True)


def _all_properties(
    document: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[dict[str, Any], set[str]]:
    """Properties and required names, with those that come in by ``allOf``."""
    properties: dict[str, Any] = {}
    required: set[str] = set()
    for part in schema.get("allOf", ()):
        more, needed = _all_properties(document, resolve(document, part))
        properties.update(more)
        required |= needed
    for name, entry in schema.get("properties", {}).items():
        if name not in properties or set(entry) - {"description", "title", "example"}:
            properties[name] = entry
    return properties, required | set(schema.get("required", ()))


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    kind = str(schema.get("type", ""))
    if not kind and schema.get("allOf"):
        kind = next((_type(document, resolve(document, part)) for part in schema["allOf"]), "")
    if not kind and "properties" in schema:
        kind = "object"
    if kind == "array":
        entries = resolve(document, schema.get("items", {}))
        kind = f"array of {_type(document, entries)}"
    if schema.get("format"):
        kind = f"{kind} ({schema['format']})"
    kind = kind or ("any of" if "anyOf" in schema else "one of" if "oneOf" in schema else "any")
    return f"{kind} or null" if schema.get("nullable") else kind


def _rules(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("enum"):
        yield " | ".join(_json(value) for value in schema["enum"])
    for key, text in _LIMITS.items():
        if key in schema:
            yield text.format(schema[key])
    if schema.get("uniqueItems"):
        yield "no entry twice"
    if "default" in schema:
        yield f"default {_json(schema['default'])}"
    if schema.get("deprecated") is True:
        yield "deprecated"


def _alias(schema: Mapping[str, Any]) -> str | None:
    """The component of a schema that only adds prose to one."""
    if set(schema) - {"description", "title", "example", "allOf"} or len(schema.get("allOf", ())) != 1:
        return None
    return reference_name(schema["allOf"][0])


def _prose(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "allOf"}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
