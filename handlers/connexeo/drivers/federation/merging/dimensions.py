"""``cube:dimensions``: no dimension is dropped; extents by their limits, values as an ordered union."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from connexeo.drivers.federation.merging.boxes import is_box, union_of_boxes, union_of_longitudes
from connexeo.drivers.federation.merging.equality import all_same, distinct, same
from connexeo.drivers.federation.merging.extents import union_of_intervals
from connexeo.drivers.federation.merging.instants import is_number, keys
from connexeo.drivers.federation.merging.parts import Context, Said
from connexeo.drivers.federation.merging.presence import BACKENDS, marked
from connexeo.drivers.federation.merging.rules import Rule, ascending, first, first_text, merge_fields, union

GEOGRAPHIC = 4326
"""Reference system of spatial dimensions that name none."""

_PLACES = frozenset({"extent", "values", "bbox"})
"""Properties that are coordinates in the reference system."""


def dimensions(said: Said, context: Context) -> dict[str, Any]:
    """The rule for ``cube:dimensions``: all dimensions by name, each marked when not all have it.

    All are those that describe dimensions.
    """
    maps = [(upstream, value) for upstream, value in said if isinstance(value, Mapping)]
    context = context.within(tuple(upstream for upstream, _ in maps))
    result: dict[str, Any] = {}
    for name in dict.fromkeys(chain.from_iterable(value for _, value in maps)):
        entries = [(upstream, value[name]) for upstream, value in maps if name in value]
        result[name] = dimension(entries, context.below(str(name)))
    return result


def dimension(said: Said, context: Context) -> Any:
    """One dimension of several upstreams.

    Where they disagree on its type or axis, the first upstream decides, and only those of the same kind take part.
    Coordinates in another reference system than the kept one are left out of the limits, and are conflicts.
    """
    having = tuple(upstream for upstream, _ in said)
    objects = [(upstream, value) for upstream, value in said if isinstance(value, Mapping)]
    if not objects:
        return first(said, context)
    kind = _kind(objects[0][1])
    alike = [(upstream, value) for upstream, value in objects if same(_kind(value), kind)]
    if len(alike) < len(said):
        context.note(
            objects[0][1], said, "the back-ends disagree on what the dimension is; the first decides"
        )
    if len(alike) == 1 or all_same(value for _, value in alike):
        merged = {key: value for key, value in alike[0][1].items() if key != BACKENDS}
        return marked(merged, having, context.upstreams)
    return marked(_merged(alike, context), having, context.upstreams)


def _merged(said: Said, context: Context) -> dict[str, Any]:
    here = context.within(tuple(upstream for upstream, _ in said))
    kind = said[0][1].get("type")
    rules = _RULES_OF.get(kind, _RULES) if isinstance(kind, str) else _RULES
    if kind not in ("spatial", "geometry"):
        return merge_fields(said, here, rules)
    kept = _reference_system(said[0][1])
    comparable = [(upstream, value) for upstream, value in said if same(_reference_system(value), kept)]
    foreign = [(upstream, value) for upstream, value in said if not same(_reference_system(value), kept)]
    merged = merge_fields(said, here, rules, leave=_PLACES | {"reference_system"})
    if "reference_system" in said[0][1]:
        merged["reference_system"] = kept
    if foreign:
        systems = [(upstream, _reference_system(value)) for upstream, value in said]
        here.below("reference_system").note(kept, systems, "coordinates of the first upstream are kept")
    geographic = said[0][1].get("axis") == "x" and same(kept, GEOGRAPHIC)
    limits: dict[str, Rule] = {**rules, "extent": _longitudes if geographic else _extent}
    inner = context.within(tuple(upstream for upstream, _ in comparable))
    places = [(upstream, {k: v for k, v in value.items() if k in _PLACES}) for upstream, value in comparable]
    merged |= merge_fields(places, inner, limits)
    for name in sorted(_PLACES):
        others = [(upstream, value[name]) for upstream, value in foreign if name in value]
        if others:
            here.below(name).note(merged.get(name), others, "in another reference system than the one kept")
    return merged


def _kind(dimension: Mapping[str, Any]) -> list[Any]:
    return [dimension.get("type"), dimension.get("axis")]


def _reference_system(dimension: Mapping[str, Any]) -> Any:
    return dimension.get("reference_system", GEOGRAPHIC)


def _pairs(said: Said) -> list[list[Any]]:
    return [value for _, value in said if isinstance(value, list) and len(value) == 2]


def _extent(said: Said, context: Context) -> Any:
    """Limits: open (null) where one is open; texts count as times."""
    pairs = _pairs(said)
    starts = [pair[0] for pair in pairs if pair[0] is not None]
    ends = [pair[1] for pair in pairs if pair[1] is not None]
    if len(pairs) < len(said) or keys(starts) is None or keys(ends) is None:
        return first(said, context)
    return union_of_intervals(pairs)


def _longitudes(said: Said, context: Context) -> Any:
    pairs = _pairs(said)
    if len(pairs) < len(said) or not all(map(is_number, chain.from_iterable(pairs))):
        return first(said, context)
    return list(union_of_longitudes([(pair[0], pair[1]) for pair in pairs]))


def _bbox(said: Said, context: Context) -> Any:
    boxes = [value for _, value in said if is_box(value)]
    return union_of_boxes(boxes) if len(boxes) == len(said) else first(said, context)


def ordered_union(said: Said, context: Context) -> Any:
    """All distinct values: rising when they rise everywhere, falling when they fall everywhere, else as they come."""
    lists = [value for _, value in said if isinstance(value, list)]
    if len(lists) < len(said):
        return first(said, context)
    values = distinct(chain.from_iterable(lists))
    by = keys(values)
    if by is None:
        return values
    # They are all numbers or all texts, so they can be keys.
    rank = dict(zip(values, by, strict=True))
    tracks = [[rank[each] for each in entries] for entries in lists]
    if all(map(ascending, tracks)):
        return sorted(values, key=lambda each: rank[each])
    if all(ascending(track[::-1]) for track in tracks):
        return sorted(values, key=lambda each: rank[each], reverse=True)
    return values


def _step(said: Said, context: Context) -> Any:
    if all_same(value for _, value in said):
        return said[0][1]
    context.note(None, said, "the steps differ, so the spacing is irregular")
    return None


_RULES: dict[str, Rule] = {
    "description": first_text,
    "extent": _extent,
    "values": ordered_union,
    "step": _step,
    "bbox": _bbox,
    "axes": union,
    "geometry_types": union,
}
_RULES_OF: dict[str, dict[str, Rule]] = {"bands": {**_RULES, "values": union}}
