"""Reducers: what the definitions say, for plain arrays and for blocks, which must agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.generated.errors import (
    AscendingProbabilitiesRequired,
    ProcessParameterInvalid,
    QuantilesParameterConflict,
    QuantilesParameterMissing,
)
from connexeo.processing.processes import statistics as s
from connexeo.processing.processes.comparison import gt
from connexeo.processing.values import Array

INF, NAN = math.inf, math.nan
Function = Callable[..., Any]
REDUCERS: list[Function] = [s.sum_, s.product, s.mean, s.variance, s.sd, s.min_, s.max_, s.median]

CASES: list[tuple[Function, list[Any], Any]] = [
    (s.sum_, [5, 1], 6),
    (s.sum_, [-2, 4, 2.5], 4.5),
    (s.sum_, [1, None], 1),
    (s.sum_, [1, NAN], NAN),
    (s.sum_, [1, INF], INF),
    (s.product, [5, 0], 0),
    (s.product, [-2, 4, 2.5, None], -20),
    (s.product, [0, INF], NAN),
    (s.mean, [1, 0, 3, 2], 1.5),
    (s.mean, [9, 2.5, None, -2.5], 3),
    (s.mean, [1, NAN], NAN),
    (s.variance, [-1, 1, 3], 4),
    (s.variance, [2, 3, 3, None, 4, 4, 5], 1.1),
    (s.variance, [2.5, 2.5, 2.5], 0),
    (s.variance, [7], NAN),
    (s.variance, [-1, 0, INF], NAN),
    (s.variance, [1e9 + 1, 1e9 + 2, 1e9 + 3], 1),
    (s.sd, [-1, 1, 3, None], 2),
    (s.sd, [NAN, 5], NAN),
    (s.min_, [5, 2.5, None, -0.7], -0.7),
    (s.min_, [NAN, 1, 2], NAN),
    (s.min_, [1, -INF], -INF),
    (s.max_, [5, 2.5, None, -0.7], 5),
    (s.max_, [1, NAN], NAN),
    (s.max_, [1, 2, INF], INF),
    (s.median, [1, 3, 3, 6, 7, 8, 9], 6),
    (s.median, [8, 2, 5, 9, 3, 6, 1, 4], 4.5),
    (s.median, [-1, -0.5, None, 1], -0.5),
    (s.median, [-INF, 3, 3, 5, INF], 3),
    (s.median, [INF, INF, 1, INF], INF),
    (s.median, [NAN, 3, 3, NAN, 5], NAN),
    (s.median, [7], 7),
]


def plain(value: Any) -> Any:
    """No-data as blocks have it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return NAN if value is None else value


def array(data: list[Any], dtype: Any = np.float64, pixels: int = 3) -> Array:
    return Array(
        np.repeat(np.array([plain(value) for value in data], dtype=dtype)[:, np.newaxis], pixels, axis=1)
    )


@pytest.mark.parametrize(("function", "data", "expected"), CASES)
def test_plain_arrays(function: Function, data: list[Any], expected: float) -> None:
    result = function(data)
    assert type(result) in (int, float)
    assert result == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("function", REDUCERS)
def test_arrays_without_values_give_no_data(function: Function) -> None:
    assert function([]) is None
    assert function([None, None]) is None
    assert function([], ignore_nodata=False) is None
    assert function([1, None, 2], ignore_nodata=False) is None
    np.testing.assert_array_equal(function(array([None, None])), [NAN] * 3)
    np.testing.assert_array_equal(function(Array(np.empty((0, 2, 2)))), np.full((2, 2), NAN))


def test_integers_stay_integers() -> None:
    results = [function([3, 1, None, 2]) for function in (s.sum_, s.product, s.min_, s.max_)]
    assert [(type(result), result) for result in results] == [(int, 6), (int, 6), (int, 1), (int, 3)]
    assert s.extrema([3, 1]) == [1, 3]


@pytest.mark.parametrize("function", REDUCERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int16, np.int32])
def test_types_and_shapes_of_blocks(function: Function, dtype: Any) -> None:
    values = np.arange(24).reshape(4, 2, 3).astype(dtype)
    result = function(Array(values, labels=("a", "b", "c", "d")))
    keeps = function in (s.min_, s.max_)
    small = np.dtype(dtype).itemsize <= 2 or dtype is np.float32
    assert result.dtype == (dtype if keeps else np.float32 if small else np.float64)
    assert result.shape == (2, 3)
    assert isinstance(function(Array(values[:, 0, 0])), np.ndarray)


