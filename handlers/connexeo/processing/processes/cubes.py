"""Processes that run a callback over a data cube, or merge cubes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import (
    BandExists,
    DimensionAmbiguous,
    NirBandAmbiguous,
    ProcessError,
    ProcessParameterInvalid,
    RedBandAmbiguous,
)
from connexeo.processing.bands import matching_bands
from connexeo.processing.blocks import Bound, map_values, reduce_along, transform_along
from connexeo.processing.callback import Callback
from connexeo.processing.cube import (
    Dimension,
    dimension_of,
    dimensions_of,
    dimensions_of_type,
    labels,
    make_cube,
    with_dimensions,
)
from connexeo.processing.merging import merge
from connexeo.processing.process import process
from connexeo.processing.values import Array, Block, as_float

if TYPE_CHECKING:
    import xarray as xr


@process
def apply(data: xr.DataArray, process: Callback, context: Any = None) -> xr.DataArray:
    """Apply a process to each value of a cube."""
    return map_values(data, Bound(process, ("x",), {"context": context}))


@process
def reduce_dimension(
    data: xr.DataArray, reducer: Callback, dimension: str, context: Any = None
) -> xr.DataArray:
    """Collapse a dimension with a reducer; the dimension is dropped.

    Raises:
        DimensionNotAvailable: The cube has no such dimension.
    """
    dimension_of(data, dimension)
    return reduce_along(data, dimension, Bound(reducer, ("data",), {"context": context}))


@process
def apply_dimension(
    data: xr.DataArray,
    process: Callback,
    dimension: str,
    target_dimension: str | None = None,
    context: Any = None,
) -> xr.DataArray:
    """Apply a process from array to array along a dimension, which may become another dimension.

    Raises:
        DimensionNotAvailable: The cube has no such source dimension.
        ProcessParameterInvalid: The target dimension exists with more than one label.
    """
    source = dimension_of(data, dimension)
    target = dimension if target_dimension is None else target_dimension
    names = [str(name) for name in data.dims]
    if target == dimension or target not in names:
        order = [target if name == dimension else name for name in names]
        new = (
            replace(source, reference_system=None, bands=(), period=None)
            if target == dimension
            else Dimension(target, "other")
        )
    elif data.sizes[target] == 1:
        order = [name for name in names if name != dimension]
        new = replace(dimension_of(data, target), reference_system=None, bands=(), period=None)
        data = data.isel({target: 0}, drop=True)
    else:
        reason = (
            f"dimension '{target}' has {data.sizes[target]} labels, it must not exist or have a single one."
        )
        raise ProcessParameterInvalid(process="apply_dimension", parameter="target_dimension", reason=reason)
    values, length = transform_along(data, dimension, Bound(process, ("data",), {"context": context}))
    names = [target if name == dimension else str(name) for name in data.dims]
    if target == dimension and length == data.sizes[dimension]:
        return with_dimensions(data, values, names)
    result = with_dimensions(data, values, names, {target: np.arange(length)})
    return make_cube(result, [*(one for one in dimensions_of(data) if one.name != target), new]).transpose(
        *order
    )


@process
def merge_cubes(
    cube1: xr.DataArray, cube2: xr.DataArray, overlap_resolver: Callback | None = None, context: Any = None
) -> xr.DataArray:
    """Merge two cubes; where their labels overlap, a resolver combines the values.

    Raises:
        OverlapResolverMissing: The cubes overlap, but there is no resolver.
        IncompatibleDataCubes: A dimension of the same name has another type in the other cube.
    """
    resolver = None if overlap_resolver is None else Bound(overlap_resolver, ("x", "y"), {"context": context})
    return merge(cube1, cube2, resolver)


@process
def ndvi(
    data: xr.DataArray, nir: str = "nir", red: str = "red", target_band: str | None = None
) -> xr.DataArray:
    """Normalized difference of near infrared and red; replaces the bands or is added to them.

    Raises:
        DimensionAmbiguous: The cube has no dimension of type `bands`, or several.
        NirBandAmbiguous: Not exactly one band fits `nir`.
        RedBandAmbiguous: Not exactly one band fits `red`.
        BandExists: The target band is there already.
    """
    dimensions = dimensions_of_type(data, "bands")
    if len(dimensions) != 1:
        raise DimensionAmbiguous
    bands = dimensions[0]
    names = labels(data, bands.name)
    near_infrared = _one_band(matching_bands(bands, names, nir), NirBandAmbiguous)
    visible = _one_band(matching_bands(bands, names, red), RedBandAmbiguous)
    if target_band is not None and target_band in names:
        raise BandExists
    index = reduce_along(
        data.isel({bands.name: [near_infrared, visible]}), bands.name, _normalized_difference
    )
    if target_band is None:
        return index
    added = index.expand_dims({bands.name: [target_band]}).transpose(*data.dims)
    return merge(data, make_cube(added, dimensions_of(data)), None)


def _one_band(found: list[int], error: type[ProcessError]) -> int:
    if len(found) != 1:
        raise error
    return found[0]


def _normalized_difference(bands: Array) -> Block:
    """Of near infrared and red, in this order; NaN where both are zero."""
    first, second = as_float(bands[0]), as_float(bands[1])
    with np.errstate(all="ignore"):
        difference: Block = (first - second) / (first + second)
    return difference
