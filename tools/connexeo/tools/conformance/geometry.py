"""Geometries of GeoJSON, as far as they are needed: where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connexeo.tools.conformance.extents import Box
from connexeo.tools.conformance.shapes import mapping, objects


def bounds(geometry: Any) -> Box | None:
    """The box around a geometry, None when it is none, or empty."""
    points = list(_points(geometry))
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs), max(ys))


def _points(geometry: Any) -> Iterator[tuple[float, float]]:
    for part in objects(mapping(geometry).get("geometries")):
        yield from _points(part)
    yield from _positions(mapping(geometry).get("coordinates"))


def _positions(value: Any) -> Iterator[tuple[float, float]]:
    if not isinstance(value, list):
        return
    if len(value) >= 2 and all(isinstance(each, int | float) for each in value):
        yield float(value[0]), float(value[1])
        return
    for each in value:
        yield from _positions(each)
