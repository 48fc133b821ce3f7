"""Callbacks carried through data cubes, block by block.

A block is read, computed and written at once, in any dask worker; the dimension that a callback works along is one
chunk, all other chunks stay as they are. Nothing is computed before somebody asks for the values, except that a
callback is run on a block of a few pixels to find out the type of its values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from connexeo.generated.errors import ProcessGraphInvalid
from connexeo.processing.cube import labels, with_dimensions
from connexeo.processing.pixelwise import evaluate_pixels, made_up, trying_out
from connexeo.processing.process import PerPixel
from connexeo.processing.udf.preparation import runs_udf
from connexeo.processing.values import Array, Block, Label, stack

if TYPE_CHECKING:
    import xarray as xr

BlockFunction = Callable[..., Any]

_PIECE = 2**18
"""Values that a callback gets at once: what it computes in between then stays in the processor's cache, and takes no
memory to speak of. Measured: four times as many take a third longer."""
_FEWEST_PIXELS = 2**12
"""So that calling does not cost more than computing."""


@dataclass(frozen=True)
class Bound:
    """A callback of which only the block parameters are left open."""

    callback: BlockFunction
    names: tuple[str, ...]
    """The callback's parameters for the positional arguments."""
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *values: Any) -> Any:
        """The callback's value for one block per open parameter."""
        given = dict(zip(self.names, values, strict=True))
        with np.errstate(all="ignore"):
            try:
                return self.callback(**given, **self.fixed)
            except PerPixel:
                return evaluate_pixels(self.callback, given, self.fixed)


@dataclass(frozen=True)
class _Elementwise:
    """Blocks in, a block of the same shape out."""

    function: BlockFunction
    dtype: npt.DTypeLike | None = None

    def __call__(self, *blocks: Block) -> Block:
        shape = np.broadcast_shapes(*map(np.shape, blocks))
        if self.dtype is None:
            return as_block(self.function(*blocks), shape)
        whole = [np.broadcast_to(block, shape) for block in blocks]
        result = np.empty(shape, self.dtype)
        for piece in _pieces(shape, _PIECE):
            given = [block[piece] for block in whole]
            result[piece] = as_block(self.function(*given), given[0].shape, self.dtype)
        return result


