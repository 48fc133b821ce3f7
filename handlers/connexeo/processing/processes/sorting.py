"""Sorting by value: positions of plain values, and blocks along the array axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from connexeo.processing.arguments import parse_instant
from connexeo.processing.processes.elementwise import is_number
from connexeo.processing.processes.tiles import Missing, by_tiles
from connexeo.processing.values import Block, as_float

_LONGEST_NETWORK = 32  # measured: beyond, sorting each pixel on its own is faster


def sorted_positions(data: Sequence[Any], asc: bool, nodata: bool | None) -> list[int]:
    """Positions of plain values in their order.

    Args:
        data: Numbers (NaN counts as greater than all others), dates and times, other strings, None for
            no-data.
        asc: Whether the smallest come first. Equal values keep their order.
        nodata: Whether no-data comes last (true) or first (false); None leaves it out.
    """
    known = [position for position, value in enumerate(data) if value is not None]
    missing = [position for position, value in enumerate(data) if value is None]
    known.sort(key=lambda position: _key(data[position]), reverse=not asc)
    if nodata is None:
        return known
    return known + missing if nodata else missing + known


def _key(value: Any) -> tuple[int, Any]:
    if is_number(value) or isinstance(value, bool):
        return (1, 0) if math.isnan(value) else (0, value)
    instant = parse_instant(value)
    return (2, instant) if instant is not None else (3, str(value))


def sort_blocks(values: Block, asc: bool, nodata: bool | None) -> Block:
    """Values sorted along axis 0 for each pixel, in their type.

    Args:
        values: Axis 0 is the array, further axes are the block.
        asc: Whether the smallest come first.
        nodata: Whether NaN comes first (false); else it comes last, as blocks can not leave it out.
    """
    at_start = nodata is False
    fill = math.inf if asc is not at_start else -math.inf

    def sort_tile(tile: Block, missing: Missing) -> Block:
        ordered = sort_pixels(tile if missing is None else np.where(missing, fill, tile))
        ordered = ordered if asc else ordered[::-1]
        if missing is None:
            return ordered
        rows, absent = np.arange(len(tile))[:, np.newaxis], np.count_nonzero(missing, axis=0)
        return np.where(rows < absent if at_start else rows >= len(tile) - absent, math.nan, ordered)

    return by_tiles(sort_tile, values, rows=len(values), dtype=values.dtype)


def order_blocks(values: Block, asc: bool, nodata: bool | None) -> Block:
    """Positions that sort values along axis 0 for each pixel.

    Args:
        values: Axis 0 is the array, further axes are the block.
        asc: Whether the smallest come first. Equal values keep their order.
        nodata: Whether the positions of NaN come last (true) or first (false); None makes them NaN
            themselves, at the end.
    """

    def order_tile(tile: Block, missing: Missing) -> Block:
        order = np.argsort(tile if asc else -as_float(tile), axis=0, kind="stable")
        if missing is None or nodata is True:
            return order
        rows, known = np.arange(len(tile))[:, np.newaxis], np.count_nonzero(~missing, axis=0)
        if nodata is None:
            return np.where(rows < known, order, math.nan)
        return np.take_along_axis(order, (rows + known) % len(tile), axis=0)

    integers = np.uint16 if len(values) < 2**16 else np.uint32
    may_be_nan = nodata is None and values.dtype.kind == "f"
    return by_tiles(order_tile, values, rows=len(values), dtype=np.float32 if may_be_nan else integers)


@lru_cache(maxsize=2 * _LONGEST_NETWORK)
def sorting_network(length: int) -> tuple[tuple[int, int], ...]:
    """Pairs of positions to compare and exchange, in this order, to sort any sequence of that length.

    Batcher's merge exchange: Knuth, The Art of Computer Programming, volume 3, 5.2.2, algorithm M.
    """
    pairs: list[tuple[int, int]] = []
    half = 1 << max(0, (length - 1).bit_length() - 1)
    block = half if length > 1 else 0
    while block:
        reach, remainder, distance = half, 0, block
        while distance:
            pairs += [(i, i + distance) for i in range(length - distance) if i & block == remainder]
            distance, reach, remainder = reach - block, reach >> 1, block
        block >>= 1
    return tuple(pairs)


def sort_pixels(values: Block) -> Block:
    """Each pixel's values `(array, pixels)` in ascending order. They must not hold NaN."""
    if not 0 < len(values) <= _LONGEST_NETWORK:
        pixels = np.ascontiguousarray(values.T)
        pixels.sort(axis=1)
        return pixels.T
    # Few values of many pixels: comparing whole rows uses the processor's vectors, sorting pixel by pixel
    # does not.
    rows, spare = list(values.copy()), np.empty_like(values[0])
    for i, j in sorting_network(len(rows)):
        low, high = rows[i], rows[j]
        np.minimum(low, high, out=spare)
        np.maximum(low, high, out=high)
        rows[i], spare = spare, low
    return np.stack(rows)
