"""JSON that every parser reads: no NaN, no infinity."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import Dimension, coordinates, dimensions_of, labels, rfc3339
from connexeo.processing.execution import values_of
from connexeo.processing.formats.interface import Options, WrittenFile
from connexeo.processing.formats.storage import storing
from connexeo.processing.values import Array

MEDIA_TYPE = "application/json"
MAX_VALUES = 20_000_000
"""More make files of several hundred MB, which hardly any program opens."""


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    size = getattr(data, "size", 0)
    if size > MAX_VALUES:
        raise FormatUnsuitable(
            f"JSON is for up to {MAX_VALUES} values, the data cube has {size}. Choose netCDF."
        )
    if not hasattr(data, "dims"):
        to_json(data)
    elif data.dtype.kind not in "biufMUO":
        raise FormatUnsuitable(f"JSON has nothing for data of type {data.dtype}.")


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    content = serialize(data)
    path = folder / f"{stem}.json"
    with storing():
        path.write_bytes(content)
    return [WrittenFile(path, MEDIA_TYPE)]


def serialize(data: Any) -> bytes:
    """The JSON text of a value or cube, which is computed.

    Raises:
        FormatUnsuitable: JSON has nothing for such a value.
    """
    import orjson

    return orjson.dumps(to_json(data), option=orjson.OPT_SERIALIZE_NUMPY)


def to_json(data: Any) -> Any:
    """A value as `orjson` takes it: numbers in arrays stay numpy arrays, cubes become objects.

    Raises:
        FormatUnsuitable: JSON has nothing for such a value.
    """
    if data is None or isinstance(data, str | bool):
        return data
    if isinstance(data, np.ndarray | np.generic):
        return _numbers(np.asarray(data))
    if isinstance(data, int):
        return data if -(2**63) <= data < 2**64 else float(data)
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, datetime.datetime):
        return _instant(data)
    if isinstance(data, datetime.date | datetime.time):
        return data.isoformat()
    if isinstance(data, Mapping):
        return {str(key): to_json(value) for key, value in data.items()}
    if isinstance(data, Array):
        return _numbers(data.values)
    if isinstance(data, list | tuple):
        return [to_json(value) for value in data]
    if hasattr(data, "dims"):
        return _cube(data)
    raise FormatUnsuitable(f"JSON cannot hold an object of type {type(data).__name__}.")


def _cube(cube: Any) -> dict[str, Any]:
    return {
        "dimensions": [
            {
                "name": dimension.name,
                "type": dimension.type,
                **_optional(dimension),
                "values": _labels(cube, dimension),
            }
            for dimension in dimensions_of(cube)
        ],
        "data": _numbers(values_of(cube)),
    }


def _labels(cube: Any, dimension: Dimension) -> Any:
    if dimension.type != "geometry":
        return to_json(list(labels(cube, dimension.name)))
    from shapely.geometry import mapping

    shapes = coordinates(cube, dimension.name).tolist()
    return [None if shape is None else to_json(mapping(shape)) for shape in shapes]


def _optional(dimension: Dimension) -> dict[str, Any]:
    properties = {
        "axis": dimension.axis,
        "reference_system": to_json(dimension.reference_system),
        "unit": dimension.unit,
    }
    return {key: value for key, value in properties.items() if value is not None}


def _numbers(values: np.ndarray[Any, np.dtype[Any]]) -> Any:
    """An array that `orjson` writes, NaN and infinity as null, float32 with no more digits than it has."""
    if values.dtype.kind in "biuf":
        wanted = np.dtype(np.float32) if values.dtype == np.float16 else values.dtype.newbyteorder("=")
        array = values.astype(wanted, order="C", copy=False)
        return array if array.ndim else array[()]
    if values.dtype.kind == "M":
        return _nested(values, rfc3339)
    return _nested(values, to_json)


def _nested(values: Any, convert: Any) -> Any:
    if not isinstance(values, np.ndarray):  # an element
        return convert(values)
    if values.ndim == 0:
        return convert(values[()] if values.dtype.kind == "M" else values.item())
    return [_nested(part, convert) for part in values]


def _instant(value: datetime.datetime) -> str:
    utc = value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)
    return utc.isoformat().replace("+00:00", "Z")