def test_small_integers_do_not_wrap() -> None:
    values = Array(np.full((300, 2), 255, dtype=np.uint8))
    np.testing.assert_array_equal(s.sum_(values), [76500] * 2)
    np.testing.assert_array_equal(s.mean(values), [255] * 2)
    np.testing.assert_array_equal(s.median(values), [255] * 2)


def test_sums_of_single_precision_accumulate_in_double_precision() -> None:
    values = np.full((100_001, 1), 0.1, dtype=np.float32)
    values[0] = 1e7
    expected = 1e7 + 100_000 * float(np.float32(0.1))
    np.testing.assert_allclose(np.asarray(s.sum_(Array(values))), expected, rtol=1e-7)
    large = Array(np.float32(1e4) + np.array([[0.0], [1], [2]], dtype=np.float32))
    np.testing.assert_allclose(np.asarray(s.variance(large)), [1.0])


def test_any_no_data_makes_pixels_no_data_unless_ignored() -> None:
    values = Array(np.array([[1, NAN, 3], [4, 5, 6], [7, 8, NAN]], dtype=np.float32))
    for function in REDUCERS:
        result = function(values, ignore_nodata=False)
        assert np.isnan(result).tolist() == [False, True, True]
        assert not np.isnan(function(values)).any()


@pytest.mark.parametrize("length", [1, 2, 12, 31, 32, 33, 60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16])
def test_quantiles_of_blocks_are_those_of_numpy(length: int, dtype: Any) -> None:
    random = np.random.default_rng(length)
    values = (random.random((length, 20, 25)) * 1000).astype(dtype)
    if np.dtype(dtype).kind == "f":
        values[random.random(values.shape) < 0.3] = NAN
        values[0, np.isnan(values).all(axis=0)] = 7
        values[:, 3, 4] = NAN
    known = np.nan_to_num(values, nan=7) if length == 1 else values.copy()
    known[:, 3, 4] = 7
    probabilities = [0, 0.1, 0.5, 0.9, 1]
    expected = np.nanquantile(known.astype(np.float64), probabilities, axis=0)
    result = s.quantiles(Array(values), probabilities)
    assert isinstance(result, Array)
    nothing = np.isnan(result.values[:, 3, 4])
    assert nothing.all() if np.dtype(dtype).kind == "f" else not nothing.any()
    result.values[:, 3, 4], expected[:, 3, 4] = 0, 0
    np.testing.assert_allclose(result.values, expected, rtol=1e-5)
    median = s.median(Array(values))
    assert isinstance(median, np.ndarray)
    median[3, 4] = 0
    np.testing.assert_allclose(median, expected[2], rtol=1e-5)


