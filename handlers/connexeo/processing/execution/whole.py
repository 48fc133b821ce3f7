"""Lazy arrays computed as a whole, where they cannot be used in parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.processing.execution.execution import compute_blocks
from connexeo.processing.execution.parts import Block, Key

if TYPE_CHECKING:
    import dask.array as da
    import xarray as xr

Region = tuple[slice, ...]


def values_of(cube: xr.DataArray) -> Block:
    """All values of a cube at once, which are computed if they are not there; by the current execution."""
    return compute(cube.data) if hasattr(cube.data, "dask") else np.asarray(cube.data)


def compute(array: da.Array) -> Block:
    """All values of an array at once."""
    values = np.empty(array.shape, array.dtype)
    targets = dict(regions(array))

    def keep(key: Key, block: Any) -> None:
        values[targets[key]] = block

    compute_blocks([array], keep)
    return values


def regions(array: da.Array) -> Iterator[tuple[Key, Region]]:
    """The keys of an array's blocks, and where each lies."""
    ends = [list(itertools.accumulate(sizes)) for sizes in array.chunks]
    parts = [
        [slice(end - size, end) for end, size in zip(each, sizes, strict=True)]
        for each, sizes in zip(ends, array.chunks, strict=True)
    ]
    for place in itertools.product(*(range(len(each)) for each in parts)):
        region = tuple(each[position] for each, position in zip(parts, place, strict=True))
        yield (array.name, *place), region
