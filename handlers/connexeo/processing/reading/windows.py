"""Reading collections for a window: a map tile with pixels of its own, in a reference system of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as Part

from connexeo.processing.environment import Window
from connexeo.processing.reading.datasets import opened
from connexeo.processing.reading.extents import SpatialExtent
from connexeo.processing.reading.grids import Grid, overlaps
from connexeo.processing.reading.pixels import LayerReader, Pixels, read_layer, reading, without_nodata
from connexeo.processing.reading.plans import Layer, Plan
from connexeo.processing.reading.sampling import sample

if TYPE_CHECKING:
    import xarray as xr
    from shapely import Geometry

AT_ONCE = 64
"""Layers that are read at once; more of them are read lazily, as memory would not hold many."""


def grid_of_window(window: Window) -> Grid:
    """The window's pixels."""
    west, south, east, north = window.bounds
    steps = (east - west) / window.width, (north - south) / window.height
    return Grid(window.crs, west, north, *steps, window.width, window.height)


def within_window(extent: SpatialExtent | None, window: Window) -> tuple[Geometry, ...] | None:
    """What limits the pixels of the window to an extent: polygons in its reference system, none where all are inside.

    None where the extent and the window have nothing in common.
    """
    if extent is None:
        return ()
    from shapely.geometry import box

    if extent.polygons:
        inside = extent.to_crs(window.crs)
        return inside.polygons if overlaps(inside.bounds, window.bounds) else None
    there = SpatialExtent(window.bounds, window.crs).to_crs(extent.crs).bounds
    if not all(map(np.isfinite, there)):
        return SpatialExtent(extent.bounds, extent.crs, (box(*extent.bounds),)).to_crs(window.crs).polygons
    west, south, east, north = extent.bounds
    if west <= there[0] and south <= there[1] and east >= there[2] and north >= there[3]:
        return ()
    if not overlaps(there, extent.bounds):
        return None
    # What lies far outside of the window may have no place in its reference system.
    common = box(max(west, there[0]), max(south, there[1]), min(east, there[2]), min(north, there[3]))
    return SpatialExtent(common.bounds, extent.crs, (common,)).to_crs(window.crs).polygons


def read_window(plan: Plan, polygons: tuple[Geometry, ...], read: LayerReader) -> Any:
    """The cube `(t, bands, y, x)` of a plan whose grid is a window's; few layers at once, many lazily."""
    pixels = Pixels(plan, polygons, read)
    times, bands, _, _ = pixels.shape
    if times * bands <= AT_ONCE:
        return pixels[:]
    import dask.array as da

    chunks = (1, 1, -1, -1)
    meta = np.empty((0, 0, 0, 0), plan.dtype)
    return da.from_array(pixels, chunks=chunks, lock=False, fancy=False, meta=meta)  # type: ignore[no-untyped-call]


def sample_layer(layer: Layer, area: Grid) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The nearest pixels of a file, from its overviews where they are fine enough; a `LayerReader`."""
    with reading(layer.asset, layer.item):
        file = opened(layer.href)
        if file.grid is None:
            return read_layer(layer, area)
        where = sample(file.grid, area)
        shape = (area.height, area.width)
        if where is None:
            return np.zeros(shape, file.source.dtypes[layer.index - 1]), np.zeros(shape, dtype=bool)
        part = Part.from_slices(where.rows, where.columns)
        values = where.take(file.source.read(layer.index, window=part, out_shape=where.shape))
        nodata = file.nodata[layer.index - 1] if layer.nodata is None else layer.nodata
        return values, without_nodata(values, where.inside.copy(), nodata)


def sample_cube(cube: xr.DataArray, crs: str, window: Window) -> xr.DataArray | None:
    """A lazy cube `(t, bands, y, x)` on the window's pixels, computed; None where it has none of them."""
    import xarray as xr

    area, source = grid_of_window(window), _grid_of_cube(cube, crs)
    where = None if source is None else sample(source, area)
    if where is None:
        return None
    steps = [
        max(1, (part.stop - part.start) // length)
        for part, length in zip((where.rows, where.columns), where.shape, strict=True)
    ]
    rows, columns = (
        np.minimum(part.start + step // 2 + step * np.arange(length), part.stop - 1)
        for part, step, length in zip((where.rows, where.columns), steps, where.shape, strict=True)
    )
    values = cube.isel(y=rows, x=columns).values
    taken = np.asarray([[where.take(layer) for layer in date] for date in values])
    taken[:, :, ~where.inside] = np.nan
    coords = {"t": cube.t.values, "bands": cube.bands.values, "y": area.y, "x": area.x}
    return xr.DataArray(taken, dims=("t", "bands", "y", "x"), coords=coords)


def _grid_of_cube(cube: xr.DataArray, crs: str) -> Grid | None:
    """The grid of a cube whose rows run from north to south; None where its pixels have no size that is known."""
    x, y = cube.x.values.astype(float), cube.y.values.astype(float)
    if len(x) < 2 or len(y) < 2:
        return None
    step_x, step_y = (x[-1] - x[0]) / (len(x) - 1), (y[0] - y[-1]) / (len(y) - 1)
    return Grid(crs, x[0] - step_x / 2, y[0] + step_y / 2, step_x, step_y, len(x), len(y))
