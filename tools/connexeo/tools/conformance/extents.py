"""Where and when: bounding boxes and time intervals of documents, to compare them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from connexeo.tools.conformance.shapes import mapping, numbers, text

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east and north, in degrees or whatever the axes have."""

    west: float
    south: float
    east: float
    north: float

    @property
    def crosses(self) -> bool:
        """Whether it crosses the antimeridian."""
        return self.west > self.east

    def holds(self, other: Box, slack: float = 0.0) -> bool:
        """Whether another box is inside, with some slack in each direction; crossing ones are taken as a whole turn."""
        latitudes = self.south - slack <= other.south and other.north <= self.north + slack
        if self.crosses or other.crosses:
            return latitudes
        return latitudes and self.west - slack <= other.west and other.east <= self.east + slack

    def meets(self, other: Box, slack: float = 0.0) -> bool:
        """Whether another box has a place in common with this one."""
        latitudes = self.south - slack <= other.north and other.south <= self.north + slack
        if self.crosses or other.crosses:
            return latitudes
        return latitudes and self.west - slack <= other.east and other.west <= self.east + slack

    @property
    def slack(self) -> float:
        """What rounding and the size of pixels may differ by: a hundredth of the longer side."""
        return max(abs(self.east - self.west), abs(self.north - self.south)) * 0.01 + 1e-6

    def __str__(self) -> str:
        return f"[{self.west:g}, {self.south:g}, {self.east:g}, {self.north:g}]"


def box_of(value: Any) -> Box | None:
    """A bounding box of four or six numbers, None for anything else."""
    found = numbers(value, 4, 6)
    if found is None:
        return None
    return Box(*found) if len(found) == 4 else Box(found[0], found[1], found[3], found[4])


def boxes(collection: Mapping[str, Any]) -> list[Box]:
    """The bounding boxes of a collection's extent, as far as they are such; the first is the overall one."""
    given = mapping(mapping(collection.get("extent")).get("spatial")).get("bbox")
    return [box for each in (given if isinstance(given, list) else ()) if (box := box_of(each)) is not None]


def intervals(collection: Mapping[str, Any]) -> list[list[Any]]:
    """The time intervals of a collection's extent; the first is the overall one."""
    given = mapping(mapping(collection.get("extent")).get("temporal")).get("interval")
    found = given if isinstance(given, list) else ()
    return [each for each in found if isinstance(each, list) and len(each) == 2]


def instant(value: Any) -> datetime | None:
    """A date, or date and time, None for anything else; without time zone it is UTC."""
    written = text(value)
    if len(written) < 10:
        return None
    try:
        found = datetime.fromisoformat(written.upper())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_rfc_3339(value: Any) -> bool:
    """Whether a text is a date and time with time zone."""
    return isinstance(value, str) and _RFC_3339.fullmatch(value) is not None and instant(value) is not None


def covers(outer: Sequence[Any], inner: Sequence[Any], slack: timedelta = DAY) -> bool:
    """Whether an interval holds another one, but for some slack at both ends; an open end holds everything."""
    return _reaches(outer[0], inner[0], slack, -1) and _reaches(outer[1], inner[1], slack, 1)


def _reaches(outer: Any, inner: Any, slack: timedelta, direction: int) -> bool:
    """Whether an end lies as far as another one, in one direction of time; what is no time is not judged."""
    if outer is None or inner is None:
        return outer is None
    far, near = instant(outer), instant(inner)
    return far is None or near is None or (near - far) * direction <= slack


def overlap(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two intervals have a time in common, within a day."""
    return _starts_by(one[0], other[1]) and _starts_by(other[0], one[1])


def _starts_by(start: Any, end: Any) -> bool:
    early, late = instant(start), instant(end)
    return early is None or late is None or early - late <= DAY


def to_degrees(box: Box, reference: Any) -> Box | None:
    """A box in degrees, None when its reference system is not an EPSG code, or the box not within it."""
    if isinstance(reference, bool) or not isinstance(reference, int):
        return None
    if reference == 4326:
        return box
    try:
        transformer = Transformer.from_crs(reference, 4326, always_xy=True)
        edges = transformer.transform_bounds(box.west, box.south, box.east, box.north, densify_pts=21)
    except (CRSError, ProjError):
        return None
    return Box(*edges) if all(abs(each) < 1e6 for each in edges) else None


def is_known(reference: int) -> bool:
    """Whether there is a reference system of this EPSG code."""
    try:
        CRS.from_epsg(reference)
    except CRSError:
        return False
    return True
