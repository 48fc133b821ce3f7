"""Raster data cubes: an `xr.DataArray` whose dimensions have openEO's types, kept in `attrs["openeo"]`.

The types are held by name, so an array that has lost or gained dimensions stays readable; what is not told is inferred
from names and coordinates, so that any `DataArray` can be used as a cube. No-data is NaN; integer and boolean cubes
have none. Labels of temporal dimensions are `datetime64[ns]` in UTC, or strings where they are no instants
("2020-djf"); labels of x and y are pixel centres.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from connexeo.generated.errors import DimensionNotAvailable
from connexeo.processing.arguments import parse_instant

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.values import Label

DimensionType = Literal["spatial", "temporal", "bands", "geometry", "other"]
Axis = Literal["x", "y", "z"]
ReferenceSystem = int | str | Mapping[str, Any]

ATTRIBUTE = "openeo"

_AXES: dict[str, Axis] = {
    "x": "x",
    "lon": "x",
    "longitude": "x",
    "easting": "x",
    "y": "y",
    "lat": "y",
    "latitude": "y",
    "northing": "y",
    "z": "z",
    "height": "z",
    "altitude": "z",
    "depth": "z",
}
_TEMPORAL = frozenset({"t", "time", "date", "datetime"})
_BANDS = frozenset({"bands", "band", "b", "spectral"})
_NODATA = ("_FillValue", "nodata")
_GEOGRAPHIC = frozenset({"lon", "longitude", "lat", "latitude"})


@dataclass(frozen=True)
class Band:
    """What is known about a label of a dimension of type `bands`."""

    name: str
    """The label."""
    common_name: str | None = None
    """Common name of STAC's eo extension, e.g. `nir`."""
    center_wavelength: float | None = None
    """In micrometres."""


@dataclass(frozen=True)
class Dimension:
    """A dimension as `cube:dimensions` describes it, without its labels."""

    name: str
    type: DimensionType
    axis: Axis | None = None
    """Of spatial dimensions only."""
    reference_system: ReferenceSystem | None = None
    """EPSG code, WKT2 string or PROJJSON object of a spatial dimension; None: not known."""
    unit: str | None = None
    bands: tuple[Band, ...] = ()
    """Of dimensions of type `bands`: what is known about the labels, in any order, possibly about more of them."""
    period: str | None = field(default=None, compare=False)
    """Of temporal dimensions: the calendar period that the labels name, as `aggregate_temporal_period` calls it."""


def make_cube(data: xr.DataArray, dimensions: Iterable[Dimension]) -> xr.DataArray:
    """The array as a cube with the given dimensions; dimensions that the array lacks are left out."""
    known = {dimension.name: dimension for dimension in dimensions if dimension.name in data.dims}
    cube = data.copy(deep=False)
    cube.attrs = {**data.attrs, ATTRIBUTE: tuple(known[str(name)] for name in data.dims if name in known)}
    return cube


def with_nodata(cube: xr.DataArray) -> xr.DataArray:
    """The cube with NaN for the number that an attribute declares as no-data, as xarray and rioxarray keep it."""
    declared = [cube.attrs[name] for name in _NODATA if name in cube.attrs]
    if not declared:
        return cube
    kept = cube.copy(deep=False)
    kept.attrs = {key: value for key, value in cube.attrs.items() if key not in _NODATA}
    values = (
        kept if kept.dtype.kind == "f" else kept.astype(np.float32 if kept.dtype.itemsize <= 2 else float)
    )
    return values.where(kept != declared[0])


def dimensions_of(cube: xr.DataArray) -> tuple[Dimension, ...]:
    """The dimensions of a cube in the order of its axes; inferred from names and labels where it does not tell."""
    told: dict[str, Dimension] = {dimension.name: dimension for dimension in cube.attrs.get(ATTRIBUTE, ())}
    return tuple(told.get(str(name)) or _infer(cube, str(name)) for name in cube.dims)


def dimension_of(cube: xr.DataArray, name: str) -> Dimension:
    """One dimension by its name.

    Raises:
        DimensionNotAvailable: The cube has no such dimension.
    """
    for dimension in dimensions_of(cube):
        if dimension.name == name:
            return dimension
    available = ", ".join(str(dim) for dim in cube.dims) or "none"
    raise DimensionNotAvailable(f"A dimension with the name '{name}' does not exist. Available: {available}.")


def dimensions_of_type(cube: xr.DataArray, kind: DimensionType) -> tuple[Dimension, ...]:
    """All dimensions of one type."""
    return tuple(dimension for dimension in dimensions_of(cube) if dimension.type == kind)


