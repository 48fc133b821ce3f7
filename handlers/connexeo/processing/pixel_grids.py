"""The pixels of a cube along x and y, and those that it would have in another projection or resolution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from connexeo.generated.errors import IncompatibleDataCubes, ProcessParameterInvalid
from connexeo.processing.alignment import is_even, same_crs, spacing
from connexeo.processing.cube import (
    Dimension,
    ReferenceSystem,
    coordinates,
    crs_of,
    spatial_dimension,
)
from connexeo.processing.values import Block

if TYPE_CHECKING:
    import xarray as xr

MAX_PIXELS = 20_000_000_000
"""Of a warped grid, for each label of the other dimensions: more is a mistake in the resolution."""

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Grid:
    """The pixels of a cube along x and y, counted from the upper left whatever the order of the labels."""

    left: float
    top: float
    width: float
    """Of a pixel, in units of the reference system."""
    height: float
    """Of a pixel, positive."""
    columns: int
    rows: int
    crs: ReferenceSystem
    ascending: bool = False
    """Whether the labels of y ascend."""

    @property
    def affine(self) -> Affine:
        """From column and row to coordinates."""
        return Affine(self.width, 0, self.left, 0, -self.height, self.top)

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north."""
        return (
            self.left,
            self.top - self.rows * self.height,
            self.left + self.columns * self.width,
            self.top,
        )

    def is_same(self, other: Grid) -> bool:
        """Whether the pixels are those of another grid, but for rounding."""
        if (self.columns, self.rows, self.ascending) != (other.columns, other.rows, other.ascending):
            return False
        slack = 1e-6 * min(self.width, self.height)
        near = all(abs(mine - theirs) < slack for mine, theirs in zip(self.bounds, other.bounds, strict=True))
        return near and same_crs(self.crs, other.crs)

    def part(self, rows: slice, columns: slice) -> Grid:
        """A window of the grid."""
        return Grid(
            self.left + columns.start * self.width,
            self.top - rows.start * self.height,
            self.width,
            self.height,
            columns.stop - columns.start,
            rows.stop - rows.start,
            self.crs,
            self.ascending,
        )


def grid_of(cube: xr.DataArray) -> Grid:
    """The grid of a cube.

    Raises:
        IncompatibleDataCubes: The cube has no x and y, no reference system, or labels not evenly spaced.
    """
    x, y = horizontal_dimensions(cube)
    crs = crs_of(cube)
    if crs is None:
        raise IncompatibleDataCubes("The reference system of the data cube is not known.")
    east, north = coordinates(cube, x.name), coordinates(cube, y.name)
    step_x, step_y = spacing(east), spacing(north)
    width, height = abs(step_x or step_y or 0.0), abs(step_y or step_x or 0.0)
    if not width or not height or not len(east) or not len(north):
        raise IncompatibleDataCubes(
            "The resolution of the data cube is not known, it has a single pixel or none."
        )
    if not is_even(east) or not is_even(north):
        raise IncompatibleDataCubes(
            "The pixels of the data cube are not evenly spaced, so they can't be resampled."
        )
    left, top = float(east.min()) - width / 2, float(north.max()) + height / 2
    return Grid(left, top, width, height, len(east), len(north), crs, (step_y or -1.0) > 0)


def resampled_grid(
    grid: Grid, resolution: tuple[float, float], projection: ReferenceSystem | None, align: str
) -> Grid:
    """The grid that covers the same area in another projection or resolution.

    Args:
        grid: The grid.
        resolution: Pixel width and height in units of the target projection; 0 keeps the resolution.
        projection: Target projection; None keeps the projection.
        align: The corner of the area where pixels start, e.g. `upper-left`.

    Raises:
        ProcessParameterInvalid: The projection is not known or has no place for the area, or there are too many pixels.
    """
    bounds, native = _project(grid, projection)
    width, height = resolution[0] or native[0], resolution[1] or native[1]
    columns = max(1, math.ceil((bounds[2] - bounds[0]) / width - 1e-6))
    rows = max(1, math.ceil((bounds[3] - bounds[1]) / height - 1e-6))
    if columns * rows > MAX_PIXELS:
        reason = f"it makes {columns} x {rows} pixels, which are too many."
        raise ProcessParameterInvalid(process="resample_spatial", parameter="resolution", reason=reason)
    left = bounds[2] - columns * width if align.endswith("right") else bounds[0]
    top = bounds[1] + rows * height if align.startswith("lower") else bounds[3]
    return Grid(
        left,
        top,
        width,
        height,
        columns,
        rows,
        grid.crs if projection is None else projection,
        grid.ascending,
    )


@contextmanager
def open_layer(grid: Grid, layer: Block | None) -> Iterator[DatasetReader]:
    """A dataset in memory; without a layer it has no pixels, only a grid."""
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            count=1,
            dtype="uint8" if layer is None else layer.dtype,
            width=grid.columns,
            height=grid.rows,
            transform=grid.affine,
            crs=as_crs(grid.crs),
            sparse_ok=True,
        ) as dataset:
            if layer is not None:
                dataset.write(layer, 1)
        with memory.open() as dataset:
            yield dataset


def as_crs(crs: ReferenceSystem) -> CRS:
    """As rasterio takes it.

    Raises:
        CRSError: It is not known.
    """
    return CRS.from_user_input(crs if isinstance(crs, str | int) else dict(crs))


def horizontal_dimensions(cube: xr.DataArray) -> tuple[Dimension, Dimension]:
    """Those of the axes x and y.

    Raises:
        IncompatibleDataCubes: One of them is missing.
    """
    x, y = spatial_dimension(cube, "x"), spatial_dimension(cube, "y")
    if x is None or y is None:
        raise IncompatibleDataCubes("The data cube has no horizontal spatial dimensions.")
    return x, y


def _project(grid: Grid, projection: ReferenceSystem | None) -> tuple[Bounds, tuple[float, float]]:
    """Bounds and pixel size of a grid in another projection, as gdalwarp chooses them."""
    if projection is None:
        return grid.bounds, (grid.width, grid.height)
    try:
        source, target = as_crs(grid.crs), as_crs(projection)
        if source == target:  # nothing is projected, and pixels need not become square
            return grid.bounds, (grid.width, grid.height)
        with open_layer(grid, None) as dataset, WarpedVRT(dataset, crs=target) as warped:
            affine = warped.transform
        projected = transform_bounds(source, target, *grid.bounds)
    except (CRSError, RasterioError) as error:
        what = "is not known" if isinstance(error, CRSError) else "has no place for the data cube"
        reason = f"the reference system {str(projection)[:100]!r} {what}."
        raise ProcessParameterInvalid(
            process="resample_spatial", parameter="projection", reason=reason
        ) from error
    return projected, (abs(affine.a), abs(affine.e))
