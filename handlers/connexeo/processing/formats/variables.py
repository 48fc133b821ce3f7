"""Cubes as variables by the CF conventions, for formats that hold arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import coordinates, dimensions_of_type
from connexeo.processing.formats.cf import GRID_MAPPING
from connexeo.processing.formats.grid import find_crs, find_grid
from connexeo.processing.formats.images import temporal_dimension, time_labels
from connexeo.processing.formats.interface import Statistics, WrittenBand
from connexeo.processing.formats.packing import Packing
from connexeo.processing.formats.wgs84 import located, to_wgs84
from connexeo.processing.vectors import features_of, geometries_of, is_vector

if TYPE_CHECKING:
    import dask.array as da
    import pyproj
    import xarray as xr

UNNAMED = "data"
AUXILIARY = ("lon", "lat", "feature_id")
"""Names of coordinates along geometries."""

Auxiliary = tuple[tuple[str, ...], np.ndarray[Any, Any], Mapping[str, str]]


@dataclass(frozen=True)
class Variable:
    """A band, or the whole cube."""

    name: str
    label: str | None
    """The band's label; None without bands."""
    values: da.Array
    dims: tuple[str, ...]


def variables_of(cube: xr.DataArray) -> list[Variable]:
    """The bands over all other dimensions."""
    import dask.array as da

    data = cube.data
    if not isinstance(data, da.Array):
        data = da.from_array(np.asarray(data), chunks=-1, name=False)  # type: ignore[no-untyped-call]
    bands = next((dimension.name for dimension in dimensions_of_type(cube, "bands")), None)
    if bands is None:
        # The name of an array says nothing: xarray makes one up for those of dask.
        return [Variable(UNNAMED, None, data, tuple(map(str, cube.dims)))]
    axis = cube.get_axis_num(bands)
    dims = tuple(str(dim) for dim in cube.dims if dim != bands)
    taken = {*dims, GRID_MAPPING, *(AUXILIARY if is_vector(cube) else ())}
    variables = []
    for index, label in enumerate(coordinates(cube, bands).tolist()):
        name = _safe_name(str(label))
        while name in taken:
            name += "_"
        taken.add(name)
        variables.append(Variable(name, str(label), data[(slice(None),) * axis + (index,)], dims))
    return variables


def attributes_of(
    cube: xr.DataArray, variable: Variable, packing: Packing, dtype: np.dtype[Any]
) -> Mapping[str, Any]:
    """Attributes of a variable that is kept as a type."""
    attributes: dict[str, Any] = {"long_name": variable.label or variable.name}
    if (packing.scale, packing.offset) != (1.0, 0.0):
        attributes |= {"scale_factor": packing.scale, "add_offset": packing.offset}
    if cube.dtype.kind == "b" and dtype == np.int8:
        attributes["dtype"] = "bool"
    if crs_of_cube(cube) is not None:
        attributes["grid_mapping"] = GRID_MAPPING
    return attributes


def crs_of_cube(cube: xr.DataArray) -> pyproj.CRS | None:
    """The reference system of x and y, or of geometries."""
    if not is_vector(cube):
        return find_crs(cube)
    from pyproj import CRS

    system = geometries_of(cube).crs
    return None if system is None else CRS.from_user_input(system)


def auxiliary_coordinates(cube: xr.DataArray) -> dict[str, Auxiliary]:
    """Where geometries are, for programs that cannot read them: points in WGS 84; and ids of features, if any."""
    if not is_vector(cube):
        return {}
    import shapely

    dims = (dimensions_of_type(cube, "geometry")[0].name,)
    found: dict[str, Auxiliary] = {}
    try:
        shapes = to_wgs84(geometries_of(cube), "GeoJSON")
    except FormatUnsuitable:
        shapes = None
    if shapes is not None:
        points = shapely.point_on_surface(shapes)
        for name, values in (("lon", shapely.get_x(points)), ("lat", shapely.get_y(points))):
            full, unit = ("longitude", "degrees_east") if name == "lon" else ("latitude", "degrees_north")
            found[name] = (dims, values, {"standard_name": full, "long_name": full, "units": unit})
    ids = [feature.get("id") for feature in features_of(cube)]
    if any(each is not None for each in ids):
        texts = np.array(["" if each is None else str(each) for each in ids], object)
        found["feature_id"] = (dims, texts, {"cf_role": "timeseries_id", "long_name": "feature id"})
    return found


def described(
    cube: xr.DataArray,
    variables: Sequence[Variable],
    packing: Packing,
    statistics: Sequence[Statistics | None],
) -> dict[str, Any]:
    """What the asset of a file with the variables tells, as fields of `WrittenFile`."""
    time = temporal_dimension(cube)
    grid = find_grid(cube)
    place = located(geometries_of(cube)) if is_vector(cube) else {} if grid is None else grid.described()
    return {
        "times": () if time is None else time_labels(cube, time),
        "bands": tuple(
            WrittenBand(
                variable.label or variable.name,
                packing.dtype.name,
                packing.nodata,
                packing.scale,
                packing.offset,
                each,
            )
            for variable, each in zip(variables, statistics, strict=True)
        ),
        **place,
    }


def _safe_name(label: str) -> str:
    """A name that netCDF and all its readers accept."""
    name = re.sub(r"[^A-Za-z0-9_.@+-]", "_", label) or UNNAMED
    return name if re.match(r"[A-Za-z0-9_]", name) else f"_{name}"
