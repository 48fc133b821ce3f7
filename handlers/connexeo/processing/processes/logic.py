"""Boolean logic with no-data as a third value, on plain values or blocks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from connexeo.processing.process import PerPixel, process
from connexeo.processing.processes.elementwise import EXACT_INTEGERS, plain_float
from connexeo.processing.processes.truth import Truth, encode, is_true, nodata_in
from connexeo.processing.values import Array, Block, common_type, is_block, labels_of, refuse_blocks, stack


@process
def and_(x: Truth, y: Truth) -> Truth:
    """Whether both values are true; no-data where that depends on a no-data value."""
    if not (is_block(x) or is_block(y)):
        if x is False or y is False:
            return False
        return None if x is None or y is None else bool(x and y)
    true_x, true_y, missing_x, missing_y = is_true(x), is_true(y), nodata_in(x), nodata_in(y)
    missing = (missing_x & (missing_y | true_y)) | (missing_y & true_x)
    return encode(true_x & true_y, missing, x, y)


@process
def or_(x: Truth, y: Truth) -> Truth:
    """Whether at least one of the values is true; no-data where that depends on a no-data value."""
    if not (is_block(x) or is_block(y)):
        if x is True or y is True:
            return True
        return None if x is None or y is None else bool(x or y)
    true = is_true(x) | is_true(y)
    return encode(true, nodata_in(x, y) & ~true, x, y)


@process
def xor(x: Truth, y: Truth) -> Truth:
    """Whether exactly one of the values is true; no-data if any of them is no-data."""
    if not (is_block(x) or is_block(y)):
        return None if x is None or y is None else bool(x) != bool(y)
    return encode(is_true(x) ^ is_true(y), nodata_in(x, y), x, y)


@process
def not_(x: Truth) -> Truth:
    """True for false and false for true; no-data is passed through."""
    if not is_block(x):
        return None if x is None else not x
    return encode(~is_true(x), nodata_in(x), x)


@process
def all_(data: Array | list[bool | None], ignore_nodata: bool = True) -> Truth:
    """Whether all values are true; true for an empty array.

    Args:
        data: Booleans.
        ignore_nodata: Whether to leave no-data out. If not, no-data values make the result no-data unless a
            false one decides it.
    """
    refuse_blocks(ignore_nodata)
    if not isinstance(data, Array):
        if any(value is False for value in data):
            return False
        return None if None in data and not ignore_nodata else True
    true, missing = is_true(data.values), np.broadcast_to(nodata_in(data.values), data.values.shape)
    decided = (true | missing).all(axis=0)
    return (
        np.asarray(decided) if ignore_nodata else encode(decided, decided & missing.any(axis=0), data.values)
    )


@process
def any_(data: Array | list[bool | None], ignore_nodata: bool = True) -> Truth:
    """Whether at least one value is true; false for an empty array.

    Args:
        data: Booleans.
        ignore_nodata: Whether to leave no-data out. If not, no-data values make the result no-data unless a
            true one decides it.
    """
    refuse_blocks(ignore_nodata)
    if not isinstance(data, Array):
        if any(value is True for value in data):
            return True
        return None if None in data and not ignore_nodata else False
    true = is_true(data.values).any(axis=0)
    if ignore_nodata:
        return np.asarray(true)
    missing = np.broadcast_to(nodata_in(data.values), data.values.shape).any(axis=0)
    return encode(true, missing & ~true, data.values)


@process
def if_(value: Truth, accept: Any, reject: Any = None) -> Any:
    """`accept` where the value is true, `reject` otherwise, also for no-data.

    Options that blocks can't hold, such as texts and arrays of different lengths, are chosen pixel by pixel.
    """
    if not is_block(value):
        return accept if value else reject
    options = (accept, reject)
    arrays = [option for option in options if isinstance(option, Array | list)]
    if not arrays:
        return choose(is_true(value), accept, reject)
    if len({len(array) for array in arrays}) > 1:
        raise PerPixel
    elements = [
        option if isinstance(option, Array | list) else [option] * len(arrays[0]) for option in options
    ]
    labels = {labels_of(array) for array in arrays}
    chosen = [choose(is_true(value), *pair) for pair in zip(*elements, strict=True)]
    return stack(chosen, labels.pop() if len(labels) == 1 else None)


def choose(condition: Block, accept: Any, reject: Any) -> Block:
    """One of two numbers for each pixel, in a type that holds both; None becomes NaN.

    Raises:
        PerPixel: Not a number, boolean or no-data.
    """
    if not is_block(accept) and not is_block(reject):
        return np.asarray(np.where(condition, _typed(accept), _typed(reject)))
    try:
        dtype = common_type((accept, reject))
    except TypeError as error:
        raise PerPixel from error
    options = (math.nan if option is None else option for option in (accept, reject))
    return np.asarray(np.where(condition, *(np.asarray(option).astype(dtype) for option in options)))


def _typed(number: Any) -> Block:
    """A plain number in the smallest type that holds it exactly; None as NaN."""
    number = math.nan if number is None else number
    if not isinstance(number, int | float):
        raise PerPixel
    if isinstance(number, int) and abs(number) <= EXACT_INTEGERS:
        return np.asarray(number, dtype=np.min_scalar_type(number))
    number = plain_float(number)
    single = math.isnan(number) or float(np.float32(number)) == number
    return np.asarray(number, dtype=np.float32 if single else np.float64)