def spatial_dimension(cube: xr.DataArray, axis: Axis) -> Dimension | None:
    """The spatial dimension of an axis."""
    spatial = dimensions_of_type(cube, "spatial")
    return next((dimension for dimension in spatial if dimension.axis == axis), None)


def crs_of(cube: xr.DataArray) -> ReferenceSystem | None:
    """The coordinate reference system of the horizontal dimensions; None where it is not known."""
    for dimension in dimensions_of_type(cube, "spatial"):
        if dimension.axis in ("x", "y") and dimension.reference_system is not None:
            return dimension.reference_system
    return None


def coordinates(cube: xr.DataArray, name: str) -> np.ndarray[Any, np.dtype[Any]]:
    """The labels of a dimension as an array; enumerated where the dimension has no coordinate."""
    if name in cube.coords:
        return np.asarray(cube.coords[name].values)
    return np.arange(cube.sizes[name])


def labels(cube: xr.DataArray, name: str) -> tuple[Label, ...]:
    """The labels of a dimension as users see them: instants as RFC 3339 strings, geometries as WKT, others as is."""
    values = coordinates(cube, name)
    if values.dtype.kind == "M":
        return tuple(map(rfc3339, values))
    if values.dtype.kind == "O" and dimension_of(cube, name).type == "geometry":
        from shapely import to_wkt

        if any(isinstance(value, str | int | float) for value in values):  # of a dimension that a graph added
            return tuple(values.tolist())
        texts = to_wkt(values, rounding_precision=-1)
        return tuple("GEOMETRYCOLLECTION EMPTY" if text is None else str(text) for text in texts)
    return tuple(values.tolist())


def rfc3339(instant: np.datetime64) -> str:
    """An instant in UTC, with a fraction of a second only where it has one."""
    text = np.datetime_as_string(instant, unit="ns")
    whole, _, fraction = str(text).partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def with_dimensions(
    cube: xr.DataArray, data: Any, names: Sequence[str], coords: Mapping[str, Any] | None = None
) -> xr.DataArray:
    """A cube of new data that keeps the dimensions of an existing one.

    Args:
        cube: The cube whose dimensions, labels, attributes and name are taken over.
        data: Values with one axis per name.
        names: Dimensions of the data, in its order.
        coords: Labels that replace those of `cube`, by dimension; None for a dimension without labels.
    """
    import xarray as xr

    given = coords or {}
    kept = {
        name: coord
        for name, coord in cube.coords.items()
        if set(coord.dims) <= set(names) - set(given) and name not in given
    }
    new = {name: value for name, value in given.items() if value is not None}
    result = xr.DataArray(data, dims=list(names), coords={**kept, **new})
    result.name = cube.name  # which xarray would take from the dask array if it is None
    result.attrs = {key: value for key, value in cube.attrs.items() if key != ATTRIBUTE}
    return make_cube(result, dimensions_of(cube))


def change_dimension(cube: xr.DataArray, name: str, **changes: Any) -> xr.DataArray:
    """The cube with other properties (type, axis, …) of one dimension."""
    changed = (replace(d, **changes) if d.name == name else d for d in dimensions_of(cube))
    return make_cube(cube, changed)


def _infer(cube: xr.DataArray, name: str) -> Dimension:
    lower = name.lower()
    if lower in _TEMPORAL or _are_instants(coordinates(cube, name)):
        return Dimension(name, "temporal")
    if lower in _BANDS:
        return Dimension(name, "bands")
    if (axis := _AXES.get(lower)) is not None:
        geographic = 4326 if lower in _GEOGRAPHIC else None
        return Dimension(name, "spatial", axis, None if axis == "z" else _told_crs(cube) or geographic)
    return Dimension(name, "other")


def _are_instants(values: np.ndarray[Any, np.dtype[Any]]) -> bool:
    if values.dtype.kind not in "OU":
        return values.dtype.kind == "M"
    return bool(len(values)) and all(parse_instant(label) is not None for label in values.tolist())


def _told_crs(cube: xr.DataArray) -> ReferenceSystem | None:
    """The CRS in an attribute, or in a scalar coordinate by the CF convention, as rioxarray and odc-geo write it."""
    name = cube.encoding.get("grid_mapping") or cube.attrs.get("grid_mapping") or "spatial_ref"
    attributes = cube.coords[name].attrs if name in cube.coords else {}
    told = attributes.get("crs_wkt") or attributes.get("spatial_ref") or cube.attrs.get("crs")
    return told if isinstance(told, int | str | Mapping) else None
