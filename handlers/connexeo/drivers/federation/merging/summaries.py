"""Summaries of collections: ranges by their limits, sets by union, bands by name, JSON schemas widened."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from connexeo.drivers.federation.merging.equality import all_same
from connexeo.drivers.federation.merging.instants import greatest, keys, least
from connexeo.drivers.federation.merging.parts import Context, Said
from connexeo.drivers.federation.merging.rules import Rule, first, general, list_by, merge_fields, union
from connexeo.drivers.federation.merging.schemas import widen

MIXED = "a range around all values, for some back-ends list them and others give a range"

_SCHEMA_WORDS = frozenset(
    {
        "$schema",
        "$id",
        "$ref",
        "type",
        "properties",
        "items",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
    }
)

BAND_LISTS = ("bands", "eo:bands", "sar:bands", "raster:bands", "cube:bands")
"""Properties with lists of bands, in collections, summaries, and assets."""


def summaries(said: Said, context: Context) -> dict[str, Any]:
    """The rule for ``summaries``: every key that one of the upstreams has."""
    here = context.within(tuple(upstream for upstream, _ in said))
    names = chain.from_iterable(value for _, value in said if isinstance(value, Mapping))
    return merge_fields(said, here, dict.fromkeys(names, summary) | BAND_RULES)


def summary(said: Said, context: Context) -> Any:
    """One summary of several."""
    said = [(upstream, _modern(value)) for upstream, value in said] if len(said) > 1 else said
    values = [value for _, value in said]
    if all_same(values):
        return values[0]
    if all(isinstance(value, list) for value in values):
        return union(said, context)
    if all(is_range(value) for value in values):
        return _range(said, context)
    if all(isinstance(value, Mapping) for value in values):
        return (
            widen(said, context)
            if any(_SCHEMA_WORDS & set(value) for value in values)
            else general(said, context)
        )
    return _mixed(said, context)


def is_range(value: Any) -> bool:
    """Whether a summary is a range of numbers or times."""
    return isinstance(value, Mapping) and keys([value.get("minimum"), value.get("maximum")]) is not None


def _modern(value: Any) -> Any:
    """Ranges before STAC 1.0 had ``min`` and ``max``."""
    if isinstance(value, Mapping) and set(value) == {"min", "max"}:
        return {"minimum": value["min"], "maximum": value["max"]}
    return value


def _range(said: Said, context: Context) -> Any:
    limits = {"minimum": least, "maximum": greatest}
    if any(keys([value[limit] for _, value in said]) is None for limit in limits):
        return first(said, context)
    rest = merge_fields(said, context.within(tuple(u for u, _ in said)), leave=frozenset(limits))
    return {limit: choose([value[limit] for _, value in said]) for limit, choose in limits.items()} | rest


def _mixed(said: Said, context: Context) -> Any:
    """Sets beside ranges become a range; anything else is as the first upstream has it."""
    limits: list[Any] = []
    for _, value in said:
        if isinstance(value, list):
            limits += value
        elif is_range(value):
            limits += [value["minimum"], value["maximum"]]
        else:
            return first(said, context)
    if not limits or keys(limits) is None:
        return first(said, context)
    kept = {"minimum": least(limits), "maximum": greatest(limits)}
    context.note(kept, said, MIXED)
    return kept


BAND_RULES: dict[str, Rule] = dict.fromkeys(BAND_LISTS, list_by("name", mark=True))
