"""Evaluation of whole graphs."""

import sys
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import (
    Internal,
    OpenEOError,
    ProcessGraphComplexity,
    ProcessParameterInvalid,
    ProcessParameterRequired,
)
from connexeo.processing import evaluate, execute
from connexeo.processing.definitions import Definitions
from connexeo.processing.environment import Environment
from connexeo.processing.result import Result


def node(process_id: str, *, result: bool = True, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result}


def parameter(name: str, schema: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "", "schema": schema or {}, **more}


X, Y = {"from_parameter": "x"}, {"from_parameter": "y"}


@pytest.fixture
def probes(environment: Environment) -> Callable[[Callable[..., Any]], Environment]:
    """An environment with a process `probe(x)` that a function implements."""

    def with_probe(function: Callable[..., Any]) -> Environment:
        from connexeo.processing.process import process

        module = types.ModuleType("probes_of_a_test")
        sys.modules[module.__name__] = module
        function.__name__, function.__module__ = "probe", module.__name__
        process(function)
        definition = {"id": "probe", "parameters": [parameter("x")], "returns": {"schema": {}}}
        definitions = Definitions([*environment.definitions.values(), definition])
        return replace(environment, definitions=definitions, process_modules=(module.__name__,))

    return with_probe


def test_plain_values(environment: Environment) -> None:
    graph = {"process_graph": {"sum": node("add", x=X, y=1)}}
    assert evaluate(graph, {"x": 5}, environment=environment) == 6
    assert evaluate(graph["process_graph"], {"x": 5}, environment=environment) == 6


def test_the_default_environment_has_all_processes() -> None:
    assert evaluate({"sum": node("add", x=1, y=1)}) == 2


def test_numpy_arrays(environment: Environment) -> None:
    result = evaluate({"sum": node("add", x=X, y=1)}, {"x": np.arange(3)}, environment=environment)
    np.testing.assert_array_equal(result, [1, 2, 3])
    mean = evaluate(
        {"mean": node("mean", data=X)}, {"x": np.arange(6.0).reshape(3, 2)}, environment=environment
    )
    np.testing.assert_array_equal(mean, [2, 3])


def test_numbers_come_back_as_python_numbers(environment: Environment) -> None:
    result = evaluate({"mean": node("mean", data=X)}, {"x": np.arange(3.0)}, environment=environment)
    assert type(result) is float


def test_parameters_are_resolved_wherever_they_are_nested(environment: Environment) -> None:
    graph = {"a": node("constant", x={"list": [1, {"deep": X}], "other": Y})}
    assert evaluate(graph, {"x": 5, "y": [6]}, environment=environment) == {
        "list": [1, {"deep": 5}],
        "other": [6],
    }


def test_lists_with_blocks_become_arrays(environment: Environment) -> None:
    graph = {
        "mean": node("mean", data=[X, 4, {"from_node": "twice"}]),
        "twice": node("add", x=X, y=X, result=False),
    }
    result = evaluate(graph, {"x": np.array([1.0, 2.0])}, environment=environment)
    np.testing.assert_allclose(result, [7 / 3, 10 / 3])


def test_every_node_runs_once(probes: Callable[[Callable[..., Any]], Environment]) -> None:
    calls = []

    def count(x: Any) -> Any:
        calls.append(x)
        return x

    graph: dict[str, Any] = {"n0": node("probe", x=1, result=False)}
    for i in range(1, 40):
        graph[f"n{i}"] = node(
            "add", x={"from_node": f"n{i - 1}"}, y={"from_node": f"n{i - 1}"}, result=i == 39
        )
    assert evaluate(graph, environment=probes(count)) == 2**39
    assert calls == [1]


def test_nodes_that_the_result_does_not_need_run_too(
    probes: Callable[[Callable[..., Any]], Environment],
) -> None:
    calls = []

    def note(x: Any) -> None:
        calls.append(x)

    graph = {"side": node("probe", x=7, result=False), "result": node("add", x=1, y=1)}
    assert evaluate(graph, environment=probes(note)) == 2
    assert calls == [7]


def test_long_chains(environment: Environment) -> None:
    graph = {
        f"n{i}": node("add", x={"from_node": f"n{i - 1}"} if i else 0, y=1, result=False)
        for i in range(20_000)
    }
    graph["n19999"]["result"] = True
    assert evaluate(graph, environment=environment) == 20_000


def test_child_graphs_nested_in_child_graphs(environment: Environment) -> None:
    inner: dict[str, Any] = {"process_graph": {"gt": node("gt", x=X, y=0)}}
    for _ in range(25):
        count = node("count", data=[1], condition=inner, result=False)
        inner = {"process_graph": {"count": count, "gt": node("gt", x={"from_node": "count"}, y=0)}}
    assert evaluate({"count": node("count", data=[1, 2, 3], condition=inner)}, environment=environment) == 3


def test_child_graphs_see_parameters_around_them(environment: Environment) -> None:
    condition = {"process_graph": {"gt": node("gt", x=X, y={"from_parameter": "limit"})}}
    graph = {"count": node("count", data=[1, 2, 3], condition=condition)}
    assert evaluate(graph, {"limit": 1}, environment=environment) == 2
    assert evaluate(graph, {"limit": 1, "x": 99}, environment=environment) == 2


def test_defaults_of_declared_parameters(environment: Environment) -> None:
    process = {
        "process_graph": {"sum": node("add", x=X, y=Y)},
        "parameters": [
            parameter("x", {"type": "number"}),
            parameter("y", {"type": "number"}, default=10, optional=True),
        ],
    }
    assert evaluate(process, {"x": 1}, environment=environment) == 11
    assert evaluate(process, {"x": 1, "y": 2}, environment=environment) == 3
    with pytest.raises(ProcessParameterInvalid):
        evaluate(process, {"x": "1"}, environment=environment)
    with pytest.raises(ProcessParameterRequired):
        evaluate(process, {}, environment=environment)


