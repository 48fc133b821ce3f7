"""Arithmetic on numbers: sums, products, powers, logarithms, rounding, ranges.

All take plain numbers or blocks. No-data in any argument gives no-data, everything else follows IEEE 754, so
that a division by zero is ±infinity or NaN instead of an error.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from connexeo.generated.errors import MinMaxSwapped
from connexeo.processing.process import process
from connexeo.processing.processes.elementwise import EXACT_INTEGERS, Number, elementwise, plain_integer
from connexeo.processing.values import is_block, refuse_blocks

_MOST_DIGITS = 308  # a double reaches up to 1.8e308


@process
def absolute(x: Number) -> Number:
    """The absolute value of `x`."""
    return elementwise(np.abs, x, integers=True)


@process
def add(x: Number, y: Number) -> Number:
    """`x + y`."""
    return elementwise(np.add, x, y, integers=True)


@process
def subtract(x: Number, y: Number) -> Number:
    """`x - y`."""
    return elementwise(np.subtract, x, y, integers=True)


@process
def multiply(x: Number, y: Number) -> Number:
    """`x * y`."""
    return elementwise(np.multiply, x, y, integers=True)


@process
def divide(x: Number, y: Number) -> Number:
    """`x / y`; by zero it is ±infinity, or NaN for `x` = 0."""
    return elementwise(np.divide, x, y)


@process
def mod(x: Number, y: Number) -> Number:
    """Remainder of `x / y` with the sign of `y`; by zero it is ±infinity, or NaN for `x` = 0."""
    return elementwise(_remainder, x, y, integers=True)


def _remainder(x: Any, y: Any) -> Any:
    remainder = np.mod(x, y)
    by_zero = np.equal(y, 0)
    if not by_zero.any():
        return remainder
    return np.where(by_zero, np.divide(x, 0.0, dtype=remainder.dtype), remainder)


@process
def normalized_difference(x: Number, y: Number) -> Number:
    """`(x - y) / (x + y)`."""
    return elementwise(lambda x, y: (x - y) / (x + y), x, y)


@process
def power(base: Number, p: Number) -> Number:
    """`base` raised to the power of `p`; NaN where that is not a real number."""
    return elementwise(_power, base, p, integers=True)


def _power(base: Any, p: Any) -> Any:
    result = base**p
    if not isinstance(result, np.ndarray) or (not is_block(p) and p != 0 and not math.isnan(p)):
        return result
    # IEEE 754 has 1 for NaN to the power of 0 and for 1 to the power of NaN; in blocks NaN is no-data and
    # stays it.
    return np.where(np.isnan(base) | np.isnan(p), math.nan, result)


@process
def sqrt(x: Number) -> Number:
    """The square root; NaN for negative numbers."""
    return elementwise(np.sqrt, x)


@process
def exp(p: Number) -> Number:
    """*e* raised to the power of `p`."""
    return elementwise(np.exp, p)


@process
def ln(x: Number) -> Number:
    """The natural logarithm; -infinity for 0, NaN for negative numbers."""
    return elementwise(np.log, x)


@process
def log(x: Number, base: Number) -> Number:
    """The logarithm to any base; -infinity for `x` = 0 with any base, NaN outside of the allowed range."""
    return elementwise(_logarithm, x, base)


def _logarithm(x: Any, base: Any) -> Any:
    # A division of natural logarithms makes log(1000, 10) 2.9999999999999996.
    if not isinstance(base, np.ndarray) and base in (2, 10):
        return np.log2(x) if base == 2 else np.log10(x)
    dtype = np.result_type(x, base)
    logarithm = np.log(x, dtype=dtype) / np.log(base, dtype=dtype)
    at_zero = np.equal(x, 0) & ~np.isnan(base)
    return np.where(at_zero, -math.inf, logarithm) if at_zero.any() else logarithm


@process
def sgn(x: Number) -> Number:
    """The signum: -1, 0 or 1."""
    return elementwise(np.sign, x, integers=True)


@process
def ceil(x: Number) -> Number:
    """The least integer that is not less than `x`."""
    return _whole(elementwise(np.ceil, x))


@process
def floor(x: Number) -> Number:
    """The greatest integer that is not greater than `x`."""
    return _whole(elementwise(np.floor, x))


@process
def int_(x: Number) -> Number:
    """The integer part of `x`, i.e. rounded towards zero."""
    return _whole(elementwise(np.trunc, x))


def _whole(x: Number) -> Number:
    """Plain numbers as integers; infinity and NaN have none. Blocks keep a type that holds no-data."""
    return plain_integer(x) if isinstance(x, float) else x


@process
def round_(x: Number, p: int = 0) -> Number:
    """`x` rounded to `p` decimal digits (to tens, hundreds, … for negative `p`), ties to the even digit."""
    refuse_blocks(p)
    return elementwise(partial(_round, digits=int(p)), x, integers=True)


def _round(x: Any, digits: int) -> Any:
    if digits == 0:
        return np.rint(x)
    if digits > _MOST_DIGITS:
        return x
    if digits < -_MOST_DIGITS:
        return np.where(np.isinf(x), x, x * 0)
    factor = 10.0 ** abs(digits)
    if digits < 0:
        return np.rint(x / factor) * factor
    scaled = x * factor
    # 8.345 is halfway between 8.34 and 8.35, but 8.345 * 100 is 834.5000000000001.
    halves = np.rint(2 * scaled) / 2
    is_tie = np.abs(scaled - halves) <= np.finfo(scaled.dtype).eps * np.abs(scaled)
    rounded = np.rint(np.where(is_tie, halves, scaled)) / factor
    # Numbers that large have no digits behind the one asked for, and may have become infinite by the scaling.
    return np.where(np.abs(scaled) < EXACT_INTEGERS, rounded, x)


@process
def clip(x: Number, min: Number, max: Number) -> Number:
    """`x` limited to the range from `min` to `max`.

    Raises:
        MinMaxSwapped: `min` is greater than `max`, whatever `x` is.
    """
    if min is not None and max is not None and np.any(np.greater(min, max)):
        raise MinMaxSwapped()
    return elementwise(np.clip, x, min, max, integers=True)


@process
def linear_scale_range(
    x: Number,
    inputMin: Number,
    inputMax: Number,
    outputMin: Number = 0,
    outputMax: Number = 1,
) -> Number:
    """`x`, limited to the input range, transformed linearly to the output range; either may be descending."""
    return elementwise(_scale, x, inputMin, inputMax, outputMin, outputMax)


def _scale(x: Any, input_min: Any, input_max: Any, output_min: Any, output_max: Any) -> Any:
    # Not np.minimum for plain bounds: it gives np.float64, which would turn float32 blocks into float64.
    if is_block(input_min) or is_block(input_max):
        lower, upper = np.minimum(input_min, input_max), np.maximum(input_min, input_max)
    else:
        lower, upper = sorted((input_min, input_max))
    inside = np.clip(x, lower, upper)
    return (inside - input_min) / (input_max - input_min) * (output_max - output_min) + output_min
