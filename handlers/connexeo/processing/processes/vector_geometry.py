"""Processes on the geometries of vector cubes: `vector_buffer`, `vector_reproject`, `filter_vector`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from connexeo.generated.errors import DimensionNotAvailable, ProcessParameterInvalid, UnitMismatch
from connexeo.processing.cube import (
    change_dimension,
    coordinates,
    dimensions_of,
    dimensions_of_type,
    make_cube,
)
from connexeo.processing.process import process
from connexeo.processing.vectors import (
    Geometries,
    Shapes,
    geometries_of,
    geometry_labels,
    is_vector,
    with_geometries,
)

if TYPE_CHECKING:
    import xarray as xr

Relation = Literal["intersects", "disjoint", "equals", "touches", "crosses", "overlaps", "contains", "within"]


@process
def vector_buffer(geometries: xr.DataArray, distance: float) -> xr.DataArray:
    """Replace geometries by the area within a distance in metres, or take an edge of that width away.

    Round corners have 16 segments per quarter of a circle. Values and features are kept.

    Raises:
        UnitMismatch: The reference system is not in metres, or not known.
        ProcessParameterInvalid: It is no vector cube.
    """
    import shapely

    found = vectors_in(geometries, "vector_buffer", "geometries")
    require_metres(found)
    return with_geometries(geometries, shapely.buffer(found.shapes, distance, quad_segs=16))


@process
def vector_reproject(data: xr.DataArray, projection: int | str, dimension: str | None = None) -> xr.DataArray:
    """Bring the geometries of one or all geometry dimensions into another reference system, vertex by vertex.

    Raises:
        DimensionNotAvailable: The cube has no geometry dimension, or none of the name.
        ProcessParameterInvalid: A reference system is not known, or has no place for some of the geometries.
    """
    dimensions = dimensions_of_type(data, "geometry")
    chosen = [one for one in dimensions if dimension in (None, one.name)]
    if not chosen:
        names = ", ".join(one.name for one in dimensions) or "none"
        raise DimensionNotAvailable(f"There is no such geometry dimension. Available: {names}.")
    for one in chosen:
        if one.reference_system is None:
            reason = f"the reference system of dimension '{one.name}' is not known."
            raise ProcessParameterInvalid(process="vector_reproject", parameter="data", reason=reason)
        shapes = geometry_labels(coordinates(data, one.name))
        moved = _reprojected(Geometries(shapes, one.reference_system), projection)
        data = with_geometries(data, moved, one.name)
        data = change_dimension(data, one.name, reference_system=projection)
    return data


@process
def filter_vector(
    data: xr.DataArray, geometries: xr.DataArray, relation: Relation = "intersects"
) -> xr.DataArray:
    """Keep the geometries to which the union of other geometries has a relation of Simple Features.

    The others are brought into the reference system of `data`. Geometries whose edges cross themselves are repaired to
    be compared. Empty ones are removed.

    Raises:
        ProcessParameterInvalid: One of the two is no vector cube.
    """

    candidates = vectors_in(data, "filter_vector", "data")
    others = vectors_in(geometries, "filter_vector", "geometries").to_crs(candidates.crs)
    kept = related(repaired(others.shapes), repaired(candidates.shapes), relation)
    return keep_geometries(data, kept & ~is_empty(candidates.shapes))


def related(base: Shapes, candidates: Shapes, relation: Relation) -> Any:
    """Whether the union of some geometries has a relation to each of the others.

    Polygons, lines and points of the base are compared one after the other, because GEOS has no exact answers for
    collections of several of them.
    """
    import shapely

    parts = shapely.get_parts(base[~is_empty(base)])
    kinds = shapely.get_dimensions(parts)
    unions = [shapely.union_all(parts[kinds == kind]) for kind in np.unique(kinds)]
    if len(unions) < 2:
        compare: Any = getattr(shapely, relation)
        return compare(unions[0] if unions else shapely.Point(), candidates)
    found = {
        name: np.array([getattr(shapely, name)(union, candidates) for union in unions])
        for name in ("disjoint", "touches", "within", "covered_by", relation)
    }
    match relation:
        case "equals":  # nothing of a single kind equals several
            return np.zeros(len(candidates), bool)
        case "disjoint":
            return found["disjoint"].all(axis=0)
        case "touches":
            return found["touches"].any(axis=0) & (found["touches"] | found["disjoint"]).all(axis=0)
        case "within":
            return found["within"].any(axis=0) & found["covered_by"].all(axis=0)
    return found[relation].any(axis=0)


def vectors_in(cube: xr.DataArray, process: str, parameter: str) -> Geometries:
    """The geometries of an argument.

    Raises:
        ProcessParameterInvalid: It is no vector cube.
    """
    if is_vector(cube):
        return geometries_of(cube)
    reason = "a vector data cube is needed."
    raise ProcessParameterInvalid(process=process, parameter=parameter, reason=reason)


def require_metres(geometries: Geometries) -> None:
    """Refuse reference systems whose coordinates are in another unit than metres, or not known.

    Raises:
        UnitMismatch: They are.
    """
    if geometries.crs is None:
        raise UnitMismatch(
            "The reference system of the geometries is not known, so they may not be in metres."
        )
    from pyproj import CRS

    units = {axis.unit_name for axis in CRS.from_user_input(geometries.crs).axis_info[:2]}
    if units != {"metre"}:
        raise UnitMismatch(
            f"The reference system of the geometries is in the unit {min(units, default='unknown')}, while the "
            "distance is in metres. Use vector_reproject first."
        )


def keep_geometries(cube: xr.DataArray, kept: Any) -> xr.DataArray:
    """The cube with some of its geometries."""
    name = dimensions_of_type(cube, "geometry")[0].name
    return make_cube(cube.isel({name: np.flatnonzero(kept)}), dimensions_of(cube))


def is_empty(shapes: Shapes) -> Any:
    """Which geometries are empty or missing."""
    import shapely

    return shapely.is_empty(shapes) | shapely.is_missing(shapes)


def repaired(shapes: Shapes) -> Shapes:
    """Valid geometries, which can be compared."""
    import shapely

    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    valid = geometry_labels(shapes)
    valid[broken] = shapely.make_valid(valid[broken])
    return valid


def _reprojected(geometries: Geometries, projection: int | str) -> Shapes:
    import shapely
    from pyproj.exceptions import ProjError

    try:
        moved = geometries.to_crs(projection).shapes
    except ProjError as error:
        reason = f"the reference system {str(projection)[:100]!r} is not known."
        raise ProcessParameterInvalid(
            process="vector_reproject", parameter="projection", reason=reason
        ) from error
    if np.isinf(shapely.bounds(moved)).any():
        reason = "some of the geometries have no place in this reference system."
        raise ProcessParameterInvalid(process="vector_reproject", parameter="projection", reason=reason)
    return moved
