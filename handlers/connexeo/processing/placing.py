"""Geometries brought onto the pixels of a cube: into its reference system, as far as they lie around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from connexeo.processing.alignment import same_crs
from connexeo.processing.cube import ReferenceSystem
from connexeo.processing.vectors import Geometries, Shapes, geometry_labels

if TYPE_CHECKING:
    from pyproj import Transformer

Bounds = tuple[float, float, float, float]

_TURN = 360.0
"""Degrees after which longitudes are the same again."""
_PRECISION = 0.01
"""Of a pixel: how far the edges of geometries may be off, as straight lines bend in another reference system."""
_MOST_PARTS = 10_000
"""Into which edges are cut to bend."""
_SHARES = (0.25, 0.5, 0.75)
"""Where on an edge it is measured how far it bends; some bend both ways."""
_EDGE_POINTS = 51
"""Points per edge of the cube's extent that are projected."""


@dataclass(frozen=True)
class Place:
    """Where the pixels of a cube lie."""

    bounds: Bounds
    """West, south, east, north: outer edges of the pixels."""
    pixel: float
    """The smaller side of a pixel."""
    crs: ReferenceSystem | None


def place_on(geometries: Geometries, place: Place) -> Shapes:
    """Valid geometries in the reference system of a cube, without what lies far from it.

    Straight edges are straight in the reference system of the geometries, and bend on the way. Longitudes count round
    the globe, so geometries may cross the antimeridian in any way, and cubes may have longitudes from 0 to 360.

    Returns:
        As many as there are, in their order; empty ones and None where nothing lies around the cube.
    """
    shapes = _valid(geometries.shapes)
    if geometries.crs is None or place.crs is None or same_crs(geometries.crs, place.crs):
        crs = geometries.crs or place.crs
        return _around(shapes, place.bounds) if _is_geographic(crs) else shapes
    from pyproj import Transformer

    transformer = Transformer.from_crs(geometries.crs, place.crs, always_xy=True)
    area = _area(transformer, place)
    if area is not None:
        geographic = _is_geographic(geometries.crs)
        shapes = _around(shapes, area) if geographic else _clipped(shapes, area)
    bent = shapely.segmentize(shapes, _lengths(shapes, transformer, _PRECISION * place.pixel))
    moved = geometry_labels(shapely.transform(bent, transformer.transform, interleaved=False))
    moved[~_is_finite(moved)] = None
    if _is_geographic(place.crs):
        return _around(moved, place.bounds)
    return moved


def _valid(shapes: Shapes) -> Shapes:
    """With edges that cross each other made into parts, as a ray that counts edges sees them."""
    repaired = geometry_labels(shapes)
    broken = ~shapely.is_valid(repaired) & ~shapely.is_missing(repaired)
    repaired[broken] = _as_polygons(repaired[broken], shapely.make_valid(repaired[broken]))
    return repaired


def _as_polygons(before: Shapes, after: Shapes) -> Shapes:
    """What became of polygons, without the lines and points that parts of them may have shrunk to."""
    kept = geometry_labels(after)
    for index in np.flatnonzero(_is_polygon(before) & ~_is_polygon(after)):
        parts = shapely.get_parts(after[index])
        kept[index] = shapely.union_all(parts[_is_polygon(parts)])
    return kept


def _is_polygon(shapes: Shapes) -> NDArray[np.bool_]:
    return np.isin(shapely.get_type_id(shapes), (3, 6))


def _is_geographic(crs: ReferenceSystem | None) -> bool:
    if crs is None:
        return False
    from pyproj import CRS

    return bool(CRS.from_user_input(crs).is_geographic)


def _area(transformer: Transformer, place: Place) -> Bounds | None:
    """The surroundings of the cube in the reference system of the geometries; None where that has no place for it."""
    from pyproj.enums import TransformDirection
    from pyproj.exceptions import ProjError

    west, south, east, north = place.bounds
    margin = max(2 * place.pixel, 0.01 * (east - west), 0.01 * (north - south))
    try:
        found = transformer.transform_bounds(
            west - margin,
            south - margin,
            east + margin,
            north + margin,
            densify_pts=_EDGE_POINTS,
            direction=TransformDirection.INVERSE,
        )
    except ProjError:
        return None
    left, low, right, high = found
    if not all(map(math.isfinite, found)):
        return None
    return (left, low, right if left <= right else right + _TURN, high)


