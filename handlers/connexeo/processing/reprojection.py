"""Pixel grids, and cubes warped from one grid onto another. This is where GDAL is used."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import CRSError, RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from connexeo.generated.errors import IncompatibleDataCubes, ProcessParameterInvalid
from connexeo.processing.alignment import spacing
from connexeo.processing.blocks import dask_array
from connexeo.processing.cube import (
    Dimension,
    ReferenceSystem,
    change_dimension,
    coordinates,
    crs_of,
    spatial_dimension,
    with_dimensions,
)
from connexeo.processing.values import Block, as_float

if TYPE_CHECKING:
    import xarray as xr

METHODS = {
    "average": Resampling.average,
    "bilinear": Resampling.bilinear,
    "cubic": Resampling.cubic,
    "cubicspline": Resampling.cubic_spline,
    "lanczos": Resampling.lanczos,
    "max": Resampling.max,
    "med": Resampling.med,
    "min": Resampling.min,
    "mode": Resampling.mode,
    "near": Resampling.nearest,
    "q1": Resampling.q1,
    "q3": Resampling.q3,
    "rms": Resampling.rms,
    "sum": Resampling.sum,
}
"""Resampling methods by openEO's names."""

_CHUNK = 1024
"""Pixels along each side of the chunks of a warped cube."""

