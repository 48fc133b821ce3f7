"""Callbacks evaluated pixel by pixel with plain values, for what blocks can't hold.

Texts, and arrays that differ in length from pixel to pixel, are no blocks. A process function that comes across them
raises `PerPixel`; the callback is then run for each pixel. That is slow, but gives what the definitions say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from connexeo.generated.errors import ProcessGraphInvalid
from connexeo.processing.values import Array, Block, LabeledList, is_block, labels_of

_trying_out: ContextVar[bool] = ContextVar("trying_out", default=False)
_by_pixel: ContextVar[bool] = ContextVar("by_pixel", default=False)
_made_up: ContextVar[bool] = ContextVar("made_up", default=False)


@contextmanager
def made_up() -> Iterator[None]:
    """While a callback runs on values that are no pixels of a cube, to find out the shape of its results."""
    token = _made_up.set(True)
    try:
        yield
    finally:
        _made_up.reset(token)


def are_made_up() -> bool:
    """Whether the values that a process function gets are no pixels, so that nobody wants to see them in a log."""
    return _made_up.get() or _trying_out.get()


@contextmanager
def trying_out() -> Iterator[None]:
    """While only the type of one number per pixel is asked for, pixels with made up values are not evaluated.

    Their values might make errors that no pixel of the cube makes.
    """
    token = _trying_out.set(True)
    try:
        yield
    finally:
        _trying_out.reset(token)


def are_pixels() -> bool:
    """Whether plain values stand for pixels of a cube, so that None is what NaN is in blocks."""
    return _by_pixel.get()


def without_nan(value: Any) -> Any:
    """What a process gave, with None for NaN if it is of a pixel: later processes then see the no-data of blocks."""
    if not are_pixels():
        return value
    if isinstance(value, list):
        elements = [without_nan(element) for element in value]
        return LabeledList(elements, value.labels) if isinstance(value, LabeledList) else elements
    return _plain(value)


def evaluate_pixels(function: Callable[..., Any], values: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
    """The results of a function for each pixel, as a block or an `Array`, in double precision.

    Args:
        function: Called with plain values.
        values: Blocks and arrays of blocks that broadcast to each other, by parameter.
        fixed: Further arguments, which are passed on as they are.

    Raises:
        ProcessGraphInvalid: The results can't be stacked.
    """
    shape = np.broadcast_shapes(
        *(one.shape for one in values.values() if isinstance(one, Array) or is_block(one))
    )
    if _trying_out.get():
        return np.full(shape, math.nan)
    pixels = {name: _pixels(value, shape) for name, value in values.items()}
    token = _by_pixel.set(True)
    try:
        results = [
            function(**{name: one[index] for name, one in pixels.items()}, **fixed)
            for index in range(math.prod(shape))
        ]
    finally:
        _by_pixel.reset(token)
    if any(isinstance(result, Array | list) for result in results):
        return _stacked(results, shape)
    return np.array([_number(result) for result in results], np.float64).reshape(shape)


def _pixels(value: Any, shape: tuple[int, ...]) -> Sequence[Any]:
    """The plain value of each pixel."""
    if isinstance(value, Array):
        broadcast = np.broadcast_to(value.values, (len(value), *shape)).reshape(len(value), math.prod(shape))
        lists = (list(map(_plain, pixel)) for pixel in broadcast.T.tolist())
        return list(lists) if value.labels is None else [LabeledList(one, value.labels) for one in lists]
    if is_block(value):
        return list(map(_plain, np.broadcast_to(value, shape).reshape(-1).tolist()))
    return [value] * math.prod(shape)


def _plain(number: Any) -> Any:
    return None if isinstance(number, float) and math.isnan(number) else number


def _stacked(results: Sequence[Any], shape: tuple[int, ...]) -> Array:
    first = results[0]
    for result in results:
        if not isinstance(result, Array | list) or len(result) != len(first):
            raise ProcessGraphInvalid(
                "The process graph returns arrays that differ in length from pixel to pixel, which a data cube can't "
                "hold. Reduce them to single values, or to arrays of the same length."
            )
    numbers = [[_number(element) for element in result] for result in results]
    values: Block = np.array(numbers, np.float64).reshape(*shape, len(first))
    labels = labels_of(first)
    common = labels if all(labels_of(result) == labels for result in results) else None
    return Array(np.moveaxis(values, -1, 0), common)


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool | int | float) or (is_block(value) and np.ndim(value) == 0):
        return float(value)
    raise ProcessGraphInvalid(
        "The process graph returns a value that a data cube can't hold; return a number."
    )
