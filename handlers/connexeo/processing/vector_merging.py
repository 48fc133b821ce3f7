"""Merging of vector cubes, whose geometries are numbered for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import IncompatibleDataCubes, IncompatibleGeometryTypes
from connexeo.processing.alignment import same_crs
from connexeo.processing.cube import coordinates, dimensions_of_type
from connexeo.processing.vectors import (
    FEATURES,
    Shapes,
    features_of,
    geometry_labels,
    with_features,
    with_geometries,
)

if TYPE_CHECKING:
    import xarray as xr

Merge = Callable[["xr.DataArray", "xr.DataArray"], "xr.DataArray"]


def merge_vectors(first: xr.DataArray, second: xr.DataArray, merge: Merge) -> xr.DataArray:
    """Merge cubes of which at least one has geometries; equal geometries are one label, that of the first cube.

    Geometries are equal if they cover the same points, however they are written. Missing and empty ones equal none.

    Args:
        first: The first cube.
        second: The second cube.
        merge: Merges cubes whose labels are no geometries.

    Raises:
        IncompatibleDataCubes: One of them is a raster cube, or the reference systems differ.
        IncompatibleGeometryTypes: One has points, lines or polygons that the other has not.
    """
    if any(dimensions_of_type(cube, "spatial") for cube in (first, second)):
        raise IncompatibleDataCubes("A raster data cube and a vector data cube can't be merged.")
    found = [dimensions_of_type(cube, "geometry") for cube in (first, second)]
    if not all(found) or found[0][0].name != found[1][0].name:
        return merge(first, second)
    name = found[0][0].name
    if not same_crs(found[0][0].reference_system, found[1][0].reference_system):
        raise IncompatibleDataCubes(
            "The geometries of the data cubes have different reference systems, use vector_reproject on one of them."
        )
    ours, theirs = (geometry_labels(coordinates(cube, name)) for cube in (first, second))
    types = [_base_types(shapes) for shapes in (ours, theirs)]
    if all(types) and types[0] != types[1]:
        raise IncompatibleGeometryTypes
    numbers = _numbers(ours, theirs)
    merged = merge(_numbered(first, name, np.arange(len(ours))), _numbered(second, name, numbers))
    order = coordinates(merged, name)
    known = dict(zip(numbers.tolist(), zip(theirs, features_of(second), strict=True), strict=True))
    known |= dict(enumerate(zip(ours, features_of(first), strict=True)))
    chosen = [known[number] for number in order.tolist()]
    result = with_geometries(merged, [shape for shape, _ in chosen])
    return with_features(result, [feature for _, feature in chosen])


def _base_types(shapes: Shapes) -> frozenset[str]:
    """Points, lines, polygons; a geometry of several is of the type of each."""
    types = (str(shape.geom_type) for shape in shapes if shape is not None)
    return frozenset(one.removeprefix("Multi").replace("LinearRing", "LineString") for one in types)


def _numbers(ours: Shapes, theirs: Shapes) -> NDArray[np.intp]:
    """Of their geometries: the index of the one of ours that is equal, or else a number of its own."""
    import shapely

    numbers = len(ours) + np.arange(len(theirs))
    candidates = shapely.STRtree(ours).query(theirs)
    their, our = candidates[:, np.lexsort(candidates[::-1])]
    taken: set[int] = set()
    for one, other in zip(their.tolist(), our.tolist(), strict=True):
        free = other not in taken and numbers[one] >= len(ours)
        if free and shapely.equals(ours[other], theirs[one]):
            numbers[one] = other
            taken.add(other)
    return np.asarray(numbers, np.intp)


def _numbered(cube: xr.DataArray, name: str, numbers: Any) -> xr.DataArray:
    return cube.drop_vars([name, FEATURES], errors="ignore").assign_coords({name: numbers})
