"""Searching the catalogue for the items of a cube, within limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from connexeo.generated.errors import OpenEOError, ProcessGraphComplexity
from connexeo.processing.environment import Catalogue, Window
from connexeo.processing.planning.needs import Needs
from connexeo.processing.reading.extents import (
    WGS84,
    Bounds,
    Interval,
    SpatialExtent,
    parse_interval,
    parse_spatial_extent,
)

MOST_ITEMS = 10_000
"""Of one cube; each takes tens of kilobytes and is looked at for each band."""

MANY_ITEMS = 1_000
"""Beyond this many, items of which the graph uses nothing are not searched for.

Up to it they are: an item outside of a filter behind `load_collection` still is a date of the cube, has a part in its
data type, and may be the finest, so that leaving it out could change the result.
"""

OUTSIDE: Final[Bounds] = (0.0, 0.0, -1.0, -1.0)
"""The box of nothing."""

_WORLD = (-180.0, -90.0, 180.0, 90.0)
_MARGIN = 0.01
"""In degrees, around boxes of filters, as edges bend."""
_CLOSE = timedelta(hours=1)
"""Around intervals of filters, as dates are labelled by the first of several items that follow each other closely."""

Item = dict[str, Any]


@dataclass(frozen=True)
class Search:
    """What is asked of a catalogue."""

    catalogue: Catalogue
    collection: str
    interval: Interval | None
    box: Bounds | None = None
    """In WGS 84; None: no limit."""


def find_items(search: Search, needs: Needs | None) -> list[Item]:
    """All items that are found, without what nobody reads of them.

    Raises:
        ProcessGraphComplexity: There are too many.
    """
    items = iter(search.catalogue.items(search.collection, bbox=search.box, interval=search.interval))
    found = [_slim(item) for item in islice(items, MANY_ITEMS + 1)]
    if len(found) <= MANY_ITEMS:
        return found
    narrower = search if needs is None else _narrowed(search, needs)
    if narrower != search:
        return find_items(narrower, None)
    found += (_slim(item) for item in islice(items, MOST_ITEMS - len(found) + 1))
    if len(found) > MOST_ITEMS:
        raise ProcessGraphComplexity(
            f"The extents hold more than {MOST_ITEMS} items of the collection '{search.collection}'. Ask for a smaller "
            "area or a shorter time."
        )
    return found


def search_box(extent: SpatialExtent | None, window: Window | None) -> Bounds | None:
    """The box in WGS 84 that catalogues are searched in; the world where that cannot be told.

    `OUTSIDE` where the extent and the window have nothing in common.
    """
    box = _geographic_box(extent)
    if window is None:
        return box
    around = _geographic_box(SpatialExtent(window.bounds, window.crs)) or _WORLD
    common = around if box is None else _common(box, around)
    return common if common[0] <= common[2] and common[1] <= common[3] else OUTSIDE


def search_boxes(extent: SpatialExtent | None, window: Window | None) -> tuple[Bounds | None, ...]:
    """The boxes, of which one item may lie in several, that together are `search_box`; none where nothing is there."""
    if extent is not None and extent.sides and window is None:
        return extent.sides
    box = search_box(extent, window)
    return () if box is OUTSIDE else (box,)


def find_in_boxes(search: Search, boxes: Sequence[Bounds | None], needs: Needs | None) -> list[Item]:
    """What is found in one of several boxes, each item once; see `find_items`."""
    if len(boxes) == 1:
        return find_items(replace(search, box=boxes[0]), needs)
    found: dict[Any, Item] = {}
    for box in boxes:
        found.update((item.get("id"), item) for item in find_items(replace(search, box=box), needs))
    return list(found.values())


def _narrowed(search: Search, needs: Needs) -> Search:
    """The search with the extents of the filters, as far as these can be understood."""
    try:
        boxes = [_box_around(box) for box in needs.boxes or ()]
        intervals = [_interval_around(each) for each in needs.intervals or ()]
    except OpenEOError:
        return search  # The filter will say what is wrong with its extent.
    if boxes and None not in boxes:
        wests, souths, easts, norths = zip(*(box for box in boxes if box is not None), strict=True)
        around = (min(wests), min(souths), max(easts), max(norths))
        search = replace(search, box=around if search.box is None else _common(around, search.box))
    if intervals and search.interval is not None:
        starts, ends = zip(*intervals, strict=True)
        search = replace(search, interval=_shorter(search.interval, starts, ends))
    return search


def _box_around(box: Any) -> Bounds | None:
    """The surroundings of a bounding box or of geometries; None where they are not known."""
    if isinstance(box, Mapping) and "type" not in box:
        extent = parse_spatial_extent(box, process="filter_bbox", parameter="extent")
    else:
        extent = _extent_of_geometries(box)
    if extent is None or extent.sides or (found := _geographic_box(extent)) in (None, _WORLD):
        return None
    assert found is not None
    west, south, east, north = found
    return west - _MARGIN, south - _MARGIN, east + _MARGIN, north + _MARGIN


def _extent_of_geometries(value: Any) -> SpatialExtent | None:
    import shapely

    from connexeo.processing.vectors import WGS84 as DEGREES
    from connexeo.processing.vectors import read_geometries

    found = read_geometries(value, process="filter_spatial", parameter="geometries")
    if found.crs != DEGREES:
        return None
    west, south, east, north = shapely.total_bounds(found.shapes).tolist()
    return SpatialExtent((west, south, east, north), WGS84)


def _interval_around(extent: Any) -> Interval:
    start, end = parse_interval(extent, process="filter_temporal")
    return (None if start is None else start - _CLOSE), (None if end is None else end + _CLOSE)


def _shorter(
    interval: Interval, starts: tuple[datetime | None, ...], ends: tuple[datetime | None, ...]
) -> Interval:
    """The part of an interval from the first start to the last end."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    start = max(interval[0] or first, min(each or first for each in starts))
    end = min(interval[1] or last, max(each or last for each in ends))
    return (None if start == first else start), (None if end == last else end)


def _common(one: Bounds, other: Bounds) -> Bounds:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _geographic_box(extent: SpatialExtent | None) -> Bounds | None:
    if extent is None:
        return None
    west, south, east, north = extent.to_crs(WGS84).bounds
    known = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    return (west, south, east, north) if known else _WORLD


def _slim(item: Item) -> Item:
    return {key: value for key, value in item.items() if key not in ("links", "geometry")}
