"""Process id to implementation, found without importing the modules until a process is used."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from connexeo.generated.errors import ProcessUnsupported
from connexeo.processing.process import ProcessFunction, function_name, registered

PACKAGE = "connexeo.processing.processes"

# fmt: off
PROCESS_MODULES: dict[str, tuple[str, ...]] = {
    "aggregation": ("aggregate_temporal", "aggregate_temporal_period"),
    "arithmetic": (
        "absolute", "add", "ceil", "clip", "divide", "exp", "floor", "int", "linear_scale_range", "ln", "log", "mod",
        "multiply", "normalized_difference", "power", "round", "sgn", "sqrt", "subtract",
    ),
    "array_callbacks": ("array_apply", "array_create_labeled", "array_filter"),
    "array_editing": (
        "array_append", "array_contains", "array_find_label", "array_interpolate_linear", "array_labels",
        "array_modify",
    ),
    "arrays": ("array_concat", "array_create", "array_element", "array_find", "first", "last", "sort"),
    "climatology": ("anomaly", "climatological_normal"),
    "comparison": ("between", "eq", "gt", "gte", "is_infinite", "is_nan", "is_nodata", "is_valid", "lt", "lte", "neq"),
    "constants": ("constant", "e", "nan", "pi"),
    "cube_shapes": (
        "create_data_cube", "filter_labels", "flatten_dimensions", "trim_cube", "unflatten_dimension",
    ),
    "cubes": ("apply", "apply_dimension", "merge_cubes", "ndvi", "reduce_dimension"),
    "cumulation": ("cummax", "cummin", "cumproduct", "cumsum"),
    "curves": ("fit_curve", "predict_curve"),
    "dates": ("date_between", "date_difference", "date_shift"),
    "debugging": ("inspect",),
    "dimensions": ("add_dimension", "dimension_labels", "drop_dimension", "rename_dimension", "rename_labels"),
    "files": ("export_workspace", "load_uploaded_files"),
    "filters": ("filter_bands", "filter_bbox", "filter_temporal"),
    "kernels": ("apply_kernel",),
    "loading": ("load_collection",),
    "logic": ("all", "and", "any", "if", "not", "or", "xor"),
    "masks": ("mask",),
    "models": (
        "fit_class_random_forest", "fit_regr_random_forest", "load_ml_model", "predict_random_forest", "save_ml_model",
    ),
    "neighborhoods": ("apply_neighborhood",),
    "ordering": ("order", "rearrange"),
    "polygon_callbacks": ("apply_polygon",),
    "polygon_masks": ("filter_spatial", "mask_polygon"),
    "resampling": ("resample_cube_spatial", "resample_spatial"),
    "saving": ("save_result",),
    "spatial_aggregation": ("aggregate_spatial",),
    "stac": ("load_result", "load_stac"),
    "stac_documents": ("stac_modify",),
    "statistics": (
        "count", "extrema", "max", "mean", "median", "min", "product", "quantiles", "sd", "sum", "variance",
    ),
    "temporal_resampling": ("resample_cube_temporal",),
    "texts": ("text_begins", "text_concat", "text_contains", "text_ends", "text_find"),
    "trigonometry": (
        "arccos", "arcosh", "arcsin", "arctan", "arctan2", "arsinh", "artanh", "cos", "cosh", "sin", "sinh", "tan",
        "tanh",
    ),
    "udf": ("run_udf", "run_udf_externally"),
    "windows": ("aggregate_spatial_window", "reduce_spatial"),
    "url_loading": ("load_url",),
    "vector_geometry": ("filter_vector", "vector_buffer", "vector_reproject"),
    "vector_loading": ("load_geojson",),
    "vector_points": ("vector_to_random_points", "vector_to_regular_points"),
}
"""Modules of `connexeo.processing.processes` and the processes that each implements."""
# fmt: on

_MODULE_OF = {process_id: module for module, ids in PROCESS_MODULES.items() for process_id in ids}


@dataclass(frozen=True)
class Implementation:
    """A process function and what it wants besides the arguments of its process."""

    function: ProcessFunction
    wants_environment: bool


def implemented(modules: Iterable[str] = ()) -> frozenset[str]:
    """Ids of all processes that can run.

    Args:
        modules: Import paths of further modules, as in `Environment.process_modules`; only these are imported.
    """
    further = (process_id for module in modules for process_id in _further(module))
    return frozenset(_MODULE_OF).union(further)


def implementation(process_id: str, modules: tuple[str, ...] = ()) -> Implementation:
    """The function of a process; further modules precede ours.

    Raises:
        ProcessUnsupported: Nothing implements the process.
    """
    for module in modules:
        functions = _further(module)
        if process_id in functions:
            return _describe(functions[process_id])
    if process_id not in _MODULE_OF:
        raise ProcessUnsupported(process=process_id, namespace="backend")
    return _describe(_ours(process_id))


def _ours(process_id: str) -> ProcessFunction:
    module = importlib.import_module(f"{PACKAGE}.{_MODULE_OF[process_id]}")
    function: ProcessFunction = getattr(module, function_name(process_id))
    return function


def _further(module: str) -> dict[str, ProcessFunction]:
    importlib.import_module(module)
    return dict(registered(module))


@cache
def _describe(function: ProcessFunction) -> Implementation:
    return Implementation(function, "environment" in inspect.signature(function).parameters)
