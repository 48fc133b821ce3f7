"""Processes that keep some labels of dimensions and drop the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import (
    BandFilterParameterMissing,
    DimensionMissing,
    DimensionNotAvailable,
    ProcessParameterInvalid,
)
from connexeo.processing.alignment import plane_of, same_crs
from connexeo.processing.bands import bands_between, matching_bands
from connexeo.processing.blocks import compact
from connexeo.processing.cube import (
    ReferenceSystem,
    coordinates,
    crs_of,
    dimensions_of,
    dimensions_of_type,
    labels,
    make_cube,
    spatial_dimension,
)
from connexeo.processing.process import process
from connexeo.processing.temporal import instants_of, temporal_dimension, within
from connexeo.processing.vectors import geometries_of, is_vector

if TYPE_CHECKING:
    import xarray as xr

Bounds = tuple[float, float, float, float]
Centres = np.ndarray[Any, np.dtype[Any]]

_EDGE_POINTS = 101
"""Points per edge of a bounding box that are projected: enough for edges that bend."""


@process
def filter_bands(
    data: xr.DataArray, bands: Sequence[str] = (), wavelengths: Sequence[Sequence[float]] = ()
) -> xr.DataArray:
    """Keep bands by name, common name or wavelength (micrometres), in the order of the criteria.

    Raises:
        BandFilterParameterMissing: There is no criterion.
        DimensionMissing: The cube has no dimension of type `bands`.
    """
    if not bands and not wavelengths:
        raise BandFilterParameterMissing
    found = dimensions_of_type(data, "bands")
    if not found:
        raise DimensionMissing
    dimension = found[0]
    names = labels(data, dimension.name)
    chosen: dict[int, None] = {}
    for band in bands:
        chosen.update(dict.fromkeys(matching_bands(dimension, names, band)))
    for shortest, longest in wavelengths:
        if shortest > longest:
            reason = f"the minimum wavelength {shortest} exceeds the maximum {longest}."
            raise ProcessParameterInvalid(process="filter_bands", parameter="wavelengths", reason=reason)
        chosen.update(dict.fromkeys(bands_between(dimension, names, shortest, longest)))
    return make_cube(data.isel({dimension.name: compact(list(chosen))}), dimensions_of(data))


@process
def filter_temporal(
    data: xr.DataArray, extent: Sequence[str | None], dimension: str | None = None
) -> xr.DataArray:
    """Keep labels within a left-closed interval, of one temporal dimension or of all.

    Raises:
        DimensionNotAvailable: There is no such temporal dimension, or none at all.
    """
    if dimension is not None:
        chosen = [temporal_dimension(data, dimension)]
    else:
        chosen = list(dimensions_of_type(data, "temporal"))
    if not chosen:
        raise DimensionNotAvailable("The data cube has no temporal dimension.")
    kept = {
        one.name: np.flatnonzero(within(instants_of(data, one, "filter_temporal"), extent)) for one in chosen
    }
    return make_cube(data.isel(kept), dimensions_of(data))


@process
def filter_bbox(data: xr.DataArray, extent: Mapping[str, Any]) -> xr.DataArray:
    """Keep the pixels whose centres lie in a bounding box or on its edge, or the geometries that lie fully within it.

    Raises:
        DimensionNotAvailable: The cube has neither horizontal spatial dimensions nor geometries.
        ProcessParameterInvalid: The reference system of the box is not known, or the box has no place in the cube's.
    """
    if is_vector(data):
        return _within_box(data, extent)
    x, y = plane_of(data)
    columns, rows = kept_pixels(extent, coordinates(data, x.name), coordinates(data, y.name), crs_of(data))
    kept = {x.name: columns, y.name: rows}
    z = spatial_dimension(data, "z")
    base, height = extent.get("base"), extent.get("height")
    if z is not None and (base is not None or height is not None):
        low, high = -math.inf if base is None else base, math.inf if height is None else height
        kept[z.name] = _between(coordinates(data, z.name), low, high)
    return make_cube(data.isel(kept), dimensions_of(data))


def _within_box(data: xr.DataArray, extent: Mapping[str, Any]) -> xr.DataArray:
    """The geometries whose bounds lie in the box; heights count where both have them, empty ones lie nowhere."""
    import shapely

    dimension = dimensions_of_type(data, "geometry")[0]
    shapes, crs = geometries_of(data).shapes, dimension.reference_system
    bounds = shapely.bounds(shapes)
    finite = np.isfinite(bounds).all(axis=1)
    reach = bounds[finite]
    whole = (*reach[:, :2].min(axis=0), *reach[:, 2:].max(axis=0)) if len(reach) else (0.0, 0.0, 0.0, 0.0)
    west, south, east, north = _bounds_in(extent, crs, whole)
    low, high = np.array([west, south]), np.array([east, north])
    inside = finite & (bounds[:, :2] >= low).all(axis=1) & (bounds[:, 2:] <= high).all(axis=1)
    base, height = extent.get("base"), extent.get("height")
    for index in np.flatnonzero(inside & shapely.has_z(shapes)):
        z = shapely.get_coordinates(shapes[index], include_z=True)[:, 2]
        inside[index] = (base is None or z.min() >= base) and (height is None or z.max() <= height)
    return make_cube(data.isel({dimension.name: np.flatnonzero(inside)}), dimensions_of(data))


def kept_pixels(
    extent: Mapping[str, Any], x: Centres, y: Centres, crs: ReferenceSystem | None
) -> tuple[Any, Any]:
    """The columns and rows that `filter_bbox` keeps: slices, or indices where others lie in between.

    Args:
        extent: The bounding box.
        x: Pixel centres of the columns.
        y: Pixel centres of the rows.
        crs: Of the pixels; None: the same as of the box.

    Raises:
        ProcessParameterInvalid: The reference system of the box is not known.
    """
    across, along = _range(x), _range(y)
    west, south, east, north = _bounds_in(extent, crs, (across[0], along[0], across[1], along[1]))
    return _between(x, west, east), _between(y, south, north)


def _between(centres: Centres, low: float, high: float) -> Any:
    return _slice(np.flatnonzero((centres >= low) & (centres <= high)))


def _slice(indices: np.ndarray[Any, np.dtype[np.intp]]) -> Any:
    """Neighbouring indices as a slice, which copies nothing."""
    if len(indices) and indices[-1] - indices[0] + 1 == len(indices):
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices


def _range(centres: np.ndarray[Any, np.dtype[Any]]) -> tuple[float, float]:
    return (float(centres.min()), float(centres.max())) if len(centres) else (0.0, 0.0)


def _bounds_in(extent: Mapping[str, Any], crs: ReferenceSystem | None, cube: Bounds) -> Bounds:
    """West, south, east, north in the cube's reference system; as given where that is not known."""
    box = (extent["west"], extent["south"], extent["east"], extent["north"])
    given = extent.get("crs") or 4326
    if crs is None:
        return box
    from pyproj import Transformer
    from pyproj.enums import TransformDirection
    from pyproj.exceptions import ProjError

    try:
        if same_crs(given, crs):
            return box
        transformer = Transformer.from_crs(given, crs, always_xy=True)
    except ProjError as error:
        reason = f"the reference system {given!r} is not known."
        raise ProcessParameterInvalid(process="filter_bbox", parameter="extent", reason=reason) from error
    # Only the part around the cube matters, and projections may give nonsense far away from it.
    own = transformer.transform_bounds(
        cube[0], cube[1], cube[2], cube[3], densify_pts=_EDGE_POINTS, direction=TransformDirection.INVERSE
    )
    west, south, east, north = _clip(box, own) if all(map(math.isfinite, own)) else box
    if west > east or south > north:
        return math.inf, math.inf, -math.inf, -math.inf
    return transformer.transform_bounds(west, south, east, north, densify_pts=_EDGE_POINTS)


def _clip(box: Bounds, other: Bounds) -> Bounds:
    """The part of a box in and around another one."""
    margins = (other[2] - other[0] + 1e-6, other[3] - other[1] + 1e-6)
    return (
        max(box[0], other[0] - margins[0]),
        max(box[1], other[1] - margins[1]),
        min(box[2], other[2] + margins[0]),
        min(box[3], other[3] + margins[1]),
    )