@dataclass(frozen=True)
class _Reducer:
    """A block in, the same without one axis out."""

    function: BlockFunction
    axis: int
    labels: tuple[Label, ...] | None
    dtype: npt.DTypeLike | None = None

    def __call__(self, block: Block) -> Block:
        values = np.moveaxis(block, self.axis, 0)
        if self.dtype is None:
            return as_block(self.function(Array(values, self.labels)), values.shape[1:])
        result = np.empty(values.shape[1:], self.dtype)
        for piece in _pieces(result.shape, _PIECE // max(1, len(values))):
            part = values[:, *piece]
            result[piece] = as_block(self.function(Array(part, self.labels)), part.shape[1:], self.dtype)
        return result


@dataclass(frozen=True)
class _GroupReducer:
    """A block in, the same with one label for each of several groups along an axis out."""

    function: BlockFunction
    axis: int
    labels: tuple[Label, ...] | None
    groups: tuple[tuple[int, ...], ...]
    dtype: npt.DTypeLike

    def __call__(self, block: Block) -> Block:
        values = np.moveaxis(block, self.axis, 0)
        result = np.empty((len(self.groups), *values.shape[1:]), self.dtype)
        first: dict[tuple[int, ...], int] = {}
        for number, group in enumerate(self.groups):
            if group in first:  # there may be thousands of hours without data
                result[number] = result[first[group]]
                continue
            first[group] = number
            names = None if self.labels is None else tuple(self.labels[index] for index in group)
            reducer = _Reducer(self.function, 0, names, self.dtype)
            result[number] = reducer(values[compact(group)])
        return np.moveaxis(result, 0, self.axis)


@dataclass(frozen=True)
class _EmptyReducer:
    """The value of a reducer for an array without elements, as large as the block that is passed."""

    function: BlockFunction
    source: npt.DTypeLike
    dtype: npt.DTypeLike | None = None

    def __call__(self, block: Block) -> Block:
        nothing = Array(np.empty((0, *block.shape), self.source), ())
        return as_block(self.function(nothing), block.shape, self.dtype)


@dataclass(frozen=True)
class _Transformer:
    """A block in, the same with another length of one axis out."""

    function: BlockFunction
    axis: int
    labels: tuple[Label, ...] | None
    dtype: npt.DTypeLike | None = None

    def __call__(self, block: Block) -> Block:
        values = np.moveaxis(block, self.axis, 0)
        result = self.function(Array(values, self.labels))
        if not len(values) and isinstance(result, Array) and not len(result):
            return block.astype(result.values.dtype if self.dtype is None else self.dtype)
        return np.moveaxis(as_array(result, values.shape[1:], self.dtype), 0, self.axis)


def map_values(cube: xr.DataArray, function: BlockFunction) -> xr.DataArray:
    """Apply a function to every value; all dimensions stay."""
    if runs_udf(function):
        from connexeo.processing.udf import blocks as udf

        return udf.map_values(cube, (), function)
    dtype = _type_of(_Elementwise(function), _sample(cube.shape, cube.dtype))
    data = _map(_Elementwise(function, dtype), [cube.data], dtype)
    return with_dimensions(cube, data, [str(name) for name in cube.dims])


def combine_values(
    cube: xr.DataArray, others: Sequence[xr.DataArray], function: BlockFunction
) -> xr.DataArray:
    """Apply a function to the values of cubes with the same dimensions and labels; gives a cube like the first."""
    if runs_udf(function):
        from connexeo.processing.udf import blocks as udf

        return udf.map_values(cube, others, function)
    cubes = [cube, *(other.transpose(*cube.dims) for other in others)]
    dtype = _type_of(_Elementwise(function), *(_sample(one.shape, one.dtype) for one in cubes))
    data = _map(_Elementwise(function, dtype), _aligned([one.data for one in cubes]), dtype)
    return with_dimensions(cube, data, [str(name) for name in cube.dims])


def reduce_along(cube: xr.DataArray, dimension: str, function: BlockFunction) -> xr.DataArray:
    """Reduce one dimension with a function of an `Array`; it is dropped, all others stay."""
    if runs_udf(function):
        from connexeo.processing.udf import blocks as udf

        return udf.reduce_along(cube, dimension, function)
    axis = cube.get_axis_num(dimension)
    reducer = _Reducer(function, axis, labels(cube, dimension))
    dtype = _type_of(reducer, _sample(cube.shape, cube.dtype, axis))
    data = _map(
        _Reducer(function, axis, reducer.labels, dtype), [_one_chunk(cube.data, axis)], dtype, drop_axis=axis
    )
    return with_dimensions(cube, data, [str(name) for name in cube.dims if name != dimension])


def reduce_groups(
    cube: xr.DataArray,
    dimension: str,
    groups: Sequence[Sequence[int]],
    function: BlockFunction,
    coordinate: Any,
) -> xr.DataArray:
    """Reduce groups of labels of one dimension, each to one label.

    Args:
        cube: The cube.
        dimension: Its dimension to be reduced.
        groups: Indices of labels, per group; groups may overlap and may be empty.
        function: Reduces an `Array`, which is empty for an empty group.
        coordinate: Labels of the groups.
    """
    axis = cube.get_axis_num(dimension)
    if _is_dask(cube.data) and len(cube.data.chunks[axis]) == 1 and not runs_udf(function):
        data = _reduce_together(cube, dimension, tuple(map(tuple, groups)), function)
        return with_dimensions(cube, data, [str(name) for name in cube.dims], {dimension: coordinate})
    known: dict[tuple[int, ...], Any] = {}
    for group in map(tuple, groups):
        if group not in known:  # there may be thousands of hours without data
            known[group] = _reduce_group(cube, dimension, group, function)
    parts = [known[tuple(group)] for group in groups]
    dtype = np.result_type(*(part.dtype for part in parts))
    data = _stack([part.astype(dtype, copy=False) for part in parts], axis)
    return with_dimensions(cube, data, [str(name) for name in cube.dims], {dimension: coordinate})


def transform_along(cube: xr.DataArray, dimension: str, function: BlockFunction) -> tuple[Any, int]:
    """Apply a function from `Array` to `Array` along one dimension.

    Returns:
        The data in the order of the cube's dimensions, and the new length of the dimension.
    """
    if runs_udf(function):
        from connexeo.processing.udf import blocks as udf

        return udf.transform_along(cube, dimension, function)
    axis = cube.get_axis_num(dimension)
    names = labels(cube, dimension)
    with made_up():
        sample = _Transformer(function, axis, names)(_sample(cube.shape, cube.dtype, axis))
    length = sample.shape[axis]
    transformer = _Transformer(function, axis, names, sample.dtype)
    source = _one_chunk(cube.data, axis)
    if not _is_dask(source):
        return transformer(source), length
    chunks = tuple((length,) if index == axis else sizes for index, sizes in enumerate(source.chunks))
    return _map(transformer, [source], sample.dtype, chunks=chunks), length


def as_block(value: Any, shape: tuple[int, ...], dtype: npt.DTypeLike | None = None) -> Block:
    """What a callback returned as one number per pixel.

    Raises:
        ProcessGraphInvalid: It is no number.
    """
    if isinstance(value, Array | list):
        raise ProcessGraphInvalid("The process graph returns an array where a single value is required.")
    block = np.asarray(np.nan if value is None else value)
    if block.dtype.kind not in "biuf":
        raise ProcessGraphInvalid(
            "The process graph returns a value that a data cube can't hold; return a number."
        )
    if dtype is not None:
        block = block.astype(dtype, copy=False)
    return np.broadcast_to(block, shape) if block.shape != shape else block


def as_array(value: Any, shape: tuple[int, ...], dtype: npt.DTypeLike | None = None) -> Block:
    """What a callback returned as one array per pixel, along axis 0.

    Raises:
        ProcessGraphInvalid: It is no array of numbers, or has no elements.
    """
    if isinstance(value, list) and value:
        value = stack(value)
    if not isinstance(value, Array) or len(value) == 0:
        raise ProcessGraphInvalid("The process graph must return an array with at least one element.")
    return np.stack([as_block(element, shape, dtype) for element in value])


def _reduce_together(
    cube: xr.DataArray, dimension: str, groups: tuple[tuple[int, ...], ...], function: BlockFunction
) -> Any:
    """All groups by one task for each block, which holds all of them already."""
    axis = cube.get_axis_num(dimension)
    names = labels(cube, dimension)
    types = {
        _type_of(
            _Reducer(function, 0, None if names is None else tuple(names[index] for index in group)),
            np.moveaxis(_sample(cube.shape, cube.dtype, axis), axis, 0)[list(group)],
        )
        for group in set(groups)
    }
    dtype = np.result_type(*types)
    chunks = tuple((len(groups),) if index == axis else sizes for index, sizes in enumerate(cube.data.chunks))
    return _map(_GroupReducer(function, axis, names, groups, dtype), [cube.data], dtype, chunks=chunks)


def _reduce_group(cube: xr.DataArray, dimension: str, group: Sequence[int], function: BlockFunction) -> Any:
    if len(group):
        return reduce_along(cube.isel({dimension: list(group)}), dimension, function).data
    template = cube.isel({dimension: 0}, drop=True) if cube.sizes[dimension] else cube.sum(dimension)
    dtype = _type_of(_EmptyReducer(function, cube.dtype), _sample(template.shape, cube.dtype))
    return _map(_EmptyReducer(function, cube.dtype, dtype), [_shape_only(template.data)], dtype)


def _shape_only(data: Any) -> Any:
    """An array of the same shape and chunks that needs no reading."""
    if not _is_dask(data):
        return data
    da = dask_array()
    return da.zeros(data.shape, chunks=data.chunks, dtype=bool)


def _type_of(function: BlockFunction, *samples: Block) -> np.dtype[Any]:
    """Of the numbers that a function gives."""
    with trying_out():
        result: Block = function(*samples)
    return result.dtype


def _sample(shape: tuple[int, ...], dtype: np.dtype[Any], axis: int | None = None) -> Block:
    """A block of a few pixels with and without data, complete along `axis`."""
    first = next((index for index in range(len(shape)) if index != axis), axis)
    sizes = [shape[i] if i == axis else 2 if i == first else 1 for i in range(len(shape))]
    sample = np.ones(sizes, dtype)
    if dtype.kind == "f" and first is not None and sizes[first] > 1:
        np.moveaxis(sample, first, 0)[-1] = np.nan
    return sample


def dask_array() -> Any:
    """The module `dask.array`, which has no types, loaded only where a cube is lazy."""
    import dask.array

    return dask.array


def _is_dask(data: Any) -> bool:
    return hasattr(data, "dask")


def _one_chunk(data: Any, axis: int) -> Any:
    return data.rechunk({axis: -1}) if _is_dask(data) else data


def _aligned(arrays: list[Any]) -> list[Any]:
    """Arrays of one shape with one layout of chunks, that of the first one that has chunks."""
    chunks = next((array.chunks for array in arrays if _is_dask(array)), None)
    if chunks is None:
        return arrays
    da = dask_array()
    return [array.rechunk(chunks) if _is_dask(array) else da.from_array(array, chunks) for array in arrays]


def _map(function: BlockFunction, arrays: list[Any], dtype: npt.DTypeLike, **layout: Any) -> Any:
    """Run a function on every block: at once for numpy arrays, lazily for dask arrays."""
    if not _is_dask(arrays[0]):
        return function(*arrays)
    da = dask_array()
    # A name of its own spares dask hashing the callback, and a type spares it trying out the callback.
    name = f"callback-{uuid4().hex}"
    if "drop_axis" in layout:
        # By `map_blocks`, dask would copy each block, as if there were several along the axis.
        axes = tuple(range(arrays[0].ndim))
        kept = tuple(axis for axis in axes if axis != layout["drop_axis"])
        meta = np.empty((0,) * len(kept), dtype)
        alone = _Alone(function)
        return da.blockwise(
            alone,
            kept,
            arrays[0],
            axes,
            name=name,
            dtype=dtype,
            meta=meta,
            align_arrays=False,
            concatenate=False,
        )
    meta = np.empty((0,) * arrays[0].ndim, dtype)
    return da.map_blocks(function, *arrays, name=name, dtype=dtype, meta=meta, **layout)


@dataclass(frozen=True)
class _Alone:
    """Takes the only block along an axis, which dask gives as a list of one."""

    function: BlockFunction

    def __call__(self, blocks: list[Block]) -> Block:
        (block,) = blocks
        result: Block = self.function(block)
        return result


def _pieces(shape: tuple[int, ...], size: int) -> Iterator[tuple[slice, ...]]:
    """Parts of an array of about as many values, as they lie one after the other in memory."""
    size = max(size, _FEWEST_PIXELS)
    if math.prod(shape) <= size:
        yield (slice(None),) * len(shape)
        return
    axis, rest = 0, math.prod(shape[1:])
    while rest > size:
        axis += 1
        rest //= shape[axis]
    step = max(1, size // max(1, rest))
    for place in np.ndindex(shape[:axis]):
        before = tuple(slice(index, index + 1) for index in place)
        for start in range(0, shape[axis], step):
            yield (*before, slice(start, start + step), *[slice(None)] * (len(shape) - axis - 1))


def compact(indices: Sequence[int]) -> Any:
    """Indices as a slice where they are one, as that copies nothing."""
    if not indices:
        return slice(0, 0)
    whole = range(indices[0], indices[0] + len(indices))
    return slice(whole.start, whole.stop) if tuple(indices) == tuple(whole) else list(indices)


def _stack(parts: list[Any], axis: int) -> Any:
    if not any(map(_is_dask, parts)):
        return np.stack(parts, axis)
    da = dask_array()
    return da.stack(parts, axis)
