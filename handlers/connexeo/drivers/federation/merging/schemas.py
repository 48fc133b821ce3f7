"""JSON schemas that differ: one schema that allows what any of them allows, or a list of alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from connexeo.drivers.federation.merging.equality import all_same, distinct, identity
from connexeo.drivers.federation.merging.instants import greatest, keys, least
from connexeo.drivers.federation.merging.parts import Context, Said
from connexeo.drivers.federation.merging.presence import BACKENDS, marked
from connexeo.drivers.federation.merging.rules import (
    NOTHING,
    Rule,
    first,
    first_text,
    general,
    merge_fields,
    union,
)

_PROSE = frozenset({"title", "description", "examples", "$comment", BACKENDS})
_NAME_MAPS = frozenset({"properties", "patternProperties", "definitions", "$defs"})
_VALUES = frozenset({"enum", "const", "default"})

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_RESTRICTING = (
    "const", "format", "pattern", "multipleOf", "uniqueItems", "items", "prefixItems", "additionalItems", "contains",
    "minContains", "maxContains", "patternProperties", "additionalProperties", "unevaluatedItems",
    "unevaluatedProperties", "propertyNames", "dependencies", "dependentRequired", "dependentSchemas",
    "contentEncoding", "contentMediaType", "subtype", "not", "allOf", "oneOf", "anyOf", "if", "then", "else", "$ref",
)  # fmt: skip

WIDER = "the back-ends differ; every value that one of them allows is allowed"


def structure(schema: Any, *, names: bool = False) -> Any:
    """A schema, or anything with schemas in it, without its prose: what decides whether two mean the same."""
    if isinstance(schema, list):
        return [structure(entry) for entry in schema]
    if not isinstance(schema, Mapping):
        return schema
    if names:
        return {name: structure(entry) for name, entry in schema.items()}
    return {
        key: value if key in _VALUES else structure(value, names=key in _NAME_MAPS)
        for key, value in schema.items()
        if key not in _PROSE
    }


def alternatives(said: Said, context: Context) -> Any:
    """The rule for ``schema`` of process parameters and returns: the distinct schemas as openEO's array of them.

    Schemas that differ in prose only count as one, in the words of the first upstream. Each alternative is marked
    with its back-ends when not all have it.
    """
    found: dict[Any, tuple[Any, list[str]]] = {}
    for upstream, value in said:
        for schema in value if isinstance(value, list) else [value]:
            if isinstance(schema, Mapping):
                _, having = found.setdefault(identity(structure(schema)), (schema, []))
                if upstream not in having:
                    having.append(upstream)
    if not found:
        return first(said, context)
    entries = list(found.values())
    if len(entries) == 1:
        return _plain(entries[0][0])
    if any(len(having) < len(said) for _, having in entries):
        context.note(
            [schema for schema, _ in entries], said, "the back-ends differ; their types are alternatives"
        )
    around = [upstream for upstream, _ in said]
    return [marked(_plain(schema), having, around) for schema, having in entries]


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != BACKENDS}


def widen(said: Said, context: Context, rules: Mapping[str, Rule] | None = None) -> Any:
    """One schema that allows whatever one of several allows, keyword by keyword.

    What only some of them restrict is not restricted; that is a conflict, for clients then offer more than some
    back-ends take. Only a property of objects that one schema describes stays described as it is there: the others
    do not know it.

    Args:
        said: schemas.
        context: their place.
        rules: for properties beside the keywords of JSON Schema.
    """
    schemas = [(upstream, value) for upstream, value in said if isinstance(value, Mapping)]
    if len(schemas) < len(said):
        return first(said, context)
    here = context.within(tuple(upstream for upstream, _ in schemas))
    return merge_fields(schemas, here, {**_RULES, **(rules or {})})


def _by_all(rule: Rule) -> Rule:
    """A restriction holds only when every schema has one of its kind."""

    def merge(said: Said, context: Context) -> Any:
        if len(said) < len(context.upstreams):
            context.note(None, said, WIDER)
            return NOTHING
        return rule(said, context)

    return merge


def _restriction(said: Said, context: Context) -> Any:
    if all_same(value for _, value in said):
        return said[0][1]
    context.note(None, said, WIDER)
    return NOTHING


def _lowest(said: Said, context: Context) -> Any:
    return _limit(said, context, least)


def _highest(said: Said, context: Context) -> Any:
    return _limit(said, context, greatest)


def _limit(said: Said, context: Context, choose: Any) -> Any:
    values = [value for _, value in said]
    if keys(values) is None:
        return _restriction(said, context)
    kept = choose(values)
    context.note(kept, said, WIDER)
    return kept


def _types(said: Said, context: Context) -> Any:
    named = distinct(chain.from_iterable(value if isinstance(value, list) else [value] for _, value in said))
    context.note(named, said, WIDER)
    return named[0] if len(named) == 1 else named


def _values(said: Said, context: Context) -> Any:
    merged = union(said, context)
    context.note(merged, said, WIDER)
    return merged


def _required(said: Said, context: Context) -> Any:
    lists = [value for _, value in said]
    if not all(isinstance(value, list) for value in lists):
        return _restriction(said, context)
    common = [name for name in lists[0] if all(name in each for each in lists[1:])]
    context.note(common, said, WIDER)
    return common or NOTHING


def _properties(said: Said, context: Context) -> Any:
    here = context.within(tuple(upstream for upstream, _ in said))
    maps = [value for _, value in said if isinstance(value, Mapping)]
    return merge_fields(said, here, dict.fromkeys(chain.from_iterable(maps), _property))


def _property(said: Said, context: Context) -> Any:
    return widen(said, context) if len(said) > 1 else said[0][1]


_RULES: dict[str, Rule] = {
    **dict.fromkeys(_LOWER, _by_all(_lowest)),
    **dict.fromkeys(_UPPER, _by_all(_highest)),
    **dict.fromkeys(_RESTRICTING, _by_all(_restriction)),
    "type": _by_all(_types),
    "enum": _by_all(_values),
    "required": _by_all(_required),
    "properties": _properties,
    "title": first_text,
    "description": first_text,
    "default": first,
    "examples": general,
}
