"""Logic: the truth tables of the definitions, for plain values and for blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.processing.process import PerPixel
from connexeo.processing.processes import logic
from connexeo.processing.values import Array

NAN = math.nan
VALUES = (None, False, True)

# Rows: x is no-data, false, true; columns: y is no-data, false, true.
TABLES: dict[Callable[..., Any], tuple[tuple[bool | None, ...], ...]] = {
    logic.and_: ((None, False, None), (False, False, False), (None, False, True)),
    logic.or_: ((None, None, True), (None, False, True), (True, True, True)),
    logic.xor: ((None, None, None), (None, False, True), (None, True, False)),
}
CASES = [
    (function, x, y, table[row][column])
    for function, table in TABLES.items()
    for row, x in enumerate(VALUES)
    for column, y in enumerate(VALUES)
]


@pytest.mark.parametrize(("function", "x", "y", "expected"), CASES)
def test_truth_tables(function: Callable[..., Any], x: Any, y: Any, expected: bool | None) -> None:
    assert function(x, y) is expected


@pytest.mark.parametrize(("function", "x", "y", "expected"), CASES)
def test_truth_tables_in_blocks(function: Callable[..., Any], x: Any, y: Any, expected: bool | None) -> None:
    block_x, block_y = (
        np.full((2, 2), NAN if value is None else value, dtype=np.float32) for value in (x, y)
    )
    for result in (function(block_x, block_y), function(block_x, y), function(x, block_y)):
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, NAN if expected is None else expected)


@pytest.mark.parametrize(("function", "x", "y", "expected"), [case for case in CASES if None not in case])
def test_blocks_without_no_data_stay_boolean(
    function: Callable[..., Any], x: Any, y: Any, expected: bool | None
) -> None:
    for result in (
        function(np.array([x]), np.array([y])),
        function(np.array([x]), y),
        function(x, np.uint8(y)),
    ):
        assert result.dtype == bool
        assert result == expected


def test_not() -> None:
    assert [logic.not_(value) for value in VALUES] == [None, True, False]
    np.testing.assert_array_equal(logic.not_(np.array([NAN, 0, 1])), [NAN, 1, 0])
    np.testing.assert_array_equal(logic.not_(np.array([False, True])), [True, False])


@pytest.mark.parametrize(
    ("data", "ignore_nodata", "of_all", "of_any"),
    [
        ([], True, True, False),
        ([], False, True, False),
        ([None], True, True, False),
        ([None], False, None, None),
        ([False, None], True, False, False),
        ([False, None], False, False, None),
        ([True, None], True, True, True),
        ([True, None], False, None, True),
        ([True, False, True], True, False, True),
        ([True, True], False, True, True),
        ([False, False], False, False, False),
    ],
)
def test_all_and_any(
    data: list[bool | None], ignore_nodata: bool, of_all: bool | None, of_any: bool | None
) -> None:
    assert logic.all_(data, ignore_nodata) is of_all
    assert logic.any_(data, ignore_nodata) is of_any


@given(
    data=st.lists(st.sampled_from(VALUES), min_size=1, max_size=5),
    ignore_nodata=st.booleans(),
    function=st.sampled_from([logic.all_, logic.any_]),
)
def test_all_and_any_agree_in_blocks(
    data: list[bool | None], ignore_nodata: bool, function: Callable[..., Any]
) -> None:
    values = np.array([[NAN if value is None else float(value)] * 2 for value in data])
    plain, block = function(data, ignore_nodata), function(Array(values), ignore_nodata)
    np.testing.assert_array_equal(block, [NAN if plain is None else plain] * 2)
    assert block.dtype == (bool if ignore_nodata else np.float32)
    if None not in data:
        integers = function(Array(values.astype(np.uint8)), ignore_nodata)
        assert (integers.dtype, integers.tolist()) == (bool, [plain] * 2)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"value": True, "accept": "A", "reject": "B"}, "A"),
        ({"value": None, "accept": "A", "reject": "B"}, "B"),
        ({"value": False, "accept": [1], "reject": [4, 5]}, [4, 5]),
        ({"value": False, "accept": 1}, None),
    ],
)
def test_if(arguments: dict[str, Any], expected: Any) -> None:
    assert logic.if_(**arguments) == expected


@pytest.mark.parametrize(
    ("accept", "reject", "expected", "dtype"),
    [
        (1, 0, [1, 0, 0], np.uint8),
        (1, None, [1, NAN, NAN], np.float32),
        (0.1, None, [0.1, NAN, NAN], np.float64),
        (np.array([5, 6, 7], dtype=np.uint16), None, [5, NAN, NAN], np.float32),
        (np.array([5, 6, 7], dtype=np.uint16), 1, [5, 1, 1], np.uint16),
        (-1, np.array([5, 6, 7], dtype=np.float32), [-1, 6, 7], np.float32),
        (10**30, None, [1e30, NAN, NAN], np.float64),
        (True, False, [True, False, False], bool),
    ],
)
def test_if_chooses_by_pixel(accept: Any, reject: Any, expected: list[Any], dtype: Any) -> None:
    result = logic.if_(np.array([1, 0, NAN], dtype=np.float32), accept, reject)
    np.testing.assert_array_equal(result, np.array(expected, dtype=dtype))
    assert result.dtype == dtype


def test_if_chooses_arrays_by_pixel() -> None:
    accept = Array(np.array([[1, 2], [3, 4]], dtype=np.float32), labels=("a", "b"))
    result = logic.if_(np.array([True, False]), accept, None)
    np.testing.assert_array_equal(result.values, [[1, NAN], [3, NAN]])
    assert result.labels == ("a", "b")
    np.testing.assert_array_equal(logic.if_(np.array([True, False]), [1, 2], accept).values, [[1, 2], [2, 4]])


def test_if_refuses_what_pixels_can_not_hold() -> None:
    condition = np.array([True, False])
    with pytest.raises(PerPixel):
        logic.if_(condition, "A", "B")
    with pytest.raises(PerPixel):
        logic.if_(condition, [1, 2], [1])
