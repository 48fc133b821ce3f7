"""Processes in callbacks on data cubes give for every pixel what they give for plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from connexeo.processing.cube import Dimension, labels, make_cube
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.registry import implementation
from connexeo.processing.values import LabeledList

INF, NAN = math.inf, math.nan
DTYPES = ["uint8", "uint16", "int16", "int32", "float32", "float64", "bool"]
SHAPE = (3, 2)
X, DATA = {"from_parameter": "x"}, {"from_parameter": "data"}

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def elements(dtype: str) -> st.SearchStrategy[Any]:
    """Values that single precision holds exactly, so that steps such as those of floor are at the same places."""
    match np.dtype(dtype).kind:
        case "b":
            return st.booleans()
        case "f":
            quarters = st.integers(-400, 400).map(lambda number: number / 4)
            return quarters | st.sampled_from([NAN, INF, -INF, 0.0, -0.0, 1e6])
        case _:
            info = np.iinfo(dtype)
            low, high = max(info.min, -(2**24)), min(info.max, 2**24)
            return st.integers(max(low, -3), 12) | st.sampled_from([low, low + 1, high - 1, high])


@st.composite
def cubes(draw: st.DrawFn, least: int = 1, most: int = 6) -> xr.DataArray:
    """Cubes (t, y, x) of all types, with and without no-data, lazy and not."""
    dtype = draw(st.sampled_from(DTYPES))
    length = draw(st.integers(least, most))
    values = draw(arrays.arrays(dtype, (length, *SHAPE), elements=elements(dtype), fill=st.nothing()))
    times = np.datetime64("2020-01-01", "ns") + np.arange(length).astype("timedelta64[D]")
    cube = xr.DataArray(values, dims=("t", "y", "x"), coords={"t": times})
    axes = (Dimension("y", "spatial", "y"), Dimension("x", "spatial", "x"))
    cube = make_cube(cube, [Dimension("t", "temporal"), *axes])
    return cube.chunk({"t": 1, "y": 2}) if draw(st.booleans()) else cube


def plain(value: Any) -> Any:
    """One value of a cube as a plain value."""
    value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def number(value: Any) -> Any:
    """Booleans as the numbers that a cube holds for them."""
    return int(value) if isinstance(value, bool) else value


def truth(value: Any) -> Any:
    """What a cube holds, read as a boolean."""
    return None if value is None else bool(value)


def call(process_id: str, **arguments: Any) -> Any:
    """The plain implementation, with no-data as a cube holds it."""
    result = implementation(process_id).function(**arguments)
    return [stored(one) for one in result] if isinstance(result, list) else stored(result)


def stored(value: Any) -> float:
    """A plain result as a cube holds it."""
    return NAN if value is None else float(value)


def child(process_id: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A child graph of one node."""
    return {"process_graph": {"it": {"process_id": process_id, "arguments": arguments, "result": True}}}


def run(environment: Environment, process_id: str, cube: xr.DataArray, **arguments: Any) -> Any:
    """The pixels that a cube process gives, computed."""
    node = {"process_id": process_id, "arguments": {"data": {"from_parameter": "cube"}, **arguments}}
    graph = {"node": {**node, "result": True}}
    return evaluate(graph, {"cube": cube}, environment=environment).values


def per_pixel(cube: xr.DataArray, convert: Callable[[Any], Any], function: Callable[[list[Any]], Any]) -> Any:
    """The result of a plain function of the values along t for each pixel, on a new axis 0 if these are arrays."""
    values = cube.values
    results = [
        [function([convert(plain(value)) for value in values[:, y, x]]) for x in range(SHAPE[1])]
        for y in range(SHAPE[0])
    ]
    array = np.array(results, dtype=np.float64)
    return np.moveaxis(array, 2, 0) if array.ndim == 3 else array


