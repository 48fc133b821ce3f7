"""The pixels of a cube that geometries select.

Polygons select the pixels whose centres they intersect, points the pixel with the closest centre, and lines the pixels
whose centres are the closest ones to some point of the line. Where two centres are equally close, it is the eastern or
southern one, whatever the order of the labels. What lies beyond the outer edges of the pixels selects none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.processing.alignment import spacing
from connexeo.processing.cube import ReferenceSystem, coordinates, crs_of
from connexeo.processing.pixel_grids import horizontal_dimensions
from connexeo.processing.placing import Place, place_on
from connexeo.processing.reading.polygons import covered, prepare
from connexeo.processing.vectors import Geometries

if TYPE_CHECKING:
    import xarray as xr
    from shapely import Geometry

Centres = NDArray[Any]
Indices = NDArray[np.intp]

_LINES = frozenset({1, 2})
_POLYGONS = frozenset({3, 6})


@dataclass(frozen=True, eq=False)
class Pixels:
    """Where the pixels of a cube lie."""

    x: Centres
    """Of the columns; in order, ascending or descending."""
    y: Centres
    """Of the rows."""
    crs: ReferenceSystem | None

    @classmethod
    def of(cls, cube: xr.DataArray) -> Pixels:
        """Those of a cube.

        Raises:
            IncompatibleDataCubes: It has no x and y.
        """
        x, y = horizontal_dimensions(cube)
        east, north = (coordinates(cube, one.name).astype(np.float64) for one in (x, y))
        return cls(east, north, crs_of(cube))

    @cached_property
    def edges(self) -> tuple[Centres, Centres]:
        """Outer edges of columns and rows, both ascending; infinite where the size of a single pixel is not known."""
        sizes = [abs(step) if (step := spacing(centres)) else None for centres in (self.x, self.y)]
        size_x, size_y = sizes[0] or sizes[1] or math.inf, sizes[1] or sizes[0] or math.inf
        return _edges(self.x, size_x), _edges(self.y, size_y)

    @property
    def place(self) -> Place:
        """As it is needed to bring geometries there."""
        across, along = self.edges
        sizes = np.concatenate([np.diff(across), np.diff(along)])
        return Place(
            (float(across[0]), float(along[0]), float(across[-1]), float(along[-1])),
            float(sizes.min()),
            self.crs,
        )


@dataclass(frozen=True, eq=False)
class Region:
    """The pixels that geometries select."""

    polygons: tuple[Geometry, ...] = ()
    rows: Indices | None = None
    """Of pixels that points and lines select, with `columns` of the same length."""
    columns: Indices | None = None
    window: tuple[slice, slice] = (slice(0, 0), slice(0, 0))
    """Rows and columns beyond which nothing is selected."""

    def mask(self, pixels: Pixels, rows: slice, columns: slice) -> NDArray[np.bool_]:
        """Whether the pixels of a part of the cube are selected, shape `(y, x)`."""
        inside = covered(self.polygons, pixels.x[columns], pixels.y[rows])
        if self.rows is not None and self.columns is not None:
            row, column = self.rows - rows.start, self.columns - columns.start
            known = (row >= 0) & (row < inside.shape[0]) & (column >= 0) & (column < inside.shape[1])
            inside[row[known], column[known]] = True
        return inside

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        prepare(self.polygons)  # which is lost on the way to another process


def regions_of(geometries: Geometries, pixels: Pixels) -> list[Region]:
    """One region for each geometry, in order; nothing is selected by empty ones and those outside of the pixels."""
    if not len(pixels.x) or not len(pixels.y):
        return [Region() for _ in geometries.shapes]
    return [_region(shape, pixels) for shape in place_on(geometries, pixels.place)]


def union_of(regions: Sequence[Region]) -> Region:
    """What any of the regions selects."""
    windows = [region.window for region in regions if region.window[0].stop > region.window[0].start]
    if not windows:
        return Region()
    rows, columns = (
        slice(min(window[axis].start for window in windows), max(window[axis].stop for window in windows))
        for axis in (0, 1)
    )
    cells = [(one.rows, one.columns) for one in regions if one.rows is not None and one.columns is not None]
    return Region(
        tuple(polygon for region in regions for polygon in region.polygons),
        np.concatenate([row for row, _ in cells]) if cells else None,
        np.concatenate([column for _, column in cells]) if cells else None,
        (rows, columns),
    )


def _region(shape: Geometry | None, pixels: Pixels) -> Region:
    if shape is None or shape.is_empty:
        return Region()
    parts = list(_parts(shape))
    polygons = tuple(part for part in parts if _type(part) in _POLYGONS)
    cells = [_cells(part, pixels) for part in parts if _type(part) not in _POLYGONS]
    prepare(polygons)
    rows = np.concatenate([row for row, _ in cells]) if cells else None
    columns = np.concatenate([column for _, column in cells]) if cells else None
    spans = [_centres_in(polygon.bounds, pixels) for polygon in polygons]
    if rows is not None and columns is not None and len(rows):
        spans.append((_hull(rows), _hull(columns)))
    spans = [span for span in spans if all(part.stop > part.start for part in span)]
    if not spans:
        return Region()
    window = (
        slice(min(row.start for row, _ in spans), max(row.stop for row, _ in spans)),
        slice(min(column.start for _, column in spans), max(column.stop for _, column in spans)),
    )
    return Region(polygons, rows, columns, window)


def _parts(shape: Geometry) -> Iterator[Geometry]:
    """Geometries of one type each."""
    if shape.geom_type == "GeometryCollection":
        for part in shape.geoms:
            yield from _parts(part)
    elif not shape.is_empty:
        yield shape


def _type(shape: Geometry) -> int:
    from shapely import get_type_id

    return int(get_type_id(shape))


def _cells(shape: Geometry, pixels: Pixels) -> tuple[Indices, Indices]:
    """Rows and columns of the pixels that points or lines select, each pixel once."""
    import shapely

    if _type(shape) in _LINES:
        points = [_touched(shapely.get_coordinates(part), pixels) for part in shapely.get_parts(shape)]
        x, y = np.concatenate(points).T
    else:
        x, y = shapely.get_coordinates(shape).T
    across, along = pixels.edges
    inside = (x >= across[0]) & (x <= across[-1]) & (y >= along[0]) & (y <= along[-1])
    columns = np.searchsorted(across, x[inside], side="right") - 1
    rows = np.searchsorted(along, y[inside], side="left") - 1
    columns, rows = np.clip(columns, 0, len(pixels.x) - 1), np.clip(rows, 0, len(pixels.y) - 1)
    if _descends(pixels.x):
        columns = len(pixels.x) - 1 - columns
    if _descends(pixels.y):
        rows = len(pixels.y) - 1 - rows
    flat = np.unique(rows * len(pixels.x) + columns)
    return flat // len(pixels.x), flat % len(pixels.x)


def _touched(vertices: NDArray[np.float64], pixels: Pixels) -> NDArray[np.float64]:
    """A point in each pixel that a line crosses: its vertices, and the middles between edges of pixels."""
    points = [vertices]
    for start, end in pairwise(vertices):
        cuts = [np.array([0.0, 1.0])]
        for axis, edges in enumerate(pixels.edges):
            low, high = sorted((start[axis], end[axis]))
            crossed = edges[np.searchsorted(edges, low, side="right") : np.searchsorted(edges, high)]
            if high > low:
                cuts.append((crossed - start[axis]) / (end[axis] - start[axis]))
        along = np.unique(np.concatenate(cuts))
        middles = (along[:-1] + along[1:]) / 2
        points.append(start + middles[:, None] * (end - start))
    return np.concatenate(points)


def _centres_in(bounds: tuple[float, float, float, float], pixels: Pixels) -> tuple[slice, slice]:
    west, south, east, north = bounds
    return (
        _hull(np.flatnonzero((pixels.y >= south) & (pixels.y <= north))),
        _hull(np.flatnonzero((pixels.x >= west) & (pixels.x <= east))),
    )


def _hull(indices: Indices) -> slice:
    return slice(int(indices.min()), int(indices.max()) + 1) if len(indices) else slice(0, 0)


def _edges(centres: Centres, size: float) -> Centres:
    """Halfway between centres, ascending; beyond the outer ones as far as to the next."""
    ordered = np.sort(centres)
    between = (ordered[:-1] + ordered[1:]) / 2
    if len(ordered) == 1:
        return np.array([ordered[0] - size / 2, ordered[0] + size / 2])
    return np.concatenate([[2 * ordered[0] - between[0]], between, [2 * ordered[-1] - between[-1]]])


def _descends(centres: Centres) -> bool:
    return len(centres) > 1 and bool(centres[0] > centres[-1])
