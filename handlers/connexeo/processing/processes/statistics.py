"""Reducers: processes that make one number, or a few, of an array of numbers.

For blocks they reduce axis 0 for all pixels at once. Sums of any kind accumulate in float64, whatever the
type of the result. Plain NaN is passed on, while no-data (None; NaN in blocks) is left out unless
`ignore_nodata` is false.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from connexeo.generated.errors import (
    AscendingProbabilitiesRequired,
    ProcessParameterInvalid,
    QuantilesParameterConflict,
    QuantilesParameterMissing,
)
from connexeo.processing.process import process
from connexeo.processing.processes.comparison import is_valid
from connexeo.processing.processes.elementwise import Number
from connexeo.processing.processes.quantile_selection import pick_quantiles
from connexeo.processing.processes.reduction import Numbers, reduce_numbers, reduce_to_rows
from connexeo.processing.processes.tiles import Missing
from connexeo.processing.processes.truth import is_true
from connexeo.processing.values import Array, Block, refuse_blocks


@process
def count(
    data: Array | list[Any], condition: Callable[..., Any] | bool | None = None, context: Any = None
) -> int | Block:
    """How many elements are valid, or fulfil a condition.

    Args:
        data: Any values.
        condition: Called with each element as `x`, and with `context`; counts the elements for which it gives
            true. None counts valid elements (see `is_valid`), true counts all.
        context: Passed on to the condition.
    """
    if condition is False:
        raise ProcessParameterInvalid(process="count", parameter="condition", reason="false is not allowed")
    if isinstance(data, Array):
        return _count_blocks(data.values, condition, context)
    if condition is None or condition is True:
        return sum(1 for value in data if condition or is_valid(value))
    return sum(1 for value in data if is_true(condition(x=value, context=context)))


def _count_blocks(values: Block, condition: Callable[..., Any] | bool | None, context: Any) -> Block:
    # One type for arrays of any length: types are found out with short ones.
    if condition is True:
        return np.full(values.shape[1:], len(values), dtype=np.uint32)
    if condition is None:
        fulfilled = np.isfinite(values)
    else:
        # All elements at once: conditions work on blocks of any shape.
        assert callable(condition)
        fulfilled = np.broadcast_to(is_true(condition(x=values, context=context)), values.shape)
    return np.asarray(fulfilled.sum(axis=0, dtype=np.uint32))


@process
def sum_(data: Numbers, ignore_nodata: bool = True) -> Number:
    """The sum; no-data for an empty array."""
    return reduce_numbers(_sum, data, ignore_nodata, integers=True)


@process
def product(data: Numbers, ignore_nodata: bool = True) -> Number:
    """The product; no-data for an empty array."""
    return reduce_numbers(_product, data, ignore_nodata, integers=True)


@process
def mean(data: Numbers, ignore_nodata: bool = True) -> Number:
    """The arithmetic mean; no-data for an empty array."""
    return reduce_numbers(_mean, data, ignore_nodata)


@process
def variance(data: Numbers, ignore_nodata: bool = True) -> Number:
    """The sample variance; NaN for a single value, no-data for an empty array."""
    return reduce_numbers(_variance, data, ignore_nodata)


@process
def sd(data: Numbers, ignore_nodata: bool = True) -> Number:
    """The sample standard deviation; NaN for a single value, no-data for an empty array."""
    return reduce_numbers(lambda values, missing: np.sqrt(_variance(values, missing)), data, ignore_nodata)


@process
def min_(data: Numbers, ignore_nodata: bool = True) -> Number:
    """The smallest value, in the type of the values; no-data for an empty array."""
    return reduce_numbers(_minimum, data, ignore_nodata, integers=True, dtype=_type_of(data))


@process
def max_(data: Numbers, ignore_nodata: bool = True) -> Number:
    """The largest value, in the type of the values; no-data for an empty array."""
    return reduce_numbers(_maximum, data, ignore_nodata, integers=True, dtype=_type_of(data))


@process
def extrema(data: Numbers, ignore_nodata: bool = True) -> Array | list[int | float | None]:
    """The smallest and the largest value; both no-data for an empty array."""
    return reduce_to_rows(
        lambda values, missing: [_minimum(values, missing), _maximum(values, missing)],
        data,
        ignore_nodata,
        rows=2,
        integers=True,
        dtype=_type_of(data),
    )


@process
def median(data: Numbers, ignore_nodata: bool = True) -> Number:
    """The value that has as many values below as above; no-data for an empty array."""
    return reduce_numbers(partial(pick_quantiles, probabilities=[0.5]), data, ignore_nodata)


@process
def quantiles(
    data: Numbers,
    probabilities: list[float] | int | None = None,
    q: int | None = None,
    ignore_nodata: bool = True,
) -> Array | list[int | float | None]:
    """Quantiles of the type 7 of Hyndman and Fan (1996); all no-data for an empty array.

    Args:
        data: Numbers.
        probabilities: Which quantiles to compute, in ascending order, or into how many intervals to divide.
        q: Into how many intervals to divide (deprecated by `probabilities`).
        ignore_nodata: Whether to leave no-data out; if not, any no-data makes all quantiles no-data.

    Raises:
        QuantilesParameterMissing: Neither `probabilities` nor `q` is given.
        QuantilesParameterConflict: Both are given.
        AscendingProbabilitiesRequired: The probabilities are not in ascending order.
    """
    if probabilities is None and q is None:
        raise QuantilesParameterMissing()
    if probabilities is not None and q is not None:
        raise QuantilesParameterConflict()
    given = q if probabilities is None else probabilities
    refuse_blocks(given)
    if isinstance(given, list):
        chosen = [float(probability) for probability in given]
    else:
        assert given is not None
        chosen = [part / given for part in range(1, int(given))]
    if any(first > second for first, second in pairwise(chosen)):
        raise AscendingProbabilitiesRequired()
    return reduce_to_rows(
        partial(pick_quantiles, probabilities=chosen), data, ignore_nodata, rows=len(chosen)
    )


def _type_of(data: Numbers) -> Any:
    return data.values.dtype if isinstance(data, Array) else None


def _count(values: Block, missing: Missing) -> Any:
    return len(values) if missing is None else len(values) - missing.sum(axis=0, dtype=np.int32)


def _sum_or_zero(values: Block, missing: Missing) -> Block:
    known = values if missing is None else np.where(missing, 0, values)
    return np.asarray(known.sum(axis=0, dtype=np.float64))


def _sum(values: Block, missing: Missing) -> Block:
    total = _sum_or_zero(values, missing)
    return total if missing is None else np.where(missing.all(axis=0), math.nan, total)


def _product(values: Block, missing: Missing) -> Block:
    if missing is None:
        return np.asarray(values.prod(axis=0, dtype=np.float64))
    result = np.where(missing, 1, values).prod(axis=0, dtype=np.float64)
    return np.where(missing.all(axis=0), math.nan, result)


def _mean(values: Block, missing: Missing) -> Block:
    return np.asarray(_sum_or_zero(values, missing) / _count(values, missing))


def _variance(values: Block, missing: Missing) -> Block:
    # Two passes: the difference of the sums of squares would lose the digits that make up a small variance.
    deviations = values - _mean(values, missing)
    squares = _sum_or_zero(np.square(deviations, out=deviations), missing)
    degrees = np.asarray(_count(values, missing) - 1)
    return np.where(degrees > 0, squares / degrees, math.nan)


def _minimum(values: Block, missing: Missing) -> Block:
    return np.asarray((np.min if missing is None else np.fmin.reduce)(values, axis=0))


def _maximum(values: Block, missing: Missing) -> Block:
    return np.asarray((np.max if missing is None else np.fmax.reduce)(values, axis=0))
