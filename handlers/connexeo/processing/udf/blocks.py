"""Callbacks with user-defined functions carried through data cubes, block by block.

As in `connexeo.processing.blocks`, but a block has all labels of the dimensions that are not spatial, whatever the
callback works along, and the callback can find out where it lies. What the values are like is found out on a small
block of made-up values, so that results stay lazy; where the code fails on these, they are taken for floating point
numbers, as many as came in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from connexeo.processing.blocks import Bound, as_array, as_block, dask_array
from connexeo.processing.cube import coordinates, dimensions_of_type, labels, with_dimensions
from connexeo.processing.pixelwise import made_up
from connexeo.processing.udf.call import UdfFailed, failed
from connexeo.processing.udf.place import Kind, Layout, at
from connexeo.processing.udf.preparation import EXTERNAL, prepare, udf_process
from connexeo.processing.udf.results import proj_of
from connexeo.processing.values import Array, Block, Label, as_float

if TYPE_CHECKING:
    import xarray as xr

_LARGEST = 1024
_SMALLEST = 32
"""Pixels of a block in each direction."""
_SHARE = 16
"""Part of the memory of a UDF that the values of a block may take."""
_ELSEWHERE = 2**21
"""Bytes of the values of a block for a service, to which they are sent as text."""
_SAMPLE = 8
"""Pixels of the block of made-up values in each direction."""


@dataclass(frozen=True)
class _OnBlock:
    """A callback on one block, with its place."""

    function: Bound
    layout: Layout
    axis: int | None = None
    labels: tuple[Label, ...] | None = None
    dtype: np.dtype[Any] | None = None
    length: int | None = None
    """Of the dimension, as the sample tells."""

    def __call__(self, *blocks: Block, block_id: tuple[int, ...] | None = None) -> Block:
        with at(self.layout.place(block_id or (0,) * len(self.layout.dims))):
            return self.compute(*blocks)

    def compute(self, *blocks: Block) -> Block:
        """The values for one block of each cube."""
        if self.axis is None:
            shape = np.broadcast_shapes(*map(np.shape, blocks))
            return self._typed(as_block(self.function(*blocks), shape))
        values = np.moveaxis(blocks[0], self.axis, 0)
        result = self.function(Array(values, self.labels))
        if self.layout.kind == "reduce":
            return self._typed(as_block(result, values.shape[1:]))
        array = as_array(result, values.shape[1:])
        if self.length is not None and len(array) != self.length:
            raise failed(
                f"it returned {len(array)} values along '{self.layout.dimension}' for a block, where {self.length} are "
                "expected as for other blocks. The number must not depend on the values.",
                process=udf_process(self.function),
            )
        return np.moveaxis(self._typed(array), 0, self.axis)

    def _typed(self, block: Block) -> Block:
        """The block in the type that all have, if that loses nothing but digits."""
        if self.dtype is None or block.dtype == self.dtype:
            return block
        with np.errstate(all="ignore"):
            typed = block.astype(self.dtype)
        if self.dtype.kind != "f" and not np.array_equal(typed, block):
            raise failed(
                f"it returned values of the type {block.dtype} for a block, but {self.dtype} for others. Let it always "
                "return the same type, e.g. with astype('float32').",
                process=udf_process(self.function),
            )
        return typed


def map_values(cube: xr.DataArray, others: Sequence[xr.DataArray], function: Bound) -> xr.DataArray:
    """Apply a callback to each value of cubes with the same dimensions and labels; all dimensions stay."""
    lazy = any(one.chunks is not None for one in others)
    source = _cut(cube.chunk() if lazy and cube.chunks is None else cube, function, None)
    cubes = [source, *(other.transpose(*cube.dims) for other in others)]
    block = _OnBlock(_prepared(function), _layout(source, "values"))
    sample = _try(block, source, len(cubes))
    data = _map(replace(block, dtype=_type(sample, source)), [one.data for one in cubes])
    return with_dimensions(cube, data, [str(name) for name in cube.dims])


def reduce_along(cube: xr.DataArray, dimension: str, function: Bound) -> xr.DataArray:
    """Reduce one dimension; it is dropped, all others stay."""
    source = _cut(cube, function, dimension)
    axis = source.get_axis_num(dimension)
    layout = _layout(source, "reduce", dimension)
    block = _OnBlock(_prepared(function), layout, axis, labels(cube, dimension))
    sample = _try(block, source)
    data = _map(replace(block, dtype=_type(sample, source)), [source.data], drop_axis=axis)
    return with_dimensions(cube, data, [str(name) for name in cube.dims if name != dimension])


def transform_along(cube: xr.DataArray, dimension: str, function: Bound) -> tuple[Any, int]:
    """Apply a callback from array to array along a dimension; gives the data and the new length."""
    source = _cut(cube, function, dimension)
    axis = source.get_axis_num(dimension)
    layout = _layout(source, "transform", dimension)
    block = _OnBlock(_prepared(function), layout, axis, labels(cube, dimension))
    sample = _try(block, source)
    length = cube.sizes[dimension] if sample is None else sample.shape[axis]
    chunks = None
    if source.chunks is not None:
        chunks = tuple((length,) if index == axis else sizes for index, sizes in enumerate(source.chunks))
    typed = replace(block, dtype=_type(sample, source), length=length)
    return _map(typed, [source.data], chunks=chunks), length


def _prepared(function: Bound) -> Bound:
    callback: Any = function.callback
    return replace(function, callback=prepare(callback))


def _cut(cube: xr.DataArray, function: Bound, dimension: str | None) -> xr.DataArray:
    """The cube in blocks that a UDF has memory for; a cube in memory is one block if that is not too large."""
    callback: Any = function.callback
    room = callback.environment.udf.memory / _SHARE
    if udf_process(function) == EXTERNAL:
        room = min(room, _ELSEWHERE)
    plane = [one.name for one in dimensions_of_type(cube, "spatial") if one.axis in ("x", "y")]
    spatial = [name for name in plane if name != dimension]
    if cube.chunks is None and cube.nbytes <= room:
        return cube
    each = math.prod(size for name, size in cube.sizes.items() if name not in spatial)
    side = _LARGEST
    while side > _SMALLEST and each * side**2 * max(cube.dtype.itemsize, 4) > room:
        side //= 2
    known = cube.chunksizes
    chunks: dict[Any, Any] = {}
    for name in cube.dims:
        if name not in spatial:
            chunks[name] = -1
        elif name not in known or max(known[name], default=0) > side:
            chunks[name] = side
    return cube.chunk(chunks)


def _layout(cube: xr.DataArray, kind: Kind, dimension: str | None = None) -> Layout:
    dims = tuple(map(str, cube.dims))
    coords = {name: coordinates(cube, name) for name in dims if name in cube.coords}
    chunks = cube.chunks if cube.chunks is not None else tuple((size,) for size in cube.shape)
    return Layout(dims, coords, chunks, kind, dimension, proj_of(cube))


def _try(block: _OnBlock, cube: xr.DataArray, count: int = 1) -> Block | None:
    """What the callback makes of a few made-up values, without a log; None where the code fails on them.

    Raises:
        OpenEOError: It would fail on any values.
    """
    spatial = {one.name for one in dimensions_of_type(cube, "spatial")}
    sizes = tuple(
        min(size, _SAMPLE) if name in spatial and name != block.layout.dimension else size
        for name, size in zip(block.layout.dims, cube.shape, strict=True)
    )
    ramp = np.arange(1, math.prod(sizes) + 1).reshape(sizes)
    if cube.dtype.kind == "f":
        values = (ramp / ramp.size).astype(cube.dtype) if ramp.size else ramp.astype(cube.dtype)
    else:
        values = (ramp % 2 == 1) if cube.dtype.kind == "b" else (ramp % 100).astype(cube.dtype)
    with at(block.layout.sample(sizes)), made_up():
        try:
            return block.compute(*[values] * count)
        except UdfFailed as error:
            if not error.loaded:
                raise
            return None


def _type(sample: Block | None, cube: xr.DataArray) -> np.dtype[Any]:
    return as_float(np.empty(0, cube.dtype)).dtype if sample is None else sample.dtype


def _map(block: _OnBlock, arrays: list[Any], **layout: Any) -> Any:
    given = {name: value for name, value in layout.items() if value is not None}
    if not hasattr(arrays[0], "dask"):
        return block(*map(np.asarray, arrays))
    da = dask_array()
    chunks = arrays[0].chunks
    aligned = [
        array.rechunk(chunks) if hasattr(array, "dask") else da.from_array(array, chunks) for array in arrays
    ]
    meta = np.empty((0,) * (aligned[0].ndim - ("drop_axis" in given)), block.dtype)
    # A method, as dask looks for cubes in all fields of dataclasses, those of the environment among them.
    function = block.__call__
    return da.map_blocks(function, *aligned, name=f"udf-{uuid4().hex}", dtype=block.dtype, meta=meta, **given)
