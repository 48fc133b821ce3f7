"""Arithmetic: what the definitions say, for plain numbers and for blocks, which must agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.generated.errors import MinMaxSwapped, ProcessParameterInvalid
from connexeo.processing.processes import arithmetic as a

INF, NAN = math.inf, math.nan
Function = Callable[..., Any]

CASES: list[tuple[Function, dict[str, Any], float | None]] = [
    (a.absolute, {"x": -0.4}, 0.4),
    (a.absolute, {"x": -INF}, INF),
    (a.absolute, {"x": NAN}, NAN),
    (a.absolute, {"x": None}, None),
    (a.add, {"x": 5, "y": 2.5}, 7.5),
    (a.add, {"x": 250, "y": 10}, 260),
    (a.add, {"x": INF, "y": -INF}, NAN),
    (a.add, {"x": NAN, "y": None}, None),
    (a.subtract, {"x": 3, "y": 5}, -2),
    (a.subtract, {"x": INF, "y": INF}, NAN),
    (a.subtract, {"x": None, "y": 5}, None),
    (a.multiply, {"x": -2, "y": -4}, 8),
    (a.multiply, {"x": 0, "y": INF}, NAN),
    (a.multiply, {"x": 1, "y": None}, None),
    (a.divide, {"x": -2, "y": 4}, -0.5),
    (a.divide, {"x": 1, "y": 0}, INF),
    (a.divide, {"x": -1, "y": 0}, -INF),
    (a.divide, {"x": 0, "y": 0}, NAN),
    (a.divide, {"x": None, "y": 0}, None),
    (a.mod, {"x": 27, "y": 5}, 2),
    (a.mod, {"x": -27, "y": 5}, 3),
    (a.mod, {"x": 27, "y": -5}, -3),
    (a.mod, {"x": -27, "y": -5}, -2),
    (a.mod, {"x": 3.14, "y": -2}, -0.86),
    (a.mod, {"x": 2, "y": 0}, INF),
    (a.mod, {"x": -2, "y": 0}, -INF),
    (a.mod, {"x": 0, "y": 0}, NAN),
    (a.mod, {"x": 2, "y": INF}, 2),
    (a.mod, {"x": 2, "y": -INF}, -INF),
    (a.mod, {"x": INF, "y": 2}, NAN),
    (a.mod, {"x": 2, "y": None}, None),
    (a.normalized_difference, {"x": 3, "y": 1}, 0.5),
    (a.normalized_difference, {"x": 0, "y": 0}, NAN),
    (a.normalized_difference, {"x": None, "y": 1}, None),
    (a.power, {"base": 5, "p": -1}, 0.2),
    (a.power, {"base": 2.5, "p": 0}, 1),
    (a.power, {"base": 0, "p": -1}, INF),
    (a.power, {"base": -8, "p": 1 / 3}, NAN),
    (a.power, {"base": 10, "p": 400}, INF),
    (a.power, {"base": None, "p": 0}, None),
    (a.power, {"base": 1, "p": None}, None),
    (a.sqrt, {"x": 9}, 3),
    (a.sqrt, {"x": -1}, NAN),
    (a.sqrt, {"x": None}, None),
    (a.exp, {"p": 1}, math.e),
    (a.exp, {"p": -INF}, 0),
    (a.exp, {"p": 1e6}, INF),
    (a.exp, {"p": None}, None),
    (a.ln, {"x": math.e}, 1),
    (a.ln, {"x": 0}, -INF),
    (a.ln, {"x": -1}, NAN),
    (a.ln, {"x": None}, None),
    (a.log, {"x": 1000, "base": 10}, 3),
    (a.log, {"x": 8, "base": 2}, 3),
    (a.log, {"x": 81, "base": 3}, 4),
    (a.log, {"x": 0, "base": 10}, -INF),
    (a.log, {"x": 0, "base": 0.5}, -INF),
    (a.log, {"x": 0, "base": 1}, -INF),
    (a.log, {"x": -1, "base": 3}, NAN),
    (a.log, {"x": 4, "base": -2}, NAN),
    (a.log, {"x": 4, "base": None}, None),
    (a.log, {"x": None, "base": 2}, None),
    (a.sgn, {"x": -2.5}, -1),
    (a.sgn, {"x": 0}, 0),
    (a.sgn, {"x": INF}, 1),
    (a.sgn, {"x": NAN}, NAN),
    (a.sgn, {"x": None}, None),
    (a.ceil, {"x": -0.4}, 0),
    (a.ceil, {"x": 3.5}, 4),
    (a.ceil, {"x": INF}, INF),
    (a.ceil, {"x": NAN}, NAN),
    (a.ceil, {"x": None}, None),
    (a.floor, {"x": -0.4}, -1),
    (a.floor, {"x": 3.5}, 3),
    (a.floor, {"x": None}, None),
    (a.int_, {"x": -3.5}, -3),
    (a.int_, {"x": 3.5}, 3),
    (a.int_, {"x": -INF}, -INF),
    (a.int_, {"x": None}, None),
    (a.round_, {"x": 3.56, "p": 1}, 3.6),
    (a.round_, {"x": -2.5}, -2),
    (a.round_, {"x": -3.5}, -4),
    (a.round_, {"x": 0.25, "p": 1}, 0.2),
    (a.round_, {"x": 0.35, "p": 1}, 0.4),
    (a.round_, {"x": 1234.5, "p": -2}, 1200),
    (a.round_, {"x": 1250, "p": -2}, 1200),
    (a.round_, {"x": 1e30, "p": 300}, 1e30),
    (a.round_, {"x": 1.5, "p": 999}, 1.5),
    (a.round_, {"x": 1.5, "p": -999}, 0),
    (a.round_, {"x": INF, "p": -999}, INF),
    (a.round_, {"x": NAN, "p": 2}, NAN),
    (a.round_, {"x": None, "p": 2}, None),
    (a.clip, {"x": -5, "min": -1, "max": 1}, -1),
    (a.clip, {"x": 10.001, "min": 1, "max": 10}, 10),
    (a.clip, {"x": 0.5, "min": 0, "max": 1}, 0.5),
    (a.clip, {"x": INF, "min": 2, "max": 2}, 2),
    (a.clip, {"x": NAN, "min": 0, "max": 1}, NAN),
    (a.clip, {"x": None, "min": 0, "max": 1}, None),
    (a.linear_scale_range, {"x": 25.5, "inputMin": 0, "inputMax": 255}, 0.1),
    (a.linear_scale_range, {"x": 1.12, "inputMin": 0, "inputMax": 1, "outputMax": 255}, 255),
    (a.linear_scale_range, {"x": -3, "inputMin": 0, "inputMax": 1, "outputMin": 5, "outputMax": 9}, 5),
    (a.linear_scale_range, {"x": 10, "inputMin": 100, "inputMax": 0}, 0.9),
    (a.linear_scale_range, {"x": 10, "inputMin": 100, "inputMax": 0, "outputMin": 255, "outputMax": 0}, 25.5),
    (a.linear_scale_range, {"x": 10, "inputMin": 0, "inputMax": INF, "outputMax": 255}, 0),
    (a.linear_scale_range, {"x": NAN, "inputMin": 0, "inputMax": 1}, NAN),
    (a.linear_scale_range, {"x": None, "inputMin": 0, "inputMax": 1}, None),
]
IDS = [f"{function.__name__}({arguments})" for function, arguments, _ in CASES]


@pytest.mark.parametrize(("function", "arguments", "expected"), CASES, ids=IDS)
def test_plain_numbers(function: Function, arguments: dict[str, Any], expected: float | None) -> None:
    result = function(**arguments)
    if expected is None:
        assert result is None
    else:
        assert type(result) in (int, float)
        assert result == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize(("function", "arguments", "expected"), CASES, ids=IDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_blocks(
    function: Function, arguments: dict[str, Any], expected: float | None, dtype: type[np.floating[Any]]
) -> None:
    name, value = next(iter(arguments.items()))
    block = np.full((2, 3), NAN if value is None else value, dtype=dtype)
    result = function(**{**arguments, name: block})
    assert isinstance(result, np.ndarray)
    assert (result.shape, result.dtype) == ((2, 3), dtype)
    np.testing.assert_allclose(
        result, NAN if expected is None else expected, rtol=1e-6 if dtype is np.float32 else 1e-12
    )


def test_integers_stay_integers() -> None:
    results = [a.add(2, 3), a.multiply(2, 3), a.power(2, 3), a.mod(7, 3), a.ceil(2.5), a.round_(1234, -2)]
    assert [(type(result), result) for result in results] == [(int, value) for value in (5, 6, 8, 1, 3, 1200)]


def test_integers_do_not_grow_without_bound() -> None:
    number: Any = 10
    for _ in range(60):
        number = a.multiply(number, number)
    assert number == INF
    assert a.add(10**400, 1) == INF


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int8, np.int16])
def test_small_integers_do_not_wrap(dtype: type[np.integer[Any]]) -> None:
    low, high = np.array([np.iinfo(dtype).min]), np.array([np.iinfo(dtype).max])
    x, y = low.astype(dtype), high.astype(dtype)
    assert a.subtract(x, y) == low.astype(float) - high
    assert a.add(y, y) == 2.0 * high
    assert a.absolute(x) == abs(float(low[0]))
    assert a.add(y, 1000) == float(high[0]) + 1000
    assert a.clip(y, -1000, 1000).dtype == np.float32  # type: ignore[union-attr]
    assert a.normalized_difference(x, y).dtype == np.float32  # type: ignore[union-attr]


def test_large_integers_become_doubles() -> None:
    x = np.array([2**31 - 1], dtype=np.int32)
    result = a.add(x, x)
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float64
    assert result[0] == 2.0**32 - 2


def test_no_data_as_a_scalar_makes_a_block_no_data() -> None:
    result = a.add(np.ones((2, 2), dtype=np.float32), None)
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float32
    assert np.isnan(result).all()


def test_no_data_in_blocks_survives_powers_that_hide_nan() -> None:
    holes = np.array([NAN, 2.0])
    np.testing.assert_array_equal(a.power(holes, 0), [NAN, 1])
    np.testing.assert_array_equal(a.power(1, holes), [NAN, 1])


def test_blocks_broadcast_to_each_other() -> None:
    result = a.subtract(np.ones((3, 2, 2)), np.arange(4.0).reshape(2, 2))
    assert isinstance(result, np.ndarray)
    assert result.shape == (3, 2, 2)


def test_blocks_without_axes_stay_blocks() -> None:
    assert isinstance(a.add(np.array([1.0], dtype=np.float32)[0], 2), np.ndarray)
    assert isinstance(a.add(np.array(1.0), np.array(2.0)), np.ndarray)


@pytest.mark.parametrize("x", [5, np.array([5.0]), np.empty(0), None])
def test_clip_refuses_swapped_bounds(x: Any) -> None:
    with pytest.raises(MinMaxSwapped):
        a.clip(x, 1, 0)


def test_other_types_are_refused() -> None:
    with pytest.raises(ProcessParameterInvalid):
        a.add("1", 2)  # type: ignore[arg-type]


numbers = st.floats(width=32) | st.integers(-1000, 1000)
UNARY = [a.absolute, a.sqrt, a.exp, a.ln, a.sgn, a.ceil, a.floor, a.int_, a.round_]
BINARY = [a.add, a.subtract, a.multiply, a.divide, a.mod, a.normalized_difference, a.log]


@given(function=st.sampled_from(UNARY), value=numbers | st.none())
def test_plain_and_blocks_agree_on_one_number(function: Function, value: float | None) -> None:
    plain = function(value)
    block = function(np.full(5, NAN if value is None else value, dtype=np.float64))
    np.testing.assert_allclose(block, NAN if plain is None else plain, rtol=1e-12)


@given(function=st.sampled_from(BINARY), x=numbers | st.none(), y=numbers | st.none())
def test_plain_and_blocks_agree_on_two_numbers(function: Function, x: float | None, y: float | None) -> None:
    plain = function(x, y)
    blocks = [np.full(5, NAN if value is None else value, dtype=np.float64) for value in (x, y)]
    for arguments in (blocks, [blocks[0], y], [x, blocks[1]]):
        np.testing.assert_allclose(function(*arguments), NAN if plain is None else plain, rtol=1e-12)
