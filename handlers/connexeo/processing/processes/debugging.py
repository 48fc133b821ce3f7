"""Looking at data while a process graph runs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from connexeo.processing.environment import Environment, LogEntry, LogLevel
from connexeo.processing.forests import Forest
from connexeo.processing.kinds import is_cube
from connexeo.processing.pixelwise import are_made_up
from connexeo.processing.process import process
from connexeo.processing.result import Result
from connexeo.processing.values import Array, is_block, labels_of

_MOST = 100
"""Elements of an array or object, and labels of a dimension, that are logged."""
_DEEPEST = 3
"""Levels of nested arrays and objects that are logged."""
_LONGEST = 1000
"""Characters of a text that are logged."""


@process
def inspect(
    data: Any, message: str = "", code: str = "User", level: LogLevel = "info", *, environment: Environment
) -> Any:
    """Log a summary of the data and give it back unchanged; pixels are not computed for it.

    In callbacks on data cubes there is an entry for each block of pixels, as it is computed.
    """
    if not are_made_up():
        environment.log(LogEntry(level, message, code, summarize(data), environment.node))
    return data


def summarize(data: Any, depth: int = 0) -> Any:
    """A JSON value that tells what a value is: cubes without their pixels, blocks by their statistics."""
    if isinstance(data, Array):
        return {"type": "array", "length": len(data), "labels": labels_of(data), **_statistics(data.values)}
    if is_block(data):
        array = np.asarray(data)
        return _scalar(array.item()) if array.ndim == 0 else {"type": "block", **_statistics(array)}
    if isinstance(data, list | dict) and depth == _DEEPEST:
        return {"type": "array" if isinstance(data, list) else "object", "length": len(data)}
    if isinstance(data, list):
        shown = [summarize(item, depth + 1) for item in data[:_MOST]]
        return shown if len(data) <= _MOST else [*shown, f"… {len(data) - _MOST} more"]
    if isinstance(data, dict):
        some = list(data.items())[:_MOST]
        more = {"…": f"{len(data) - _MOST} more"} if len(data) > _MOST else {}
        return {str(key): summarize(value, depth + 1) for key, value in some} | more
    if data is None or isinstance(data, bool | int | float | str):
        return _scalar(data)
    if isinstance(data, Result):
        return {"type": "result", "format": data.format, "data": summarize(data.data)}
    if isinstance(data, Forest):
        return {
            "type": "ml-model",
            "task": data.task,
            "trees": len(data.roots),
            "predictors": list(data.predictors),
        }
    return _summarize_cube(data) if is_cube(data) else {"type": type(data).__name__}


def _scalar(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}…"
    return value


def _statistics(values: np.ndarray[Any, np.dtype[Any]]) -> dict[str, Any]:
    """Shape and type, and of numbers how many are no-data, the least, the greatest and the mean of the others."""
    told: dict[str, Any] = {"shape": list(values.shape), "data_type": str(values.dtype)}
    if values.dtype.kind not in "biuf" or not values.size:
        return told
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    told["nodata"] = values.size - known.size
    if known.size:
        with np.errstate(all="ignore"):
            figures = {"min": known.min(), "max": known.max(), "mean": known.mean(dtype=np.float64)}
        told |= {name: _scalar(figure.item()) for name, figure in figures.items()}
    return told


def _summarize_cube(data: Any) -> Any:
    from connexeo.processing.cube import dimensions_of

    dimensions = {one.name: _summarize_dimension(data, one) for one in dimensions_of(data)}
    return {"type": "datacube", "data_type": str(data.dtype), "dimensions": dimensions}


def _summarize_dimension(cube: Any, dimension: Any) -> dict[str, Any]:
    from connexeo.processing.cube import coordinates, labels

    told: dict[str, Any] = {"type": dimension.type, "size": cube.sizes[dimension.name]}
    if dimension.reference_system is not None:
        told["reference_system"] = summarize(dimension.reference_system)
    if dimension.type == "geometry":
        shapes = coordinates(cube, dimension.name).tolist()
        kinds = {"none" if shape is None else shape.geom_type for shape in shapes}
        return {**told, "geometry_types": sorted(kinds)}
    values = labels(cube, dimension.name)
    shown = list(values) if len(values) <= _MOST else [values[0], values[-1]]
    return {**told, "values": [summarize(value) for value in shown]}
