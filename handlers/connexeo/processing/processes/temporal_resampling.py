"""Resampling of temporal dimensions to the labels of another cube."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import DimensionMismatch
from connexeo.processing.blocks import dask_array, transform_along
from connexeo.processing.cube import (
    Dimension,
    coordinates,
    dimension_of,
    dimensions_of,
    dimensions_of_type,
    make_cube,
    with_dimensions,
)
from connexeo.processing.process import process
from connexeo.processing.temporal import instants_of
from connexeo.processing.values import Array, as_float

if TYPE_CHECKING:
    import xarray as xr

Instants = NDArray[np.datetime64]

_PROCESS = "resample_cube_temporal"
_DAY = 86_400 * 10**9
"""Nanoseconds."""


@process
def resample_cube_temporal(
    data: xr.DataArray, target: xr.DataArray, dimension: str | None = None, valid_within: float | None = None
) -> xr.DataArray:
    """Take the values of the nearest label for each temporal label of another cube, lazily; of two, the earlier one.

    With `valid_within`, these are the nearest valid values of each pixel, less than so many days away (or at the very
    instant), as floating point numbers. Periods count as the instants at which they begin.

    Raises:
        DimensionNotAvailable: One of the cubes lacks the dimension.
        DimensionMismatch: The dimension is not temporal in both cubes, or they have no temporal dimension in common.
        ProcessParameterInvalid: Labels are no instants.
    """
    for name in _names(data, target, dimension):
        data = _resampled(data, target, name, valid_within)
    return data


def _names(data: xr.DataArray, target: xr.DataArray, dimension: str | None) -> list[str]:
    if dimension is not None:
        if any(dimension_of(cube, dimension).type != "temporal" for cube in (data, target)):
            raise DimensionMismatch(f"Dimension '{dimension}' must be temporal in both data cubes.")
        return [dimension]
    others = {one.name for one in dimensions_of_type(target, "temporal")}
    names = [one.name for one in dimensions_of_type(data, "temporal") if one.name in others]
    if not names:
        raise DimensionMismatch("The data cubes have no temporal dimension with the same name.")
    return names


def _resampled(data: xr.DataArray, target: xr.DataArray, name: str, days: float | None) -> xr.DataArray:
    source, wanted = dimension_of(data, name), dimension_of(target, name)
    own, others = instants_of(data, source, _PROCESS), instants_of(target, wanted, _PROCESS)
    labels = coordinates(target, name)
    changed = replace(source, reference_system=wanted.reference_system, period=wanted.period)
    if not len(own) or (days is not None and not len(others)):
        values = _without_values(data, name, len(others))
    elif days is None:
        values = data.isel({name: _nearest(own, others)}).data
    elif data.dtype.kind == "O":
        candidates = [_within(own, instant, days) for instant in others]
        axis = data.get_axis_num(name)
        found = _NearestValid(candidates)(Array(np.moveaxis(data.values, axis, 0)))
        values = np.moveaxis(found.values, 0, axis)
    else:
        floating = data if data.dtype.kind == "f" else data.astype(as_float(np.empty(0, data.dtype)).dtype)
        candidates = [_within(own, instant, days) for instant in others]
        values, _ = transform_along(floating, name, _NearestValid(candidates))
    result = with_dimensions(data, values, [str(one) for one in data.dims], {name: labels})
    return make_cube(result, _replaced(dimensions_of(data), changed))


def _replaced(dimensions: Sequence[Dimension], changed: Dimension) -> list[Dimension]:
    return [changed if one.name == changed.name else one for one in dimensions]


def _without_values(data: xr.DataArray, name: str, count: int) -> Any:
    """No-data for each target label, where there is nothing to take values from."""
    dtype = as_float(np.empty(0, data.dtype)).dtype if data.dtype.kind != "O" else data.dtype
    axis, missing = data.get_axis_num(name), None if data.dtype.kind == "O" else np.nan
    shape = tuple(count if one == name else size for one, size in data.sizes.items())
    if data.chunks is None:
        return np.full(shape, missing, dtype)
    chunks = tuple((count,) if index == axis else sizes for index, sizes in enumerate(data.chunks))
    return dask_array().full(shape, missing, dtype=dtype, chunks=chunks)


def _nearest(own: Instants, others: Instants) -> NDArray[np.intp]:
    """The index of the nearest of our instants, for each of the others."""
    order = np.argsort(own, kind="stable")
    ascending = own[order]
    after = np.searchsorted(ascending, others)
    later, earlier = np.minimum(after, len(own) - 1), np.maximum(after - 1, 0)
    is_later = _distance(ascending[later], others) < _distance(ascending[earlier], others)
    # Of equal labels, the one that comes first in the cube.
    found = np.searchsorted(ascending, ascending[np.where(is_later, later, earlier)])
    return np.asarray(order[found], np.intp)


def _distance(some: Instants, others: Instants | np.datetime64) -> NDArray[np.uint64]:
    """Between instants in nanoseconds; all the years that labels can have make more than signed integers hold."""
    first, second = some.astype(np.int64), np.asarray(others).astype(np.int64)
    return np.maximum(first, second).astype(np.uint64) - np.minimum(first, second).astype(np.uint64)


def _within(own: Instants, instant: np.datetime64, days: float) -> list[np.intp]:
    """Indices of our instants that are near enough, the nearest first."""
    distance = _distance(own, instant)
    near = np.flatnonzero((distance < days * _DAY) | (distance == 0))
    return list(near[np.lexsort((own[near], distance[near]))])


@dataclass(frozen=True)
class _NearestValid:
    """For each target label, the first valid value of the candidates in their order."""

    candidates: Sequence[Sequence[np.intp]]

    def __call__(self, data: Array) -> Array:
        block = data.values
        missing = None if block.dtype.kind == "O" else np.nan
        result = np.full((len(self.candidates), *data.shape), missing, block.dtype)
        valid = _are_valid(block)
        for place, indices in enumerate(self.candidates):
            values = result[place, ...]  # an array also where a block has no axes
            open_ = np.ones(data.shape, bool)
            for index in indices:
                taken = open_ & valid[index]
                np.copyto(values, block[index], where=taken)
                open_ = open_ & ~taken
                if not open_.any():
                    break
        return Array(result)


def _are_valid(block: NDArray[Any]) -> NDArray[np.bool_]:
    if block.dtype.kind == "f":
        return np.asarray(np.isfinite(block), bool)
    import pandas as pd

    return np.asarray(~pd.isna(block), bool)
