"""Cubes as user-defined functions get them, and what they give as cubes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.processing.cube import Dimension, coordinates, crs_of, dimensions_of, make_cube
from connexeo.processing.execution import values_of
from connexeo.processing.udf.values import Answer, Data, Labels, labels_for

if TYPE_CHECKING:
    import xarray as xr


def plain_number(value: Any) -> Any:
    """A number outside of cubes, where no-data is None."""
    return None if isinstance(value, float) and math.isnan(value) else value


def structured(answer: Answer) -> Any:
    """The structured data of an answer, which has some."""
    return answer.structured[0] if len(answer.structured) == 1 else list(answer.structured)


def data_of(cube: xr.DataArray, without: tuple[str, ...] = ()) -> Data:
    """A cube for a UDF; labels of dimensions in `without` are numbers."""
    coords: dict[str, Labels] = {}
    for name in map(str, cube.dims):
        if name in without:
            coords[name] = np.arange(cube.sizes[name])
        elif name in cube.coords and (labels := labels_for(coordinates(cube, name))) is not None:
            coords[name] = labels
    return Data(
        values_of(cube),
        tuple(map(str, cube.dims)),
        coords,
        None if cube.name is None else str(cube.name),
    )


def cube_of(result: Data, source: xr.DataArray | None) -> xr.DataArray:
    """What a UDF gave as a cube, with what is known about dimensions of the cube that it got."""
    import xarray as xr

    coords: dict[str, Any] = {}
    for name, size in result.sizes.items():
        if name in result.coords:
            coords[name] = (name, np.asarray(result.coords[name]))
        elif source is not None and name in source.coords and source.sizes.get(name) == size:
            coords[name] = (name, coordinates(source, name))
    cube = xr.DataArray(result.values, dims=result.dims, coords=coords, name=result.name)
    if source is None:
        return cube
    cube.attrs = dict(source.attrs)
    known = {dimension.name for dimension in dimensions_of(source)}
    new = [Dimension(name, "other") for name in result.dims if name not in known and name not in coords]
    return make_cube(cube, [*dimensions_of(source), *new])


def proj_of(cube: xr.DataArray) -> dict[str, Any] | None:
    """The reference system of a cube, as UDFs are told it."""
    crs = crs_of(cube)
    return {"EPSG": crs} if isinstance(crs, int) else None
