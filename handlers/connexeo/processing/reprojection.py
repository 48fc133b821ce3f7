"""Cubes warped from one grid onto another by GDAL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from connexeo.processing.blocks import dask_array
from connexeo.processing.cube import change_dimension, coordinates, with_dimensions
from connexeo.processing.pixel_grids import Grid, as_crs, grid_of, horizontal_dimensions, open_layer
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

_SMALLEST = 32
"""The same where pixels become so large that a chunk of the usual size would need too much of the source."""

_WIDEST = 1024
"""Pixels of no-data around a block, at most."""

_KERNEL = 4
"""Pixels around a chunk that the widest method (lanczos) may use, in pixels of the coarser grid."""


def reproject(
    cube: xr.DataArray, target: Grid, method: str, *, most_blocks: int | None = None
) -> xr.DataArray:
    """Warp a cube onto another grid; lazily if the cube is lazy. Pixels without source are no-data.

    Args:
        cube: The cube, with all further dimensions in any order.
        target: The grid.
        method: One of `METHODS`.
        most_blocks: How many blocks a lazy result may have, roughly; for those who will not compute it.
    """
    x, y = horizontal_dimensions(cube)
    source = grid_of(cube)
    further = [str(name) for name in cube.dims if name not in (x.name, y.name)]
    ordered = cube.transpose(*further, y.name, x.name)
    if source.ascending:
        ordered = ordered.isel({y.name: slice(None, None, -1)})
    if _descends(coordinates(cube, x.name)):
        ordered = ordered.isel({x.name: slice(None, None, -1)})
    data = ordered.data.astype(as_float(np.empty(0, cube.dtype)).dtype)
    if method == "rms":
        data = abs(data)  # GDAL keeps the sign where pixels stay as they are
    warp = _Warp(source, target, method, pixels_per_pixel(source, target))
    warped = _warp_lazily(data, warp, most_blocks) if cube.chunks else warp(data)
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
    scale: tuple[float, float]
    """Pixels of the source along the edges of one of the target, of the cube as a whole; see `pixels_per_pixel`."""

    def __call__(self, block: Block) -> Block:
        shape = (*block.shape[:-2], self.target.rows, self.target.columns)
        # GDAL counts pixels at the edge several times where target pixels reach beyond it, unless no-data follows.
        margin = min(math.ceil(max(self.scale)) + 1, _WIDEST)
        source = self.source.part(
            slice(-margin, self.source.rows + margin), slice(-margin, self.source.columns + margin)
        )
        layers = np.pad(
            block.reshape((-1, *block.shape[-2:])),
            ((0, 0), (margin, margin), (margin, margin)),
            constant_values=np.nan,
        )
        result = np.empty((len(layers), *shape[-2:]), block.dtype)
        # Not by `rasterio.warp.reproject`, which hides a warning in a way that is not safe with several threads.
        for layer, place in zip(layers, result, strict=True):
            with open_layer(source, layer) as dataset, self._onto_target(dataset) as warped:
                warped.read(1, out=place)
        return result.reshape(shape)

    def _onto_target(self, dataset: DatasetReader) -> WarpedVRT:
        return WarpedVRT(
            dataset,
            crs=as_crs(self.target.crs),
            transform=self.target.affine,
            width=self.target.columns,
            height=self.target.rows,
            src_nodata=np.nan,
            nodata=np.nan,
            resampling=METHODS[self.method],
            # Left to itself, GDAL takes the sizes of the blocks for it.
            XSCALE=min(1.0, 1 / self.scale[0]),
            YSCALE=min(1.0, 1 / self.scale[1]),
        )


def pixels_per_pixel(source: Grid, target: Grid) -> tuple[float, float]:
    """How many pixels of a grid lie along the edges of one of another grid: across and along, on average."""
    try:
        west, south, east, north = transform_bounds(as_crs(target.crs), as_crs(source.crs), *target.bounds)
    except RasterioError:
        return 1.0, 1.0
    sizes = (
        (east - west) / target.columns / source.width,
        (north - south) / target.rows / source.height,
    )
    return sizes if all(map(math.isfinite, sizes)) else (1.0, 1.0)


def _warp_lazily(data: Any, warp: _Warp, most_blocks: int | None) -> Any:
    """Chunk by chunk of the target, each from the window of the source that it needs."""
    source, target = warp.source, warp.target
    size = _chunk_size(source, target)
    if most_blocks is not None:
        size = max(size, math.ceil(math.sqrt(target.rows * target.columns / most_blocks)))
    # Where the source has larger blocks already, smaller ones would save nothing and cost time.
    size = max(size, *(max(sizes) for sizes in data.chunks[-2:] if max(sizes) > _CHUNK), _SMALLEST)
    rows = [list(_warp_row(data, warp, row, size)) for row in _chunks(target.rows, size)]
    warped = dask_array().block(rows)
    return warped if size >= _CHUNK else warped.rechunk({data.ndim - 2: _CHUNK, data.ndim - 1: _CHUNK})


def _chunk_size(source: Grid, target: Grid) -> int:
    """Rows and columns that are warped at once, so that they need a part of the source that is no larger."""
    window = _window(source, target)
    if window is None:
        return _CHUNK
    rows, columns = ((part.stop - part.start) for part in window)
    coarser = max(rows / target.rows, columns / target.columns)
    return _CHUNK if coarser < 2 else max(_SMALLEST, int(_CHUNK / coarser))


def _warp_row(data: Any, warp: _Warp, row: slice, size: int) -> Iterator[Any]:
    da = dask_array()
    for column in _chunks(warp.target.columns, size):
        part = warp.target.part(row, column)
        window = _window(warp.source, part)
        if window is None:
            shape = (*data.shape[:-2], part.rows, part.columns)
            chunks = (*data.chunks[:-2], part.rows, part.columns)
            yield da.full(shape, np.nan, dtype=data.dtype, chunks=chunks)
            continue
        needed = data[..., window[0], window[1]].rechunk({data.ndim - 2: -1, data.ndim - 1: -1})
        chunks = (*needed.chunks[:-2], (part.rows,), (part.columns,))
        meta = np.empty((0,) * data.ndim, data.dtype)
        block = replace(warp, source=warp.source.part(*window), target=part)
        yield da.map_blocks(block, needed, dtype=data.dtype, chunks=chunks, meta=meta)


def _window(source: Grid, target: Grid) -> tuple[slice, slice] | None:
    """The rows and columns of the source that a target needs; None where it has none."""
    try:
        west, south, east, north = transform_bounds(as_crs(target.crs), as_crs(source.crs), *target.bounds)
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


def _chunks(length: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def _descends(labels: np.ndarray[Any, np.dtype[Any]]) -> bool:
    return len(labels) > 1 and bool(labels[0] > labels[-1])


def _centres(grid: Grid) -> tuple[np.ndarray[Any, np.dtype[Any]], np.ndarray[Any, np.dtype[Any]]]:
    """Labels of y and x."""
    north = grid.top - (np.arange(grid.rows) + 0.5) * grid.height
    east = grid.left + (np.arange(grid.columns) + 0.5) * grid.width
    return (north[::-1] if grid.ascending else north), east
