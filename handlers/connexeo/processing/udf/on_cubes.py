"""User-defined functions on whole data cubes, and on plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import ProcessGraphComplexity
from connexeo.processing.cube import (
    Dimension,
    change_dimension,
    coordinates,
    crs_of,
    dimensions_of,
    dimensions_of_type,
    make_cube,
)
from connexeo.processing.udf.call import Call, failed
from connexeo.processing.udf.values import Answer, Data, Labels, labels_for
from connexeo.processing.values import LabeledList, labels_of
from connexeo.processing.vectors import (
    PROPERTIES,
    features_of,
    geometries_of,
    geometry_labels,
    is_vector,
    make_vector_cube,
)

if TYPE_CHECKING:
    import xarray as xr

COPIES = 4
"""How often a cube may be in the memory of a UDF: as it came, computed on and to be returned."""


def run_on_cube(cube: xr.DataArray, call: Call) -> Any:
    """The value of a UDF for a whole cube, which is computed for it: nothing tells what the result will be like.

    Dimensions that the result shares with the cube keep what is known about them, and their labels where the result
    has none. A vector cube is given as a cube whose geometries are numbered and as a feature collection.

    Raises:
        ProcessGraphComplexity: The cube is larger than a UDF may get, or the UDF hit a limit.
        UdfFailed: The UDF raised something, or gave nothing.
    """
    limit = call.environment.udf.memory // COPIES
    if cube.nbytes > limit:
        raise ProcessGraphComplexity(
            f"A UDF that runs on a whole data cube can get {limit / 2**20:.0f} MB, not the "
            f"{cube.nbytes / 2**20:.0f} MB of this one. Ask for a smaller extent, or let it run block by "
            "block, e.g. in apply or apply_dimension."
        )
    if is_vector(cube):
        return _run_on_vector(cube, call)
    answer = call([_data_of(cube)])
    if answer.structured:
        return _structured(answer)
    if len(answer.cubes) != 1:
        raise failed(f"it must return one data cube, not {len(answer.cubes)}.")
    return _cube_of(answer.cubes[0], cube)


def run_on_plain(data: Any, call: Call) -> Any:
    """The value of a UDF for a value outside of cubes; numbers and arrays of numbers are cubes for it.

    Raises:
        UdfFailed: The UDF raised something, or gave nothing.
        ProcessGraphComplexity: It hit a limit.
    """
    numbers = _numbers(data)
    answer = call(structured=[data]) if numbers is None else call([numbers])
    if answer.structured:
        return _structured(answer)
    if len(answer.cubes) != 1:
        raise failed("it returned nothing.")
    result = answer.cubes[0]
    if result.values.ndim > 1:
        return _cube_of(result, None)
    plain = result.values.tolist()
    if not isinstance(plain, list):
        return _plain(plain)
    values = [_plain(value) for value in plain]
    labels = result.coords.get(result.dims[0])
    return values if labels is None else LabeledList(values, _plain_labels(labels))


def _numbers(data: Any) -> Data | None:
    """A number or an array of numbers as a cube; None for anything else."""
    if data is None or isinstance(data, bool | int | float):
        return Data(np.asarray(np.nan if data is None else data), ())
    if not isinstance(data, list) or not all(
        one is None or isinstance(one, bool | int | float) for one in data
    ):
        return None
    values = np.asarray([np.nan if one is None else one for one in data])
    labels = labels_of(data)
    if values.dtype.kind not in "biuf":  # integers that no type of numpy holds
        return None
    return Data(values, ("array",), {} if labels is None else {"array": list(labels)})


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _plain_labels(labels: Labels) -> list[Any]:
    if isinstance(labels, np.ndarray):
        return [str(one) for one in labels] if labels.dtype.kind == "M" else list(labels.tolist())
    return labels


def _structured(answer: Answer) -> Any:
    return answer.structured[0] if len(answer.structured) == 1 else list(answer.structured)


def _data_of(cube: xr.DataArray, without: tuple[str, ...] = ()) -> Data:
    """A cube for a UDF; labels of dimensions in `without` are numbers."""
    coords: dict[str, Labels] = {}
    for name in map(str, cube.dims):
        if name in without:
            coords[name] = np.arange(cube.sizes[name])
        elif name in cube.coords and (labels := labels_for(coordinates(cube, name))) is not None:
            coords[name] = labels
    return Data(
        np.asarray(cube.values),
        tuple(map(str, cube.dims)),
        coords,
        None if cube.name is None else str(cube.name),
    )


def _cube_of(result: Data, source: xr.DataArray | None) -> xr.DataArray:
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


def _run_on_vector(cube: xr.DataArray, call: Call) -> Any:
    dimension = dimensions_of_type(cube, "geometry")[0].name
    features = _features_of(cube)
    numeric = cube.dtype.kind in "biuf"
    answer = call([_data_of(cube, (dimension,))] if numeric else [], features=features)
    if answer.structured:
        return _structured(answer)
    found = answer.features[0] if len(answer.features) == 1 else None
    unchanged = numeric and len(answer.cubes) == 1 and _equal(answer.cubes[0], _data_of(cube, (dimension,)))
    if found is not None and found != features and (unchanged or not answer.cubes):
        return _vector_of(found, cube)
    if len(answer.cubes) != 1:
        if found is None:
            raise failed("it must return one data cube or one feature collection.")
        return _vector_of(found, cube)
    return _labelled(answer.cubes[0], cube, dimension, features if found is None else found)


def _features_of(cube: xr.DataArray) -> dict[str, Any]:
    """The geometries of a vector cube, with its properties as columns."""
    geometries = geometries_of(cube)
    properties = [feature.get("properties") or {} for feature in features_of(cube)]
    names = dict.fromkeys(str(name) for each in properties for name in each)
    columns: dict[str, list[Any]] = {name: [each.get(name) for each in properties] for name in names}
    if PROPERTIES in cube.dims and cube.ndim == 2:
        table = cube.transpose(PROPERTIES, ...).values
        for name, values in zip(coordinates(cube, PROPERTIES).tolist(), table, strict=True):
            columns[str(name)] = [_plain(value) for value in values.tolist()]
    shapes = [None if shape is None else shape.wkb_hex for shape in geometries.shapes]
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
    cube = _cube_of(result, source)
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


def proj_of(cube: xr.DataArray) -> dict[str, Any] | None:
    """The reference system of a cube, as UDFs are told it."""
    crs = crs_of(cube)
    return {"EPSG": crs} if isinstance(crs, int) else None
