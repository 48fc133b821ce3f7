"""Evaluation pixel by pixel gives what blocks give, where blocks can hold it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from connexeo.processing.blocks import Bound
from connexeo.processing.callback import Callback
from connexeo.processing.compilation import compile_graph
from connexeo.processing.environment import Environment
from connexeo.processing.pixelwise import evaluate_pixels
from connexeo.processing.values import Array, LabeledList

DATA, X = {"from_parameter": "data"}, {"from_parameter": "x"}
NUMBERS = st.integers(-20, 20).map(float) | st.just(math.nan)


def node(process_id: str, *, result: bool = False, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result}


GRAPHS = {
    "sum": {"sum": node("sum", data=DATA, result=True)},
    "last": {"last": node("last", data=DATA, ignore_nodata=False, result=True)},
    "choice": {
        "first": node("array_element", data=DATA, index=0),
        "low": node("lt", x={"from_node": "first"}, y=0),
        "choice": node(
            "if", value={"from_node": "low"}, accept={"from_node": "first"}, reject=5, result=True
        ),
    },
    "not a number": {
        "first": node("array_element", data=DATA, index=0),
        "nan": node("is_nan", x={"from_node": "first"}, result=True),
    },
    "of nothing": {
        "first": node("array_element", data=DATA, index=0),
        "quotient": node("divide", x={"from_node": "first"}, y={"from_node": "first"}),
        "missing": node("is_nodata", x={"from_node": "quotient"}, result=True),
    },
    "quotients": {
        "quotients": node(
            "array_apply",
            data=DATA,
            process={"process_graph": {"n": node("divide", x=X, y=X, result=True)}},
        ),
        "sum": node("sum", data={"from_node": "quotients"}, result=True),
    },
    "deviation": {
        "deviation": node("sd", data=DATA),
        "sum": node("sum", data=[{"from_node": "deviation"}, 1], result=True),
    },
    "named": {"named": node("array_element", data=DATA, label="b", result=True)},
    "scaled": {
        "scaled": node(
            "array_apply",
            data=DATA,
            process={
                "process_graph": {"n": node("multiply", x=X, y={"from_parameter": "index"}, result=True)}
            },
            result=True,
        )
    },
}


@pytest.mark.parametrize("name", GRAPHS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=arrays.arrays("float64", (3, 2, 2), elements=NUMBERS))
def test_pixels_agree_with_blocks(environment: Environment, name: str, values: Any) -> None:
    callback = Callback(compile_graph(GRAPHS[name], environment), {}, environment)
    data = Array(values, ("a", "b", "c"))
    whole, single = callback(data=data), evaluate_pixels(callback, {"data": data}, {})
    if isinstance(whole, Array):
        assert isinstance(single, Array)
        assert single.labels == whole.labels
        whole, single = whole.values, single.values
    np.testing.assert_array_equal(single, whole)


COUNT, MORE, FLAG = {"from_node": "count"}, {"from_node": "more"}, {"from_node": "flag"}
DAY = "2020-01-01"
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("round", {"x": 1.2345, "p": COUNT}),
    ("eq", {"x": 1, "y": 5, "delta": MORE}),
    ("neq", {"x": 1, "y": 5, "delta": MORE}),
    ("eq", {"x": "a", "y": "A", "case_sensitive": FLAG}),
    ("between", {"x": 1, "min": 0, "max": 1, "exclude_max": FLAG}),
    ("date_between", {"x": DAY, "min": DAY, "max": DAY, "exclude_max": FLAG}),
    ("text_contains", {"data": "a", "pattern": "A", "case_sensitive": FLAG}),
    ("sum", {"data": DATA, "ignore_nodata": FLAG}),
    ("last", {"data": DATA, "ignore_nodata": FLAG}),
    ("all", {"data": [True, None], "ignore_nodata": FLAG}),
    ("any", {"data": [False, None], "ignore_nodata": FLAG}),
    ("array_find", {"data": [1, 1], "value": 1, "reverse": FLAG}),
    ("array_element", {"data": DATA, "label": COUNT, "return_nodata": True}),
    ("array_find_label", {"data": DATA, "label": COUNT}),
]
ARRAY_OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("sort", {"data": DATA, "asc": FLAG}),
    ("order", {"data": DATA, "asc": FLAG}),
    ("cumsum", {"data": DATA, "ignore_nodata": FLAG}),
    ("quantiles", {"data": [1, 2, 3], "q": MORE}),
    ("quantiles", {"data": [1, 2, 3], "probabilities": [{"from_node": "share"}]}),
    ("array_create", {"data": DATA, "repeat": MORE}),
    ("array_append", {"data": DATA, "value": 1, "label": MORE}),
    ("array_modify", {"data": DATA, "values": [9], "index": COUNT}),
    ("array_modify", {"data": DATA, "values": [9], "index": 0, "length": COUNT}),
]


@pytest.mark.parametrize(("process_id", "arguments"), OPTIONS + ARRAY_OPTIONS)
def test_options_may_differ_from_pixel_to_pixel(
    environment: Environment, process_id: str, arguments: dict[str, Any]
) -> None:
    graph = {
        "count": node("count", data=DATA),
        "flag": node("gt", x=COUNT, y=1),
        "more": node("add", x=COUNT, y=3),
        "share": node("divide", x=COUNT, y=4),
        "value": node(process_id, **arguments, result=True),
    }
    if (process_id, arguments) in ARRAY_OPTIONS:
        graph["value"]["result"] = False
        graph["last"] = node("last", data={"from_node": "value"}, ignore_nodata=False, result=True)
    callback = Callback(compile_graph(graph, environment), {}, environment)
    pixels: list[list[int | None]] = [[1, 5, 3], [2, None, None], [None, 4, 2], [None, None, None]]
    values = np.array(pixels, np.float64).T
    expected = [callback(data=LabeledList(pixel, (0, 1, 2))) for pixel in pixels]
    found = Bound(callback, ("data",))(Array(values, (0, 1, 2)))
    np.testing.assert_array_equal(found, np.array(expected, np.float64))


def test_parameters_broadcast(environment: Environment) -> None:
    graph = {"n": node("add", x=X, y={"from_parameter": "y"}, result=True)}
    callback = Callback(compile_graph(graph, environment), {}, environment)
    x, y = np.array([[1], [2]]), np.array([10.0, math.nan])
    np.testing.assert_array_equal(
        evaluate_pixels(callback, {"x": x, "y": y}, {}), [[11, math.nan], [12, math.nan]]
    )


def test_windows_are_not_tried_out_on_pixels(run: Callable[..., Any]) -> None:
    """Ones, on which the type is found out, would leave nothing, of which there is no third element."""
    condition = {"process_graph": {"n": node("gt", x=X, y=1, result=True)}}
    reducer = {
        "kept": node("array_filter", data=DATA, condition=condition),
        "third": node("array_element", data={"from_node": "kept"}, index=2, result=True),
    }
    cube = xr.DataArray(np.array([[2.0, 3], [4, 5]]), dims=("y", "x"))
    result = run("aggregate_spatial_window", data=cube, size=[2, 2], reducer={"process_graph": reducer})
    np.testing.assert_array_equal(result, [[4]])
