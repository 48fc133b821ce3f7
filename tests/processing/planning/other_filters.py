"""Process functions of a deployment, which may do what they like."""

from typing import Any

from connexeo.processing.process import process


@process
def filter_bbox(data: Any, extent: Any) -> Any:
    """Keep everything."""
    return data
