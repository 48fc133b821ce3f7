"""Geometries as RFC 7946 wants them: longitudes and latitudes, cut at the antimeridian, rings by the right hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.formats.interface import BoundingBox
from connexeo.processing.vectors import WGS84, Geometries, Shapes, geometry_labels

_STEPS = 128
"""Pieces that the longer side of a geometry is divided into, to see where it goes around the earth."""
_AROUND = 360.0

Move = Callable[[Any], Any]


def to_wgs84(geometries: Geometries, format_name: str) -> Shapes:
    """The geometries in WGS 84, None for those that are not there or empty.

    Raises:
        FormatUnsuitable: They cannot be placed in WGS 84.
    """
    from pyproj.exceptions import ProjError

    def move(shape: Any) -> Any:
        return Geometries(geometry_labels([shape]), geometries.crs).to_crs(WGS84).shapes[0]

    try:
        moved = [_placed(shape, move) for shape in geometries.shapes]
    except ProjError as error:
        raise _unplaced(format_name) from error
    for shape in moved:
        if shape is not None and not _on_earth(shape):
            raise _unplaced(format_name)
    return geometry_labels(moved)


def bounds_of(shapes: Shapes) -> BoundingBox | None:
    """West, south, east, north of geometries in WGS 84, with west > east where they reach across the antimeridian."""
    import shapely

    parts = shapely.get_parts(shapes[[shape is not None for shape in shapes]])
    if not len(parts):
        return None
    bounds = shapely.bounds(parts)
    west, south = bounds[:, :2].min(axis=0).tolist()
    east, north = bounds[:, 2:].max(axis=0).tolist()
    if west <= -180 and east >= 180:
        order = np.argsort(bounds[:, 0])
        wests, easts = bounds[order, 0], np.maximum.accumulate(bounds[order, 2])
        gaps = wests[1:] - easts[:-1]
        if len(gaps) and gaps.max() > 0:
            widest = int(np.argmax(gaps))
            west, east = float(wests[widest + 1]), float(easts[widest])
    return west, south, east, north


def located(geometries: Geometries) -> dict[str, Any]:
    """The fields of `WrittenFile` that tell where geometries in their own reference system lie."""
    import shapely
    from pyproj import CRS

    bounds = shapely.total_bounds(geometries.shapes).tolist() if len(geometries.shapes) else [math.nan]
    known = None if geometries.crs is None else CRS.from_user_input(geometries.crs)
    if known is None or not all(map(math.isfinite, bounds)):
        return {}
    authority = known.to_authority()
    try:
        bbox = bounds_of(to_wgs84(geometries, "GeoJSON"))
    except FormatUnsuitable:
        bbox = None
    return {
        "bbox": bbox,
        "crs_code": None if authority is None else ":".join(authority),
        "crs_bbox": tuple(bounds),
    }


def _unplaced(format_name: str) -> FormatUnsuitable:
    return FormatUnsuitable(
        f"{format_name} holds longitudes and latitudes, which the geometries do not have and cannot be converted to. "
        "Choose Parquet."
    )


def _on_earth(shape: Any) -> bool:
    west, south, east, north = shape.bounds
    slack = 1e-6
    return (
        all(map(math.isfinite, shape.bounds))
        and -180 - slack <= west <= east <= 180 + slack
        and -90 - slack <= south <= north <= 90 + slack
    )


def _placed(shape: Any, move: Move) -> Any:
    if shape is None or shape.is_empty:
        return None
    moved = move(shape)
    west, _, east, _ = moved.bounds
    if not (math.isfinite(west) and math.isfinite(east)) or max(abs(west), abs(east)) > 10 * _AROUND:
        return moved
    if east - west > _AROUND / 2 and not _same(shape, moved):
        return _oriented(_across(shape, move))
    return _oriented(_cut(moved) if west < -180 or east > 180 else moved)


def _same(shape: Any, moved: Any) -> bool:
    """Whether nothing was converted: then the shape is as wide as its author wanted it."""
    return bool(shape.bounds == moved.bounds)


def _across(shape: Any, move: Move) -> Any:
    """A geometry, parts of which may go across the antimeridian, where its reference system knows no leap."""
    import shapely

    parts = []
    for part in shapely.get_parts(shape):
        moved = move(part)
        side = max(part.bounds[2] - part.bounds[0], part.bounds[3] - part.bounds[1])
        if side > 0 and moved.bounds[2] - moved.bounds[0] > _AROUND / 2:
            dense = move(shapely.segmentize(part, side / _STEPS))
            unrolled = _unrolled(dense)
            if unrolled is not None:
                moved = _cut(unrolled)
        parts.append(moved)
    return _gathered(parts)


def _unrolled(shape: Any) -> Any | None:
    """The geometry with longitudes beyond 180 rather than leaps; None where there are no leaps, or around a pole."""
    import shapely

    if shape.geom_type == "LineString":
        line = _without_leaps(shapely.get_coordinates(shape))
        return None if line is None else shapely.LineString(line)
    rings = [shapely.get_coordinates(ring) for ring in (shape.exterior, *shape.interiors)]
    shell = _without_leaps(rings[0])
    if shell is None or abs(shell[0, 0] - shell[-1, 0]) > _AROUND / 2:
        return None
    middle = (shell[:, 0].min() + shell[:, 0].max()) / 2
    holes = []
    for ring in rings[1:]:
        leapless = _without_leaps(ring)
        hole = ring if leapless is None else leapless
        hole[:, 0] += _AROUND * np.round((middle - hole[:, 0].mean()) / _AROUND)
        holes.append(hole)
    return shapely.Polygon(shell, holes)


def _without_leaps(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    steps = np.abs(np.diff(coordinates[:, 0]))
    if not (steps > _AROUND / 2).any():
        return None
    return np.column_stack([np.unwrap(coordinates[:, 0], period=_AROUND), coordinates[:, 1]])


def _cut(shape: Any) -> Any:
    """A geometry with longitudes beyond 180 in parts, each of which lies within."""
    import shapely

    whole = shapely.make_valid(shape)
    first, last = (math.floor((edge + 180) / _AROUND) for edge in (whole.bounds[0], whole.bounds[2]))
    parts = []
    for turn in range(first, last + 1):
        west = turn * _AROUND - 180
        part = shapely.intersection(whole, shapely.box(west, -90, west + _AROUND, 90))
        back = turn * _AROUND
        parts += [
            shapely.transform(piece, lambda x, y, b=back: (x - b, y), interleaved=False)
            for piece in _pieces(part)
            if shapely.get_dimensions(piece) == shapely.get_dimensions(whole)
        ]
    return _gathered(parts)


def _pieces(shape: Any) -> Iterator[Any]:
    import shapely

    for part in shapely.get_parts(shape):
        if hasattr(part, "geoms"):
            yield from _pieces(part)
        elif not part.is_empty:
            yield part


def _gathered(parts: list[Any]) -> Any:
    """One geometry of parts of one kind."""
    import shapely

    pieces = [piece for part in parts for piece in _pieces(part)]
    if len(pieces) == 1:
        return pieces[0]
    kinds = {
        "Point": shapely.MultiPoint,
        "LineString": shapely.MultiLineString,
        "Polygon": shapely.MultiPolygon,
    }
    return kinds[pieces[0].geom_type](pieces)


def _oriented(shape: Any) -> Any:
    """Outer rings counterclockwise, holes clockwise."""
    import shapely
    from shapely.geometry.polygon import orient

    if shape.geom_type == "Polygon":
        return orient(shape)
    if shape.geom_type == "MultiPolygon":
        return shapely.MultiPolygon([orient(part) for part in shape.geoms])
    return shape
