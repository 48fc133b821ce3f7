"""Processes that run a callback on each element of an array, and arrays with labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from connexeo.generated.errors import ArrayLengthMismatch, ProcessParameterInvalid
from connexeo.processing.callback import Callback
from connexeo.processing.process import PerPixel, process
from connexeo.processing.processes.arrays import AnyArray
from connexeo.processing.processes.truth import is_true
from connexeo.processing.values import Array, Label, LabeledList, as_float, is_block, labels_of, stack


@process
def array_apply(data: AnyArray, process: Callback, context: Any = None) -> AnyArray:
    """Replace each element by what a process makes of it; labels are kept."""
    results = list(_each(data, process, context))
    labels = labels_of(data)
    if not any(isinstance(result, Array) or is_block(result) for result in results):
        return results if labels is None else LabeledList(results, labels)
    if not all(is_block(result) or isinstance(result, bool | int | float | None) for result in results):
        raise PerPixel
    return stack(results, labels)


@process
def array_filter(data: AnyArray, condition: Callback, context: Any = None) -> AnyArray:
    """Keep the elements for which a condition gives true, with their labels.

    Conditions on values differ from pixel to pixel, so that on cubes the whole callback is evaluated pixel by pixel;
    conditions on indices and labels select for all pixels at once.
    """
    results = list(_each(data, condition, context))
    if any(is_block(result) and np.ndim(result) for result in results):
        raise PerPixel
    kept = [index for index, result in enumerate(results) if is_true(result)]
    labels = labels_of(data)
    remaining = None if labels is None else [labels[index] for index in kept]
    if isinstance(data, Array):
        # A single pixel may keep nothing of integers, for which a reducer gives no-data.
        values = as_float(data.values) if any(map(is_block, results)) else data.values
        return Array(values[kept], None if remaining is None else tuple(remaining))
    elements = [data[index] for index in kept]
    return elements if remaining is None else LabeledList(elements, remaining)


@process
def array_create_labeled(data: Any, labels: Sequence[Label] | Array) -> AnyArray:
    """An array with labels.

    Raises:
        ArrayLengthMismatch: There are not as many labels as elements.
        ProcessParameterInvalid: The data is no array, or two labels are the same.
    """
    if isinstance(labels, Array):
        raise PerPixel
    if not isinstance(data, Array | list):
        raise ProcessParameterInvalid(
            process="array_create_labeled", parameter="data", reason="an array is expected."
        )
    if len(labels) != len(data):
        raise ArrayLengthMismatch(f"{len(labels)} labels are given for {len(data)} elements.")
    if len(set(labels)) < len(labels):
        raise ProcessParameterInvalid(
            process="array_create_labeled", parameter="labels", reason="each label must occur once only."
        )
    return Array(data.values, tuple(labels)) if isinstance(data, Array) else LabeledList(data, labels)


def _each(data: AnyArray, callback: Callback, context: Any) -> Iterator[Any]:
    labels = labels_of(data)
    for index, element in enumerate(data):
        label = None if labels is None else labels[index]
        x = np.asarray(element) if isinstance(data, Array) else element
        yield callback(x=x, index=index, label=label, context=context)
