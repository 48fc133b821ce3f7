"""Processes that users have defined, in all places where processes can be called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError, ProcessGraphInvalid, ProcessUnsupported
from connexeo.processing.calls import user_key
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.validation import check

NUMBER = {"type": "number"}
CUBE = {"type": "object", "subtype": "datacube"}
REDUCER = {
    "type": "object",
    "subtype": "process-graph",
    "parameters": [{"name": "data", "description": "", "schema": {"type": "array"}}],
}


def node(
    process_id: str, *, result: bool = True, namespace: str | None = None, **arguments: Any
) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result, "namespace": namespace}


def parameter(name: str, schema: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "", "schema": schema, **more}


def given(name: str) -> dict[str, str]:
    return {"from_parameter": name}


def child(**nodes: Any) -> dict[str, Any]:
    return {"process_graph": nodes}


STORED: dict[str, Any] = {
    # The range of values; two processes deep.
    "span": {
        "parameters": [parameter("data", {"type": "array"}), parameter("factor", NUMBER, default=1)],
        "returns": {"description": "", "schema": NUMBER},
        "process_graph": {
            "high": node("max", result=False, data=given("data")),
            "low": node("min", result=False, data=given("data")),
            "d": node("difference", result=False, a={"from_node": "high"}, b={"from_node": "low"}),
            "times": node("multiply", x={"from_node": "d"}, y=given("factor")),
        },
    },
    "difference": {
        "parameters": [parameter("a", NUMBER), parameter("b", NUMBER)],
        "process_graph": {"s": node("subtract", x=given("a"), y=given("b"))},
    },
    # Takes a callback, or has its own.
    "over_time": {
        "parameters": [
            parameter("cube", CUBE),
            parameter("how", REDUCER, default=child(s=node("span", data=given("data")))),
        ],
        "process_graph": {
            "r": node("reduce_dimension", data=given("cube"), dimension="t", reducer=given("how"))
        },
    },
}


@pytest.fixture
def world(environment: Environment) -> Environment:
    return replace(environment, user_processes=STORED)


def _values(cube: xr.DataArray, graph: dict[str, Any], world: Environment) -> xr.DataArray:
    value = evaluate({"process_graph": graph}, {"cube": cube}, environment=world)
    assert isinstance(value, xr.DataArray)
    return value.compute()


def _span(cube: xr.DataArray, factor: float = 1) -> xr.DataArray:
    return ((cube.max("t") - cube.min("t")) * factor).compute()


def test_in_a_callback(cube: xr.DataArray, world: Environment) -> None:
    reducer = child(s=node("span", data=given("data"), factor=10))
    graph = {"r": node("reduce_dimension", data=given("cube"), dimension="t", reducer=reducer)}
    xr.testing.assert_allclose(_values(cube, graph, world), _span(cube, 10), check_dim_order=False)


def test_with_a_callback_of_its_own(cube: xr.DataArray, world: Environment) -> None:
    graph = {"o": node("over_time", cube=given("cube"))}
    xr.testing.assert_allclose(_values(cube, graph, world), _span(cube), check_dim_order=False)


def test_with_a_callback_as_argument(cube: xr.DataArray, world: Environment) -> None:
    how = child(s=node("span", data=given("data"), factor=3))
    graph = {"o": node("over_time", cube=given("cube"), how=how)}
    xr.testing.assert_allclose(_values(cube, graph, world), _span(cube, 3), check_dim_order=False)


def test_in_a_callback_of_a_process_in_a_callback(cube: xr.DataArray, world: Environment) -> None:
    """Over bands, then over dates: stored processes that have callbacks of their own, and use values around them."""
    plus = {
        "parameters": [parameter("data", {"type": "array"}), parameter("by", NUMBER, default=2)],
        "process_graph": {
            "f": node("first", result=False, data=given("data")),
            "l": node("last", result=False, data=given("data")),
            "d": node("difference", result=False, a={"from_node": "l"}, b={"from_node": "f"}),
            "p": node("add", x={"from_node": "d"}, y=given("by")),
        },
    }
    shifted = {
        "parameters": [parameter("cube", CUBE), parameter("by", NUMBER, default=5)],
        "process_graph": {
            "bands": node(
                "reduce_dimension",
                result=False,
                data=given("cube"),
                dimension="bands",
                reducer=child(p=node("plus", data=given("data"), by=given("by"))),
            ),
            "o": node(
                "over_time", cube={"from_node": "bands"}, how=child(p=node("plus", data=given("data")))
            ),
        },
    }
    deeper = replace(world, user_processes={**STORED, "plus": plus, "shifted": shifted})
    graph = {"s": node("shifted", cube=given("cube"))}
    values = cube.fillna(1).compute()
    expected = values.isel(bands=-1) - values.isel(bands=0) + 5
    found = _values(cube.fillna(1), graph, deeper)
    xr.testing.assert_allclose(
        found, expected.isel(t=-1, drop=True) - expected.isel(t=0, drop=True) + 2, check_dim_order=False
    )


def _calling(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"parameters": [], "process_graph": {"n": node(process_id, **arguments)}}


@pytest.mark.parametrize(
    "stored",
    [
        {"a": _calling("a")},
        {"a": _calling("b"), "b": _calling("a")},
        {"a": _calling("count", data=[1], condition=child(n=node("b"))), "b": _calling("a")},
        {"a": _calling("b@remote"), "b@remote": _calling("a")},
    ],
)
def test_circles_are_refused(stored: dict[str, Any], environment: Environment) -> None:
    with pytest.raises(ProcessGraphInvalid, match="in a circle"):
        check({"n": node("a")}, definitions=environment.definitions, user_processes=stored)


def test_a_circle_through_the_default_of_a_callback(environment: Environment) -> None:
    how = {
        "schema": REDUCER,
        "name": "how",
        "description": "",
        "default": child(n=node("a", cube=given("data"))),
    }
    own = {
        "parameters": [parameter("cube", CUBE), how],
        "process_graph": {
            "r": node("reduce_dimension", data=given("cube"), dimension="t", reducer=given("how"))
        },
    }
    with pytest.raises(ProcessGraphInvalid, match=r"in a circle.*in the default of parameter 'how'"):
        evaluate(
            {"n": node("a", cube=given("cube"))},
            {"cube": xr.DataArray([1.0], dims="t")},
            environment=replace(environment, user_processes={"a": own}),
        )


def test_by_the_address_of_its_definition(environment: Environment) -> None:
    address = "https://processes.example/double"
    double = {
        "parameters": [parameter("x", NUMBER)],
        "process_graph": {"m": node("multiply", x=given("x"), y=2)},
    }
    world = replace(environment, user_processes={user_key("double", address): double})
    assert evaluate({"d": node("double", namespace=address, x=4)}, environment=world) == 8
    for namespace in (None, "user", "https://processes.example/other"):
        with pytest.raises(ProcessUnsupported, match="'double'"):
            evaluate({"d": node("double", namespace=namespace, x=4)}, environment=world)


@pytest.mark.parametrize(
    ("graph", "code", "message"),
    [
        ({"d": node("difference", a=1)}, "ProcessParameterRequired", "'b' is required"),
        ({"d": node("difference", a=1, b="2")}, "ProcessParameterInvalid", "a number is expected, not '2'"),
        ({"d": node("difference", a=1, c=2)}, "ProcessParameterUnsupported", "'c'"),
        ({"d": node("span", data=[1, 2], factor=True)}, "ProcessParameterInvalid", "'factor'"),
        (
            {
                "t": node("text_concat", result=False, data=["a"]),
                "d": node("difference", a=1, b={"from_node": "t"}),
            },
            "ProcessParameterInvalid",
            "'b'.*gives a string",
        ),
        (
            {"d": node("difference", namespace="backend", a=1, b=2)},
            "ProcessUnsupported",
            "namespace 'backend'",
        ),
        ({"d": node("gone")}, "ProcessUnsupported", "'gone' is not predefined, and no stored one"),
    ],
)
def test_wrong_calls(graph: dict[str, Any], code: str, message: str, world: Environment) -> None:
    with pytest.raises(OpenEOError, match=message) as caught:
        evaluate(graph, environment=world)
    assert caught.value.code == code
