"""Data for UDFs that are elsewhere as JSON, and what they answer: the structure of `UdfData` of the openEO client.

NaN and infinite numbers are null. Numbers come back in double precision, as JSON knows no types of them; but whole
numbers outside of cubes stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.processing.cube import rfc3339
from connexeo.processing.udf.values import Answer, Data, Labels, plain_type
from connexeo.processing.vectors import read_features


class NotUdfData(ValueError):
    """An answer has another structure; the message says what is wrong."""


def write_document(
    cubes: Sequence[Data],
    *,
    features: Mapping[str, Any] | None,
    structured: Sequence[Any],
    proj: Mapping[str, Any] | None,
    context: Any,
) -> bytes:
    """The document for a UDF.

    Raises:
        TypeError: It has values that are none of JSON.
    """
    import orjson

    # Beside features, a cube that comes back as it was must be told from another.
    precise = features is not None
    document = {
        "proj": proj,
        "datacubes": [_cube_document(cube, precise) for cube in cubes],
        "feature_collection_list": [] if features is None else [_features_document(features)],
        "structured_data_list": [_structured_document(value) for value in structured],
        "user_context": context,
    }
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def read_document(document: Any, given: Sequence[Data], *, process: str, exact: bool) -> Answer:
    """The answer of a UDF.

    Args:
        document: What came.
        given: The cubes that the UDF was given; their instants are texts in between.
        process: For errors.
        exact: Whether whole numbers stay such.

    Raises:
        NotUdfData: It has another structure.
        ProcessParameterInvalid: It has features that are no GeoJSON.
    """
    if not isinstance(document, Mapping):
        raise NotUdfData("it must be an object")
    known = dict(given[0].coords) if given else {}
    cubes = tuple(_read_cube(cube, known, exact) for cube in _listed(document, "datacubes"))
    crs = _epsg(document.get("proj"))
    features = tuple(
        _read_features(collection, crs, process)
        for collection in _listed(document, "feature_collection_list")
    )
    structured = tuple(_member(value, "data") for value in _listed(document, "structured_data_list"))
    return Answer(cubes, features, structured)


def _cube_document(cube: Data, precise: bool) -> dict[str, Any]:
    values = plain_type(cube.values.astype(float) if precise else cube.values)
    dimensions: list[dict[str, Any]] = []
    for name in cube.dims:
        labels = cube.coords.get(name)
        dimensions.append(
            {"name": name} if labels is None else {"name": name, "coordinates": _written(labels)}
        )
    data = np.ascontiguousarray(values) if values.ndim else values.item()
    named = {} if cube.name is None else {"id": cube.name}
    return {**named, "data": data, "dimensions": dimensions}


def _written(labels: Labels) -> list[Any]:
    if isinstance(labels, list):
        return labels
    return [rfc3339(one) for one in labels] if labels.dtype.kind == "M" else list(labels.tolist())


def _features_document(features: Mapping[str, Any]) -> dict[str, Any]:
    import shapely
    from shapely.geometry import mapping

    columns: Mapping[str, Sequence[Any]] = features["columns"]
    members = []
    for number, wkb in enumerate(features["shapes"]):
        geometry = None if wkb is None else mapping(shapely.from_wkb(wkb))
        properties = {name: values[number] for name, values in columns.items()}
        members.append({"type": "Feature", "id": str(number), "geometry": geometry, "properties": properties})
    return {"id": "data", "data": {"type": "FeatureCollection", "features": members}}


def _structured_document(value: Any) -> dict[str, Any]:
    kind = type(value).__name__
    return {"data": value, "description": kind, "type": kind}


def _listed(document: Mapping[str, Any], name: str) -> list[Any]:
    found = document.get(name)
    if not isinstance(found, list | None):
        raise NotUdfData(f"'{name}' must be an array")
    return found or []


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping) or name not in value:
        raise NotUdfData(f"each element must be an object with '{name}'")
    return value[name]


def _read_cube(cube: Any, known: Mapping[str, Labels], exact: bool) -> Data:
    values = _numbers(_member(cube, "data"))
    dimensions = _listed(cube, "dimensions") if "dimensions" in cube else None
    if dimensions is None:
        return Data(values if exact else values.astype(float), tuple(f"dim_{n}" for n in range(values.ndim)))
    dims = tuple(_member(dimension, "name") for dimension in dimensions)
    if not all(isinstance(name, str) for name in dims) or len(set(dims)) != len(dims):
        raise NotUdfData("dimensions of a data cube must have names, each another one")
    if not values.size and values.ndim != len(dims):
        # An array without elements does not tell how many there would be in further dimensions.
        values = values.reshape([len(dimension.get("coordinates") or ()) for dimension in dimensions])
    if len(dims) != values.ndim:
        raise NotUdfData(f"a data cube has {len(dims)} dimensions, but its values have {values.ndim}")
    coords = {
        dimension["name"]: _read_labels(dimension, size, known.get(dimension["name"]))
        for dimension, size in zip(dimensions, values.shape, strict=True)
        if dimension.get("coordinates") is not None
    }
    name = cube.get("id")
    return Data(
        values if exact else values.astype(float), dims, coords, name if isinstance(name, str) else None
    )


def _numbers(data: Any) -> npt.NDArray[Any]:
    try:
        values = np.array(data)
        if values.dtype.kind == "O" and all(isinstance(one, int | float | None) for one in values.flat):
            values = values.astype(float)
        if values.dtype.kind == "f" and (np.abs(values) >= 2.0**63).any():
            values = _large_integers(data, values)
    except ValueError as error:
        raise NotUdfData("values of a data cube must be arrays of equal length in each dimension") from error
    if values.dtype.kind not in "biuf":
        raise NotUdfData("values of a data cube must be numbers, true, false or null")
    return values


def _large_integers(data: Any, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Whole numbers of 64 bits without sign, which numpy makes floating beside smaller ones."""
    exact = np.array(data, dtype=object)
    whole = all(isinstance(one, int) and 0 <= one < 2**64 for one in exact.flat)
    return exact.astype(np.uint64) if whole else values


