"""Which pixels lie in polygons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

if TYPE_CHECKING:
    from shapely import Geometry


def prepare(polygons: Iterable[Geometry]) -> None:
    """Make the tests of polygons fast; not to be called by several threads at once."""
    for polygon in polygons:
        shapely.prepare(polygon)


def covered(polygons: Iterable[Geometry], x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether pixel centres intersect a polygon, shape `(y, x)`; points on an edge do.

    `rasterio.features` would be faster, but hides a warning in a way that is not safe with several threads.

    Args:
        polygons: In the reference system of the pixels.
        x: Centres of the columns.
        y: Centres of the rows.
    """
    inside = np.zeros((len(y), len(x)), dtype=bool)
    for polygon in polygons:
        west, south, east, north = polygon.bounds
        columns = np.flatnonzero((x >= west) & (x <= east))
        rows = np.flatnonzero((y >= south) & (y <= north))
        if not len(columns) or not len(rows):
            continue
        part = np.ix_(rows, columns)
        inside[part] |= shapely.intersects_xy(polygon, *np.meshgrid(x[columns], y[rows]))
    return inside
