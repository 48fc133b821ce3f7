"""Trigonometric and hyperbolic functions, in radians, on plain numbers or blocks.

No-data is passed through; numbers outside of a function's range give NaN.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from connexeo.processing.process import process
from connexeo.processing.processes.elementwise import Number, elementwise


@process
def arccos(x: Number) -> Number:
    """Arc cosine, in the range [0, π]."""
    return elementwise(np.arccos, x)


@process
def arcosh(x: Number) -> Number:
    """Inverse hyperbolic cosine."""
    return elementwise(np.arccosh, x)


@process
def arcsin(x: Number) -> Number:
    """Arc sine, in the range [-π/2, π/2]."""
    return elementwise(np.arcsin, x)


@process
def arctan(x: Number) -> Number:
    """Arc tangent, in the range (-π/2, π/2)."""
    return elementwise(np.arctan, x)


@process
def arctan2(y: Number, x: Number) -> Number:
    """Arc tangent of `y / x` in the quadrant that the signs of both tell."""
    return elementwise(np.arctan2, y, x)


@process
def arsinh(x: Number) -> Number:
    """Inverse hyperbolic sine."""
    return elementwise(np.arcsinh, x)


@process
def artanh(x: Number) -> Number:
    """Inverse hyperbolic tangent; ±infinity for ±1."""
    return elementwise(np.arctanh, x)


@process
def cos(x: Number) -> Number:
    """Cosine."""
    return elementwise(np.cos, x)


@process
def cosh(x: Number) -> Number:
    """Hyperbolic cosine."""
    return elementwise(np.cosh, x)


@process
def sin(x: Number) -> Number:
    """Sine."""
    return elementwise(np.sin, x)


@process
def sinh(x: Number) -> Number:
    """Hyperbolic sine."""
    return elementwise(np.sinh, x)


@process
def tan(x: Number) -> Number:
    """Tangent; infinite, with the sign of `x`, for the numbers that stand for π/2 + nπ."""
    return elementwise(_tangent, x)


def _tangent(x: Any) -> Any:
    tangent = np.tan(x)
    # The definition asks for infinity at the poles. No float hits them: take the floats that are computed for
    # them.
    turns = np.rint(x / math.pi - 0.5).astype(np.float64)
    poles = (x == (math.pi / 2 + math.pi * turns).astype(x.dtype)) & np.isfinite(x)
    return np.where(poles, np.copysign(math.inf, x), tangent) if poles.any() else tangent


@process
def tanh(x: Number) -> Number:
    """Hyperbolic tangent."""
    return elementwise(np.tanh, x)