_KERNEL = 4
"""Pixels around a chunk that the widest method (lanczos) may use, in pixels of the coarser grid."""

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
        IncompatibleDataCubes: The cube has no x and y, no reference system, or labels without a distance.
    """
    x, y = _horizontal(cube)
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


def reproject(cube: xr.DataArray, target: Grid, method: str) -> xr.DataArray:
    """Warp a cube onto another grid; lazily if the cube is lazy. Pixels without source are no-data.

    Args:
        cube: The cube, with all further dimensions in any order.
        target: The grid.
        method: One of `METHODS`.
    """
    x, y = _horizontal(cube)
    source = grid_of(cube)
    further = [str(name) for name in cube.dims if name not in (x.name, y.name)]
    ordered = cube.transpose(*further, y.name, x.name)
    if source.ascending:
        ordered = ordered.isel({y.name: slice(None, None, -1)})
    if _descends(coordinates(cube, x.name)):
        ordered = ordered.isel({x.name: slice(None, None, -1)})
    data = ordered.data.astype(as_float(np.empty(0, cube.dtype)).dtype)
    warped = (
        _warp_lazily(data, source, target, method) if cube.chunks else _Warp(source, target, method)(data)
    )
    if target.ascending:
        warped = warped[..., ::-1, :]
    north, east = _centres(target)
    coords = {y.name: north, x.name: east, "spatial_ref": None}
    result = with_dimensions(cube, warped, [*further, y.name, x.name], coords)
    for one in (x, y):
        result = change_dimension(result, one.name, reference_system=target.crs)
    return result.transpose(*cube.dims)


@dataclass(frozen=True)
class _Warp:
    """Warps a block whose last axes are y and x, north up."""

    source: Grid
    target: Grid
    method: str

    def __call__(self, block: Block) -> Block:
        shape = (*block.shape[:-2], self.target.rows, self.target.columns)
        layers = block.reshape((-1, *block.shape[-2:]))
        result = np.empty((len(layers), *shape[-2:]), block.dtype)
        # Not by `rasterio.warp.reproject`, which hides a warning in a way that is not safe with several threads.
        for layer, place in zip(layers, result, strict=True):
            with _open(self.source, layer) as dataset, self._onto_target(dataset) as warped:
                warped.read(1, out=place)
        return result.reshape(shape)

    def _onto_target(self, dataset: DatasetReader) -> WarpedVRT:
        return WarpedVRT(
            dataset,
            crs=_as_crs(self.target.crs),
            transform=self.target.affine,
            width=self.target.columns,
            height=self.target.rows,
            src_nodata=np.nan,
            nodata=np.nan,
            resampling=METHODS[self.method],
        )


@contextmanager
def _open(grid: Grid, layer: Block | None) -> Iterator[DatasetReader]:
    """A dataset in memory; without a layer it has no pixels, only a grid."""
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            count=1,
            dtype="uint8" if layer is None else layer.dtype,
            width=grid.columns,
            height=grid.rows,
            transform=grid.affine,
            crs=_as_crs(grid.crs),
            sparse_ok=True,
        ) as dataset:
            if layer is not None:
                dataset.write(layer, 1)
        with memory.open() as dataset:
            yield dataset


def _warp_lazily(data: Any, source: Grid, target: Grid, method: str) -> Any:
    """Chunk by chunk of the target, each from the window of the source that it needs."""
    rows = [list(_warp_row(data, source, target, row, method)) for row in _chunks(target.rows)]
    return dask_array().block(rows)


def _warp_row(data: Any, source: Grid, target: Grid, row: slice, method: str) -> Iterator[Any]:
    da = dask_array()
    for column in _chunks(target.columns):
        part = target.part(row, column)
        window = _window(source, part)
        if window is None:
            shape = (*data.shape[:-2], part.rows, part.columns)
            chunks = (*data.chunks[:-2], part.rows, part.columns)
            yield da.full(shape, np.nan, dtype=data.dtype, chunks=chunks)
            continue
        needed = data[..., window[0], window[1]].rechunk({data.ndim - 2: -1, data.ndim - 1: -1})
        chunks = (*needed.chunks[:-2], (part.rows,), (part.columns,))
        meta = np.empty((0,) * data.ndim, data.dtype)
        yield da.map_blocks(
            _Warp(source.part(*window), part, method), needed, dtype=data.dtype, chunks=chunks, meta=meta
        )


def _window(source: Grid, target: Grid) -> tuple[slice, slice] | None:
    """The rows and columns of the source that a target needs; None where it has none."""
    try:
        west, south, east, north = transform_bounds(_as_crs(target.crs), _as_crs(source.crs), *target.bounds)
    except RasterioError:
        return None
    if not all(map(math.isfinite, (west, south, east, north))):
        return None
    margin_x = _KERNEL * max(source.width, (east - west) / target.columns)
    margin_y = _KERNEL * max(source.height, (north - south) / target.rows)
    first_row = max(0, math.floor((source.top - north - margin_y) / source.height))
    last_row = min(source.rows, math.ceil((source.top - south + margin_y) / source.height))
    first_column = max(0, math.floor((west - margin_x - source.left) / source.width))
    last_column = min(source.columns, math.ceil((east + margin_x - source.left) / source.width))
    if first_row >= last_row or first_column >= last_column:
        return None
    return slice(first_row, last_row), slice(first_column, last_column)


def _project(grid: Grid, projection: ReferenceSystem | None) -> tuple[Bounds, tuple[float, float]]:
    """Bounds and pixel size of a grid in another projection, as gdalwarp chooses them."""
    if projection is None:
        return grid.bounds, (grid.width, grid.height)
    try:
        source, target = _as_crs(grid.crs), _as_crs(projection)
        if source == target:  # nothing is projected, and pixels need not become square
            return grid.bounds, (grid.width, grid.height)
        with _open(grid, None) as dataset, WarpedVRT(dataset, crs=target) as warped:
            affine = warped.transform
        projected = transform_bounds(source, target, *grid.bounds)
    except (CRSError, RasterioError) as error:
        what = "is not known" if isinstance(error, CRSError) else "has no place for the data cube"
        reason = f"the reference system {str(projection)[:100]!r} {what}."
        raise ProcessParameterInvalid(
            process="resample_spatial", parameter="projection", reason=reason
        ) from error
    return projected, (abs(affine.a), abs(affine.e))


def _as_crs(crs: ReferenceSystem) -> CRS:
    return CRS.from_user_input(crs if isinstance(crs, str | int) else dict(crs))


def _chunks(size: int) -> Iterator[slice]:
    return (slice(start, min(start + _CHUNK, size)) for start in range(0, size, _CHUNK))


def _descends(labels: np.ndarray[Any, np.dtype[Any]]) -> bool:
    return len(labels) > 1 and bool(labels[0] > labels[-1])


def _centres(grid: Grid) -> tuple[np.ndarray[Any, np.dtype[Any]], np.ndarray[Any, np.dtype[Any]]]:
    """Labels of y and x."""
    north = grid.top - (np.arange(grid.rows) + 0.5) * grid.height
    east = grid.left + (np.arange(grid.columns) + 0.5) * grid.width
    return (north[::-1] if grid.ascending else north), east


def _horizontal(cube: xr.DataArray) -> tuple[Dimension, Dimension]:
    x, y = spatial_dimension(cube, "x"), spatial_dimension(cube, "y")
    if x is None or y is None:
        raise IncompatibleDataCubes("The data cube has no horizontal spatial dimensions.")
    return x, y
