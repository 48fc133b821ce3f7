"""Coordinates and reference systems in the terms of the CF conventions 1.8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from connexeo.processing.cube import Dimension, coordinates, labels

if TYPE_CHECKING:
    import pyproj
    import xarray as xr

    from connexeo.processing.formats.grid import Grid

GRID_MAPPING = "crs"
"""Name of the variable that holds the reference system."""

_TICKS = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}


@dataclass(frozen=True)
class Coordinate:
    """A coordinate variable."""

    values: npt.NDArray[Any]
    """Numbers, or strings as objects."""
    attributes: Mapping[str, str]


def describe_coordinate(cube: xr.DataArray, dimension: Dimension, crs: pyproj.CRS | None) -> Coordinate:
    """The labels of a dimension."""
    values = coordinates(cube, dimension.name)
    if values.dtype.kind == "M":
        return _instants(values, dimension)
    if values.dtype.kind in "USO":
        texts = np.array([str(label) for label in labels(cube, dimension.name)], dtype=object)
        return Coordinate(texts, {"long_name": dimension.name})
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    if dimension.type == "spatial" and dimension.axis in ("x", "y"):
        return Coordinate(values, _horizontal(dimension.axis, crs))
    attributes = {"long_name": dimension.name}
    if dimension.unit:
        attributes["units"] = dimension.unit
    if dimension.axis == "z":
        attributes |= {"axis": "Z", "positive": "up"}
    return Coordinate(values, attributes)


def grid_mapping(crs: pyproj.CRS, grid: Grid | None) -> dict[str, Any]:
    """Attributes of the grid mapping variable: those of CF, and those that GDAL and rioxarray read."""
    attributes: dict[str, Any] = dict(crs.to_cf())
    attributes["crs_wkt"] = attributes["spatial_ref"] = crs.to_wkt()
    # Versions of GDAL differ in what they make of it when y grows with the rows; from the coordinates all are right.
    if grid is not None and grid.located and grid.y.step < 0:
        x, y = grid.x, grid.y
        left, top = x.first - x.step / 2, y.first - y.step / 2
        attributes["GeoTransform"] = " ".join(map(repr, (left, x.step, 0.0, top, 0.0, y.step)))
    return attributes


def _instants(values: npt.NDArray[Any], dimension: Dimension) -> Coordinate:
    """As whole numbers of the largest unit, so that they are exact."""
    nanoseconds = values.astype("datetime64[ns]").astype(np.int64)
    unit, ticks = next((unit, ticks) for unit, ticks in _TICKS.items() if not (nanoseconds % ticks).any())
    attributes = {
        "units": f"{unit} since 1970-01-01 00:00:00",
        "calendar": "proleptic_gregorian",
    }
    if dimension.type == "temporal":
        attributes |= {"standard_name": "time", "long_name": "time", "axis": "T"}
    return Coordinate(nanoseconds // ticks, attributes)


def _horizontal(axis: str, crs: pyproj.CRS | None) -> dict[str, str]:
    upper = axis.upper()
    if crs is None:
        return {"long_name": axis, "axis": upper}
    if crs.is_geographic:
        name, units = ("longitude", "degrees_east") if axis == "x" else ("latitude", "degrees_north")
        return {"standard_name": name, "long_name": name, "units": units, "axis": upper}
    unit = crs.axis_info[0].unit_name if crs.axis_info else "metre"
    return {
        "standard_name": f"projection_{axis}_coordinate",
        "long_name": f"{axis} coordinate of projection",
        "units": "m" if unit == "metre" else unit,
        "axis": upper,
    }
