"""Replacing the pixels that a mask covers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import IncompatibleDataCubes, ProcessParameterInvalid
from connexeo.processing.alignment import align
from connexeo.processing.blocks import combine_values
from connexeo.processing.cube import coordinates, dimensions_of
from connexeo.processing.process import process
from connexeo.processing.values import Block, common_type

if TYPE_CHECKING:
    import xarray as xr


@process
def mask(
    data: xr.DataArray, mask: xr.DataArray, replacement: float | bool | str | None = None
) -> xr.DataArray:
    """Replace the values whose pixels in the mask are non-zero or true; by no-data unless told otherwise.

    The mask is aligned to the pixels of `data` and counts for every label of dimensions that it lacks. Where the mask
    has no-data, or does not reach, values stay.

    Raises:
        IncompatibleDataCubes: The mask has a dimension or labels that `data` lacks.
    """
    if isinstance(replacement, str):
        reason = "the values of a raster data cube can't be replaced by text, use a number."
        raise ProcessParameterInvalid(process="mask", parameter="replacement", reason=reason)
    ours = {one.name: one for one in dimensions_of(data)}
    for one in dimensions_of(mask):
        if one.name not in ours or ours[one.name].type != one.type:
            raise IncompatibleDataCubes(f"The data cube has no dimension like '{one.name}' of the mask.")
    aligned = align(mask, data, cover=True)
    for one in dimensions_of(aligned):
        if one.type != "spatial":
            aligned = _ordered_like(aligned, data, one.name)
    return replace_where(data, aligned, replacement)


def replace_where(
    data: xr.DataArray, mask: xr.DataArray, replacement: float | bool | None, *, keep_nodata: bool = False
) -> xr.DataArray:
    """Replace the values where a mask is true or not zero; lazily if the cube is lazy.

    Args:
        data: The cube.
        mask: A cube with the same labels, for every label of dimensions that it lacks.
        replacement: The new value; None: no-data.
        keep_nodata: Whether no-data of the cube stays as it is.
    """
    lacking = any(name not in mask.dims for name in data.dims)
    complete = _broadcast(mask, data) if lacking else mask
    return combine_values(data, [complete], _Replacement(replacement, keep_nodata))


def _ordered_like(cube: xr.DataArray, data: xr.DataArray, name: str) -> xr.DataArray:
    """The cube with the labels of one dimension in the order of the data."""
    mine, wanted = coordinates(cube, name).tolist(), coordinates(data, name).tolist()
    if mine == wanted:
        return cube
    if set(mine) != set(wanted) or len(set(mine)) != len(mine):
        raise IncompatibleDataCubes(
            f"The labels of dimension '{name}' of the data cube and of the mask differ."
        )
    return cube.isel({name: [mine.index(label) for label in wanted]})


def _broadcast(cube: xr.DataArray, data: xr.DataArray) -> xr.DataArray:
    """The cube repeated, without copies, for each label of the dimensions that it lacks."""
    sizes = {name: data.sizes[name] for name in data.dims if name not in cube.dims}
    return cube.expand_dims(sizes).transpose(*data.dims)


class _Replacement:
    """Puts a value where the mask is true."""

    def __init__(self, value: float | bool | None, keep_nodata: bool) -> None:
        self.value = value
        self.keep_nodata = keep_nodata

    def __call__(self, data: Block, mask: Block) -> Any:
        covered = (mask != 0) & ~np.isnan(mask) if mask.dtype.kind == "f" else mask != 0
        if self.keep_nodata and data.dtype.kind == "f":
            covered &= ~np.isnan(data)
        value = self.value
        if isinstance(value, float) and value.is_integer() and data.dtype.kind != "f":
            value = int(value)
        dtype = common_type((data, value))
        if dtype.kind == "f" and value is not None and np.finfo(dtype).max < abs(value) < math.inf:
            dtype = np.dtype(np.float64)
        result = data.astype(dtype)
        result[covered] = np.nan if value is None else value
        return result
