"""Making arrays and getting elements from them, plain arrays or arrays for every pixel of a block."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from connexeo.generated.errors import (
    ArrayElementNotAvailable,
    ArrayElementParameterConflict,
    ArrayElementParameterMissing,
    ArrayLabelConflict,
    ArrayNotLabeled,
)
from connexeo.processing.process import process
from connexeo.processing.processes.comparison import eq, equal
from connexeo.processing.processes.elementwise import Number
from connexeo.processing.processes.sorting import sort_blocks, sorted_positions
from connexeo.processing.processes.truth import is_true
from connexeo.processing.values import (
    Array,
    Block,
    Label,
    LabeledList,
    as_float,
    is_block,
    labels_of,
    refuse_blocks,
    stack,
)

AnyArray: TypeAlias = Array | list[Any]
"""A plain array or an array for every pixel of a block."""


@process
def array_create(data: AnyArray | None = None, repeat: int = 1) -> AnyArray:
    """A new array without labels, from the elements of an array, repeated as often as asked."""
    refuse_blocks(repeat)
    if isinstance(data, Array):
        repeats = (int(repeat), *[1] * (data.values.ndim - 1))
        return Array(np.tile(data.values, repeats) if repeat > 1 else data.values)
    return list(data or []) * int(repeat)


@process
def array_concat(array1: AnyArray, array2: AnyArray) -> AnyArray:
    """The elements of the second array after those of the first; labels are kept if both arrays have some.

    Raises:
        ArrayLabelConflict: A label is in both arrays.
    """
    labels1, labels2 = labels_of(array1), labels_of(array2)
    labels = None if labels1 is None or labels2 is None else join_labels(labels1, labels2)
    return make_array([*array1, *array2], labels, (array1, array2))


@process
def array_element(
    data: AnyArray, index: int | Block | None = None, label: Label | None = None, return_nodata: bool = False
) -> Any:
    """The element with an index or with a label.

    Args:
        data: An array.
        index: Counted from 0. For arrays of blocks it may differ from pixel to pixel.
        label: A label of the array.
        return_nodata: Give no-data rather than an error if there is no such element.

    Raises:
        ArrayElementParameterMissing: Neither index nor label is given.
        ArrayElementParameterConflict: Both are given.
        ArrayNotLabeled: A label is given for an array without labels.
        ArrayElementNotAvailable: There is no such element.
    """
    refuse_blocks(label, return_nodata)
    if index is None and label is None:
        raise ArrayElementParameterMissing()
    if index is not None and label is not None:
        raise ArrayElementParameterConflict()
    if label is not None:
        labels = labels_of(data)
        if labels is None:
            raise ArrayNotLabeled()
        index = labels.index(label) if label in labels else len(labels)
    if is_block(index):
        return _element_by_pixel(data, np.asarray(index), return_nodata)
    assert isinstance(index, int | float)
    if 0 <= index < len(data):
        return np.asarray(data[int(index)]) if isinstance(data, Array) else data[int(index)]
    if not return_nodata:
        wanted = f"index {index}" if label is None else f"label {label!r}"
        raise ArrayElementNotAvailable(f"No element has the {wanted} (number of elements: {len(data)}).")
    return _nodata_like(data) if isinstance(data, Array) else None


def _element_by_pixel(data: AnyArray, index: Block, return_nodata: bool) -> Block:
    values = data.values if isinstance(data, Array) else stack([*data, index]).values[:-1]
    available = (index >= 0) & (index < len(values))
    if available.all():
        return _take(values, index.astype(np.intp))
    if not return_nodata:
        raise ArrayElementNotAvailable(f"An index is not available (number of elements: {len(values)}).")
    if len(values) == 0:
        return np.full(index.shape, math.nan, dtype=np.float32)
    taken = as_float(_take(values, np.where(available, index, 0).astype(np.intp)))
    return np.asarray(np.where(available, taken, math.nan))


def _take(values: Block, index: Block) -> Block:
    shape = np.broadcast_shapes(index.shape, values.shape[1:])
    picked = np.broadcast_to(index, shape)[np.newaxis]
    taken = np.take_along_axis(np.broadcast_to(values, (len(values), *shape)), picked, axis=0)
    return np.asarray(taken[0])


def _nodata_like(data: Array) -> Block:
    return np.full(data.shape, math.nan, dtype=as_float(data.values[:0]).dtype)


@process
def array_find(data: AnyArray, value: Any, reverse: bool = False) -> Number:
    """The index of the first (or last) element that is equal to a value (see `eq`); no-data if none is."""
    refuse_blocks(reverse)
    if isinstance(data, Array) or is_block(value):
        return _find_by_pixel(data, value, reverse)
    indices: Iterable[int] = reversed(range(len(data))) if reverse else range(len(data))
    return next((index for index in indices if equal(data[index], value)), None)


def _find_by_pixel(data: AnyArray, value: Any, reverse: bool) -> Block:
    if isinstance(value, Array | list | dict):
        value = None
    if len(data) == 0:
        return np.full(data.shape if isinstance(data, Array) else np.shape(value), math.nan, dtype=np.float32)
    found = np.stack(np.broadcast_arrays(*(is_true(eq(element, value)) for element in data)))
    index = len(found) - 1 - found[::-1].argmax(axis=0) if reverse else found.argmax(axis=0)
    return np.asarray(np.where(found.any(axis=0), index.astype(np.float32), math.nan))


@process
def first(data: AnyArray, ignore_nodata: bool = True) -> Any:
    """The first element, by default the first that is not no-data; no-data if there is none."""
    return _first(data, range(len(data)), ignore_nodata)


@process
def last(data: AnyArray, ignore_nodata: bool = True) -> Any:
    """The last element, by default the last that is not no-data; no-data if there is none."""
    return _first(data, reversed(range(len(data))), ignore_nodata)


def _first(data: AnyArray, indices: Iterable[int], ignore_nodata: bool) -> Any:
    refuse_blocks(ignore_nodata)
    if not isinstance(data, Array):
        elements = (data[index] for index in indices)
        return next((element for element in elements if element is not None or not ignore_nodata), None)
    chosen: Block | None = None
    for index in indices:
        # A copy, so that the values of one element do not keep all others in memory.
        chosen = np.array(data[index]) if chosen is None else np.where(np.isnan(chosen), data[index], chosen)
        if not ignore_nodata or not np.isnan(chosen).any():
            break
    return _nodata_like(data) if chosen is None else np.asarray(chosen)


@process
def sort(data: AnyArray, asc: bool = True, nodata: bool | None = None) -> AnyArray:
    """An array sorted by value: numbers by size, dates and times by instant, whatever their time zones.

    Args:
        data: Numbers, or dates and times. Labels are not kept.
        asc: Whether the smallest come first.
        nodata: Whether no-data comes last (true) or first (false); None removes it. In blocks, where pixels
            differ in how much remains, removed no-data leaves no-data at the end.
    """
    refuse_blocks(asc, nodata)
    if isinstance(data, Array):
        return Array(sort_blocks(data.values, asc, nodata))
    return [data[position] for position in sorted_positions(data, asc, nodata)]


def join_labels(labels1: Iterable[Label], labels2: Iterable[Label]) -> tuple[Label, ...]:
    """The labels of two arrays one after the other.

    Raises:
        ArrayLabelConflict: A label is in both.
    """
    joined = (*labels1, *labels2)
    if len(set(joined)) < len(joined):
        raise ArrayLabelConflict()
    return joined


def make_array(
    elements: list[Any], labels: tuple[Label, ...] | None, origins: Iterable[AnyArray]
) -> AnyArray:
    """An array of elements that come from other arrays: for blocks if any of these is, else plain."""
    blocks = next((origin for origin in origins if isinstance(origin, Array)), None)
    if blocks is None:
        return elements if labels is None else LabeledList(elements, labels)
    if any(map(is_block, elements)):
        return stack(elements, labels)
    template = np.broadcast_to(_nodata_like(blocks), (1, *blocks.shape))
    return Array(stack([*elements, *template]).values[:-1], labels)
