"""Callbacks on the elements of arrays, on plain arrays and inside of callbacks on cubes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import ArrayLengthMismatch, OpenEOError, ProcessGraphInvalid
from connexeo.processing.evaluation import evaluate
from connexeo.processing.processes.array_callbacks import array_create_labeled
from connexeo.processing.values import Array, LabeledList, labels_of

Run = Callable[..., Any]
NAN = math.nan


def parameter(name: str) -> dict[str, Any]:
    return {"from_parameter": name}


def from_node(name: str) -> dict[str, Any]:
    return {"from_node": name}


def node(process_id: str, *, result: bool = False, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result}


def single(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"node": node(process_id, result=True, **arguments)}}


DATA, X, INDEX, LABEL, CONTEXT = map(parameter, ("data", "x", "index", "label", "context"))


@pytest.fixture
def small() -> xr.DataArray:
    """A cube (t: 3, x: 4), whose pixels have different numbers of values above 2."""
    values = np.array([[1, 5, NAN, 3], [2, 6, NAN, 1], [0, 7, NAN, 9]], "float32")
    times = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "datetime64[ns]")
    return xr.DataArray(values, dims=("t", "x"), coords={"t": times})


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (single("multiply", x=X, y=CONTEXT), [2.0, None, 6.0]),
        (single("add", x=INDEX, y=0), [0, 1, 2]),
        (single("constant", x=LABEL), ["a", "b", "c"]),
        (single("gt", x=X, y=2), [False, None, True]),
        (single("text_concat", data=[LABEL, INDEX]), ["a0", "b1", "c2"]),
    ],
)
def test_apply_to_plain_arrays(run: Run, process: Any, expected: list[Any]) -> None:
    data = LabeledList([1, None, 3], ["a", "b", "c"])
    result = run("array_apply", data=data, process=process, context=2)
    assert (list(result), labels_of(result)) == (expected, ("a", "b", "c"))


def test_no_labels_are_null(run: Run) -> None:
    assert run("array_apply", data=[5], process=single("is_nodata", x=LABEL)) == [True]
    assert run("array_apply", data=[], process=single("add", x=X, y=1)) == []
    assert labels_of(run("array_apply", data=[1], process=single("add", x=X, y=1))) is None


@pytest.mark.parametrize(
    ("condition", "expected", "labels"),
    [
        (single("gt", x=X, y=CONTEXT), [3], ("c",)),
        (single("neq", x=INDEX, y=1), [1, 3], ("a", "c")),
        (single("eq", x=LABEL, y="b"), [None], ("b",)),
        (single("constant", x=None), [], ()),
    ],
)
def test_filter_of_plain_arrays(run: Run, condition: Any, expected: list[Any], labels: Any) -> None:
    data = LabeledList([1, None, 3], ["a", "b", "c"])
    result = run("array_filter", data=data, condition=condition, context=1)
    assert (list(result), labels_of(result)) == (expected, labels)


def reducer(**nodes: Any) -> dict[str, Any]:
    return {"process_graph": nodes}


def test_apply_in_a_cube_is_vectorised(run: Run, cube: xr.DataArray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connexeo.processing.blocks.evaluate_pixels", None)
    apply = node("array_apply", data=DATA, process=single("multiply", x=X, y=INDEX))
    graph = reducer(apply=apply, sum=node("sum", data=from_node("apply"), ignore_nodata=False, result=True))
    result = run("reduce_dimension", data=cube, dimension="bands", reducer=graph)
    assert result.chunks is not None
    expected = (cube * np.arange(3).reshape(1, 3, 1, 1)).sum("bands", skipna=False)
    np.testing.assert_allclose(result, expected)


def test_apply_with_labels_in_a_cube(run: Run, cube: xr.DataArray) -> None:
    apply = node("array_apply", data=DATA, process=single("text_begins", data=LABEL, pattern="B"))
    graph = reducer(apply=apply, count=node("count", data=from_node("apply"), condition=None, result=True))
    assert (run("reduce_dimension", data=cube, dimension="bands", reducer=graph) == 3).all()


def test_filter_by_labels_is_vectorised(
    run: Run, cube: xr.DataArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connexeo.processing.blocks.evaluate_pixels", None)
    condition = single("text_begins", data=LABEL, pattern=CONTEXT)
    graph = single("array_filter", data=DATA, condition=condition, context="B")
    result = run("apply_dimension", data=cube, dimension="bands", process=graph)
    np.testing.assert_array_equal(result, cube.values[:, :2])


@pytest.mark.parametrize(
    ("process", "arguments", "expected"),
    [
        ("count", {"condition": True}, [0, 3, 0, 2]),
        ("sum", {}, [NAN, 18, NAN, 12]),
        ("first", {}, [NAN, 5, NAN, 3]),
        ("array_element", {"index": 1, "return_nodata": True}, [NAN, 6, NAN, 9]),
    ],
)
@pytest.mark.parametrize("chunks", [None, 2])
def test_filter_by_values(
    run: Run, small: xr.DataArray, process: str, arguments: Any, expected: Any, chunks: int | None
) -> None:
    kept = node("array_filter", data=DATA, condition=single("gt", x=X, y=2))
    graph = reducer(kept=kept, result=node(process, data=from_node("kept"), result=True, **arguments))
    data = small if chunks is None else small.chunk({"x": chunks})
    result = run("reduce_dimension", data=data, dimension="t", reducer=graph)
    assert (result.chunks is None) == (chunks is None)
    assert result.dtype == "float64"
    np.testing.assert_array_equal(result, expected)


def test_made_up_pixels_make_no_errors(run: Run, small: xr.DataArray) -> None:
    """The second column has three values above 4, while the ones of a sample would have none."""
    kept = node("array_filter", data=DATA, condition=single("gt", x=X, y=4))
    graph = reducer(kept=kept, result=node("array_element", data=from_node("kept"), index=2, result=True))
    result = run("reduce_dimension", data=small.isel(x=[1]), dimension="t", reducer=graph)
    np.testing.assert_array_equal(result, [7])
    with pytest.raises(OpenEOError, match="index 2"):
        run("reduce_dimension", data=small, dimension="t", reducer=graph)


def test_integers_that_keep_nothing_are_no_data(run: Run) -> None:
    kept = node("array_filter", data=DATA, condition=single("lt", x=X, y=2))
    graph = reducer(kept=kept, result=node("first", data=from_node("kept"), result=True))
    cube = xr.DataArray(np.array([[9, 1], [9, 9]], "uint8"), dims=("t", "x"))
    np.testing.assert_array_equal(run("reduce_dimension", data=cube, dimension="t", reducer=graph), [NAN, 1])
    assert math.isnan(run("reduce_dimension", data=cube[:, 0], dimension="t", reducer=graph))


def test_results_that_differ_in_length_are_refused(run: Run, small: xr.DataArray) -> None:
    graph = single("array_filter", data=DATA, condition=single("gt", x=X, y=CONTEXT), context=0.5)
    with pytest.raises(ProcessGraphInvalid, match="differ in length"):
        run("apply_dimension", data=small, dimension="t", process=graph)


def test_arrays_of_the_same_length_are_stacked(run: Run, small: xr.DataArray) -> None:
    kept = node("array_filter", data=DATA, condition=single("gt", x=X, y=2))
    graph = reducer(kept=kept, result=node("extrema", data=from_node("kept"), result=True))
    result = run("apply_dimension", data=small.chunk({"x": 1}), dimension="t", process=graph)
    np.testing.assert_array_equal(result, [[NAN, 5, NAN, 3], [NAN, 7, NAN, 9]])


def test_texts_of_numbers(run: Run, small: xr.DataArray) -> None:
    text = node("text_concat", data=["n", X])
    graph = reducer(text=text, found=node("text_contains", data=from_node("text"), pattern="n5", result=True))
    np.testing.assert_array_equal(run("apply", data=small, process=graph)[0], [0, 1, 0, 0])
    with pytest.raises(ProcessGraphInvalid, match="return a number"):
        run("apply", data=small, process=single("text_concat", data=[X])).compute()


@pytest.mark.parametrize("process", ["text_begins", "text_ends", "text_contains", "text_find"])
def test_numbers_are_no_texts(run: Run, small: xr.DataArray, process: str) -> None:
    nothing = run("apply", data=small.isel(x=[2]), process=single(process, data=X, pattern="a"))
    assert np.isnan(nothing).all()
    with pytest.raises(OpenEOError, match="string"):
        run("apply", data=small, process=single(process, data=X, pattern="a"))


def test_texts_are_chosen_by_pixel(run: Run, small: xr.DataArray) -> None:
    graph = reducer(
        low=node("lt", x=X, y=3),
        date=node("if", value=from_node("low"), accept="2020-01-01", reject="2020-01-03"),
        days=node("date_difference", date1="2020-01-01", date2=from_node("date"), unit="day", result=True),
    )
    np.testing.assert_array_equal(run("apply", data=small, process=graph)[0], [0, 2, 2, 2])


def test_dates_are_shifted_by_pixel(run: Run, small: xr.DataArray) -> None:
    graph = reducer(
        day=node("int", x=X),
        date=node("date_shift", date="2020-01-01", value=from_node("day"), unit="day"),
        days=node("date_difference", date1="2020-01-01", date2=from_node("date"), unit="day", result=True),
    )
    np.testing.assert_array_equal(run("apply", data=small.fillna(0), process=graph), small.fillna(0))


def test_nested_callbacks_see_what_is_around_them(environment: Any, cube: xr.DataArray) -> None:
    """array_apply in reduce_dimension in a process of a user, with parameters of all of them."""
    inner = {
        "scaled": node("multiply", x=X, y=parameter("factor")),
        "shifted": node("add", x=from_node("scaled"), y=CONTEXT, result=True),
    }
    apply = node("array_apply", data=DATA, process={"process_graph": inner}, context=CONTEXT)
    graph = reducer(apply=apply, last=node("last", data=from_node("apply"), ignore_nodata=False, result=True))
    reduce = node(
        "reduce_dimension", data=parameter("cube"), dimension="t", reducer=graph, context=7, result=True
    )
    process = {
        "id": "scale",
        "parameters": [
            {"name": "cube", "description": "", "schema": {"type": "object", "subtype": "datacube"}},
            {"name": "factor", "description": "", "schema": {"type": "number"}},
        ],
        "process_graph": {"reduce": reduce},
    }
    world = type(environment)(definitions=environment.definitions, user_processes={"scale": process})
    for factor in (2, 3):
        call = {"call": node("scale", cube=parameter("data"), factor=factor, result=True)}
        result = evaluate(call, {"data": cube}, environment=world)
        np.testing.assert_allclose(result, cube.values[-1] * factor + 7)


def test_labeled_arrays() -> None:
    plain = array_create_labeled([1, 2], ["a", 5])
    assert (list(plain), labels_of(plain)) == ([1, 2], ("a", 5))
    blocks = array_create_labeled(Array(np.zeros((2, 3))), ["a", "b"])
    assert (blocks[0].shape, labels_of(blocks)) == ((3,), ("a", "b"))
    with pytest.raises(ArrayLengthMismatch, match="2 labels are given for 1"):
        array_create_labeled([1], ["a", "b"])
    with pytest.raises(OpenEOError, match="an array is expected"):
        array_create_labeled(5, ["a"])
    with pytest.raises(OpenEOError, match="once"):
        array_create_labeled([1, 2], ["a", "a"])


def test_labels_made_in_a_callback(run: Run, cube: xr.DataArray) -> None:
    graph = reducer(
        named=node("array_create_labeled", data=DATA, labels=["u", "v", "w"]),
        one=node("array_element", data=from_node("named"), label="v", result=True),
    )
    result = run("reduce_dimension", data=cube, dimension="bands", reducer=graph)
    np.testing.assert_array_equal(result, cube.values[:, 1])


def test_arrays_of_numpy_cannot_hold_texts(run: Run) -> None:
    with pytest.raises(OpenEOError, match="give lists instead"):
        run("text_concat", data=np.arange(3))
