"""Arrays made from arrays: with elements added, replaced, removed, or filled in between; their labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from connexeo.generated.errors import (
    ArrayElementNotAvailable,
    ArrayNotLabeled,
    LabelExists,
)
from connexeo.processing.arguments import parse_instant
from connexeo.processing.process import process
from connexeo.processing.processes.arrays import AnyArray, array_find, join_labels, make_array
from connexeo.processing.processes.elementwise import is_number, plain_float
from connexeo.processing.processes.reduction import Numbers
from connexeo.processing.processes.tiles import Missing, by_tiles
from connexeo.processing.processes.truth import Truth
from connexeo.processing.values import Array, Block, Label, LabeledList, labels_of, refuse_blocks


@process
def array_append(data: AnyArray, value: Any, label: Label | None = None) -> AnyArray:
    """An array with one more element at the end.

    Args:
        data: An array.
        value: The new element.
        label: Its label if the array has labels; by default the new element's index.

    Raises:
        ArrayNotLabeled: A label is given, but the array has none.
        LabelExists: The array has that label already.
    """
    refuse_blocks(label)
    labels = labels_of(data)
    if labels is None and label is not None:
        raise ArrayNotLabeled("The array has no labels, so its new element can't have one.")
    if labels is not None:
        label = len(data) if label is None else label
        if label in labels:
            raise LabelExists()
        labels = (*labels, label)
    return make_array([*data, value], labels, (data,))


@process
def array_modify(data: AnyArray, values: AnyArray, index: int, length: int = 0) -> AnyArray:
    """An array with elements replaced by others; labels are kept if both arrays have some or one is empty.

    Args:
        data: An array.
        values: Elements to insert.
        index: Where to insert them.
        length: How many elements to remove from there on.

    Raises:
        ArrayElementNotAvailable: The index is larger than the number of elements.
        ArrayLabelConflict: A label is in both arrays.
    """
    refuse_blocks(index, length)
    start, end = int(index), int(index) + int(length)
    if start > len(data):
        raise ArrayElementNotAvailable(f"There are {len(data)} elements, none can be inserted at {start}.")
    labels1, labels2 = (() if len(array) == 0 else labels_of(array) for array in (data, values))
    labels = None
    if labels1 is not None and labels2 is not None and (labels1 or labels2):
        join_labels(labels1, labels2)
        labels = (*labels1[:start], *labels2, *labels1[end:])
    elements = list(data)
    return make_array([*elements[:start], *values, *elements[end:]], labels, (data, values))


@process
def array_contains(data: AnyArray, value: Any) -> Truth:
    """Whether an element equals a value in the sense of `eq`."""
    index = array_find(data, value)
    return np.asarray(~np.isnan(index)) if isinstance(index, np.ndarray) else index is not None


@process
def array_labels(data: AnyArray) -> list[Label]:
    """The labels of an array, or the indices if it has none."""
    labels = labels_of(data)
    return list(range(len(data)) if labels is None else labels)


@process
def array_find_label(data: AnyArray, label: Label) -> int | None:
    """The index of a label; no-data if the array does not have it."""
    refuse_blocks(label)
    labels = labels_of(data) or ()
    return labels.index(label) if label in labels else None


@process
def array_interpolate_linear(data: Numbers) -> Numbers:
    """An array with no-data and NaN between other numbers replaced by linear interpolation; labels are kept.

    Distances are those of the labels if these are numbers, dates or times, else those of the indices.
    """
    labels = labels_of(data)
    places = _places(labels, len(data))
    if isinstance(data, Array):

        def interpolate(tile: Block, missing: Missing) -> Block:
            return tile if missing is None else _interpolate(tile, missing, places)

        return Array(by_tiles(interpolate, data.values, len(data), dtype=data.values.dtype), labels)
    results = _interpolate_plain(data, places)
    return results if labels is None else LabeledList(results, labels)


def _interpolate_plain(data: Sequence[int | float | None], places: Block) -> list[int | float | None]:
    values = np.array([[math.nan if value is None else plain_float(value)] for value in data])
    if len(values) == 0:
        return []
    with np.errstate(all="ignore"):
        filled = _interpolate(values, np.isnan(values), places)[:, 0].tolist()
    # What was a number, and what can not be interpolated, stays what it was: an integer, no-data, or NaN.
    unchanged = [
        math.isnan(new) or not math.isnan(old) for old, new in zip(values[:, 0], filled, strict=True)
    ]
    return [old if same else new for old, new, same in zip(data, filled, unchanged, strict=True)]


def _places(labels: Sequence[Label] | None, count: int) -> Block:
    """Where the elements are on the axis to interpolate along."""
    if labels is not None and all(map(is_number, labels)):
        return np.array(labels, dtype=np.float64)
    instants = [parse_instant(label) for label in labels or ()]
    seconds = [instant.timestamp() for instant in instants if instant is not None]
    return np.array(seconds) if labels and len(seconds) == count else np.arange(count, dtype=np.float64)


def _interpolate(values: Block, missing: Block, places: Block) -> Block:
    last = len(values) - 1
    rows = np.arange(len(values))[:, np.newaxis]
    before = np.maximum.accumulate(np.where(missing, -1, rows), axis=0)
    after = np.minimum.accumulate(np.where(missing, last + 1, rows)[::-1], axis=0)[::-1]
    inside = missing & (before >= 0) & (after <= last)
    before, after = np.maximum(before, 0), np.minimum(after, last)
    start, end = (np.take_along_axis(values, index, axis=0).astype(np.float64) for index in (before, after))
    share = (places[:, np.newaxis] - places[before]) / (places[after] - places[before])
    # From infinity on, the distance is infinite: infinity minus infinity would be NaN.
    between = np.where(np.isinf(start), start + end, start + (end - start) * share)
    return np.where(inside, between, values)
