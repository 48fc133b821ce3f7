"""Quantiles along the array axis, picked from sorted values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from connexeo.processing.processes.sorting import sort_pixels
from connexeo.processing.processes.tiles import Missing
from connexeo.processing.values import Block, as_float


def pick_quantiles(values: Block, missing: Missing, probabilities: list[float]) -> list[Block]:
    """Quantiles of each pixel's values `(array, pixels)`, of the type 7 of Hyndman and Fan (1996).

    Pixels without values give NaN, and so do pixels that hold NaN which `missing` does not tell.
    """
    if missing is None:
        unknown = np.isnan(values.max(axis=0))
        ordered, count = sort_pixels(values), None
    else:
        # Infinity sorts behind all values that count, which are as many as the count says.
        ordered = sort_pixels(np.where(missing, math.inf, values))
        count = len(values) - np.count_nonzero(missing, axis=0)
        unknown = count == 0
    return [np.where(unknown, math.nan, _pick(ordered, count, p)) for p in probabilities]


def _pick(ordered: Block, count: Block | None, probability: float) -> Block:
    if count is None:
        position = (len(ordered) - 1) * probability
        index = math.floor(position)
        fraction: Any = position - index
        lower, upper = as_float(ordered[index]), as_float(ordered[min(index + 1, len(ordered) - 1)])
    else:
        positions = np.maximum(count - 1, 0) * probability
        indices = positions.astype(np.intp)
        fraction = positions - indices
        lower = np.take_along_axis(ordered, indices[np.newaxis], axis=0)[0]
        upper = np.take_along_axis(
            ordered, np.minimum(indices + 1, np.maximum(count - 1, 0))[np.newaxis], axis=0
        )[0]
    # Not by the formula alone, which is NaN for infinity times 0. As a weighted mean, since the distance from
    # -infinity to a number is infinite, and -infinity plus infinity is NaN.
    between = (fraction > 0) & (upper != lower)
    return np.where(between, lower * (1 - fraction) + upper * fraction, lower)
