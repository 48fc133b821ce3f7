"""Which pixels lie in polygons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

if TYPE_CHECKING:
    from shapely import Geometry

_LEAF = 4096
"""Pixels that are looked at one by one, at most; larger areas are often inside or outside as a whole."""


def prepare(polygons: Iterable[Geometry]) -> None:
    """Make the tests of polygons fast; not to be called by several threads at once."""
    for polygon in polygons:
        shapely.prepare(polygon)
        if not polygon.is_empty:
            # GEOS makes its indices when they are first asked for, which threads must not do side by side.
            west, south, east, north = polygon.bounds
            shapely.intersects(polygon, shapely.box(west - 1, south - 1, east + 1, north + 1))


def covered(polygons: Iterable[Geometry], x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether pixel centres intersect a polygon, shape `(y, x)`; points on an edge do.

    `rasterio.features` would be faster, but hides a warning in a way that is not safe with several threads.

    Args:
        polygons: In the reference system of the pixels.
        x: Centres of the columns.
        y: Centres of the rows.
    """
    inside = np.zeros((len(y), len(x)), dtype=bool)
    if not inside.size:
        return inside
    shapes = np.array(list(polygons), dtype=object)
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    near = (west <= x.max()) & (east >= x.min()) & (south <= y.max()) & (north >= y.min())
    for index in np.flatnonzero(near):
        columns = np.flatnonzero((x >= west[index]) & (x <= east[index]))
        rows = np.flatnonzero((y >= south[index]) & (y <= north[index]))
        _cover(inside, shapes[index], rows, columns, x, y)
    return inside


def _cover(
    inside: NDArray[np.bool_],
    polygon: Geometry,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    x: NDArray[Any],
    y: NDArray[Any],
) -> None:
    """Set the pixels of one polygon; areas that its edge crosses are quartered until they are small."""
    areas = [(rows, columns)]
    while areas:
        rows, columns = areas.pop()
        if not len(rows) or not len(columns):
            continue
        part = np.ix_(rows, columns)
        across, along = x[columns], y[rows]
        if len(rows) * len(columns) <= _LEAF or min(len(rows), len(columns)) == 1:
            inside[part] |= shapely.intersects_xy(polygon, *np.meshgrid(across, along))
            continue
        area = shapely.box(across.min(), along.min(), across.max(), along.max())
        if not shapely.intersects(polygon, area):
            continue
        if shapely.covers(polygon, area):
            inside[part] = True
            continue
        row, column = len(rows) // 2, len(columns) // 2
        areas += [(r, c) for r in (rows[:row], rows[row:]) for c in (columns[:column], columns[column:])]
