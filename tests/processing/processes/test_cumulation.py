"""Cumulative sums, products, minima and maxima."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.processing.processes import cumulation as c
from connexeo.processing.values import Array, LabeledList, labels_of

NAN = math.nan
FUNCTIONS: list[Callable[..., Any]] = [c.cumsum, c.cumproduct, c.cummin, c.cummax]


@pytest.mark.parametrize(
    ("function", "data", "ignoring", "propagating"),
    [
        (c.cumsum, [1, 3, None, 3, 1], [1, 4, None, 7, 8], [1, 4, None, None, None]),
        (c.cumproduct, [1, 2, 3, None, 3], [1, 2, 6, None, 18], [1, 2, 6, None, None]),
        (c.cummin, [5, 3, None, 1, 5], [5, 3, None, 1, 1], [5, 3, None, None, None]),
        (c.cummax, [1, 3, None, 5, 1], [1, 3, None, 5, 5], [1, 3, None, None, None]),
        (c.cumsum, [], [], []),
        (c.cumsum, [None], [None], [None]),
    ],
)
def test_plain_arrays(
    function: Callable[..., Any], data: list[Any], ignoring: list[Any], propagating: list[Any]
) -> None:
    assert function(data) == ignoring
    assert function(data, ignore_nodata=False) == propagating
    assert all(type(value) is int for value in function(data) if value is not None)


def test_labels_are_kept() -> None:
    assert labels_of(c.cumsum(LabeledList([1, 2], ["a", "b"]))) == ("a", "b")
    assert labels_of(c.cumsum(Array(np.ones((2, 3)), ("a", "b")))) == ("a", "b")


def test_plain_nan_is_passed_on() -> None:
    assert c.cumsum([1, NAN, 2]) == pytest.approx([1, NAN, NAN], nan_ok=True)


def test_small_integers_do_not_wrap() -> None:
    result = c.cumsum(Array(np.full((3, 1), 200, dtype=np.uint8)))
    assert isinstance(result, Array)
    assert result.values.dtype == np.float32
    assert result.values[:, 0].tolist() == [200, 400, 600]


@given(
    function=st.sampled_from(FUNCTIONS),
    data=st.lists(st.none() | st.floats(-9, 9), min_size=1, max_size=8),
    ignore_nodata=st.booleans(),
)
def test_plain_and_blocks_agree(
    function: Callable[..., Any], data: list[float | None], ignore_nodata: bool
) -> None:
    expected = [NAN if value is None else value for value in function(data, ignore_nodata)]
    block = Array(np.array([[NAN if value is None else value] * 2 for value in data]))
    np.testing.assert_allclose(function(block, ignore_nodata).values[:, 1], expected)
