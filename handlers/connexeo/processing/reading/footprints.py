"""Finding items by area and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connexeo.processing.reading.extents import parse_instant

Document = Mapping[str, Any]
Box = tuple[float, float, float, float]
Interval = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where and when an item is."""

    boxes: tuple[Box, ...]
    """West, south, east, north in WGS 84; two at the antimeridian, none where the item does not tell."""
    start: datetime | None
    end: datetime | None
    """Both included; None where not told."""


def footprint(item: Document) -> Footprint:
    """Where and when an item is; faulty values count as not told."""
    properties = item.get("properties") or {}
    start = _instant(properties.get("start_datetime")) or _instant(properties.get("datetime"))
    end = _instant(properties.get("end_datetime")) or _instant(properties.get("datetime"))
    return Footprint(_boxes(item.get("bbox")), start, end)


def matches(where: Footprint, bbox: Box | None, interval: Interval | None) -> bool:
    """Whether an item may lie in a box and in a half-open interval; what is not told is no reason to exclude it."""
    if bbox is not None and where.boxes and not any(_touch(box, bbox) for box in where.boxes):
        return False
    if interval is None:
        return True
    start, end = interval
    if start is not None and where.end is not None and where.end < start:
        return False
    return end is None or where.start is None or where.start < end


def _instant(text: Any) -> datetime | None:
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _boxes(bbox: Any) -> tuple[Box, ...]:
    if not isinstance(bbox, list) or len(bbox) not in (4, 6):
        return ()
    half = len(bbox) // 2
    try:
        west, south, east, north = (float(bbox[i]) for i in (0, 1, half, half + 1))
    except (TypeError, ValueError):
        return ()
    if west > east:
        return (west, south, 180.0, north), (-180.0, south, east, north)
    return ((west, south, east, north),)


def _touch(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
