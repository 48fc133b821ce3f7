"""Reducing the pixels of windows along x and y, or of the whole plane, to one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from connexeo.processing.alignment import plane_of, spacing
from connexeo.processing.blocks import BlockFunction, Bound, as_block, dask_array
from connexeo.processing.callback import Callback
from connexeo.processing.cube import coordinates, with_dimensions
from connexeo.processing.execution import SUMMARY
from connexeo.processing.neighborhoods import labels_between
from connexeo.processing.pixelwise import trying_out
from connexeo.processing.process import process
from connexeo.processing.summaries import State, Summing, summing_up, with_summaries
from connexeo.processing.values import Array, Block, as_float

if TYPE_CHECKING:
    import xarray as xr

_SAMPLE = 4096
"""Pixels of a window on which a reducer is tried out, at most."""


@process
def aggregate_spatial_window(
    data: xr.DataArray,
    reducer: Callback,
    size: list[int],
    boundary: str = "pad",
    align: str = "upper-left",
    context: Any = None,
) -> xr.DataArray:
    """Reduce the pixels of each window of x and y to one, whose label is the centre of the window; lazily.

    Raises:
        DimensionNotAvailable: The cube lacks x or y.
    """
    x, y = plane_of(data)
    names = [str(name) for name in data.dims if name not in (x.name, y.name)]
    ordered = data.transpose(*names, y.name, x.name)
    steps = [spacing(coordinates(data, one.name)) for one in (y, x)]
    backwards = (
        align.startswith("lower") != ((steps[0] or -1.0) > 0),
        align.endswith("right") != ((steps[1] or 1.0) < 0),
    )
    tilings = [
        _Tiling(data.sizes[one.name], length, boundary == "pad", back)
        for one, length, back in zip((y, x), reversed(size), backwards, strict=True)
    ]
    tiled = _tiled(ordered.data, tilings)
    values = _reduce_windows(tiled, (size[1], size[0]), Bound(reducer, ("data",), {"context": context}))
    fallback = [abs(steps[1] or 1.0), abs(steps[0] or 1.0)]
    centres = {
        one.name: tiling.centres(coordinates(data, one.name), step)
        for one, tiling, step in zip((y, x), tilings, fallback, strict=True)
    }
    return with_dimensions(ordered, values, [*names, y.name, x.name], centres).transpose(*data.dims)


@process
def reduce_spatial(data: xr.DataArray, reducer: Callback, context: Any = None) -> xr.DataArray:
    """Reduce all pixels along x and y to one value; lazily, block by block where the reducer can do with summaries.

    Raises:
        DimensionNotAvailable: The cube lacks x or y.
    """
    x, y = plane_of(data)
    names = [str(name) for name in data.dims if name not in (x.name, y.name)]
    ordered = data.transpose(*names, y.name, x.name)
    size = (data.sizes[y.name], data.sizes[x.name])
    function = Bound(reducer, ("data",), {"context": context})
    summing = summing_up(function, data.dtype) if hasattr(ordered.data, "dask") and all(size) else None
    if summing is not None:
        values = _sum_up(ordered.data, summing, _type_of(function, size, data.dtype))
    else:
        values = _reduce_windows(ordered.data, size, function)[..., 0, 0]
    return with_dimensions(ordered, values, names)


@dataclass(frozen=True)
class _Tiling:
    """Windows along one axis."""

    length: int
    """Of the axis."""
    size: int
    """Of a window."""
    pad: bool
    """Whether incomplete windows are filled up, not cut off."""
    backwards: bool
    """Whether the last window ends at the end of the axis; otherwise the first one starts at its start."""

    @property
    def count(self) -> int:
        """Number of windows."""
        return math.ceil(self.length / self.size) if self.pad else self.length // self.size

    @property
    def first(self) -> int:
        """The index at which the windows start; negative if that is before the axis."""
        return self.length - self.count * self.size if self.backwards else 0

    @property
    def end(self) -> int:
        """The index behind the windows, which may be behind the axis."""
        return self.first + self.count * self.size

    def centres(self, labels: npt.NDArray[Any], step: float) -> npt.NDArray[Any]:
        """The middle of each window."""
        if not self.count:
            return np.empty(0, np.float64)
        windows = labels_between(labels, self.first, self.end, step).reshape(self.count, self.size)
        # Integers stay what they are unless the centre lies between them.
        first, last = windows[:, 0], windows[:, -1]
        return first if self.size == 1 else first + (last - first) / 2


@dataclass(frozen=True)
class _WindowReducer:
    """A block of whole windows in, a block with one pixel for each window out."""

    function: BlockFunction
    size: tuple[int, int]
    dtype: npt.DTypeLike | None = None

    def __call__(self, block: Block) -> Block:
        rows, columns = self.size
        further, (height, width) = block.shape[:-2], block.shape[-2:]
        down, across = height // rows if rows else 1, width // columns if columns else 1
        windows = block.reshape(*further, down, rows, across, columns)
        pixels = np.moveaxis(windows, (-3, -1), (0, 1)).reshape(rows * columns, *further, down, across)
        return as_block(self.function(Array(pixels)), (*further, down, across), self.dtype)


def _tiled(data: Any, tilings: list[_Tiling]) -> Any:
    """The data with pixels cut off or added, so that there are whole windows."""
    margins = [(max(-one.first, 0), max(one.end - one.length, 0)) for one in tilings]
    rows, columns = (slice(max(one.first, 0), max(min(one.end, one.length), 0)) for one in tilings)
    inside = data[..., rows, columns]
    if not any(map(any, margins)):
        return inside
    pad = dask_array().pad if hasattr(data, "dask") else np.pad
    floating = inside.astype(as_float(np.empty(0, data.dtype)).dtype)
    return pad(floating, [(0, 0)] * (data.ndim - 2) + margins, constant_values=np.nan)


def _reduce_windows(data: Any, size: tuple[int, int], function: BlockFunction) -> Any:
    """One pixel for each window of a size (rows, columns), which divides the data."""
    dtype = _type_of(function, size, data.dtype)
    reducer = _WindowReducer(function, size, dtype)
    if not hasattr(data, "dask"):
        return reducer(data)
    axes = range(data.ndim - 2, data.ndim)
    counts = {
        axis: max(1, max(data.chunks[axis], default=1) // max(length, 1))
        for axis, length in zip(axes, size, strict=True)
    }
    whole = data.rechunk(
        {
            axis: counts[axis] * length if data.shape[axis] > length else -1
            for axis, length in zip(axes, size, strict=True)
        }
    )
    chunks = list(whole.chunks)
    for axis, length in zip(axes, size, strict=True):
        chunks[axis] = tuple(one // length if length else 1 for one in whole.chunks[axis])
    meta = np.empty((0,) * data.ndim, dtype)
    name = f"windows-{uuid4().hex}"
    return whole.map_blocks(reducer, name=name, dtype=dtype, chunks=tuple(chunks), meta=meta)


@dataclass(frozen=True)
class _SumUp:
    """What is to be known of the pixels of a block, by which a plane is reduced."""

    summing: Summing

    def __call__(self, block: Block) -> tuple[State, ...]:
        pixels = block.reshape(*block.shape[:-2], math.prod(block.shape[-2:]))
        return self.summing.take(np.moveaxis(pixels, -1, 0))


@dataclass(frozen=True)
class _Join:
    """What is known of all blocks of a plane in, the value of the plane out."""

    summing: Summing
    dtype: np.dtype[Any]

    def __call__(self, shape: list[int], known: list[tuple[State, ...]]) -> Block:
        return as_block(self.summing.give(self.summing.join(known)), tuple(shape), self.dtype)


def _sum_up(data: Any, summing: Summing, dtype: np.dtype[Any]) -> Any:
    """One value for each plane of a dask array, which has pixels."""
    name = f"plane-{uuid4().hex}"
    rows, columns = ([at for at, size in enumerate(sizes) if size] for sizes in data.chunks[-2:])
    take, join = _SumUp(summing), _Join(summing, dtype)
    summaries: dict[Any, Any] = {}
    graph: dict[Any, Any] = {}
    for other in product(*(range(len(sizes)) for sizes in data.chunks[:-2])):
        keys = [(f"{SUMMARY}{name}", *other, *position) for position in product(rows, columns)]
        summaries |= {key: (take, (data.name, *key[1:])) for key in keys}
        shape = [sizes[at] for sizes, at in zip(data.chunks, other, strict=False)]
        graph[name, *other] = (join, shape, keys)
    layers = with_summaries(data, name, graph, summaries)
    meta = np.empty((0,) * (data.ndim - 2), dtype)
    return dask_array().Array(layers, name, data.chunks[:-2], meta=meta)


def _type_of(function: BlockFunction, size: tuple[int, int], source: np.dtype[Any]) -> np.dtype[Any]:
    """The type of what a reducer gives, tried out on two windows of which one has no data."""
    sample = np.ones((min(size[0] * size[1], _SAMPLE), 2), source)
    if source.kind == "f":
        sample[:, 1] = np.nan
    with trying_out():
        return as_block(function(Array(sample)), (2,)).dtype