def test_infinity_and_no_data_are_told_apart_in_quantiles() -> None:
    values = Array(np.array([[INF, 1], [NAN, NAN], [INF, NAN], [2, INF]]))
    np.testing.assert_array_equal(s.median(values), [INF, INF])
    ends = s.quantiles(values, [0, 1])
    assert isinstance(ends, Array)
    np.testing.assert_array_equal(ends.values, [[2, 1], [INF, INF]])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"data": [2, 4, 4, 4, 5, 5, 7, 9], "probabilities": [0.005, 0.01, 0.02, 0.05, 0.1, 0.5]},
            [2.07, 2.14, 2.28, 2.7, 3.4, 4.5],
        ),
        ({"data": [2, 4, 4, 4, 5, 5, 7, 9], "probabilities": 4}, [4, 4.5, 5.5]),
        ({"data": [2, 4, 4, 4, 5, 5, 7, 9], "q": 4}, [4, 4.5, 5.5]),
        ({"data": [-1, -0.5, None, 1], "q": 2}, [-0.5]),
        ({"data": [-1, -0.5, None, 1], "q": 4, "ignore_nodata": False}, [None] * 3),
        ({"data": [], "probabilities": [0.1, 0.5]}, [None] * 2),
        ({"data": [1, NAN], "probabilities": [0, 1]}, [NAN] * 2),
        ({"data": [1, 2], "probabilities": []}, []),
    ],
)
def test_quantiles(arguments: dict[str, Any], expected: list[float | None]) -> None:
    result = s.quantiles(**arguments)
    assert isinstance(result, list)
    assert [value is None for value in result] == [value is None for value in expected]
    assert plain(result) == pytest.approx(plain(expected), nan_ok=True)
    if NAN not in arguments["data"]:
        block = s.quantiles(**{**arguments, "data": array(arguments["data"])})
        assert isinstance(block, Array)
        assert block.values.shape == (len(expected), 3)
        np.testing.assert_allclose(block.values[:, 0], plain(expected))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, QuantilesParameterMissing),
        ({"probabilities": None, "q": None}, QuantilesParameterMissing),
        ({"probabilities": [0.5], "q": 2}, QuantilesParameterConflict),
        ({"probabilities": [0.5, 0.2]}, AscendingProbabilitiesRequired),
    ],
)
def test_quantiles_refuses(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        s.quantiles([1, 2], **arguments)


@pytest.mark.parametrize(
    ("data", "ignore_nodata", "expected"),
    [
        ([1, 0, 3, 2], True, [0, 3]),
        ([5, 2.5, None, -0.7], True, [-0.7, 5]),
        ([1, None, 2], False, [None, None]),
        ([], True, [None, None]),
        ([NAN, 1], True, [NAN, NAN]),
    ],
)
def test_extrema(data: list[Any], ignore_nodata: bool, expected: list[Any]) -> None:
    assert s.extrema(data, ignore_nodata) == pytest.approx(expected, nan_ok=True)
    if data and NAN not in data:
        result = s.extrema(array(data), ignore_nodata)
        assert isinstance(result, Array)
        np.testing.assert_array_equal(result.values[:, 0], plain(expected))


@pytest.mark.parametrize(
    ("data", "condition", "expected"),
    [
        ([], None, 0),
        ([1, 0, 3, 2], None, 4),
        (["ABC", None], None, 1),
        ([1, NAN, INF, None, [None], True], None, 3),
        ([False, None], True, 2),
        ([0, 1, 2, 3, 4, 5, None], lambda x, context: gt(x, 2), 3),
    ],
)
def test_count(data: list[Any], condition: Any, expected: int) -> None:
    result = s.count(data, condition)
    assert (type(result), result) == (int, expected)


def test_count_hands_the_context_to_the_condition() -> None:
    assert s.count([1, 2, 3], lambda *, x, context: gt(x, context), 1) == 2


def test_count_in_blocks() -> None:
    data = Array(np.array([[1, NAN, 3], [4, INF, 6]], dtype=np.float32))
    assert np.asarray(s.count(data)).tolist() == [2, 0, 2]
    assert np.asarray(s.count(data, True)).tolist() == [2, 2, 2]
    calls = []

    def condition(x: Any, context: Any) -> Any:
        calls.append(x)
        return gt(x, context)

    result = s.count(data, condition, 3)
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.uint32
    assert result.tolist() == [1, 1, 1]
    assert len(calls) == 1
    assert np.asarray(s.count(data, lambda x, context: True)).tolist() == [2, 2, 2]


def test_count_refuses_false() -> None:
    with pytest.raises(ProcessParameterInvalid):
        s.count([1], False)


numbers = st.none() | st.integers(-100, 100) | st.floats(-100, 100)


@given(
    function=st.sampled_from(REDUCERS),
    data=st.lists(numbers, min_size=1, max_size=9),
    ignore_nodata=st.booleans(),
)
def test_plain_and_blocks_agree(function: Function, data: list[Any], ignore_nodata: bool) -> None:
    expected = plain(function(data, ignore_nodata))
    result = function(array(data), ignore_nodata)
    np.testing.assert_allclose(result, [expected] * 3, rtol=1e-9, atol=1e-9)


@given(
    data=st.lists(numbers, min_size=1, max_size=9),
    probabilities=st.lists(st.floats(0, 1), max_size=4).map(sorted),
    ignore_nodata=st.booleans(),
)
def test_plain_and_blocks_agree_on_quantiles(
    data: list[Any], probabilities: list[float], ignore_nodata: bool
) -> None:
    expected = s.quantiles(data, probabilities, ignore_nodata=ignore_nodata)
    result = s.quantiles(array(data), probabilities, ignore_nodata=ignore_nodata)
    assert isinstance(result, Array)
    np.testing.assert_allclose(result.values[:, 0], plain(expected), rtol=1e-9, atol=1e-9)
