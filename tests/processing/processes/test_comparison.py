"""Comparisons: strict by type for plain values, three-valued for blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.processing.processes import comparison as c

INF, NAN = math.inf, math.nan
MIDNIGHT, SAME_MIDNIGHT = "2018-01-01T00:00:00Z", "2018-01-01T00:00:00+00:00"

# x, y, then the results of lt, lte, eq, neq, gte, gt
CASES: list[tuple[Any, Any, tuple[bool | None, ...]]] = [
    (1, 2, (True, True, False, True, False, False)),
    (1, 1.0, (False, True, True, False, True, False)),
    (-0.5, -0.6, (False, False, False, True, True, True)),
    (INF, INF, (False, True, True, False, True, False)),
    (-INF, INF, (True, True, False, True, False, False)),
    (NAN, 5, (False, False, False, True, False, False)),
    (NAN, NAN, (False, False, False, True, False, False)),
    (1, None, (None,) * 6),
    (None, "a", (None,) * 6),
    (None, None, (None,) * 6),
    (None, NAN, (None,) * 6),
    ("a", "b", (False, False, False, True, False, False)),
    ("a", "a", (False, True, True, False, True, False)),
    (1, "1", (False, False, False, True, False, False)),
    (MIDNIGHT, SAME_MIDNIGHT, (False, False, False, True, False, False)),
    ("2018-01-01T00:00:00Z", "2018-01-02T00:00:00Z", (False, False, False, True, False, False)),
    (0, False, (False, False, False, True, False, False)),
    (True, 1, (False, False, False, True, False, False)),
    (False, True, (False, False, False, True, False, False)),
    (True, True, (False, True, True, False, True, False)),
    (10**400, 1.5, (False, False, False, True, True, True)),
]
FUNCTIONS: list[Callable[..., Any]] = [c.lt, c.lte, c.eq, c.neq, c.gte, c.gt]


@pytest.mark.parametrize(("x", "y", "expected"), CASES)
def test_plain_values(x: Any, y: Any, expected: tuple[bool | None, ...]) -> None:
    assert tuple(function(x, y) for function in FUNCTIONS) == expected


@pytest.mark.parametrize(
    ("x", "y", "delta", "expected"),
    [
        (1.02, 1, 0.01, False),
        (-1, -1.001, 0.01, True),
        (115, 110, 10, True),
        (115, 105, 10, True),
        (INF, INF, 1, True),
        (NAN, 1, 1, False),
        (None, 1, 1, None),
        ("a", "b", 1, False),
    ],
)
def test_equality_within_a_delta(x: Any, y: Any, delta: float, expected: bool | None) -> None:
    assert c.eq(x, y, delta=delta) is expected
    assert c.neq(x, y, delta=delta) is (None if expected is None else not expected)


@pytest.mark.parametrize(
    ("x", "y", "expected"), [("Test", "test", True), ("Ä", "ä", True), ("ß", "SS", True), ("a", "b", False)]
)
def test_equality_without_case(x: str, y: str, expected: bool) -> None:
    assert c.eq(x, y, case_sensitive=False) is expected
    assert c.neq(x, y, case_sensitive=False) is not expected
    assert c.eq(x, y) is False


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"x": None, "min": 0, "max": 1}, None),
        ({"x": 1, "min": 0, "max": 1}, True),
        ({"x": 0, "min": 0, "max": 1}, True),
        ({"x": 1.1, "min": 0, "max": 1}, False),
        ({"x": 1, "min": 0, "max": 1, "exclude_max": True}, False),
        ({"x": 0.5, "min": 1, "max": 0}, False),
        ({"x": NAN, "min": 0, "max": 1}, False),
        ({"x": "0.5", "min": 0, "max": 1}, False),
        ({"x": True, "min": 0, "max": 1}, False),
        ({"x": [0.5], "min": 0, "max": 1}, False),
    ],
)
def test_between(arguments: dict[str, Any], expected: bool | None) -> None:
    assert c.between(**arguments) is expected


@pytest.mark.parametrize(
    ("x", "nodata", "nan", "valid"),
    [
        (1, False, False, True),
        (True, False, False, True),
        ("nan", False, False, True),
        (INF, False, False, False),
        (NAN, False, True, False),
        (None, True, False, False),
        ([None, None], False, False, True),
        ([NAN], False, False, True),
        ({}, False, False, True),
    ],
)
def test_kinds_of_values(x: Any, nodata: bool, nan: bool, valid: bool) -> None:
    assert (c.is_nodata(x), c.is_nan(x), c.is_valid(x)) == (nodata, nan, valid)
    assert c.is_infinite(x) is (x == INF)
    assert c.is_infinite(-INF) is True


def test_kinds_of_values_in_blocks() -> None:
    block = np.array([1, INF, NAN], dtype=np.float32)
    assert np.asarray(c.is_nodata(block)).tolist() == [False, False, True]
    assert np.asarray(c.is_nan(block)).tolist() == [False, False, True]
    assert np.asarray(c.is_valid(block)).tolist() == [True, False, False]
    assert np.asarray(c.is_infinite(-block)).tolist() == [False, True, False]
    assert np.asarray(c.is_valid(np.array([1, 2]))).all()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_types_of_blocks_do_not_depend_on_values(function: Callable[..., Any]) -> None:
    assert function(np.array([1.0, 2.0], dtype=np.float32), 1).dtype == np.float32
    assert function(np.array([1, 2], dtype=np.uint8), 300).dtype == bool
    assert function(np.array([1, 2], dtype=np.uint8), 1.5).dtype == bool
    assert function(np.array([1, 2], dtype=np.uint8), None).dtype == np.float32
    assert np.isnan(function(np.array([1, 2], dtype=np.uint8), None)).all()


def test_blocks_and_texts_differ() -> None:
    block = np.array([1.0, NAN])
    np.testing.assert_array_equal(c.eq(block, "1"), [0, NAN])
    np.testing.assert_array_equal(c.neq("1", block, delta=1), [1, NAN])
    np.testing.assert_array_equal(c.gt("1", block), [0, NAN])


def test_delta_of_small_integers_does_not_wrap() -> None:
    block = np.array([1, 250], dtype=np.uint8)
    assert np.asarray(c.eq(block, np.array(5, dtype=np.uint8), delta=10)).tolist() == [True, False]


def test_between_in_blocks() -> None:
    block = np.array([-1, 0, 1, 2, NAN], dtype=np.float32)
    np.testing.assert_array_equal(c.between(block, 0, 1), [0, 1, 1, 0, NAN])
    np.testing.assert_array_equal(c.between(block, 0, 1, True), [0, 1, 0, 0, NAN])
    np.testing.assert_array_equal(c.between(block, 1, 0), [0, 0, 0, 0, NAN])
    assert np.asarray(c.between(np.array([1, 5], dtype=np.int16), 0, 3)).tolist() == [True, False]


numbers = st.none() | st.integers(-3, 3) | st.floats(-3, 3) | st.sampled_from([INF, -INF])


@given(function=st.sampled_from(FUNCTIONS), x=numbers, y=numbers)
def test_plain_and_blocks_agree(function: Callable[..., Any], x: float | None, y: float | None) -> None:
    plain = function(x, y)
    block_x, block_y = (np.full(3, NAN if value is None else value, dtype=np.float64) for value in (x, y))
    for block in (function(block_x, block_y), function(block_x, y), function(x, block_y)):
        np.testing.assert_array_equal(block, NAN if plain is None else plain)
