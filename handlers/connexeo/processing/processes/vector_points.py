"""Points in geometries: `vector_to_random_points`, `vector_to_regular_points`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from connexeo.generated.errors import CountMismatch, ProcessParameterInvalid
from connexeo.processing.cube import dimensions_of, dimensions_of_type, make_cube
from connexeo.processing.process import process
from connexeo.processing.processes.vector_geometry import is_empty, repaired, require_metres, vectors_in
from connexeo.processing.vectors import features_of, with_features, with_geometries

if TYPE_CHECKING:
    import xarray as xr
    from shapely import Geometry

Points = NDArray[np.float64]
"""Coordinates, shape `(n, 2)`."""

MAX_POINTS = 10_000_000
"""Of all geometries: more is a mistake in the distance or the number."""


@process
def vector_to_random_points(
    data: xr.DataArray,
    geometry_count: int | None = None,
    total_count: int | None = None,
    group: bool = True,
    seed: int | None = None,
) -> xr.DataArray:
    """Draw points from each geometry, everywhere equally likely: in area, along lines, among points.

    With `total_count`, each geometry gets as many as the others as far as it can; chance decides who gets the rest.
    Without groups, the values of a geometry are repeated for each of its points.

    Raises:
        CountMismatch: There are more geometries, empty ones not counted, than `total_count`.
        ProcessParameterInvalid: It is no vector cube, or there would be too many points.
    """
    found = vectors_in(data, "vector_to_random_points", "data")
    shapes = repaired(found.shapes)
    filled = np.flatnonzero(~is_empty(shapes))
    if total_count is not None and total_count < len(filled):
        raise CountMismatch(
            f"{len(filled)} geometries need a point each, but total_count is {total_count}. Raise it, or use fewer."
        )
    # Negative numbers are no seeds for numpy.
    random = np.random.default_rng(None if seed is None else [abs(seed), int(seed < 0)])
    most = np.array([_most(shapes[index]) for index in filled])
    counts = _shares(np.minimum(most, geometry_count or math.inf), total_count, geometry_count, random)
    if counts.sum() > MAX_POINTS:
        raise _too_many("vector_to_random_points", "geometry_count")
    points: list[Points | None] = [None] * len(shapes)
    for index, count in zip(filled.tolist(), counts.tolist(), strict=True):
        points[index] = _draw(shapes[index], count, random)
    return _as_points(data, points, group)


@process
def vector_to_regular_points(data: xr.DataArray, distance: float, group: bool = True) -> xr.DataArray:
    """Place points at regular distances in each geometry.

    Parts of a polygon share one grid, so that points in several of them keep the distance. Along a line it is the
    straight distance from one point to the next, and each part of a line has its own first point. Without groups, the
    values of a geometry are repeated for each of its points.

    Raises:
        UnitMismatch: The reference system is not in metres, or not known.
        ProcessParameterInvalid: It is no vector cube, the distance is not greater than 0, or there are too many points.
    """
    found = vectors_in(data, "vector_to_regular_points", "data")
    require_metres(found)
    if not distance > 0:
        reason = "it must be greater than 0."
        raise ProcessParameterInvalid(process="vector_to_regular_points", parameter="distance", reason=reason)
    shapes = repaired(found.shapes)
    filled = ~is_empty(shapes)
    west, south, east, north = shapely.bounds(shapes[filled]).T
    cells = np.maximum((east - west) / distance, 1) * np.maximum((north - south) / distance, 1)
    steps = shapely.length(shapes[filled]) / distance
    areas = shapely.get_dimensions(shapes[filled]) == 2
    if np.where(areas, cells, steps).sum() > MAX_POINTS:
        raise _too_many("vector_to_regular_points", "distance")
    points = [
        _place(shape, distance) if present else None for shape, present in zip(shapes, filled, strict=True)
    ]
    return _as_points(data, points, group)


def _as_points(data: xr.DataArray, points: Sequence[Points | None], group: bool) -> xr.DataArray:
    """The cube with points for geometries; None: an empty geometry, which stays."""
    name = dimensions_of_type(data, "geometry")[0].name
    old, features = data.coords[name].values, features_of(data)
    if group:
        return with_geometries(
            data,
            [
                empty if found is None else shapely.multipoints(found)
                for empty, found in zip(old, points, strict=True)
            ],
        )
    rows = [1 if found is None else len(found) for found in points]
    source = np.repeat(np.arange(len(points)), rows)
    labels: list[Any] = []
    for empty, found in zip(old, points, strict=True):
        labels += [empty] if found is None else list(shapely.points(found))
    repeated = make_cube(data.isel({name: source}), dimensions_of(data))
    kept = [
        features[index]
        if points[index] is None
        else {key: value for key, value in features[index].items() if key != "id"}
        for index in source.tolist()
    ]
    return with_features(with_geometries(repeated, labels), kept)


def _most(shape: Geometry) -> float:
    """How many different points there are in a geometry."""
    return math.inf if shape.length > 0 else len(np.unique(shapely.get_coordinates(shape), axis=0))


def _shares(
    most: NDArray[np.float64], total: int | None, limit: int | None, random: np.random.Generator
) -> NDArray[np.int64]:
    """How many points each geometry gets, by how many it can have at most."""
    if total is None:
        return np.minimum(most, limit or 1).astype(np.int64)
    counts = np.ones(len(most))
    left = total - len(most)
    while left > 0 and (open_ := np.flatnonzero(counts < most)).size:
        if left < len(open_):
            counts[random.permutation(open_)[:left]] += 1
            break
        more = np.minimum(left // len(open_), most[open_] - counts[open_])
        counts[open_] += more
        left -= int(more.sum())
    return counts.astype(np.int64)


def _draw(shape: Geometry, count: int, random: np.random.Generator) -> Points:
    if shape.area > 0:
        return _draw_in_area(shape, count, random)
    if shape.length > 0:
        return _draw_along(shape, count, random)
    return random.permutation(np.unique(shapely.get_coordinates(shape), axis=0))[:count]


def _draw_in_area(shape: Geometry, count: int, random: np.random.Generator) -> Points:
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(shape))
    areas = shapely.area(triangles)
    chosen = random.choice(len(triangles), count, p=areas / areas.sum())
    corners = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[chosen]
    first, second = random.random((2, count, 1))
    beyond = first + second > 1  # the other half of the parallelogram
    first, second = np.where(beyond, 1 - first, first), np.where(beyond, 1 - second, second)
    points: Points = corners[:, 0] + first * (corners[:, 1] - corners[:, 0])
    points += second * (corners[:, 2] - corners[:, 0])
    return points


def _draw_along(shape: Geometry, count: int, random: np.random.Generator) -> Points:
    # Polygons without area are drawn from along their edge.
    lines = shapely.get_parts(shape.boundary if shapely.get_dimensions(shape) == 2 else shape)
    ends = np.cumsum(shapely.length(lines))
    at = random.random(count) * ends[-1]
    line = np.minimum(np.searchsorted(ends, at, side="right"), len(lines) - 1)
    start = np.concatenate([[0.0], ends])[line]
    return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(lines[line], at - start)))


def _place(shape: Geometry, distance: float) -> Points:
    match shapely.get_dimensions(shape):
        case 0:
            return np.asarray(shapely.get_coordinates(shape))
        case 1:
            parts = [part for part in shapely.get_parts(shape) if not part.is_empty]
            return np.concatenate([_walk(shapely.get_coordinates(part), distance) for part in parts])
    west, south, east, north = shape.bounds
    x = west + distance * (np.arange(math.ceil((east - west) / distance)) + 0.5)
    y = north - distance * (np.arange(math.ceil((north - south) / distance)) + 0.5)
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    shapely.prepare(shape)
    inside: Points = grid[shapely.contains_xy(shape, *grid.T)]
    return inside if len(inside) else np.asarray(shapely.get_coordinates(shape)[:1])


def _walk(vertices: Points, distance: float) -> Points:
    """The first vertex, and every place on the way at which the distance to the point before is reached."""
    points, last = [vertices[0]], vertices[0]
    for start, end in pairwise(vertices):
        position = 0.0
        while (reached := _reaches(start, end, last, distance, position)) is not None:
            position = reached
            last = start + position * (end - start)
            points.append(last)
    return np.array(points)


def _reaches(start: Points, end: Points, last: Points, distance: float, after: float) -> float | None:
    """Where on an edge, as a share of it, the distance to a point is reached; None: nowhere."""
    along, off = end - start, start - last
    a, b, c = float(along @ along), 2 * float(along @ off), float(off @ off) - distance**2
    root = b * b - 4 * a * c
    if not a or root < 0:
        return None
    share = (-b + math.sqrt(root)) / (2 * a)  # coming from within the distance, one leaves it here
    slack = 1e-9
    return min(share, 1.0) if after < share <= 1 + slack else None


def _too_many(process: str, parameter: str) -> ProcessParameterInvalid:
    reason = f"it makes more than {MAX_POINTS} points."
    return ProcessParameterInvalid(process=process, parameter=parameter, reason=reason)
