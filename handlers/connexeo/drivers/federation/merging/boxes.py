"""The union of bounding boxes, on the circle of longitudes where one of them crosses the antimeridian.

As in GeoJSON, a box whose west is greater than its east crosses the antimeridian. Boxes that do not cross are united
by plain minima and maxima, so that the result crosses only when a part does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

Box = Sequence[float]


def is_box(value: Any) -> bool:
    """Whether a JSON value is a box of 4 or 6 numbers."""
    return (
        isinstance(value, list | tuple)
        and len(value) in (4, 6)
        and all(
            isinstance(each, int | float) and not isinstance(each, bool) and isfinite(each) for each in value
        )
    )


def union_of_boxes(boxes: Sequence[Box]) -> list[float]:
    """The smallest box around all; heights only when every box has them, as the others say nothing about them."""
    west, east = union_of_longitudes([(box[0], box[len(box) // 2]) for box in boxes])
    south = min(min(box[1], box[len(box) // 2 + 1]) for box in boxes)
    north = max(max(box[1], box[len(box) // 2 + 1]) for box in boxes)
    if any(len(box) == 4 for box in boxes):
        return [west, south, east, north]
    low, high = min(min(box[2], box[5]) for box in boxes), max(max(box[2], box[5]) for box in boxes)
    return [west, south, low, east, north, high]


def union_of_longitudes(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """West and east of the smallest span around all."""
    distinct = list(dict.fromkeys(spans))
    if len(distinct) == 1:
        return distinct[0]
    crossing = any(west > east for west, east in distinct)
    beyond = any(west < -180 or east > 180 for west, east in distinct)
    if not crossing and (not beyond or all(west >= 0 for west, _ in distinct)):
        return min(west for west, _ in distinct), max(east for _, east in distinct)
    return _on_circle(distinct)


def covers(outer: Box, inner: Box) -> bool:
    """Whether a box lies in another, as far as longitude and latitude go."""
    middle, other = len(outer) // 2, len(inner) // 2
    return (
        outer[1] <= inner[1]
        and outer[middle + 1] >= inner[other + 1]
        and _spans((outer[0], outer[middle]), (inner[0], inner[other]))
    )


def _spans(outer: tuple[float, float], inner: tuple[float, float]) -> bool:
    west, width = _start_and_width(*outer)
    other, other_width = _start_and_width(*inner)
    if width >= 360:
        return True
    return other - west + (360 if other < west else 0) + other_width <= width


def _start_and_width(west: float, east: float) -> tuple[float, float]:
    """West within -180 and 180, and degrees to the east of it."""
    width = east - west if west <= east else (east - west) % 360
    if not -180 <= west < 180:
        west = (west + 180) % 360 - 180
    return west, width


def _on_circle(spans: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """What is left of the circle without its widest gap."""
    placed = sorted(_start_and_width(west, east) for west, east in spans)
    if any(width >= 360 for _, width in placed):
        return -180, 180
    gap, start, end = 0.0, -180.0, 180.0
    # The last ones may reach around to where the first begins.
    reach = max(placed[0][0] + placed[0][1], max(west + width for west, width in placed) - 360)
    for west, width in placed[1:]:
        if west - reach > gap:
            gap, start, end = west - reach, west, reach
        reach = max(reach, west + width)
    if placed[0][0] + 360 - reach > gap:
        gap, start, end = placed[0][0] + 360 - reach, placed[0][0], reach
    if gap <= 0:
        return -180, 180
    return start, end - 360 if end > 180 else end
