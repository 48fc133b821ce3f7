"""The nearest pixels of a grid for the pixels of another one: where they are, found once for all bands and dates.

GDAL's warper does the same, but sets up anew for each file what takes longer than reading a map tile: which pixel of a
file is nearest depends on the two grids only, and all dates and bands of a tile share them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connexeo.processing.reading.extents import transformer_between
from connexeo.processing.reading.grids import Grid

_CELLS = 16
"""Cells along each edge of an area at whose corners coordinates are transformed; between them they are interpolated."""

_ACCURACY = 0.1
"""Pixels of the area by which interpolated positions may be wrong; beyond, each pixel is transformed."""

_EDGE = 1e-6
"""In pixels: positions on an edge are inside whatever the rounding."""


@dataclass(frozen=True, eq=False)
class Sampling:
    """Where the pixels of an area lie in a source."""

    rows: slice
    """Of the source, to be read."""
    columns: slice
    shape: tuple[int, int]
    """Rows and columns that these are to be read as; fewer where the source is finer than the area."""
    index: NDArray[np.intp]
    """For each pixel of the area, the position in what was read, flattened."""
    inside: NDArray[np.bool_]
    """Which pixels of the area lie in the source."""

    def take(self, values: NDArray[Any]) -> NDArray[Any]:
        """The area's pixels of what was read; those outside have some value."""
        return values.reshape(-1)[self.index]


@lru_cache(maxsize=64)
def sample(source: Grid, area: Grid) -> Sampling | None:
    """The nearest pixels of a source for those of an area; None where it has none."""
    columns, rows = _positions(source, area)
    inside = (columns > -_EDGE) & (columns < source.width + _EDGE)
    inside &= (rows > -_EDGE) & (rows < source.height + _EDGE)
    if not inside.any():
        return None
    top, bottom, across = _range(rows[inside], source.height, int(inside.any(axis=1).sum()))
    left, right, along = _range(columns[inside], source.width, int(inside.any(axis=0).sum()))
    shape = math.ceil((bottom - top) / across), math.ceil((right - left) / along)
    row = np.clip((np.where(inside, rows, top) - top) * (shape[0] / (bottom - top)), 0, shape[0] - 1)
    column = np.clip((np.where(inside, columns, left) - left) * (shape[1] / (right - left)), 0, shape[1] - 1)
    index = row.astype(np.intp) * shape[1] + column.astype(np.intp)
    return Sampling(slice(top, bottom), slice(left, right), shape, index, inside)


def _range(positions: NDArray[Any], length: int, pixels: int) -> tuple[int, int, int]:
    """Start and stop in the source, and how many of its pixels are to be read as one: a power of two.

    Overviews are made by powers of two, and so their pixels are read as they are.
    """
    low, high = float(positions.min()), float(positions.max())
    density = (high - low) / max(pixels - 1, 1)
    step = 1 << math.floor(math.log2(density)) if density >= 2 else 1
    first = max(0, min(math.floor(low), length - 1)) // step * step
    last = max(min(length, math.floor(high) + 1), first + 1)
    return first, min(length, first + math.ceil((last - first) / step) * step), step


def _positions(source: Grid, area: Grid) -> tuple[NDArray[Any], NDArray[Any]]:
    """Column and row in the source, fractions included, of the centres of the area's pixels; both `(y, x)`."""
    transformer = transformer_between(area.crs, source.crs)
    if transformer is None:
        columns, rows = (area.x - source.west) / source.step_x, (source.north - area.y) / source.step_y
        full = np.broadcast_arrays(columns[None, :], rows[:, None])
        return full[0], full[1]
    coarse = _interpolated(transformer, source, area)
    return coarse if coarse is not None else _transform(transformer, source, area.x, area.y)


def _transform(
    transformer: Any, source: Grid, x: NDArray[Any], y: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Positions in the source; NaN where the source's reference system has no place."""
    eastings, northings = transformer.transform(*np.meshgrid(x, y))
    finite = np.isfinite(eastings) & np.isfinite(northings)
    columns = np.where(finite, (eastings - source.west) / source.step_x, np.nan)
    rows = np.where(finite, (source.north - northings) / source.step_y, np.nan)
    return columns, rows


def _interpolated(transformer: Any, source: Grid, area: Grid) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Positions between few that are transformed; None where that is not accurate enough."""
    if area.width < 2 * _CELLS or area.height < 2 * _CELLS:
        return None
    # Twice as fine as what is interpolated from: every second position tells how wrong that is.
    west, south, east, north = area.bounds
    x, y = np.linspace(west, east, 2 * _CELLS + 1), np.linspace(north, south, 2 * _CELLS + 1)
    found = []
    both = _transform(transformer, source, x, y)
    for positions, pixels in zip(both, (area.width, area.height), strict=True):
        if not np.isfinite(positions).all():
            return None
        corners = positions[::2, ::2]
        guessed = _bilinear(corners, np.arange(2 * _CELLS + 1) / 2, np.arange(2 * _CELLS + 1) / 2)
        span = max(float(np.ptp(positions)) / pixels, 1e-9)
        if np.abs(guessed - positions).max() > _ACCURACY * span:
            return None
        where = [(np.arange(n) + 0.5) * (_CELLS / n) for n in (area.height, area.width)]
        found.append(_bilinear(corners, *where))
    return found[0], found[1]


def _bilinear(corners: NDArray[Any], rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[Any]:
    """Values between those at whole positions."""
    r = np.minimum(rows.astype(int), len(corners) - 2)
    c = np.minimum(columns.astype(int), corners.shape[1] - 2)
    down, right = (rows - r)[:, None], columns - c
    # Along rows first: few of them are there, all of the columns are needed.
    lines = corners[:, c] * (1 - right) + corners[:, c + 1] * right
    result: NDArray[Any] = lines[r] * (1 - down) + lines[r + 1] * down
    return result
