"""Saving results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.processing.formats.options import resolve_options
from connexeo.processing.formats.registry import find_format
from connexeo.processing.process import process
from connexeo.processing.result import Result


@process
def save_result(data: Any, format: str, options: Mapping[str, Any] | None = None) -> Result:
    """Choose a file format for data; the files are written when the graph has been evaluated.

    Args:
        data: A lazy cube, which is not computed here, or a plain value.
        format: Name of an output format, in any case.
        options: Of the format.

    Raises:
        ProcessParameterInvalid: The format is unknown, or one of the options is unknown or not valid.
        FormatUnsuitable: The format cannot hold the data.
        DataCubeEmpty: The cube is empty, which the format cannot hold.
    """
    target = find_format(format)
    resolved = resolve_options(target, options or {})
    target.check(data, resolved)
    return Result(data, target.name, resolved)
