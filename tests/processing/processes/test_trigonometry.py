"""Trigonometry, for plain numbers and for blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from connexeo.processing.processes import trigonometry as t

INF, NAN = math.inf, math.nan

CASES: list[tuple[Callable[..., Any], float, float]] = [
    (t.arccos, 1, 0),
    (t.arccos, -1, math.pi),
    (t.arccos, 1.1, NAN),
    (t.arcosh, 1, 0),
    (t.arcosh, 0.9, NAN),
    (t.arcosh, INF, INF),
    (t.arcsin, 1, math.pi / 2),
    (t.arcsin, -1.1, NAN),
    (t.arctan, INF, math.pi / 2),
    (t.arctan, -1, -math.pi / 4),
    (t.arsinh, -INF, -INF),
    (t.arsinh, 1, math.asinh(1)),
    (t.artanh, 0, 0),
    (t.artanh, 1, INF),
    (t.artanh, -1, -INF),
    (t.artanh, 2, NAN),
    (t.cos, 0, 1),
    (t.cos, INF, NAN),
    (t.cosh, 0, 1),
    (t.cosh, -1e6, INF),
    (t.sin, math.pi / 2, 1),
    (t.sin, -INF, NAN),
    (t.sinh, -1, math.sinh(-1)),
    (t.tan, 1, math.tan(1)),
    (t.tan, 0, 0),
    (t.tan, INF, NAN),
    (t.tanh, INF, 1),
    (t.tanh, -0.5, math.tanh(-0.5)),
]
IDS = [f"{function.__name__}({x})" for function, x, _ in CASES]
FUNCTIONS = sorted({function for function, _, _ in CASES}, key=lambda function: function.__name__)


@pytest.mark.parametrize(("function", "x", "expected"), CASES, ids=IDS)
def test_values(function: Callable[..., Any], x: float, expected: float) -> None:
    assert function(x) == pytest.approx(expected, nan_ok=True)
    for dtype in (np.float32, np.float64):
        block = function(np.array([x, NAN], dtype=dtype))
        assert block.dtype == dtype
        np.testing.assert_allclose(block, [expected, NAN], rtol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_data_and_nan_are_kept_apart(function: Callable[..., Any]) -> None:
    assert function(None) is None
    assert math.isnan(function(NAN))


@pytest.mark.parametrize("turns", [-4, -1, 0, 1, 2, 5])
def test_tangent_is_infinite_at_its_poles(turns: int) -> None:
    pole = math.pi / 2 + math.pi * turns
    expected = math.copysign(INF, pole)
    assert t.tan(pole) == expected
    beside = np.nextafter(pole, 0)
    np.testing.assert_array_equal(t.tan(np.array([pole])), [expected])
    np.testing.assert_array_equal(t.tan(np.array([pole], dtype=np.float32)), [expected])
    assert t.tan(float(beside)) == pytest.approx(math.tan(beside))


def test_arctan2_knows_the_quadrant() -> None:
    assert t.arctan2(y=1, x=-1) == pytest.approx(3 * math.pi / 4)
    assert t.arctan2(y=0, x=0) == 0
    assert t.arctan2(y=None, x=1.5) is None
    assert t.arctan2(y=1, x=None) is None
    block = t.arctan2(y=np.array([1.0, -1.0, NAN]), x=-1)
    np.testing.assert_allclose(np.asarray(block), [3 * math.pi / 4, -3 * math.pi / 4, NAN])
