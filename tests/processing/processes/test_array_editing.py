"""Arrays with elements added, replaced, removed, or filled in between."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.generated.errors import (
    ArrayElementNotAvailable,
    ArrayLabelConflict,
    ArrayNotLabeled,
    LabelExists,
)
from connexeo.processing.processes import array_editing as e
from connexeo.processing.values import Array, LabeledList, labels_of

INF, NAN = math.inf, math.nan


def test_array_append() -> None:
    assert e.array_append([1, 2], 3) == [1, 2, 3]
    assert e.array_append([], None) == [None]
    labeled = LabeledList([1, 2], ["a", "b"])
    assert labels_of(e.array_append(labeled, 3, "c")) == ("a", "b", "c")
    assert labels_of(e.array_append(labeled, 3)) == ("a", "b", 2)
    with pytest.raises(LabelExists):
        e.array_append(labeled, 3, "b")
    with pytest.raises(LabelExists):
        e.array_append(LabeledList([1], [1]), 3)
    with pytest.raises(ArrayNotLabeled):
        e.array_append([1], 2, "c")


def test_array_append_in_blocks() -> None:
    result = e.array_append(
        Array(np.array([[1, 2]], dtype=np.float32), ("a",)), np.array([3.0, 4.0], np.float32), "b"
    )
    assert isinstance(result, Array)
    assert (result.labels, result.values.tolist()) == (("a", "b"), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"data": ["a", "d", "c"], "values": ["b"], "index": 1, "length": 1}, ["a", "b", "c"]),
        ({"data": ["a", "b", 4, 5], "values": [1, 2, 3], "index": 0, "length": 2}, [1, 2, 3, 4, 5]),
        ({"data": ["a", "c"], "values": ["b"], "index": 1}, ["a", "b", "c"]),
        ({"data": [None, None, "a"], "values": [], "index": 0, "length": 2}, ["a"]),
        ({"data": ["a", "b", "c"], "values": [], "index": 1, "length": 10}, ["a"]),
        ({"data": ["a"], "values": ["b"], "index": 1}, ["a", "b"]),
    ],
)
def test_array_modify(arguments: dict[str, Any], expected: list[Any]) -> None:
    assert e.array_modify(**arguments) == expected


def test_array_modify_and_labels() -> None:
    data, values = LabeledList([1, 2], ["a", "b"]), LabeledList([3], ["c"])
    assert labels_of(e.array_modify(data, values, 1, 1)) == ("a", "c")
    assert labels_of(e.array_modify(data, [], 0, 1)) == ("b",)
    assert labels_of(e.array_modify([], values, 0)) == ("c",)
    assert labels_of(e.array_modify(data, [3], 0)) is None
    assert labels_of(e.array_modify([1], [3], 0)) is None
    with pytest.raises(ArrayLabelConflict):
        e.array_modify(data, LabeledList([3], ["a"]), 0)
    with pytest.raises(ArrayElementNotAvailable):
        e.array_modify(data, [1], 3)


def test_array_contains() -> None:
    assert e.array_contains([1, 2, 3], 2) is True
    assert e.array_contains(["A"], "a") is False
    assert e.array_contains([1, None], None) is False
    assert e.array_contains([[1, 2]], 2) is False
    block = e.array_contains(Array(np.array([[1, NAN], [2, 2]])), 1)
    assert isinstance(block, np.ndarray)
    assert block.dtype == bool
    assert block.tolist() == [True, False]


def test_labels() -> None:
    assert e.array_labels([]) == []
    assert e.array_labels([5, None]) == [0, 1]
    labeled = LabeledList([3, 4], ["B01", "B02"])
    assert e.array_labels(labeled) == ["B01", "B02"]
    assert e.array_labels(Array(np.zeros((2, 3)), (1, 2))) == [1, 2]
    assert e.array_find_label(labeled, "B02") == 1
    assert e.array_find_label(labeled, "B03") is None
    assert e.array_find_label([3], "B03") is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([None, 1, None, 6, None, -8], [None, 1, 3.5, 6, -1, -8]),
        ([None, 1, None, None], [None, 1, None, None]),
        ([NAN, 0, NAN, None, 3, NAN], [NAN, 0, 1, 2, 3, NAN]),
        ([], []),
        ([None], [None]),
        (LabeledList([0, None, 10], [0, 1, 10]), [0, 1, 10]),
        (LabeledList([0, None, 10], ["2020-01-01", "2020-01-02", "2020-01-11"]), [0, 1, 10]),
        (LabeledList([0, None, 10], ["B02", "B03", "B04"]), [0, 5, 10]),
    ],
)
def test_array_interpolate_linear(data: list[Any], expected: list[Any]) -> None:
    result = e.array_interpolate_linear(data)
    assert isinstance(result, list)
    assert [value is None for value in result] == [value is None for value in expected]
    assert labels_of(result) == labels_of(data)
    filled = [NAN if value is None else value for value in expected]
    assert [NAN if value is None else value for value in result] == pytest.approx(filled, nan_ok=True)
    if data:
        values = np.array([[NAN if value is None else value] * 2 for value in data], dtype=np.float32)
        block = e.array_interpolate_linear(Array(values, labels_of(data)))
        assert isinstance(block, Array)
        assert block.labels == labels_of(data)
        assert block.values.dtype == np.float32
        np.testing.assert_allclose(block.values[:, 1], filled)


@given(data=st.lists(st.none() | st.floats(-10, 10), min_size=1, max_size=8))
def test_interpolation_is_that_of_numpy(data: list[float | None]) -> None:
    known = [(index, value) for index, value in enumerate(data) if value is not None]
    result = e.array_interpolate_linear(data)
    if len(known) < 2:
        assert result == data
        return
    places, values = zip(*known, strict=True)
    expected = np.interp(range(len(data)), places, values, left=NAN, right=NAN)
    assert isinstance(result, list)
    np.testing.assert_allclose([NAN if value is None else value for value in result], expected, atol=1e-9)
