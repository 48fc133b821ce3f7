"""Looking at data while a process graph runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from connexeo.processing.environment import Environment, LogEntry, LogLevel
from connexeo.processing.process import process
from connexeo.processing.values import Array, is_block, labels_of

_MOST = 100
"""Elements of an array that are logged."""


@process
def inspect(
    data: Any, message: str = "", code: str = "User", level: LogLevel = "info", *, environment: Environment
) -> Any:
    """Log a summary of the data and give it back unchanged; pixels are not computed for it."""
    environment.log(LogEntry(level, message, code, summarize(data), environment.node))
    return data


def summarize(data: Any) -> Any:
    """A JSON value that tells what a value is, without its pixels."""
    if isinstance(data, Array):
        return {"type": "array", "length": len(data), "labels": labels_of(data), "block": list(data.shape)}
    if is_block(data):
        array = np.asarray(data)
        return array.item() if array.ndim == 0 else {"type": "block", "shape": list(array.shape)}
    if isinstance(data, list):
        shown = [summarize(item) for item in data[:_MOST]]
        return shown if len(data) <= _MOST else [*shown, f"… {len(data) - _MOST} more"]
    if isinstance(data, dict):
        return {str(key): summarize(value) for key, value in data.items()}
    if data is None or isinstance(data, bool | int | float | str):
        return data
    return _summarize_cube(data)


def _summarize_cube(data: Any) -> Any:
    from connexeo.processing.cube import dimensions_of, labels

    if not hasattr(data, "dims"):
        return {"type": type(data).__name__}
    dimensions = {}
    for dimension in dimensions_of(data):
        values = labels(data, dimension.name)
        shown = list(values) if len(values) <= _MOST else [values[0], values[-1]]
        dimensions[dimension.name] = {"type": dimension.type, "size": len(values), "values": shown}
    return {"type": "datacube", "data_type": str(data.dtype), "dimensions": dimensions}