def assert_same(result: Any, expected: Any) -> None:
    """Compare up to the precision and the range of the type that the cube has."""
    assert result.shape == expected.shape
    with np.errstate(over="ignore"):
        within = expected.astype(result.dtype).astype(np.float64) if result.dtype.kind == "f" else expected
    single = result.dtype == np.float32
    rtol, atol = (2e-5, 1e-6) if single else (1e-11, 1e-12)
    np.testing.assert_allclose(result.astype(np.float64), within, rtol=rtol, atol=atol)


def arithmetic_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that numbers have after arithmetic."""
    return dtype if dtype.kind == "f" else np.dtype("float32" if dtype.itemsize <= 2 else "float64")


constants = st.sampled_from([0, 1, 2, -3, 0.5, -0.25, 255, 256, 1000, 70_000])
UNARY = [
    "absolute", "arccos", "arcosh", "arcsin", "arctan", "arsinh", "artanh", "ceil", "cos", "cosh", "exp", "floor",
    "int", "ln", "sgn", "sin", "sinh", "sqrt", "tan", "tanh", "constant",
]  # fmt: skip
BINARY = {
    "add": ("x", "y"), "subtract": ("x", "y"), "multiply": ("x", "y"), "divide": ("x", "y"), "mod": ("x", "y"),
    "normalized_difference": ("x", "y"), "power": ("base", "p"), "log": ("x", "base"), "arctan2": ("y", "x"),
}  # fmt: skip
COMPARISONS = ["eq", "neq", "gt", "gte", "lt", "lte"]
REDUCERS = ["sum", "product", "mean", "variance", "sd", "min", "max", "median", "first", "last"]


@few
@given(cube=cubes(1, 1), process_id=st.sampled_from(UNARY))
def test_functions_of_one_number(environment: Environment, cube: xr.DataArray, process_id: str) -> None:
    name = "p" if process_id == "exp" else "x"
    result = run(environment, "apply", cube, process=child(process_id, {name: X}))
    assert_same(result[0], per_pixel(cube, number, lambda values: call(process_id, **{name: values[0]})))
    if process_id != "constant":
        assert result.dtype == arithmetic_type(cube.dtype)


@few
@given(
    cube=cubes(1, 1), process_id=st.sampled_from(sorted(BINARY)), constant=constants, swapped=st.booleans()
)
def test_functions_of_a_number_and_a_constant(
    environment: Environment, cube: xr.DataArray, process_id: str, constant: Any, swapped: bool
) -> None:
    first, second = BINARY[process_id][::-1] if swapped else BINARY[process_id]
    result = run(environment, "apply", cube, process=child(process_id, {first: X, second: constant}))
    expected = per_pixel(
        cube, number, lambda values: call(process_id, **{first: values[0], second: constant})
    )
    assert_same(result[0], expected)
    assert result.dtype == arithmetic_type(cube.dtype)


@few
@given(cube=cubes(2, 2), process_id=st.sampled_from(sorted(BINARY) + COMPARISONS))
def test_functions_of_two_numbers(environment: Environment, cube: xr.DataArray, process_id: str) -> None:
    first, second = BINARY.get(process_id, ("x", "y"))
    graph = {
        "a": {"process_id": "array_element", "arguments": {"data": DATA, "index": 0}},
        "b": {"process_id": "array_element", "arguments": {"data": DATA, "index": 1}},
        "it": {
            "process_id": process_id,
            "arguments": {first: {"from_node": "a"}, second: {"from_node": "b"}},
            "result": True,
        },
    }
    result = run(environment, "reduce_dimension", cube, reducer={"process_graph": graph}, dimension="t")
    expected = per_pixel(
        cube, number, lambda values: call(process_id, **{first: values[0], second: values[1]})
    )
    assert_same(result, expected)


@few
@given(
    cube=cubes(1, 1),
    process_id=st.sampled_from(["round", "clip", "linear_scale_range", "between"]),
    digits=st.integers(-3, 3),
    bounds=st.tuples(constants, constants).map(sorted),
    exclude=st.booleans(),
)
def test_functions_with_options(
    environment: Environment, cube: xr.DataArray, process_id: str, digits: int, bounds: Any, exclude: bool
) -> None:
    low, high = bounds
    options: dict[str, Any] = {
        "round": {"p": digits},
        "clip": {"min": low, "max": high},
        "linear_scale_range": {"inputMin": low, "inputMax": high, "outputMin": 255, "outputMax": -1},
        "between": {"min": low, "max": high, "exclude_max": exclude},
    }[process_id]
    result = run(environment, "apply", cube, process=child(process_id, {"x": X, **options}))
    assert_same(result[0], per_pixel(cube, number, lambda values: call(process_id, x=values[0], **options)))


@few
@given(
    cube=cubes(1, 1),
    process_id=st.sampled_from([*COMPARISONS, "is_nodata", "is_valid"]),
    constant=constants | st.sampled_from([None, "1"]),
    delta=st.none() | st.just(1.5),
)
def test_comparisons_with_a_constant(
    environment: Environment, cube: xr.DataArray, process_id: str, constant: Any, delta: Any
) -> None:
    options = {} if process_id.startswith("is") else {"y": constant}
    if process_id in ("eq", "neq"):
        options["delta"] = delta
    result = run(environment, "apply", cube, process=child(process_id, {"x": X, **options}))
    assert_same(result[0], per_pixel(cube, number, lambda values: call(process_id, x=values[0], **options)))
    assert result.dtype in (bool, np.float32)


@few
@given(
    cube=cubes(1, 1),
    process_id=st.sampled_from(["and", "or", "xor", "not"]),
    constant=st.sampled_from([True, False, None]),
    swapped=st.booleans(),
)
def test_logic(
    environment: Environment, cube: xr.DataArray, process_id: str, constant: Any, swapped: bool
) -> None:
    options = {} if process_id == "not" else {"x" if swapped else "y": constant}
    name = "y" if swapped and process_id != "not" else "x"
    result = run(environment, "apply", cube, process=child(process_id, {name: X, **options}))
    expected = per_pixel(cube, truth, lambda values: call(process_id, **{name: values[0]}, **options))
    assert_same(result[0], expected)


@few
@given(
    cube=cubes(1, 1),
    accept=st.sampled_from([X, None, True, 3, -7, 300, 0.1, 70_000]),
    reject=st.sampled_from([X, None, False, 3, -7, 300, 0.1, 70_000]),
)
def test_if(environment: Environment, cube: xr.DataArray, accept: Any, reject: Any) -> None:
    arguments = {"value": X, "accept": accept, "reject": reject}
    result = run(environment, "apply", cube, process=child("if", arguments))

    def expected(values: list[Any]) -> float:
        option = accept if truth(values[0]) else reject
        return stored(values[0] if option is X else option)

    assert_same(result[0], per_pixel(cube, number, expected))


@few
@given(cube=cubes(0), process_id=st.sampled_from(REDUCERS), ignore_nodata=st.booleans())
def test_reducers(environment: Environment, cube: xr.DataArray, process_id: str, ignore_nodata: bool) -> None:
    arguments = {"data": DATA, "ignore_nodata": ignore_nodata}
    result = run(environment, "reduce_dimension", cube, reducer=child(process_id, arguments), dimension="t")
    expected = per_pixel(
        cube, number, lambda values: call(process_id, data=values, ignore_nodata=ignore_nodata)
    )
    assert_same(result, expected)
    keeps = process_id in ("min", "max", "first", "last")
    assert result.dtype == (cube.dtype if keeps and len(cube) else arithmetic_type(cube.dtype))


@few
@given(cube=cubes(0), process_id=st.sampled_from(["all", "any"]), ignore_nodata=st.booleans())
def test_reducers_of_booleans(
    environment: Environment, cube: xr.DataArray, process_id: str, ignore_nodata: bool
) -> None:
    arguments = {"data": DATA, "ignore_nodata": ignore_nodata}
    result = run(environment, "reduce_dimension", cube, reducer=child(process_id, arguments), dimension="t")
    expected = per_pixel(
        cube, truth, lambda values: call(process_id, data=values, ignore_nodata=ignore_nodata)
    )
    assert_same(result, expected)


@few
@given(
    cube=cubes(), value=constants | st.none(), reverse=st.booleans(), condition=st.sampled_from([None, True])
)
def test_searching_and_counting(
    environment: Environment, cube: xr.DataArray, value: Any, reverse: bool, condition: Any
) -> None:
    for process_id, options in (
        ("array_find", {"value": value, "reverse": reverse}),
        ("array_contains", {"value": value}),
        ("count", {"condition": condition}),
    ):
        reducer = child(process_id, {"data": DATA, **options})
        result = run(environment, "reduce_dimension", cube, reducer=reducer, dimension="t")

        def expected(values: list[Any], process_id: str = process_id, options: Any = options) -> Any:
            return call(process_id, data=values, **options)

        assert_same(result, per_pixel(cube, number, expected))


@few
@given(cube=cubes(), limit=constants)
def test_counting_by_a_condition(environment: Environment, cube: xr.DataArray, limit: Any) -> None:
    condition = child("gt", {"x": X, "y": {"from_parameter": "context"}})
    arguments = {"data": DATA, "condition": condition, "context": limit}
    result = run(environment, "reduce_dimension", cube, reducer=child("count", arguments), dimension="t")
    expected = per_pixel(
        cube, number, lambda values: sum(value is not None and value > limit for value in values)
    )
    assert_same(result, expected)


CUMULATIVE = ["cumsum", "cumproduct", "cummin", "cummax"]


@few
@given(cube=cubes(), process_id=st.sampled_from(CUMULATIVE), ignore_nodata=st.booleans())
def test_cumulation(
    environment: Environment, cube: xr.DataArray, process_id: str, ignore_nodata: bool
) -> None:
    arguments = {"data": DATA, "ignore_nodata": ignore_nodata}
    result = run(environment, "apply_dimension", cube, process=child(process_id, arguments), dimension="t")
    expected = per_pixel(
        cube, number, lambda values: call(process_id, data=values, ignore_nodata=ignore_nodata)
    )
    assert_same(result, expected)


@few
@given(
    cube=cubes(),
    process_id=st.sampled_from(["sort", "order"]),
    asc=st.booleans(),
    nodata=st.none() | st.booleans(),
)
def test_sorting(
    environment: Environment, cube: xr.DataArray, process_id: str, asc: bool, nodata: bool | None
) -> None:
    options = {"asc": asc, "nodata": nodata}
    process = child(process_id, {"data": DATA, **options})
    result = run(environment, "apply_dimension", cube, process=process, dimension="t")

    def expected(values: list[Any]) -> list[Any]:
        remaining: list[Any] = call(process_id, data=values, **options)
        return remaining + [NAN] * (len(values) - len(remaining))

    assert_same(result, per_pixel(cube, number, expected))


@few
@given(cube=cubes(), asc=st.booleans(), nodata=st.none() | st.booleans())
def test_rearranging_by_the_order_sorts(
    environment: Environment, cube: xr.DataArray, asc: bool, nodata: bool | None
) -> None:
    options = {"data": DATA, "asc": asc, "nodata": nodata}
    graph = {
        "order": {"process_id": "order", "arguments": options},
        "it": {
            "process_id": "rearrange",
            "arguments": {"data": DATA, "order": {"from_node": "order"}},
            "result": True,
        },
    }
    result = run(environment, "apply_dimension", cube, process={"process_graph": graph}, dimension="t")
    assert_same(
        result,
        run(environment, "apply_dimension", cube, process=child("sort", options), dimension="t").astype(
            float
        ),
    )


@few
@given(cube=cubes(), ignore_nodata=st.booleans(), parts=st.integers(2, 5))
def test_quantiles_and_extrema(
    environment: Environment, cube: xr.DataArray, ignore_nodata: bool, parts: int
) -> None:
    for process_id, options in (("quantiles", {"probabilities": parts}), ("extrema", {})):
        arguments = {**options, "ignore_nodata": ignore_nodata}
        process = child(process_id, {"data": DATA, **arguments})
        result = run(environment, "apply_dimension", cube, process=process, dimension="t")

        def expected(values: list[Any], process_id: str = process_id, options: Any = arguments) -> Any:
            return call(process_id, data=values, **options)

        assert_same(result, per_pixel(cube, number, expected))


@few
@given(cube=cubes())
def test_interpolation(environment: Environment, cube: xr.DataArray) -> None:
    process = child("array_interpolate_linear", {"data": DATA})
    result = run(environment, "apply_dimension", cube, process=process, dimension="t")
    assert_same(result, per_pixel(cube, number, lambda values: call("array_interpolate_linear", data=values)))
    assert result.dtype == cube.dtype


@few
@given(cube=cubes(), value=constants | st.none(), index=st.integers(0, 1), length=st.integers(0, 2))
def test_editing_arrays(
    environment: Environment, cube: xr.DataArray, value: Any, index: int, length: int
) -> None:
    for process_id, options in (
        ("array_append", {"value": value}),
        ("array_modify", {"values": [value, 5], "index": index, "length": length}),
        ("array_create", {"repeat": index + 1}),
    ):
        process = child(process_id, {"data": DATA, **options})
        result = run(environment, "apply_dimension", cube, process=process, dimension="t")

        def expected(values: list[Any], process_id: str = process_id, options: Any = options) -> Any:
            return call(process_id, data=values, **options)

        assert_same(result, per_pixel(cube, number, expected))


@few
@given(cube=cubes(), index=st.integers(0, 8))
def test_elements_that_may_be_missing(environment: Environment, cube: xr.DataArray, index: int) -> None:
    arguments = {"data": DATA, "index": index, "return_nodata": True}
    reducer = child("array_element", arguments)
    result = run(environment, "reduce_dimension", cube, reducer=reducer, dimension="t")
    expected = per_pixel(
        cube, number, lambda values: call("array_element", data=values, index=index, return_nodata=True)
    )
    assert_same(result, expected)


def node(name: str) -> dict[str, str]:
    return {"from_node": name}


def step(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments}


def element(index: int) -> dict[str, Any]:
    return step("array_element", data=DATA, index=index)


GRAPHS = {
    "keep large values": {
        "first": element(0),
        "large": step("gt", x=node("first"), y=5),
        "it": step("if", value=node("large"), accept=node("first")),
    },
    "mean of chosen elements and numbers": {
        "a": element(0),
        "b": element(1),
        "all": step("array_create", data=[node("a"), node("b"), None, -7, 300]),
        "it": step("mean", data=node("all")),
    },
    "where the maximum is": {
        "max": step("max", data=DATA),
        "it": step("array_find", data=DATA, value=node("max")),
    },
    "element at a position that differs": {
        "max": step("max", data=DATA),
        "where": step("array_find", data=DATA, value=node("max")),
        "valid": step("is_nodata", x=node("where")),
        "position": step("if", value=node("valid"), accept=0, reject=node("where")),
        "it": step("array_element", data=DATA, index=node("position"), return_nodata=True),
    },
    "scaled to the range of the array": {
        "a": element(0),
        "ends": step("extrema", data=DATA),
        "low": step("array_element", data=node("ends"), index=0),
        "high": step("array_element", data=node("ends"), index=1),
        "scaled": step(
            "linear_scale_range", x=node("a"), inputMin=node("low"), inputMax=node("high"), outputMax=255
        ),
        "missing": step("is_nodata", x=node("low")),
        "it": step("if", value=node("missing"), accept=-1, reject=node("scaled")),
    },
    "array chosen by a condition": {
        "a": element(0),
        "large": step("gte", x=node("a"), y=3),
        "sorted": step("sort", data=DATA, nodata=True),
        "arrays": step("if", value=node("large"), accept=DATA, reject=node("sorted")),
        "it": step("array_element", data=node("arrays"), index=1),
    },
    "plain array chosen by a condition": {
        "a": element(0),
        "large": step("gte", x=node("a"), y=3),
        "arrays": step("if", value=node("large"), accept=[-1, None, 300], reject=node("a")),
        "plain": step("array_create", data=[0, 70_000, True]),
        "second": step("if", value=node("large"), accept=[-1, None, 300], reject=node("plain")),
        "it": step("array_element", data=node("second"), index=1),
    },
    "several conditions": {
        "a": element(0),
        "b": element(1),
        "four": step("eq", x=node("a"), y=4),
        "more": step("neq", x=node("b"), y=node("a")),
        "between": step("between", x=node("a"), min=-1, max=7),
        "not": step("not", x=node("between")),
        "all": step("all", data=[node("more"), node("not"), True], ignore_nodata=False),
        "it": step("or", x=node("all"), y=node("four")),
    },
    "joined with itself": {
        "mean": step("mean", data=DATA),
        "more": step("array_create", data=[node("mean"), 1]),
        "joined": step("array_concat", array1=DATA, array2=node("more")),
        "it": step("median", data=node("joined")),
    },
    "element by label": {
        "labels": step("array_labels", data=DATA),
        "label": step("array_element", data=node("labels"), index=1),
        "where": step("array_find_label", data=DATA, label=node("label")),
        "a": step("array_element", data=DATA, index=node("where")),
        "b": step("array_element", data=DATA, label=node("label")),
        "it": step("subtract", x=node("a"), y=node("b")),
    },
}
"""Child graphs with several nodes, which reduce at least two values."""


@few
@given(cube=cubes(2), name=st.sampled_from(sorted(GRAPHS)))
def test_graphs_of_several_nodes(environment: Environment, cube: xr.DataArray, name: str) -> None:
    # What is computed from infinity may be NaN, which is no-data in a cube only.
    cube = cube.where(~np.isinf(cube), 7).astype(cube.dtype)
    steps = dict(GRAPHS[name])
    steps["it"] = {**steps["it"], "result": True}
    graph = {"process_graph": steps}
    result = run(environment, "reduce_dimension", cube, reducer=graph, dimension="t")
    times = labels(cube, "t")

    def expected(values: list[Any]) -> float:
        return stored(evaluate(graph, {"data": LabeledList(values, times)}, environment=environment))

    assert_same(result, per_pixel(cube, number, expected))


@pytest.mark.parametrize("dtype", DTYPES)
def test_indices_do_not_wrap(environment: Environment, dtype: str) -> None:
    """As a user would write NDVI."""
    values = np.array([[[0, 1]], [[1, 0]]], dtype=dtype)
    cube = make_cube(
        xr.DataArray(values, dims=("bands", "y", "x"), coords={"bands": ["B04", "B08"]}),
        [Dimension("bands", "bands"), Dimension("y", "spatial", "y"), Dimension("x", "spatial", "x")],
    )
    graph = {
        "red": {"process_id": "array_element", "arguments": {"data": DATA, "label": "B04"}},
        "nir": {"process_id": "array_element", "arguments": {"data": DATA, "label": "B08"}},
        "it": {
            "process_id": "normalized_difference",
            "arguments": {"x": {"from_node": "nir"}, "y": {"from_node": "red"}},
            "result": True,
        },
    }
    result = run(environment, "reduce_dimension", cube, reducer={"process_graph": graph}, dimension="bands")
    assert result.tolist() == [[1, -1]]
    assert result.dtype == (np.float64 if dtype in ("int32", "float64") else np.float32)