def _clipped(shapes: Shapes, area: Bounds) -> Shapes:
    """The parts in an area; projections may give nonsense far away from it."""
    box = shapely.box(*area)
    clipped = geometry_labels(shapes)
    across = ~shapely.covered_by(clipped, box) & ~shapely.is_missing(clipped)
    clipped[across] = _as_polygons(clipped[across], shapely.intersection(clipped[across], box))
    return clipped


def _around(shapes: Shapes, area: Bounds) -> Shapes:
    """The parts in an area, counting longitudes round the globe; those that lie in it already stay as they are."""
    west, _, east, _ = area
    if not all(map(math.isfinite, area)):
        return shapes
    inside = shapely.covered_by(shapes, shapely.box(*area)) | shapely.is_missing(shapes)
    if inside.all():
        return shapes
    bounds = shapely.bounds(shapes)
    placed = geometry_labels(shapes)
    parts: list[Any] = [[] for _ in shapes]
    for turn in (0.0, -_TURN, _TURN, -2 * _TURN, 2 * _TURN):
        near = ~inside & (bounds[:, 0] + turn <= east) & (bounds[:, 2] + turn >= west)
        moved = _shifted(shapes[near], turn)
        for index, part in zip(np.flatnonzero(near), _clipped(moved, area), strict=True):
            if not part.is_empty:
                parts[index].append(part)
    for index in np.flatnonzero(~inside):
        found = parts[index]
        placed[index] = found[0] if len(found) == 1 else shapely.union_all(found) if found else None
    return placed


def _shifted(shapes: Shapes, turn: float) -> Shapes:
    if not turn:
        return shapes
    return geometry_labels(
        shapely.transform(shapes, lambda x, y: (x + turn, y), interleaved=False),
    )


def _lengths(shapes: Shapes, transformer: Transformer, tolerance: float) -> NDArray[np.float64]:
    """For each geometry, the length of edges at which they bend by no more than a tolerance."""
    lengths = np.full(len(shapes), math.inf)
    lines, owner = _lines(shapes)
    points, line = shapely.get_coordinates(lines, return_index=True)
    if len(points) < 2 or not tolerance:
        return np.where(np.isfinite(lengths), lengths, np.finfo(float).max)
    edge = line[:-1] == line[1:]
    start, end, of = points[:-1][edge], points[1:][edge], owner[line[:-1][edge]]
    first, last = (np.column_stack(transformer.transform(*each.T)) for each in (start, end))
    apart = np.zeros(len(start))
    for share in _SHARES:
        true = np.column_stack(transformer.transform(*(start + share * (end - start)).T))
        off = np.hypot(*(first + share * (last - first) - true).T)
        apart = np.maximum(apart, np.where(np.isfinite(off), off, 0.0))
    parts = np.clip(np.ceil(np.sqrt(apart / tolerance)), 1, _MOST_PARTS)
    long = parts > 1
    np.minimum.at(lengths, of[long], np.hypot(*(end - start)[long].T) / parts[long])
    return np.where(np.isfinite(lengths), lengths, np.finfo(float).max)


def _lines(shapes: Shapes) -> tuple[Shapes, NDArray[np.intp]]:
    """Rings and lines, and which geometry each is of."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    while (shapely.get_type_id(parts) > 3).any():  # multi geometries in collections
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    rings, of = shapely.get_rings(parts, return_index=True)
    plain = shapely.get_type_id(parts) == 1
    return np.concatenate([rings, parts[plain]]), np.concatenate([owner[of], owner[plain]])


def _is_finite(shapes: Shapes) -> NDArray[np.bool_]:
    infinite: NDArray[np.bool_] = np.isinf(shapely.bounds(shapes)).any(axis=1)
    return ~infinite
