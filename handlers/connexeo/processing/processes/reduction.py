"""Reducing arrays of numbers, plain or for all pixels of a block, by the same functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from connexeo.processing.processes.elementwise import Number, plain_float, plain_integer
from connexeo.processing.processes.tiles import TileFunction, by_tiles, float_type
from connexeo.processing.values import Array, refuse_blocks

Numbers: TypeAlias = Array | Sequence[int | float | None]
"""An array of plain numbers and None, or an array of numbers for every pixel of a block."""


def reduce_numbers(
    function: TileFunction,
    data: Numbers,
    ignore_nodata: bool,
    *,
    integers: bool = False,
    dtype: npt.DTypeLike | None = None,
) -> Number:
    """Reduce an array to one number, or to no-data if it has no values.

    Args:
        function: Gives one row.
        data: The array.
        ignore_nodata: Whether to leave no-data out; if not, any no-data makes the result no-data.
        integers: Whether integers give an integer (only plain numbers have the distinction).
        dtype: Type of the result for blocks, see `by_tiles`.
    """
    rows = reduce_to_rows(function, data, ignore_nodata, rows=1, integers=integers, dtype=dtype)
    return np.asarray(rows.values[0]) if isinstance(rows, Array) else rows[0]


def reduce_to_rows(
    function: TileFunction,
    data: Numbers,
    ignore_nodata: bool,
    *,
    rows: int,
    integers: bool = False,
    dtype: npt.DTypeLike | None = None,
) -> Array | list[int | float | None]:
    """Reduce an array to an array of as many numbers as there are rows; see `reduce_numbers`."""
    refuse_blocks(ignore_nodata)
    if isinstance(data, Array):
        if len(data) == 0 or rows == 0:
            return Array(np.full((rows, *data.shape), math.nan, dtype=float_type(data.values)))
        return Array(by_tiles(function, data.values, rows, dtype, skip_nodata=ignore_nodata))
    present = [value for value in data if value is not None]
    if not present or (len(present) < len(data) and not ignore_nodata):
        return [None] * rows
    # Plain NaN is not no-data: nothing is missing, and the functions pass it on.
    values = np.array([[plain_float(value)] for value in present])
    with np.errstate(all="ignore"):
        results = np.reshape(function(values, None), (rows,)).tolist()
    whole = integers and all(isinstance(value, int) for value in present)
    return [plain_integer(result) if whole else result for result in results]
