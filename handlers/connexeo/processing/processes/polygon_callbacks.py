"""A process for the pixels of each polygon: `apply_polygon`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import GeometriesOverlap, ProcessGraphInvalid, ProcessParameterInvalid
from connexeo.processing.blocks import dask_array
from connexeo.processing.callback import Callback
from connexeo.processing.cube import dimensions_of, make_cube, with_dimensions
from connexeo.processing.kinds import is_cube
from connexeo.processing.pixel_grids import horizontal_dimensions
from connexeo.processing.pixel_selection import Pixels, Region, regions_of
from connexeo.processing.process import process
from connexeo.processing.processes.masks import replace_where
from connexeo.processing.processes.polygon_masks import selected
from connexeo.processing.values import Block, as_float
from connexeo.processing.vectors import geometry_labels, read_geometries, require_polygons

if TYPE_CHECKING:
    import xarray as xr


@process
def apply_polygon(
    data: xr.DataArray,
    geometries: Any,
    process: Callback,
    mask_value: float | bool | str | None = None,
    context: Any = None,
) -> xr.DataArray:
    """Run a process on the part of the cube in each polygon; lazily if the cube is lazy, and labels stay.

    Values are floating. Pixels outside of all polygons become no-data, as nothing was computed for them.

    Raises:
        GeometriesOverlap: A pixel belongs to several polygons.
        ProcessGraphInvalid: The process returns no cube, or one with other dimensions.
        ProcessParameterInvalid: `geometries` has no polygons or other geometries, or `mask_value` is text.
        IncompatibleDataCubes: The cube has no x and y.
    """
    if isinstance(mask_value, str):
        reason = "the values of a raster data cube can't be replaced by text, use a number."
        raise ProcessParameterInvalid(process="apply_polygon", parameter="mask_value", reason=reason)
    polygons = read_geometries(geometries, process="apply_polygon", parameter="geometries")
    require_polygons(polygons, process="apply_polygon", parameter="geometries")
    x, y = horizontal_dimensions(data)
    pixels = Pixels.of(data)
    regions = [region for region in regions_of(polygons, pixels) if region.window[0].stop]
    _check_overlap(regions, pixels)
    names = [*(str(name) for name in data.dims if name not in (x.name, y.name)), y.name, x.name]
    parts = []
    for region in regions:
        rows, columns = region.window
        part = make_cube(data.isel({y.name: rows, x.name: columns}), dimensions_of(data))
        inside = selected(region, pixels, part, rows.start, columns.start)
        computed = process(data=replace_where(part, ~inside, mask_value), context=context)
        _check_same(part, computed)
        parts.append(_Part(rows, columns, inside.data, computed.transpose(*names).data))
    return with_dimensions(data, _put_together(data.transpose(*names).data, parts), names).transpose(
        *data.dims
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """What was computed for a polygon."""

    rows: slice
    columns: slice
    inside: Any
    """Which of its pixels belong to it."""
    values: Any
    """With y and x as last axes."""


def _check_overlap(regions: Sequence[Region], pixels: Pixels) -> None:
    from shapely import STRtree

    shapes = [(polygon, index) for index, region in enumerate(regions) for polygon in region.polygons]
    polygons = geometry_labels([polygon for polygon, _ in shapes])
    for first, second in STRtree(polygons).query(polygons, predicate="intersects").T.tolist():
        one, other = shapes[first][1], shapes[second][1]
        if one < other and _share_pixels(regions[one], regions[other], pixels):
            raise GeometriesOverlap


def _share_pixels(one: Region, other: Region, pixels: Pixels) -> bool:
    rows, columns = (
        slice(max(ours.start, theirs.start), min(ours.stop, theirs.stop))
        for ours, theirs in zip(one.window, other.window, strict=True)
    )
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return False
    return bool((one.mask(pixels, rows, columns) & other.mask(pixels, rows, columns)).any())


def _check_same(part: xr.DataArray, computed: Any) -> None:
    if not is_cube(computed):
        raise ProcessGraphInvalid("The process of apply_polygon must return a data cube.")
    before, after = ({one.name: one for one in dimensions_of(cube)} for cube in (part, computed))
    for name in before.keys() | after.keys():
        if name not in before or name not in after:
            raise ProcessGraphInvalid(
                f"The process of apply_polygon must keep all dimensions and add none; see '{name}'."
            )
        one, other = before[name], after[name]
        same = (one.type, one.axis, one.reference_system) == (other.type, other.axis, other.reference_system)
        if not same or part.sizes[name] != computed.sizes[name]:
            raise ProcessGraphInvalid(
                f"The process of apply_polygon must keep dimension '{name}' and the number of its labels."
            )


def _put_together(data: Any, parts: Sequence[_Part]) -> Any:
    """The values of all parts in an array of the shape of the cube, no-data elsewhere."""
    types = [as_float(np.empty(0, each.dtype)).dtype for each in (part.values for part in parts)]
    dtype = np.result_type(*types) if types else as_float(np.empty(0, data.dtype)).dtype
    if not hasattr(data, "dask"):
        result = np.full(data.shape, np.nan, dtype)
        for part in parts:
            _put(result, part.inside, np.asarray(part.values), part.rows.start, part.columns.start)
        return result
    rows, columns = (list(_slices(sizes)) for sizes in data.chunks[-2:])
    return dask_array().block(
        [[_block(data.chunks[:-2], row, column, parts, dtype) for column in columns] for row in rows]
    )


def _slices(sizes: Iterable[int]) -> Iterable[slice]:
    start = 0
    for size in sizes:
        yield slice(start, start + size)
        start += size


def _block(
    others: tuple[tuple[int, ...], ...],
    rows: slice,
    columns: slice,
    parts: Sequence[_Part],
    dtype: np.dtype[Any],
) -> Any:
    """One block along y and x of what was computed."""
    da = dask_array()
    chunks = (*others, (rows.stop - rows.start,), (columns.stop - columns.start,))
    layer = da.full(tuple(map(sum, chunks)), np.nan, dtype=dtype, chunks=chunks)
    for part in parts:
        own = [
            slice(max(whole.start, one.start), min(whole.stop, one.stop))
            for whole, one in ((rows, part.rows), (columns, part.columns))
        ]
        if any(one.stop <= one.start for one in own):
            continue
        here = tuple(
            slice(one.start - start, one.stop - start)
            for one, start in zip(own, (part.rows.start, part.columns.start), strict=True)
        )
        values = part.values if hasattr(part.values, "dask") else da.from_array(part.values)
        layer = da.map_blocks(
            _with_part,
            layer,
            values[(..., *here)].rechunk((*others, -1, -1)),
            part.inside[here].rechunk(-1),
            row=own[0].start - rows.start,
            column=own[1].start - columns.start,
            dtype=dtype,
            meta=np.empty((0,) * layer.ndim, dtype),
            chunks=chunks,
        )
    return layer


def _with_part(block: Block, values: Block, inside: Block, row: int, column: int) -> Block:
    result = block.copy()
    _put(result, inside, values, row, column)
    return result


def _put(block: Block, inside: Block, values: Block, row: int, column: int) -> None:
    place = block[..., row : row + inside.shape[0], column : column + inside.shape[1]]
    place[..., inside] = values[..., inside]
