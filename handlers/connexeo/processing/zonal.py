"""Reducing the pixels of each geometry to one value, block by block.

The graph has three kinds of tasks. `_masks` finds the pixels of geometries in one block along y and x, once for all
other dimensions; `_extract` takes the values of these pixels out of a block; `_Reduce` computes the values of
geometries from what was taken out of all blocks that they touch. Geometries that touch the same blocks go together.
So a block is read once, no block is needed as a whole for longer than it takes to look at it, and no more is kept than
the selected values. Of geometries that touch several blocks not even these are kept where the reducer can do with
summaries: `_SumUp` and `_Join` take the places of `_extract` and `_Reduce`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from connexeo.processing.blocks import BlockFunction, as_block, dask_array
from connexeo.processing.execution import SUMMARY
from connexeo.processing.pixel_selection import Pixels, Region
from connexeo.processing.pixelwise import made_up
from connexeo.processing.summaries import State, Summing, summing_up, with_summaries
from connexeo.processing.values import Array, Block, as_float

Position = tuple[int, int]
"""Of a block along y and x."""
Masks = list[NDArray[np.bool_]]

STATISTICS = 3
"""Values of each geometry where pixels are counted: value, number of pixels, number of pixels with data."""

_AT_ONCE = 64
"""Geometries of a task, at most."""


def reduce_regions(
    data: Any,
    regions: Sequence[Region],
    empty: Sequence[bool],
    pixels: Pixels,
    function: BlockFunction,
    *,
    count: bool,
) -> Any:
    """Reduce the pixels of each region to one value.

    Args:
        data: A dask array whose last axes are y and x.
        regions: The regions, which may overlap.
        empty: Which of them stand for empty geometries.
        pixels: Where the pixels lie.
        function: Reduces an `Array`.
        count: Whether to count pixels, too.

    Returns:
        A floating dask array, in place of y and x with an axis for the regions and, with `count`, one for `STATISTICS`.
        Regions without pixels have no value; pixels of empty geometries are not counted.
    """
    dtype = _type_of(function, data.dtype, count)
    name = f"zonal-{uuid4().hex}"
    groups = _groups(regions, data.chunks[-2:])
    graph: dict[Any, Any] = {}
    summaries: dict[Any, Any] = {}
    order: list[int] = []
    summing = summing_up(function, data.dtype)
    others = list(product(*(range(len(sizes)) for sizes in data.chunks[:-2])))
    for number, (positions, members) in enumerate(groups):
        order += members
        empties = tuple(empty[index] for index in members)
        if summing is not None and len(positions) > 1:
            kind, tasks = f"{SUMMARY}{name}", summaries
            take: Any = _SumUp(summing, count)
            reduce: Any = _Join(summing, dtype, count, empties)
        else:
            kind, tasks = f"{name}-values", graph
            take, reduce = _extract, _Reduce(function, dtype, count, empties)
        for position in positions:
            window = _window(data.chunks[-2:], position)
            parts = [regions[index] for index in members]
            tasks[f"{name}-masks", number, *position] = (_masks, parts, pixels, *window)
        for other in others:
            keys = []
            for position in positions:
                key = (kind, number, *other, *position)
                tasks[key] = (take, (data.name, *other, *position), (f"{name}-masks", number, *position))
                keys.append(key)
            shape = tuple(sizes[at] for sizes, at in zip(data.chunks[:-2], other, strict=True))
            graph[name, *other, number, *((0,) if count else ())] = (reduce, list(shape), keys)
    layers = with_summaries(data, name, graph, summaries)
    return _in_order(layers, name, data, [len(members) for _, members in groups], order, dtype, count)


def _in_order(
    layers: Any,
    name: str,
    data: Any,
    sizes: Sequence[int],
    order: Sequence[int],
    dtype: np.dtype[Any],
    count: bool,
) -> Any:
    """The array of a graph with the regions in their own order."""
    da = dask_array()
    further = ((STATISTICS,),) if count else ()
    chunks = (*data.chunks[:-2], tuple(sizes) or (0,), *further)
    if not sizes:
        shape = tuple(map(sum, chunks))
        return da.zeros(shape, chunks=chunks, dtype=dtype)
    array = da.Array(layers, name, chunks, meta=np.empty((0,) * len(chunks), dtype))
    if list(order) == sorted(order):
        return array
    return da.take(array, np.argsort(order), axis=data.ndim - 2)


def _groups(
    regions: Sequence[Region], chunks: tuple[tuple[int, ...], tuple[int, ...]]
) -> list[tuple[tuple[Position, ...], list[int]]]:
    """Regions that touch the same blocks, and these."""
    ends = [np.cumsum(sizes) for sizes in chunks]
    found: defaultdict[tuple[Position, ...], list[int]] = defaultdict(list)
    for index, region in enumerate(regions):
        rows, columns = (_touched(part, end) for part, end in zip(region.window, ends, strict=True))
        found[tuple(product(rows, columns))].append(index)
    return [
        (positions, members[start : start + _AT_ONCE])
        for positions, members in found.items()
        for start in range(0, len(members), _AT_ONCE)
    ]


def _touched(part: slice, ends: NDArray[np.intp]) -> range:
    if part.stop <= part.start:
        return range(0)
    first, last = np.searchsorted(ends, [part.start, part.stop - 1], side="right")
    return range(int(first), int(last) + 1)


def _window(chunks: tuple[tuple[int, ...], tuple[int, ...]], position: Position) -> tuple[slice, slice]:
    rows, columns = (
        slice(sum(sizes[:at]), sum(sizes[: at + 1])) for sizes, at in zip(chunks, position, strict=True)
    )
    return rows, columns


@dataclass(frozen=True)
class _Part:
    """Pixels of a region in a block."""

    rows: slice
    columns: slice
    inside: NDArray[np.bool_]


def _masks(regions: Sequence[Region], pixels: Pixels, rows: slice, columns: slice) -> list[_Part]:
    """The pixels of regions in the block of some rows and columns."""
    parts = []
    for region in regions:
        part_rows, part_columns = (
            slice(max(own.start, block.start), max(own.start, block.start, min(own.stop, block.stop)))
            for own, block in zip(region.window, (rows, columns), strict=True)
        )
        parts.append(
            _Part(
                slice(part_rows.start - rows.start, part_rows.stop - rows.start),
                slice(part_columns.start - columns.start, part_columns.stop - columns.start),
                region.mask(pixels, part_rows, part_columns),
            )
        )
    return parts


def _extract(block: Block, parts: Sequence[_Part]) -> list[Block]:
    """The values of each region, shape `(…, n)`."""
    return [_selected(block[..., part.rows, part.columns], part.inside) for part in parts]


def _selected(values: Block, inside: NDArray[np.bool_]) -> Block:
    if inside.all():  # most blocks of a large region; selecting takes as long as reading does
        return values.reshape(*values.shape[:-2], inside.size)
    return values[..., inside]


@dataclass(frozen=True)
class _Reduce:
    """Computes the values of regions from what was taken out of blocks; the last axes are those of the result."""

    function: BlockFunction
    dtype: np.dtype[Any]
    count: bool
    empty: tuple[bool, ...]

    def __call__(self, shape: list[int], extracted: Sequence[Sequence[Block]]) -> Block:
        further = (STATISTICS,) if self.count else ()
        result = np.full((len(self.empty), *shape, *further), np.nan, self.dtype)
        values = [
            np.concatenate([block[index] for block in extracted], axis=-1)
            if extracted
            else np.empty((*shape, 0))
            for index in range(len(self.empty))
        ]
        same: defaultdict[int, list[int]] = defaultdict(list)
        for index, each in enumerate(values):
            same[each.shape[-1]].append(index)
        for length, members in same.items():
            # Regions with as many pixels go together: of points, all do.
            together = np.moveaxis(np.stack([values[index] for index in members]), -1, 0)
            self._fill(result, members, length, together)
        return np.moveaxis(result, 0, len(shape))

    def _fill(self, result: Block, members: Sequence[int], length: int, values: Block) -> None:
        reduced = result[..., 0] if self.count else result
        if length:
            reduced[members] = as_block(self.function(Array(values)), values.shape[1:], self.dtype)
        if self.count:
            result[members, ..., 1] = length
            result[members, ..., 2] = _valid(values)
            result[[index for index in members if self.empty[index]], ..., 1:] = np.nan


@dataclass(frozen=True)
class _Known:
    """What is known of some pixels of a region."""

    total: int
    valid: Block | None
    """How many have data, where that is asked for."""
    summary: tuple[State, ...]


@dataclass(frozen=True)
class _SumUp:
    """What is to be known of the values of each region in a block; None where it has no pixels."""

    summing: Summing
    count: bool

    def __call__(self, block: Block, parts: Sequence[_Part]) -> list[_Known | None]:
        return [self._known(np.moveaxis(values, -1, 0)) for values in _extract(block, parts)]

    def _known(self, values: Block) -> _Known | None:
        if not len(values):
            return None
        valid = _valid(values) if self.count else None
        return _Known(len(values), valid, self.summing.take(values))


@dataclass(frozen=True)
class _Join:
    """Computes the values of regions from what is known of their pixels; see `_Reduce`."""

    summing: Summing
    dtype: np.dtype[Any]
    count: bool
    empty: tuple[bool, ...]

    def __call__(self, shape: list[int], known: Sequence[Sequence[_Known | None]]) -> Block:
        further = (STATISTICS,) if self.count else ()
        result = np.full((len(self.empty), *shape, *further), np.nan, self.dtype)
        for index, empty in enumerate(self.empty):
            parts = [block[index] for block in known]
            self._fill(result[index, ...], [part for part in parts if part is not None], empty)
        return np.moveaxis(result, 0, len(shape))

    def _fill(self, result: Block, parts: Sequence[_Known], empty: bool) -> None:
        reduced = result[..., 0] if self.count else result
        if parts:
            value = self.summing.give(self.summing.join([part.summary for part in parts]))
            reduced[...] = as_block(value, reduced.shape, self.dtype)
        if self.count and not empty:
            result[..., 1] = sum(part.total for part in parts)
            result[..., 2] = sum(
                (part.valid for part in parts if part.valid is not None), np.zeros(reduced.shape)
            )


def _valid(values: Block) -> Block:
    """How many values along axis 0 have data."""
    valid = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    return np.asarray(valid.sum(axis=0))


def _type_of(function: BlockFunction, dtype: npt.DTypeLike, count: bool) -> np.dtype[Any]:
    """Of the results: one that holds no-data, and numbers of pixels exactly."""
    sample = np.ones((2, 1), dtype)
    if sample.dtype.kind == "f":
        sample[1] = np.nan
    with made_up():
        found = as_float(as_block(function(Array(sample)), (1,))).dtype
    return np.dtype(np.float64) if count else found
