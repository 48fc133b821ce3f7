"""Which values can travel from one back-end to another: raster cubes with both horizontal axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOURCES = frozenset({"load_collection", "load_result", "load_stac", "load_uploaded_files"})
"""Processes that bring data in; what they make is a raster cube as a rule."""

_KEEPING = frozenset(
    {
        "add_dimension",
        "aggregate_temporal",
        "aggregate_temporal_period",
        "anomaly",
        "apply",
        "apply_kernel",
        "apply_neighborhood",
        "ard_normalized_radar_backscatter",
        "ard_surface_reflectance",
        "atmospheric_correction",
        "climatological_normal",
        "cloud_detection",
        "filter_bands",
        "filter_bbox",
        "filter_labels",
        "filter_spatial",
        "filter_temporal",
        "linear_scale_range",
        "mask_polygon",
        "ndvi",
        "rename_labels",
        "resample_cube_temporal",
        "resample_spatial",
        "sar_backscatter",
        "trim_cube",
    }
)
"""Processes that make a raster cube of a raster cube."""
_BY_DIMENSION = {
    "apply_dimension": ("dimension", "target_dimension"),
    "drop_dimension": ("name",),
    "reduce_dimension": ("dimension",),
}
"""Those that do unless they work along a horizontal axis: where they take the name of a dimension from."""
_HORIZONTAL = frozenset({"x", "y"})


def makes_cube(node: Mapping[str, Any]) -> bool:
    """Whether the value of a node is a raster cube, if all that it is given are raster cubes."""
    process_id, arguments = node.get("process_id"), node.get("arguments")
    if node.get("namespace") not in (None, "backend") or not isinstance(arguments, Mapping):
        return False
    if process_id in SOURCES or process_id in _KEEPING:
        return True
    names = _BY_DIMENSION.get(str(process_id))
    if names is None:
        return False
    given = [arguments[name] for name in names if arguments.get(name) is not None]
    return all(isinstance(each, str) and each not in _HORIZONTAL for each in given)
