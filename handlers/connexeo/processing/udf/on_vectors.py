"""User-defined functions on vector cubes: as a feature collection, and as a cube that numbers the geometries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.processing.cube import Dimension, change_dimension, coordinates, dimensions_of_type
from connexeo.processing.udf.call import Call, failed
from connexeo.processing.udf.results import cube_of, data_of, plain_number, structured
from connexeo.processing.udf.values import Data
from connexeo.processing.vectors import (
    PROPERTIES,
    features_of,
    geometries_of,
    geometry_labels,
    make_vector_cube,
    with_features,
)

if TYPE_CHECKING:
    import xarray as xr


def run_on_vector(cube: xr.DataArray, call: Call) -> Any:
    """The value of a UDF for a vector cube.

    A feature collection counts if it was changed and the cube was not, or if there is no cube.

    Raises:
        UdfFailed: The UDF raised something, or gave nothing.
        ProcessGraphComplexity: It hit a limit.
    """
    dimension = dimensions_of_type(cube, "geometry")[0].name
    features = _features_of(cube)
    given = [data_of(cube, (dimension,))] if cube.dtype.kind in "biuf" else []
    answer = call(given, features=features)
    if answer.structured:
        return structured(answer)
    found = answer.features[0] if len(answer.features) == 1 else None
    if len(answer.cubes) == 1:
        same = bool(given) and _equal(answer.cubes[0], given[0])
        if not same or found is None or _are_same(found, features):
            return _labelled(answer.cubes[0], cube, dimension, found or features)
    if found is None:
        raise failed("it must return one data cube or one feature collection.")
    return _vector_of(found, cube)


def _features_of(cube: xr.DataArray) -> dict[str, Any]:
    """The geometries of a vector cube, with its properties as columns."""
    geometries = geometries_of(cube)
    properties = [feature.get("properties") or {} for feature in features_of(cube)]
    names = dict.fromkeys(str(name) for each in properties for name in each)
    columns: dict[str, list[Any]] = {name: [each.get(name) for each in properties] for name in names}
    if PROPERTIES in cube.dims and cube.ndim == 2:
        table = cube.transpose(PROPERTIES, ...).values
        for name, values in zip(coordinates(cube, PROPERTIES).tolist(), table, strict=True):
            columns[str(name)] = [plain_number(value) for value in values.tolist()]
    shapes = [None if shape is None else shape.wkb.hex() for shape in geometries.shapes]
    crs = geometries.crs
    return {"shapes": shapes, "columns": columns, "crs": dict(crs) if isinstance(crs, Mapping) else crs}


def _vector_of(features: Mapping[str, Any], source: xr.DataArray) -> xr.DataArray:
    """A vector cube of a feature collection; columns are properties."""
    shapes, crs = _shapes(features), features["crs"]
    if crs is None:
        crs = geometries_of(source).crs
    columns = features["columns"]
    if not columns:
        return make_vector_cube(shapes, crs)
    numeric = all(
        value is None or (isinstance(value, int | float)) for values in columns.values() for value in values
    )
    table = np.empty((len(shapes), len(columns)), float if numeric else object)
    for number, values in enumerate(columns.values()):
        table[:, number] = values
    coords = {PROPERTIES: list(columns)}
    dims = ("geometry", PROPERTIES)
    return make_vector_cube(
        shapes, crs, data=table, dims=dims, coords=coords, dimensions=[Dimension(PROPERTIES, "other")]
    )


def _labelled(
    result: Data, source: xr.DataArray, dimension: str, features: Mapping[str, Any]
) -> xr.DataArray:
    """A cube whose numbers of geometries become geometries again."""
    cube = cube_of(result, source)
    if dimension not in result.dims:
        return cube
    shapes = geometry_labels(_shapes(features))
    size = result.sizes[dimension]
    numbers = result.coords.get(dimension)
    if not isinstance(numbers, np.ndarray) or numbers.dtype.kind not in "iu":
        numbers = np.arange(size)
    if size and (int(numbers.min()) < 0 or int(numbers.max()) >= len(shapes)):
        raise failed(f"it returned a cube for {size} geometries, but {len(shapes)} geometries.")
    crs = features["crs"]
    labelled = cube.assign_coords({dimension: (dimension, shapes[numbers])})
    if len(members := features_of(source)) == len(shapes):
        labelled = with_features(labelled, [members[number] for number in numbers])
    return labelled if crs is None else change_dimension(labelled, dimension, reference_system=crs)


def _shapes(features: Mapping[str, Any]) -> list[Any]:
    import shapely
    from shapely.errors import ShapelyError

    try:
        return [None if wkb is None else shapely.from_wkb(wkb) for wkb in features["shapes"]]
    except (ShapelyError, TypeError, ValueError) as error:
        raise failed("its geometries can't be read.") from error


def _equal(one: Data, other: Data) -> bool:
    return one.dims == other.dims and np.array_equal(one.values, other.values, equal_nan=True)


def _are_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["shapes"] == other["shapes"] and one["columns"] == other["columns"])
