"""Errors that process engines are known to make, each with a case that shows that this one does not make it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.program import Step

Run = Callable[..., Any]
DATA, X = {"from_parameter": "data"}, {"from_parameter": "x"}
NAN = np.nan


def node(process_id: str, *, result: bool = False, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result}


def single(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"node": node(process_id, result=True, **arguments)}}


def element(index: int) -> dict[str, Any]:
    return node("array_element", data=DATA, index=index)


def series(values: Any, times: list[str]) -> xr.DataArray:
    return xr.DataArray(values, dims=("t", "x"), coords={"t": np.array(times, "datetime64[ns]")})


def chain(process_id: str, length: int) -> dict[str, Any]:
    """Nodes of which each uses the one before it twice."""
    graph = {"0": node("constant", x=1)}
    for index in range(1, length):
        before = {"from_node": f"{index - 1}"}
        graph[f"{index}"] = node(process_id, x=before, y=before, result=index == length - 1)
    return graph


def test_callbacks_are_evaluated_for_each_block(run: Run) -> None:
    """Not once, with the result of the first call for all others."""
    cube = xr.DataArray(np.arange(12.0), dims="x").chunk({"x": 1})
    doubled = run("apply", data=cube, process=single("multiply", x=X, y=2))
    np.testing.assert_array_equal(doubled, np.arange(12) * 2)


def test_callbacks_are_evaluated_for_each_element(run: Run) -> None:
    assert run("array_apply", data=[1, 2, 3], process=single("multiply", x=X, y=2)) == [2, 4, 6]
    assert run("array_filter", data=[1, 2, 3], condition=single("gt", x=X, y=1)) == [2, 3]


def test_callbacks_are_evaluated_for_each_context(run: Run) -> None:
    process = single("add", x=X, y={"from_parameter": "context"})
    cube = xr.DataArray(np.zeros(2), dims="x")
    for context in (1, 2):
        np.testing.assert_array_equal(run("apply", data=cube, process=process, context=context), context)


@pytest.mark.parametrize("lazy", [False, True])
def test_ndvi_of_unsigned_integers_can_be_negative(run: Run, lazy: bool) -> None:
    values = np.array([[1000, 60000], [3000, 50000]], "uint16")
    cube = xr.DataArray(values, dims=("bands", "x"), coords={"bands": ["nir", "red"]})
    cube = cube.chunk({"x": 1}) if lazy else cube
    expected = [-0.5, 1 / 11]
    np.testing.assert_allclose(run("ndvi", data=cube), expected, rtol=1e-6)
    bands = {"nir": element(0), "red": element(1)}
    index = node("normalized_difference", x={"from_node": "nir"}, y={"from_node": "red"}, result=True)
    reducer = {"process_graph": {**bands, "index": index}}
    result = run("reduce_dimension", data=cube, dimension="bands", reducer=reducer)
    np.testing.assert_allclose(result, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("process_id", "expected"), [("min", [1, 2, NAN]), ("max", [4, 2, NAN]), ("sum", [5, 4, NAN])]
)
def test_arrays_of_nodes_in_callbacks(run: Run, process_id: str, expected: list[float]) -> None:
    cube = xr.DataArray(np.array([[1, 2, NAN], [9, 9, 9], [4, 2, NAN]]), dims=("bands", "x"))
    both = node(process_id, data=[{"from_node": "a"}, {"from_node": "b"}], result=True)
    reducer = {"process_graph": {"a": element(0), "b": element(2), "both": both}}
    for data in (cube, cube.chunk({"x": 1})):
        result = run("reduce_dimension", data=data, dimension="bands", reducer=reducer)
        np.testing.assert_array_equal(result, expected)


def test_masks_hide_what_is_true(run: Run) -> None:
    coords = {"y": [0.5], "x": [0.5, 1.5, 2.5]}
    cube = xr.DataArray([[1.0, 2.0, 3.0]], dims=("y", "x"), coords=coords)
    mask = cube.copy(data=[[0.0, 1.0, NAN]])
    np.testing.assert_array_equal(run("mask", data=cube, mask=mask), [[1, NAN, 3]])
    np.testing.assert_array_equal(run("mask", data=cube, mask=mask, replacement=-1), [[1, -1, 3]])


@pytest.mark.parametrize("dims", [("y", "x"), ("x", "y")])
def test_rows_of_kernels_lie_along_x(run: Run, dims: tuple[str, str]) -> None:
    cube = xr.DataArray(np.zeros((5, 7)), dims=("y", "x"), coords={"y": -np.arange(5.0), "x": np.arange(7.0)})
    cube[2, 3] = 1
    # Each pixel gets the value in the east of it twice, and three times the one in the south.
    kernel = [[0, 0, 0], [0, 0, 2], [0, 3, 0]]
    result = run("apply_kernel", data=cube.transpose(*dims), kernel=kernel).transpose("y", "x")
    expected = np.zeros((5, 7))
    expected[2, 2], expected[1, 3] = 2, 3
    np.testing.assert_array_equal(result, expected)


TIMES = ["2020-01-01", "2020-01-31", "2020-02-01", "2020-03-01"]


def test_temporal_filters_leave_out_the_end(run: Run) -> None:
    cube = series(np.ones((4, 1)), TIMES)
    result = run("filter_temporal", data=cube, extent=["2020-01-01", "2020-02-01"])
    assert [str(day)[:10] for day in result.t.values] == ["2020-01-01", "2020-01-31"]


def test_temporal_aggregation_leaves_out_the_end(run: Run) -> None:
    cube = series(np.array([[1.0], [2.0], [4.0], [8.0]]), TIMES)
    intervals = [["2020-01-01", "2020-02-01"], ["2020-02-01", "2020-03-01"]]
    result = run("aggregate_temporal", data=cube, intervals=intervals, reducer=single("sum", data=DATA))
    np.testing.assert_array_equal(result, [[3], [4]])
    months = run("aggregate_temporal_period", data=cube, period="month", reducer=single("sum", data=DATA))
    np.testing.assert_array_equal(months, [[3], [4], [8]])


@pytest.mark.parametrize("length", [127, 128, 129, 3000])
def test_graphs_may_be_deep(environment: Environment, length: int) -> None:
    assert evaluate(depth(length), environment=environment) == length


def depth(length: int) -> dict[str, Any]:
    """Nodes one after the other, the last one first, so that nobody has seen what a node refers to."""
    nodes = {"1": node("constant", x=1, result=length == 1)}
    for index in range(2, length + 1):
        nodes[f"{index}"] = node("add", x={"from_node": f"{index - 1}"}, y=1, result=index == length)
    return dict(reversed(nodes.items()))


def test_callbacks_may_be_deep(run: Run) -> None:
    nodes = {"1": node("add", x=X, y=1)}
    for index in range(2, 501):
        nodes[f"{index}"] = node("add", x={"from_node": f"{index - 1}"}, y=1, result=index == 500)
    cube = xr.DataArray(np.zeros(2), dims="x")
    np.testing.assert_array_equal(run("apply", data=cube, process={"process_graph": nodes}), [500, 500])


def test_what_is_used_twice_is_computed_once(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: Counter[str] = Counter()
    run_step = Step.run

    def count(step: Step, frame: Any) -> Any:
        runs[step.node] += 1
        return run_step(step, frame)

    monkeypatch.setattr(Step, "run", count)
    assert evaluate(chain("add", 1000), environment=environment) == 2.0**999
    assert len(runs) == 1000
    assert set(runs.values()) == {1}
