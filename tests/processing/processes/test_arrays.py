"""Arrays: plain, labeled, and for every pixel of a block."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.generated.errors import (
    ArrayElementNotAvailable,
    ArrayElementParameterConflict,
    ArrayElementParameterMissing,
    ArrayLabelConflict,
    ArrayNotLabeled,
)
from connexeo.processing.processes import arrays as a
from connexeo.processing.values import Array, LabeledList, labels_of

INF, NAN = math.inf, math.nan
BANDS = Array(np.array([[1, 2], [3, NAN], [5, 6]], dtype=np.float32), labels=("B02", "B03", "B04"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, []),
        ({"data": ["this", "is"]}, ["this", "is"]),
        ({"data": [None], "repeat": 3}, [None] * 3),
        ({"data": [1, 2, 3], "repeat": 2}, [1, 2, 3, 1, 2, 3]),
    ],
)
def test_array_create(arguments: dict[str, Any], expected: list[Any]) -> None:
    assert a.array_create(**arguments) == expected


def test_array_create_in_blocks() -> None:
    once, twice = a.array_create(BANDS), a.array_create(BANDS, 2)
    assert isinstance(once, Array)
    assert isinstance(twice, Array)
    assert once.labels is None
    np.testing.assert_array_equal(once.values, BANDS.values)
    np.testing.assert_array_equal(twice.values, np.concatenate([BANDS.values] * 2))


def test_array_concat() -> None:
    assert a.array_concat(["a", "b"], [1, None]) == ["a", "b", 1, None]
    assert a.array_concat([], []) == []
    both = a.array_concat(LabeledList([1], ["a"]), LabeledList([2], ["b"]))
    assert (both, labels_of(both)) == ([1, 2], ("a", "b"))
    assert labels_of(a.array_concat(LabeledList([1], ["a"]), [2])) is None
    with pytest.raises(ArrayLabelConflict):
        a.array_concat(LabeledList([1], ["a"]), LabeledList([2], ["a"]))


def test_array_concat_in_blocks() -> None:
    more = Array(np.array([[7, 8]], dtype=np.float32), labels=("B08",))
    joined = a.array_concat(BANDS, more)
    assert isinstance(joined, Array)
    assert joined.labels == ("B02", "B03", "B04", "B08")
    assert joined.values.dtype == np.float32
    np.testing.assert_array_equal(joined.values, [[1, 2], [3, NAN], [5, 6], [7, 8]])
    mixed = a.array_concat([0, None], more)
    assert isinstance(mixed, Array)
    assert mixed.labels is None
    np.testing.assert_array_equal(mixed.values, [[0, 0], [NAN, NAN], [7, 8]])
    scalars = a.array_concat([0, None], Array(np.empty((0, 2))))
    assert isinstance(scalars, Array)
    np.testing.assert_array_equal(scalars.values, [[0, 0], [NAN, NAN]])
    with pytest.raises(ArrayLabelConflict):
        a.array_concat(BANDS, BANDS)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"data": [9, 8, 7], "index": 2}, 7),
        ({"data": ["A", "B"], "index": 0}, "A"),
        ({"data": [None, 1], "index": 0}, None),
        ({"data": [], "index": 0, "return_nodata": True}, None),
        ({"data": LabeledList([1, 2], ["a", "b"]), "label": "b"}, 2),
        ({"data": LabeledList([1, 2], [2020, 2021]), "label": 2020.0}, 1),
        ({"data": LabeledList([1, 2], ["a", "b"]), "label": "c", "return_nodata": True}, None),
    ],
)
def test_array_element(arguments: dict[str, Any], expected: Any) -> None:
    assert a.array_element(**arguments) == expected


@pytest.mark.parametrize("data", [[9, 8, 7], BANDS])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, ArrayElementParameterMissing),
        ({"index": 0, "label": "B02"}, ArrayElementParameterConflict),
        ({"index": 3}, ArrayElementNotAvailable),
        ({"index": -1}, ArrayElementNotAvailable),
    ],
)
def test_array_element_refuses(data: Any, arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        a.array_element(data, **arguments)


def test_array_element_by_label_that_is_not_there() -> None:
    with pytest.raises(ArrayNotLabeled):
        a.array_element([1], label="a")
    with pytest.raises(ArrayNotLabeled):
        a.array_element([1], label="a", return_nodata=True)
    with pytest.raises(ArrayElementNotAvailable):
        a.array_element(BANDS, label="B99")


def test_array_element_in_blocks() -> None:
    np.testing.assert_array_equal(a.array_element(BANDS, label="B03"), [3, NAN])
    np.testing.assert_array_equal(a.array_element(BANDS, index=2), [5, 6])
    absent = a.array_element(BANDS, index=5, return_nodata=True)
    np.testing.assert_array_equal(absent, [NAN, NAN])
    assert absent.dtype == np.float32


def test_array_element_by_pixel() -> None:
    np.testing.assert_array_equal(a.array_element(BANDS, index=np.array([2, 0])), [5, 2])
    np.testing.assert_array_equal(a.array_element([7, 8], index=np.array([1, 0])), [8, 7])
    positions = np.array([NAN, 2.0], dtype=np.float32)
    np.testing.assert_array_equal(a.array_element(BANDS, index=positions, return_nodata=True), [NAN, 6])
    with pytest.raises(ArrayElementNotAvailable):
        a.array_element(BANDS, index=positions)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"data": [1, 2, 3, 2, 3], "value": 2}, 1),
        ({"data": [1, 2, 3, 2, 3], "value": 2, "reverse": True}, 3),
        ({"data": [1.0, None], "value": 1}, 0),
        ({"data": [1, 0, True], "value": True}, 2),
        ({"data": ["A", "B", "C"], "value": "b"}, None),
        ({"data": [1, 2, 3], "value": "2"}, None),
        ({"data": [1, None], "value": None}, None),
        ({"data": [NAN], "value": NAN}, None),
        ({"data": [[1, 2], [3, 4]], "value": [1, 2]}, None),
        ({"data": [{"a": "b"}], "value": {"a": "b"}}, None),
        ({"data": LabeledList([3, 4], ["B03", "B04"]), "value": 4}, 1),
    ],
)
def test_array_find(arguments: dict[str, Any], expected: int | None) -> None:
    assert a.array_find(**arguments) == expected


def test_array_find_by_pixel() -> None:
    data = Array(np.array([[1, 2, NAN], [2, 2, 1], [1, 5, NAN]], dtype=np.float32))

    def find(*arguments: Any) -> list[float]:
        return np.nan_to_num(np.asarray(a.array_find(*arguments)), nan=-1).tolist()  # type: ignore[no-any-return]

    assert find(data, 1) == [0, -1, 1]
    assert find(data, 1, True) == [2, -1, 1]
    assert find(data, np.array([2, 5, 1])) == [1, 2, 1]
    assert find([7, 8], np.array([8, 9])) == [1, -1]
    assert find(data, None) == [-1, -1, -1]
    assert find(data, [1]) == [-1, -1, -1]
    assert find(Array(np.empty((0, 3))), 1) == [-1, -1, -1]


@pytest.mark.parametrize(
    ("data", "ignore_nodata", "of_first", "of_last"),
    [
        ([1, 0, 3, 2], True, 1, 2),
        ([None, "A", "B", None], True, "A", "B"),
        ([None, 2, None], False, None, None),
        ([None, None], True, None, None),
        ([], True, None, None),
        ([[None], 1], True, [None], 1),
    ],
)
def test_first_and_last(data: list[Any], ignore_nodata: bool, of_first: Any, of_last: Any) -> None:
    assert a.first(data, ignore_nodata) == of_first
    assert a.last(data, ignore_nodata) == of_last


def test_plain_nan_is_an_element_like_others() -> None:
    assert math.isnan(a.first([None, NAN, 1]))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"data": [6, -1, 2, None, 7, 4, None, 8, 3, 9, 9]}, [-1, 2, 3, 4, 6, 7, 8, 9, 9]),
        ({"data": [6, None, -1, 2], "asc": False, "nodata": True}, [6, 2, -1, None]),
        ({"data": [6, None, -1, 2], "asc": False, "nodata": False}, [None, 6, 2, -1]),
        ({"data": [6, None, -1, 2], "nodata": False}, [None, -1, 2, 6]),
        ({"data": [INF, 0, -INF]}, [-INF, 0, INF]),
        ({"data": []}, []),
        (
            {"data": ["2020-01-01T00:00:00+02:00", "2020-01-01T00:00:00Z", "2019-12-31", None]},
            ["2019-12-31", "2020-01-01T00:00:00+02:00", "2020-01-01T00:00:00Z"],
        ),
    ],
)
def test_sort(arguments: dict[str, Any], expected: list[Any]) -> None:
    assert a.sort(**arguments) == expected


numbers = st.none() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from([INF, -INF])


def block(data: list[Any]) -> Array:
    return Array(np.array([[NAN if value is None else value] * 2 for value in data], dtype=np.float64))


@given(data=st.lists(numbers, min_size=1, max_size=7), asc=st.booleans(), nodata=st.none() | st.booleans())
def test_sort_agrees_in_blocks(data: list[Any], asc: bool, nodata: bool | None) -> None:
    expected = [NAN if value is None else value for value in a.sort(data, asc, nodata)]
    expected += [NAN] * (len(data) - len(expected))
    result = a.sort(block(data), asc, nodata)
    assert isinstance(result, Array)
    np.testing.assert_array_equal(result.values, np.array([expected, expected]).T)


def test_sort_keeps_the_type_of_blocks() -> None:
    result = a.sort(Array(np.array([[3, 1], [2, 9]], dtype=np.uint8)), asc=False)
    assert isinstance(result, Array)
    assert result.values.dtype == np.uint8
    assert result.values.tolist() == [[3, 9], [2, 1]]


@given(data=st.lists(numbers, min_size=1, max_size=7), ignore_nodata=st.booleans())
def test_first_and_last_agree_in_blocks(data: list[Any], ignore_nodata: bool) -> None:
    for function in (a.first, a.last):
        plain = function(data, ignore_nodata)
        np.testing.assert_array_equal(
            function(block(data), ignore_nodata), [NAN if plain is None else plain] * 2
        )


def test_first_in_blocks_without_elements_or_of_integers() -> None:
    np.testing.assert_array_equal(a.first(Array(np.empty((0, 2)))), [NAN, NAN])
    last = a.last(Array(np.array([[1], [2]], dtype=np.uint8)))
    assert (last.dtype, last.tolist()) == (np.uint8, [2])


def test_elements_taken_leave_the_array_as_it_was() -> None:
    values = np.array([[NAN, 1.0], [2.0, 3.0]])
    given = values.copy()
    a.first(Array(values))
    a.sort(Array(values))
    np.testing.assert_array_equal(values, given)
