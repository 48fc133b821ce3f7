"""Spatial and temporal extents of collections: the union first, as STAC asks, then the distinct parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connexeo.drivers.federation.merging.boxes import covers, is_box, union_of_boxes
from connexeo.drivers.federation.merging.equality import all_same, distinct
from connexeo.drivers.federation.merging.instants import greatest, keys, least
from connexeo.drivers.federation.merging.parts import Context, Said
from connexeo.drivers.federation.merging.rules import general, merge_fields

Interval = Sequence[Any]


def extent(said: Said, context: Context) -> Any:
    """The rule for ``extent``."""
    return merge_fields(said, context, {"spatial": _spatial, "temporal": _temporal})


def _spatial(said: Said, context: Context) -> Any:
    return merge_fields(said, context.within(tuple(upstream for upstream, _ in said)), {"bbox": bboxes})


def _temporal(said: Said, context: Context) -> Any:
    return merge_fields(
        said, context.within(tuple(upstream for upstream, _ in said)), {"interval": intervals}
    )


def bboxes(said: Said, context: Context) -> Any:
    """The box around all, then all distinct parts when there are two or more."""
    return _united(said, context, is_box, union_of_boxes, covers)


def intervals(said: Said, context: Context) -> Any:
    """The interval around all, open where one is, then all distinct parts when there are two or more."""
    return _united(said, context, is_interval, union_of_intervals, _contains)


def is_interval(value: Any) -> bool:
    """Whether a JSON value is a pair of times, null for an open end."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(each is None or isinstance(each, str) for each in value)
    )


def union_of_intervals(intervals: Sequence[Interval]) -> list[Any]:
    """From the earliest start to the latest end; null where one of them is open."""
    starts, ends = [each[0] for each in intervals], [each[1] for each in intervals]
    return [
        None if None in starts else least(starts),
        None if None in ends else greatest(ends),
    ]


def _united(
    said: Said,
    context: Context,
    valid: Callable[[Any], bool],
    unite: Callable[[Sequence[Any]], list[Any]],
    contains: Callable[[Any, Any], bool],
) -> Any:
    everything: list[Any] = []
    parts: list[Any] = []
    for _, value in said:
        entries = [each for each in value if valid(each)] if isinstance(value, list) else []
        everything += entries
        parts += _parts(entries, contains)
    if not everything or all_same(value for _, value in said):
        return general(said, context)
    parts = distinct(parts)
    whole = unite(everything)
    return [whole, *parts] if len(parts) > 1 else [whole]


def _parts(entries: list[Any], contains: Callable[[Any, Any], bool]) -> list[Any]:
    """Without the first entry, when it is what STAC says: the extent around all others.

    With one other entry only (which STAC does not know) both are parts.
    """
    if len(entries) > 2 and all(contains(entries[0], each) for each in entries[1:]):
        return entries[1:]
    return entries


def _contains(outer: Interval, inner: Interval) -> bool:
    early = outer[0] is None or (inner[0] is not None and _ordered(outer[0], inner[0]))
    late = outer[1] is None or (inner[1] is not None and _ordered(inner[1], outer[1]))
    return early and late


def _ordered(one: str, other: str) -> bool:
    pair = keys([one, other])
    return pair is not None and bool(pair[0] <= pair[1])
