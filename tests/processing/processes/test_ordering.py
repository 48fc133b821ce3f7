"""Permutations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.generated.errors import ArrayElementNotAvailable
from connexeo.processing.processes.arrays import sort
from connexeo.processing.processes.ordering import order, rearrange
from connexeo.processing.values import Array

NAN = math.nan
DATA = [6, -1, 2, None, 7, 4, None, 8, 3, 9, 9]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [1, 2, 8, 5, 0, 4, 7, 9, 10]),
        ({"nodata": True}, [1, 2, 8, 5, 0, 4, 7, 9, 10, 3, 6]),
        ({"asc": False, "nodata": True}, [9, 10, 7, 4, 0, 5, 8, 2, 1, 3, 6]),
        ({"asc": False, "nodata": False}, [3, 6, 9, 10, 7, 4, 0, 5, 8, 2, 1]),
    ],
)
def test_order(arguments: dict[str, Any], expected: list[int]) -> None:
    assert order(DATA, **arguments) == expected
    block = Array(np.array([[NAN if value is None else value] * 2 for value in DATA], dtype=np.float32))
    result = order(block, **arguments)
    assert isinstance(result, Array)
    np.testing.assert_array_equal(result.values[:, 0], expected + [NAN] * (len(DATA) - len(expected)))


def test_types_of_positions_in_blocks() -> None:
    integers, floats = np.array([[3], [1]], dtype=np.uint8), np.array([[3], [1]], dtype=np.float32)
    for block, nodata, dtype in (
        (integers, None, np.uint16),
        (floats, None, np.float32),
        (floats, True, np.uint16),
    ):
        result = order(Array(block), asc=False, nodata=nodata)
        assert isinstance(result, Array)
        assert result.values.dtype == dtype
        assert result.values.tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("data", "positions", "expected"),
    [
        ([5, 4, 3], [2, 1, 0], [3, 4, 5]),
        ([5, 4, 3, 2], [1, 3], [4, 2]),
        (["a", None], [1], [None]),
        ([], [], []),
    ],
)
def test_rearrange(data: list[Any], positions: list[int], expected: list[Any]) -> None:
    assert rearrange(data, positions) == expected


def test_rearrange_refuses_positions_beyond_the_end() -> None:
    for data in ([1, 2], Array(np.zeros((2, 3)))):
        with pytest.raises(ArrayElementNotAvailable):
            rearrange(data, [0, 2])


def test_rearrange_blocks_alike() -> None:
    result = rearrange(Array(np.array([[1, 2], [3, 4], [5, 6]]), ("a", "b", "c")), [2, 0])
    assert isinstance(result, Array)
    assert (result.labels, result.values.tolist()) == (None, [[5, 6], [1, 2]])


def test_arrays_without_elements_in_blocks() -> None:
    nothing = Array(np.empty((0, 2), np.uint8))
    positions = order(nothing)
    for result in (
        sort(nothing),
        positions,
        rearrange(nothing, positions),
        rearrange([1], positions),
        rearrange(nothing, []),
    ):
        assert isinstance(result, Array)
        assert result.values.shape == (0, 2)


@given(
    data=st.lists(st.lists(st.none() | st.integers(0, 5), min_size=3, max_size=3), min_size=1, max_size=6),
    asc=st.booleans(),
    nodata=st.none() | st.booleans(),
)
def test_rearranging_by_the_order_sorts(data: list[list[int | None]], asc: bool, nodata: bool | None) -> None:
    block = Array(np.array(data, dtype=np.float64))
    rearranged, expected = rearrange(block, order(block, asc, nodata)), sort(block, asc, nodata)
    assert isinstance(rearranged, Array)
    assert isinstance(expected, Array)
    np.testing.assert_array_equal(rearranged.values, expected.values)
    column = [row[0] for row in data]
    assert rearrange(column, order(column, asc, nodata)) == sort(column, asc, nodata)
