"""Which values can travel from one back-end to another: raster cubes with dates and bands.

`load_stac` makes cubes with the dimensions x, y, t and bands, whatever it was that was saved. So a dimension that was
reduced gets a label for the journey, which is taken from it again at the other end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOURCES = frozenset({"load_collection", "load_result", "load_stac", "load_uploaded_files"})
"""Processes that bring data in; what they make is a raster cube as a rule."""

TRAVELLING: Mapping[str, Mapping[str, str]] = {
    "bands": {"label": "value", "type": "bands"},
    "t": {"label": "2000-01-01T00:00:00Z", "type": "temporal"},
}
"""Dimensions that can be reduced before the journey, with what they get for it."""

_KEEPING = frozenset(
    {
        "aggregate_temporal",
        "apply",
        "apply_dimension",
        "apply_kernel",
        "apply_neighborhood",
        "ard_normalized_radar_backscatter",
        "ard_surface_reflectance",
        "atmospheric_correction",
        "cloud_detection",
        "drop_dimension",
        "filter_bands",
        "filter_bbox",
        "filter_labels",
        "filter_spatial",
        "filter_temporal",
        "linear_scale_range",
        "mask_polygon",
        "ndvi",
        "reduce_dimension",
        "rename_labels",
        "resample_spatial",
        "sar_backscatter",
        "trim_cube",
    }
)
"""Processes that make of a raster cube one that can travel, but for some arguments."""
_REDUCED_BY = {"drop_dimension": "name", "reduce_dimension": "dimension"}


def makes_cube(node: Mapping[str, Any]) -> bool:
    """Whether the value of a node can travel, if all that the node is given can."""
    process_id, arguments = node.get("process_id"), node.get("arguments")
    if node.get("namespace") not in (None, "backend") or not isinstance(arguments, Mapping):
        return False
    if process_id in _REDUCED_BY:
        return arguments.get(_REDUCED_BY[process_id]) in list(TRAVELLING)
    if process_id == "apply_dimension":
        return arguments.get("target_dimension") is None
    if process_id == "rename_labels":
        # Other dates than those that it has, or no dates at all.
        return arguments.get("dimension") == "bands"
    if process_id == "aggregate_temporal":
        return not arguments.get("labels")
    return process_id in SOURCES or process_id in _KEEPING


def reduced_by(node: Mapping[str, Any]) -> str | None:
    """Name of the dimension that the value of a node has no longer."""
    process_id, arguments = node["process_id"], node["arguments"]
    if process_id in _REDUCED_BY:
        return str(arguments[_REDUCED_BY[process_id]])
    if process_id == "ndvi" and arguments.get("target_band") is None:
        return "bands"
    return None
