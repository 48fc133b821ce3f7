"""Processes that keep or replace the pixels of geometries: `filter_spatial`, `mask_polygon`."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.blocks import dask_array
from connexeo.processing.cube import dimensions_of, make_cube
from connexeo.processing.pixel_grids import horizontal_dimensions
from connexeo.processing.pixel_selection import Pixels, Region, regions_of, union_of
from connexeo.processing.process import process
from connexeo.processing.processes.masks import replace_where
from connexeo.processing.vectors import is_vector, read_geometries, require_polygons

if TYPE_CHECKING:
    import xarray as xr


@process
def filter_spatial(data: xr.DataArray, geometries: Any) -> xr.DataArray:
    """Crop a raster cube to geometries; pixels in their bounding box that none of them selects become no-data.

    The box is that of the geometries in the reference system of the cube. It keeps pixels whose centres lie in it, and
    those that points and lines select. Which these are is told in `pixel_selection`; without any, x and y get empty.

    Raises:
        IncompatibleDataCubes: The cube has no x and y.
        ProcessParameterInvalid: `geometries` is neither a vector cube nor GeoJSON, or `data` is a vector cube.
    """
    _refuse_vectors(data, "filter_spatial", "use filter_vector for vector data cubes.")
    pixels = Pixels.of(data)
    region = union_of(
        regions_of(read_geometries(geometries, process="filter_spatial", parameter="geometries"), pixels)
    )
    x, y = horizontal_dimensions(data)
    rows, columns = region.window
    cropped = make_cube(data.isel({y.name: rows, x.name: columns}), dimensions_of(data))
    inside = selected(region, pixels, cropped, rows.start, columns.start)
    return replace_where(cropped, ~inside, None)


@process
def mask_polygon(
    data: xr.DataArray, mask: Any, replacement: float | bool | str | None = None, inside: bool = False
) -> xr.DataArray:
    """Replace the pixels whose centres lie outside of polygons, or inside; no-data stays as it is.

    Raises:
        IncompatibleDataCubes: The cube has no x and y.
        ProcessParameterInvalid: `mask` has no polygons or other geometries, or `replacement` is text.
    """
    if isinstance(replacement, str):
        reason = "the values of a raster data cube can't be replaced by text, use a number."
        raise ProcessParameterInvalid(process="mask_polygon", parameter="replacement", reason=reason)
    _refuse_vectors(data, "mask_polygon", "a raster data cube is needed.")
    polygons = read_geometries(mask, process="mask_polygon", parameter="mask")
    require_polygons(polygons, process="mask_polygon", parameter="mask")
    pixels = Pixels.of(data)
    covered = selected(union_of(regions_of(polygons, pixels)), pixels, data)
    return replace_where(data, covered if inside else ~covered, replacement, keep_nodata=True)


def selected(
    region: Region, pixels: Pixels, cube: xr.DataArray, row: int = 0, column: int = 0
) -> xr.DataArray:
    """Whether a region selects the pixels of a cube, as a cube with the dims `(y, x)` that is as lazy as it is.

    Args:
        region: The region.
        pixels: Where the region was made for.
        cube: The cube, or a part of it.
        row: The first row of the part.
        column: Its first column.
    """
    import xarray as xr

    x, y = horizontal_dimensions(cube)
    if cube.chunks is None:
        rows, columns = slice(row, row + cube.sizes[y.name]), slice(column, column + cube.sizes[x.name])
        data: Any = region.mask(pixels, rows, columns)
    else:
        chunks = dict(zip(cube.dims, cube.chunks, strict=True))
        data = _lazy_mask(region, pixels, (chunks[y.name], chunks[x.name]), (row, column))
    coords = {name: cube.coords[name] for name in (y.name, x.name) if name in cube.coords}
    return make_cube(xr.DataArray(data, dims=(y.name, x.name), coords=coords), (y, x))


def _lazy_mask(
    region: Region, pixels: Pixels, chunks: tuple[tuple[int, ...], tuple[int, ...]], origin: tuple[int, int]
) -> Any:
    """The mask as a dask array, a task for each block."""
    from dask.highlevelgraph import HighLevelGraph

    name = f"mask-{uuid4().hex}"
    ends = [list(accumulate(sizes, initial=start)) for sizes, start in zip(chunks, origin, strict=True)]
    graph: dict[Any, Any] = {
        (name, i, j): (region.mask, pixels, slice(*rows), slice(*columns))
        for i, rows in enumerate(pairwise(ends[0]))
        for j, columns in enumerate(pairwise(ends[1]))
    }
    layers = HighLevelGraph.from_collections(name, graph, dependencies=[])
    return dask_array().Array(layers, name, chunks, meta=np.empty((0, 0), bool))


def _refuse_vectors(data: xr.DataArray, process: str, instead: str) -> None:
    if is_vector(data) and not any(one.type == "spatial" for one in dimensions_of(data)):
        raise ProcessParameterInvalid(process=process, parameter="data", reason=instead)
