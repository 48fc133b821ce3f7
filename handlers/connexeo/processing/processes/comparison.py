"""Comparisons of plain values or blocks of numbers.

Plain values are compared as the definitions say: strictly by type, no-data in any operand gives no-data, NaN
follows IEEE 754, temporal strings are mere strings. In blocks, NaN is no-data, and booleans are the numbers 1
and 0, as blocks of truth values with no-data are stored that way (see `truth.py`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from connexeo.processing.pixelwise import are_pixels
from connexeo.processing.process import process
from connexeo.processing.processes.elementwise import Number, is_number, plain_float
from connexeo.processing.processes.truth import Truth, encode, nodata_in
from connexeo.processing.values import Block, as_float, is_block, refuse_blocks

Comparable: TypeAlias = Number | bool | str


@process
def eq(x: Comparable, y: Comparable, delta: float | None = None, case_sensitive: bool = True) -> Truth:
    """Whether `x` and `y` are of the same type and equal; numbers also if they differ by `delta` at most."""
    refuse_blocks(delta, case_sensitive)
    if is_block(x) or is_block(y):
        return _compare_blocks(lambda x, y: _equal_blocks(x, y, delta), x, y)
    if x is None or y is None:
        return None
    return equal(x, y, delta, case_sensitive)


@process
def neq(x: Comparable, y: Comparable, delta: float | None = None, case_sensitive: bool = True) -> Truth:
    """Whether `x` and `y` are not of the same type or not equal; the opposite of `eq`."""
    refuse_blocks(delta, case_sensitive)
    if is_block(x) or is_block(y):
        return _compare_blocks(lambda x, y: ~np.asarray(_equal_blocks(x, y, delta)), x, y)
    if x is None or y is None:
        return None
    return not equal(x, y, delta, case_sensitive)


@process
def gt(x: Comparable, y: Comparable) -> Truth:
    """Whether the number `x` is greater than the number `y`; false for other types."""
    return _compare(operator.gt, x, y)


@process
def gte(x: Comparable, y: Comparable) -> Truth:
    """Whether `x` equals `y`, or both are numbers and `x` is greater."""
    return _compare(operator.ge, x, y, or_equal=True)


@process
def lt(x: Comparable, y: Comparable) -> Truth:
    """Whether the number `x` is less than the number `y`; false for other types."""
    return _compare(operator.lt, x, y)


@process
def lte(x: Comparable, y: Comparable) -> Truth:
    """Whether `x` equals `y`, or both are numbers and `x` is less."""
    return _compare(operator.le, x, y, or_equal=True)


@process
def between(x: Any, min: Number, max: Number, exclude_max: bool = False) -> Truth:
    """Whether the number `x` is in the range from `min` to `max`; always false for swapped bounds."""
    refuse_blocks(exclude_max)
    below = operator.lt if exclude_max else operator.le
    if any(map(is_block, (x, min, max))):
        bounds = nodata_in(x, min, max)
        inside = _numbers(operator.ge, x, min) & _numbers(below, x, max)
        return encode(inside, bounds, x, min, max)
    if x is None or min is None or max is None:
        return None
    return is_number(x) and bool(x >= min and below(x, max))


@process
def is_nodata(x: Any) -> Truth:
    """Whether a value is no-data: None, and NaN in blocks only."""
    return np.asarray(np.isnan(x)) if is_block(x) else x is None


@process
def is_nan(x: Any) -> Truth:
    """Whether a value is NaN; of pixels, that is no-data."""
    if x is None:
        return are_pixels()
    return np.asarray(np.isnan(x)) if is_block(x) else isinstance(x, float) and math.isnan(x)


@process
def is_infinite(x: Any) -> Truth:
    """Whether a value is positive or negative infinity."""
    return np.asarray(np.isinf(x)) if is_block(x) else isinstance(x, float) and math.isinf(x)


@process
def is_valid(x: Any) -> Truth:
    """Whether a value is a finite number, or anything but a number and no-data."""
    if is_block(x):
        return np.asarray(np.isfinite(x))
    return math.isfinite(x) if isinstance(x, float) else x is not None


def equal(x: Any, y: Any, delta: float | None = None, case_sensitive: bool = True) -> bool:
    """Whether two plain values, none of them no-data, are equal (see `eq`); arrays and objects never are."""
    if is_number(x) and is_number(y):
        return bool(x == y or (delta is not None and abs(plain_float(x) - plain_float(y)) <= delta))
    if isinstance(x, str) and isinstance(y, str):
        return x == y if case_sensitive else x.casefold() == y.casefold()
    return isinstance(x, bool) and isinstance(y, bool) and x == y


def _compare(function: Callable[..., Any], x: Any, y: Any, or_equal: bool = False) -> Truth:
    if is_block(x) or is_block(y):
        return _compare_blocks(lambda x, y: _numbers(function, x, y), x, y)
    if x is None or y is None:
        return None
    if is_number(x) and is_number(y):
        return bool(function(x, y))
    return or_equal and equal(x, y)


def _compare_blocks(function: Callable[[Any, Any], Any], x: Any, y: Any) -> Block:
    return encode(function(x, y), nodata_in(x, y), x, y)


def _numbers(function: Callable[..., Any], x: Any, y: Any) -> Any:
    """A comparison of which at most one operand is not a block; false for what is not a number."""
    if isinstance(x, str | None) or isinstance(y, str | None):
        return np.zeros(np.shape(y if isinstance(x, str | None) else x), dtype=bool)
    with np.errstate(invalid="ignore"):
        return function(x, y)


def _equal_blocks(x: Any, y: Any, delta: float | None) -> Any:
    equal = _numbers(operator.eq, x, y)
    if delta is None or isinstance(x, str | None) or isinstance(y, str | None):
        return equal
    with np.errstate(invalid="ignore"):
        x, y = (as_float(np.asarray(operand)) if is_block(operand) else float(operand) for operand in (x, y))
        return equal | (np.abs(x - y) <= delta)
