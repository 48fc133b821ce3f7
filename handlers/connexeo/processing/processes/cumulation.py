"""Cumulative sums, products, minima and maxima, of plain arrays or of arrays for every pixel of a block.

By default no-data is skipped but stays in the result; with `ignore_nodata` false, everything from the first
no-data value on is no-data. Labels are kept.
"""

from __future__ import annotations

import math
from itertools import takewhile

import numpy as np

from connexeo.processing.process import process
from connexeo.processing.processes.elementwise import plain_float, plain_integer
from connexeo.processing.processes.reduction import Numbers
from connexeo.processing.processes.tiles import Missing, by_tiles
from connexeo.processing.values import Array, Block, LabeledList, labels_of, refuse_blocks


@process
def cumsum(data: Numbers, ignore_nodata: bool = True) -> Numbers:
    """The sums of each element and all before."""
    return _accumulate(np.add, 0, data, ignore_nodata)


@process
def cumproduct(data: Numbers, ignore_nodata: bool = True) -> Numbers:
    """The products of each element and all before."""
    return _accumulate(np.multiply, 1, data, ignore_nodata)


@process
def cummin(data: Numbers, ignore_nodata: bool = True) -> Numbers:
    """The smallest of each element and all before."""
    return _accumulate(np.minimum, math.inf, data, ignore_nodata)


@process
def cummax(data: Numbers, ignore_nodata: bool = True) -> Numbers:
    """The greatest of each element and all before."""
    return _accumulate(np.maximum, -math.inf, data, ignore_nodata)


def _accumulate(ufunc: np.ufunc, neutral: float, data: Numbers, ignore_nodata: bool) -> Numbers:
    """Cumulate with a ufunc that the neutral element does not change anything for."""
    refuse_blocks(ignore_nodata)
    if not isinstance(data, Array):
        return _accumulate_plain(ufunc, data, ignore_nodata)

    def accumulate(tile: Block, missing: Missing) -> Block:
        known = tile if missing is None else np.where(missing, neutral, tile)
        cumulated = ufunc.accumulate(known, axis=0, dtype=np.float64)
        return cumulated if missing is None else np.where(missing, math.nan, cumulated)

    return Array(by_tiles(accumulate, data.values, len(data), skip_nodata=ignore_nodata), data.labels)


def _accumulate_plain(ufunc: np.ufunc, data: Numbers, ignore_nodata: bool) -> list[int | float | None]:
    known = list(data) if ignore_nodata else list(takewhile(lambda value: value is not None, data))
    numbers = [value for value in known if value is not None]
    with np.errstate(all="ignore"):
        results = ufunc.accumulate(np.array([plain_float(value) for value in numbers])).tolist()
    if all(isinstance(value, int) for value in numbers):
        results = [plain_integer(result) for result in results]
    remaining = iter(results)
    cumulated = [None if value is None else next(remaining) for value in known]
    cumulated += [None] * (len(data) - len(cumulated))
    labels = labels_of(data)
    return cumulated if labels is None else LabeledList(cumulated, labels)