def _read_labels(dimension: Mapping[str, Any], size: int, known: Labels | None) -> Labels:
    name, labels = dimension["name"], dimension["coordinates"]
    if not isinstance(labels, list) or len(labels) != size:
        raise NotUdfData(f"dimension '{name}' must have as many coordinates as values")
    if all(isinstance(label, str) for label in labels):
        return _instants(labels) if isinstance(known, np.ndarray) and known.dtype.kind == "M" else labels
    if not all(isinstance(label, str | int | float) for label in labels):
        raise NotUdfData(f"coordinates of dimension '{name}' must be texts or numbers")
    if any(isinstance(label, str) for label in labels):
        return labels
    numbers = np.array(labels)
    whole = isinstance(known, np.ndarray) and known.dtype.kind in "iu" and bool((numbers % 1 == 0).all())
    return numbers.astype(np.int64) if whole else numbers


def _instants(labels: list[str]) -> Labels:
    """Instants as such; texts that are none, such as seasons, as they are."""
    import pandas as pd

    try:
        return np.asarray(
            pd.to_datetime(labels, format="ISO8601", utc=True).tz_localize(None), "datetime64[ns]"
        )
    except ValueError:
        return labels


def _epsg(proj: Any) -> int | None:
    code = proj.get("EPSG") if isinstance(proj, Mapping) else None
    return code if type(code) is int else None


def _read_features(collection: Any, crs: int | None, process: str) -> Mapping[str, Any]:
    found = read_features(_member(collection, "data"), process=process, parameter="url")
    names = dict.fromkeys(str(name) for _, properties in found for name in properties)
    columns = {name: [properties.get(name) for _, properties in found] for name in names}
    return {
        "shapes": [None if shape is None else shape.wkb.hex() for shape, _ in found],
        "columns": columns,
        "crs": crs,
    }
