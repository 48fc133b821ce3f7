"""Permutations: the positions that sort an array, and arrays rearranged by positions."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from connexeo.generated.errors import ArrayElementNotAvailable
from connexeo.processing.process import process
from connexeo.processing.processes.arrays import AnyArray, array_element, make_array
from connexeo.processing.processes.sorting import order_blocks, sorted_positions
from connexeo.processing.values import Array, refuse_blocks

Positions: TypeAlias = Array | list[int]


@process
def order(data: AnyArray, asc: bool = True, nodata: bool | None = None) -> Positions:
    """The positions of an array's elements in their order; equal elements keep theirs.

    Args:
        data: Numbers, or dates and times.
        asc: Whether the smallest come first.
        nodata: Whether the positions of no-data come last (true) or first (false); None leaves them out. In
            blocks, where pixels differ in how many remain, positions that are left out become no-data at the
            end.
    """
    refuse_blocks(asc, nodata)
    if isinstance(data, Array):
        return Array(order_blocks(data.values, asc, nodata))
    return sorted_positions(data, asc, nodata)


@process
def rearrange(data: AnyArray, order: Positions) -> AnyArray:
    """The elements at the given positions, in that order and without labels; positions may be left out.

    Raises:
        ArrayElementNotAvailable: A position is beyond the end of the array.
    """
    if len(order) == 0:
        return make_array([], None, (data, order))
    if isinstance(order, Array):
        return Array(np.stack([_rearranged(data, positions) for positions in order]))
    if any(position >= len(data) for position in order):
        raise ArrayElementNotAvailable(f"A position is not available (number of elements: {len(data)}).")
    if isinstance(data, Array):
        return Array(data.values[[int(position) for position in order]])
    return [data[int(position)] for position in order]


def _rearranged(data: AnyArray, positions: Any) -> Any:
    """One element for each pixel; no-data where the position is."""
    return array_element(data, index=positions, return_nodata=bool(np.isnan(positions).any()))
