"""Functions along the array axis of a block, run on pieces that fit into the processor's cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from connexeo.processing.values import Block, as_float

Missing: TypeAlias = npt.NDArray[np.bool_] | None
"""Where values of a tile are no-data to leave out; None if there are none."""

TileFunction: TypeAlias = Callable[[Block, Missing], Sequence[Any] | Block]
"""Takes values `(array, pixels)` and what is missing of them; gives `(rows, pixels)`, or one row."""

_BYTES = 2**20  # measured: a quarter of it doubles the time of a median
_FEWEST_PIXELS = 256  # so that calling numpy does not cost more than computing


def by_tiles(
    function: TileFunction,
    values: Block,
    rows: int = 1,
    dtype: npt.DTypeLike | None = None,
    skip_nodata: bool = True,
) -> Block:
    """Run a function along axis 0 for all pixels.

    Args:
        function: What to compute for each tile.
        values: Axis 0 is the array, further axes are the block.
        rows: How many rows the function gives.
        dtype: Type of the result; by default the floating point type for the values (see `as_float`).
        skip_nodata: Whether to tell the function where values are NaN.

    Returns:
        An array of the shape `(rows, *block)`.
    """
    flat = values.reshape(len(values), math.prod(values.shape[1:]))
    pixels = flat.shape[1]
    result = np.empty((rows, pixels), dtype=float_type(values) if dtype is None else dtype)
    step = max(_FEWEST_PIXELS, _BYTES // max(1, len(flat) * flat.itemsize))
    with np.errstate(all="ignore"):
        for start in range(0, pixels, step):
            tile = flat[:, start : start + step]
            missing = missing_in(tile) if skip_nodata else None
            result[:, start : start + step] = function(tile, missing)
    return result.reshape(rows, *values.shape[1:])


def float_type(values: Block) -> npt.DTypeLike:
    """The floating point type that results computed from values have."""
    return as_float(values[:0]).dtype


def missing_in(values: Block) -> Missing:
    """Where values are NaN, or None if they nowhere are."""
    if values.dtype.kind != "f":
        return None
    missing = np.isnan(values)
    return missing if missing.any() else None