DOUBLE = {
    "parameters": [parameter("n", {"type": "number"}), parameter("times", {"type": "number"}, default=2)],
    "returns": {"schema": {"type": "number"}},
    "process_graph": {"m": node("multiply", x={"from_parameter": "n"}, y={"from_parameter": "times"})},
}


def test_user_defined_processes(environment: Environment) -> None:
    world = replace(environment, user_processes={"double": DOUBLE})
    graph = {
        "once": node("double", n=X, result=False),
        "twice": node("double", n={"from_node": "once"}, times=3),
    }
    assert evaluate(graph, {"x": 5, "n": 100, "times": 100}, environment=world) == 30


def test_user_defined_processes_take_callbacks(environment: Environment) -> None:
    condition = parameter(
        "condition", {"type": "object", "subtype": "process-graph", "parameters": [parameter("x")]}
    )
    stored = {
        "parameters": [condition],
        "process_graph": {"c": node("count", data=[1, 5, 9], condition={"from_parameter": "condition"})},
    }
    world = replace(environment, user_processes={"counted": stored})
    child = {"process_graph": {"gt": node("gt", x=X, y=4)}}
    assert evaluate({"a": node("counted", condition=child)}, environment=world) == 2


def test_user_defined_processes_that_multiply(environment: Environment) -> None:
    stored: dict[str, Any] = {"p0": {"parameters": [], "process_graph": {"a": node("pi")}}}
    for level in range(1, 9):
        nodes = {f"n{i}": node(f"p{level - 1}", result=i == 0) for i in range(10)}
        stored[f"p{level}"] = {"parameters": [], "process_graph": nodes}
    world = replace(environment, user_processes=stored)
    with pytest.raises(ProcessGraphComplexity):
        evaluate({"a": node("p8")}, environment=world)


def test_errors_name_the_node(environment: Environment, cube: xr.DataArray) -> None:
    graph = {"one": node("drop_dimension", data=X, name="z", result=False), "two": node("add", x=1, y=2)}
    with pytest.raises(OpenEOError) as caught:
        evaluate(graph, {"x": cube}, environment=environment)
    assert caught.value.code == "DimensionNotAvailable"
    assert caught.value.__dict__["node"] == "one"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": "5"}, "null or a number is expected, not a string"),
        ({"x": [5]}, "null or a number is expected, not an array"),
        ({"x": xr.DataArray([1.0], dims="t")}, "null or a number is expected, not a data cube"),
    ],
)
def test_values_that_only_show_while_running_are_checked(
    environment: Environment, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProcessParameterInvalid) as caught:
        evaluate({"a": node("absolute", x=X)}, arguments, environment=environment)
    assert message in caught.value.message


def test_meanings_of_values_are_checked_while_running(environment: Environment, cube: xr.DataArray) -> None:
    graph = {"a": node("filter_temporal", data=X, extent=Y)}
    with pytest.raises(OpenEOError) as caught:
        evaluate(graph, {"x": cube, "y": ["2021-01-01", "2020-01-01"]}, environment=environment)
    assert caught.value.code == "TemporalExtentEmpty"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ValueError("bad"), ProcessParameterInvalid),
        (TypeError("bad"), ProcessParameterInvalid),
        (KeyError("k"), Internal),
    ],
)
def test_unexpected_exceptions_become_openeo_errors(
    probes: Callable[[Callable[..., Any]], Environment], raised: Exception, expected: type[OpenEOError]
) -> None:
    def fail(x: Any) -> Any:
        raise raised

    with pytest.raises(expected) as caught:
        evaluate({"a": node("probe", x=1)}, environment=probes(fail))
    assert caught.value.__cause__ is raised
    assert "'a'" in caught.value.message
    assert caught.value.__dict__["node"] == "a"


def test_all_saved_results_are_collected(environment: Environment, cube: xr.DataArray) -> None:
    graph = {
        "first": node("save_result", data=X, format="GTiff", result=False),
        "second": node("save_result", data=X, format="netCDF"),
    }
    done = execute(graph, {"x": cube}, environment=environment)
    assert all(isinstance(one, Result) for one in done.results)
    assert [one.format for one in done.results] == ["GTiff", "netCDF"]
    assert done.value is done.results[1]


def test_messages_name_the_innermost_node_once(environment: Environment) -> None:
    inner = {"limited": node("clip", x={"from_parameter": "x"}, min=2, max=1)}
    graph = {"outer": node("apply", data={"from_parameter": "cube"}, process={"process_graph": inner})}
    with pytest.raises(OpenEOError) as caught:
        evaluate(graph, {"cube": xr.DataArray(np.zeros(2), dims=("t",))}, environment=environment)
    assert caught.value.__dict__["node"] == "limited"
    assert caught.value.message.endswith("(node 'limited').")
    assert caught.value.message.count("node") == 1
    assert str(caught.value) == caught.value.message


def test_cubes_may_declare_their_nodata(environment: Environment) -> None:
    cube = xr.DataArray(np.array([255, 1], "uint8"), dims=("t",), attrs={"_FillValue": 255})
    reducer = {"process_graph": {"count": node("count", data={"from_parameter": "data"})}}
    graph = {"n": node("reduce_dimension", data={"from_parameter": "cube"}, reducer=reducer, dimension="t")}
    assert int(evaluate(graph, {"cube": cube}, environment=environment)) == 1
