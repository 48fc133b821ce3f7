"""Processes that make cubes, and change which dimensions and labels they have, values staying as they are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import ProcessParameterInvalid, TargetDimensionExists
from connexeo.processing.callback import Callback
from connexeo.processing.cube import (
    Dimension,
    dimension_of,
    dimensions_of,
    labels,
    make_cube,
)
from connexeo.processing.process import process
from connexeo.processing.temporal import label_array

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.values import Label

_SPACED = frozenset({"spatial", "temporal"})
"""Types of dimensions whose labels may be evenly spaced: none may be missing in between."""


@process
def create_data_cube() -> xr.DataArray:
    """A cube without dimensions, whose only value is no-data."""
    import xarray as xr

    return make_cube(xr.DataArray(np.float32(np.nan)), [])


@process
def filter_labels(
    data: xr.DataArray, condition: Callback, dimension: str, context: Any = None
) -> xr.DataArray:
    """Keep the labels of a dimension for which a condition is true.

    Instants are RFC 3339 strings for the condition, and geometries are WKT.

    Raises:
        DimensionNotAvailable: There is no such dimension.
    """
    dimension_of(data, dimension)
    kept = [
        index
        for index, label in enumerate(labels(data, dimension))
        if condition(value=label, context=context) is True
    ]
    return make_cube(data.isel({dimension: kept}), dimensions_of(data))


@process
def flatten_dimensions(
    data: xr.DataArray, dimensions: Sequence[str], target_dimension: str, label_separator: str = "~"
) -> xr.DataArray:
    """Join dimensions into one of type `other`, in place of the first of them.

    Raises:
        DimensionNotAvailable: One of the dimensions does not exist.
        TargetDimensionExists: The target does.
    """
    for name in dimensions:
        dimension_of(data, name)
    _check_new(data, [target_dimension])
    parts = [labels(data, name) for name in dimensions]
    joined = [label_separator.join(map(_text, each)) for each in itertools.product(*parts)]
    names = [str(name) for name in data.dims]
    place = min((names.index(name) for name in dimensions), default=0)
    before, after = (
        [name for name in part if name not in dimensions] for part in (names[:place], names[place:])
    )
    ordered = data.transpose(*before, *dimensions, *after)
    shape = [data.sizes[name] for name in before] + [len(joined)] + [data.sizes[name] for name in after]
    return _reshaped(
        data,
        ordered.data.reshape(shape),
        [*before, target_dimension, *after],
        {target_dimension: joined},
    )


@process
def unflatten_dimension(
    data: xr.DataArray, dimension: str, target_dimensions: Sequence[str], label_separator: str = "~"
) -> xr.DataArray:
    """Split a dimension into several of type `other`, in its place.

    Raises:
        DimensionNotAvailable: The dimension does not exist.
        TargetDimensionExists: One of the targets does.
        ProcessParameterInvalid: A label has not as many parts as there are targets, or not all combinations of parts
            occur exactly once.
    """
    dimension_of(data, dimension)
    _check_new(data, target_dimensions)
    split = [tuple(str(label).split(label_separator)) for label in labels(data, dimension)]
    wrong = next((each for each in split if len(each) != len(target_dimensions)), None)
    if wrong is not None:
        raise _unsplit(
            f"the label '{label_separator.join(wrong)}' has {len(wrong)} parts between '{label_separator}', "
            f"not {len(target_dimensions)}."
        )
    parts = [list(dict.fromkeys(each[axis] for each in split)) for axis in range(len(target_dimensions))]
    positions = {each: index for index, each in enumerate(split)}
    combinations = list(itertools.product(*parts))
    if len(positions) != len(split):
        raise _unsplit("a label occurs twice.")
    missing = next((each for each in combinations if each not in positions), None)
    if missing is not None:
        raise _unsplit(f"there is no label '{label_separator.join(missing)}': all combinations are needed.")
    names = [str(name) for name in data.dims]
    place = names.index(dimension)
    ordered = data.isel({dimension: [positions[each] for each in combinations]})
    shape = [*ordered.shape[:place], *map(len, parts), *ordered.shape[place + 1 :]]
    return _reshaped(
        data,
        ordered.data.reshape(shape),
        [*names[:place], *target_dimensions, *names[place + 1 :]],
        dict(zip(target_dimensions, parts, strict=True)),
    )


@process
def trim_cube(data: xr.DataArray) -> xr.DataArray:
    """Remove labels without any data: at both ends of a dimension, in between only where labels are categories.

    What is no-data is not known before: all values are computed, block by block, and not kept.
    """
    if data.dtype.kind not in {"f", "O"}:
        return data
    import dask

    there = data.notnull()
    names = [str(name) for name in data.dims]
    found = dask.compute(*(there.any([other for other in names if other != name]).data for name in names))  # type: ignore[attr-defined,no-untyped-call]
    kept: dict[str, Any] = {}
    for dimension, has_data in zip(dimensions_of(data), found, strict=True):
        positions = np.flatnonzero(has_data)
        if dimension.type in _SPACED and len(positions):
            kept[dimension.name] = slice(int(positions[0]), int(positions[-1]) + 1)
        else:
            kept[dimension.name] = positions
    return make_cube(data.isel(kept), dimensions_of(data))


def _check_new(data: xr.DataArray, names: Sequence[str]) -> None:
    for name in names:
        if name in data.dims:
            raise TargetDimensionExists(f"A dimension with the name '{name}' already exists.")


def _text(label: Label) -> str:
    """A label as text; coordinates turn whole numbers beside fractions into floats."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _unsplit(reason: str) -> ProcessParameterInvalid:
    return ProcessParameterInvalid(process="unflatten_dimension", parameter="data", reason=reason)


def _reshaped(
    data: xr.DataArray, values: Any, names: Sequence[str], new: dict[str, list[str]]
) -> xr.DataArray:
    """A cube with other dimensions: the new ones are of type `other`, those with old names stay what they are."""
    import xarray as xr

    kept = {name: coord for name, coord in data.coords.items() if set(coord.dims) <= set(names)}
    coords = {name: (name, label_array(parts)) for name, parts in new.items()}
    result = xr.DataArray(values, dims=list(names), coords={**kept, **coords}, attrs=data.attrs)
    result.name = data.name
    return make_cube(result, [*dimensions_of(data), *(Dimension(name, "other") for name in new)])
