"""The values that process functions get and give outside of data cubes.

Plain values are those of JSON: `None` (no-data), `bool`, `int`, `float`, `str`, `list`, `dict`; an array with labels is
a `LabeledList`. Inside a callback that runs on a data cube, the same functions get blocks, so that one call works on
all pixels of a block at once:

- a number (or boolean) is an `np.ndarray` of the block's shape, or a Python scalar where it is the same everywhere;
- an array is an `Array`, whose axis 0 is the openEO array and whose further axes are the block;
- a list that holds a block arrives as an `Array`, stacked on a new axis 0.

No-data is NaN in blocks of floating point numbers; integer and boolean blocks have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from connexeo.processing.process import PerPixel

Label: TypeAlias = str | int | float
Block: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Array:
    """An openEO array for every pixel of a block."""

    values: Block
    """Axis 0 is the array, all further axes are the block. Without further axes it is one array of numbers."""
    labels: tuple[Label, ...] | None = None
    """Labels of axis 0, e.g. band names or RFC 3339 strings."""

    def __post_init__(self) -> None:
        if self.values.ndim == 0:
            raise ValueError("An array needs at least one axis")
        if self.labels is not None and len(self.labels) != len(self.values):
            raise ValueError(f"{len(self.labels)} labels given for {len(self.values)} values")

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Block]:
        return iter(self.values)

    def __getitem__(self, index: int) -> Block:
        element: Block = self.values[index]
        return element

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the block, i.e. without axis 0."""
        return self.values.shape[1:]


class LabeledList(list[Any]):
    """A plain array (a list) whose values have labels."""

    def __init__(self, values: Iterable[Any], labels: Sequence[Label]) -> None:
        super().__init__(values)
        if len(labels) != len(self):
            raise ValueError(f"{len(labels)} labels given for {len(self)} values")
        self.labels: tuple[Label, ...] = tuple(labels)

    def __repr__(self) -> str:
        return f"LabeledList({super().__repr__()}, labels={list(self.labels)!r})"


def labels_of(data: Array | Sequence[Any]) -> tuple[Label, ...] | None:
    """The labels of an array, or None where it has none."""
    return data.labels if isinstance(data, Array | LabeledList) else None


def is_block(value: object) -> bool:
    """Whether a value is a number for every pixel of a block (numpy scalars are blocks without axes)."""
    return isinstance(value, np.ndarray | np.generic)


def refuse_blocks(*options: Any) -> None:
    """For parameters that can't differ from pixel to pixel when a process works on all pixels of a block at once.

    Raises:
        PerPixel: One of them does.
    """
    if any(isinstance(option, Array) or (is_block(option) and np.ndim(option)) for option in options):
        raise PerPixel


def as_float(block: Block) -> Block:
    """Integers and booleans as floating point numbers that hold them: float32 up to 16 bits, float64 beyond."""
    if block.dtype.kind == "f":
        return block
    return block.astype(np.float32 if block.dtype.itemsize <= 2 else np.float64)


def common_type(items: Iterable[Any]) -> np.dtype[Any]:
    """The type that holds blocks and plain numbers together: that of the blocks where it holds the numbers.

    So a Python float does not turn float32 into float64. Left to itself, numpy lets integers wrap (`np.where`).

    Raises:
        TypeError: An item is neither a block nor a number, boolean, or None.
    """
    given = list(items)
    blocks = [item.dtype for item in given if is_block(item)]
    plain = [item for item in given if not is_block(item)]
    for item in plain:
        if not isinstance(item, int | float | None):
            raise TypeError(f"a {type(item).__name__} can't be an element beside numbers")
    if not blocks:
        return np.result_type(*(np.nan if item is None else item for item in plain))
    dtype = np.result_type(*blocks)
    for item in plain:
        dtype = _holding(dtype, item)
    return dtype


def _holding(dtype: np.dtype[Any], number: int | float | None) -> np.dtype[Any]:
    if dtype.kind == "f" or isinstance(number, bool):
        return dtype
    if not isinstance(number, int):
        return as_float(np.empty(0, dtype)).dtype
    if dtype.kind != "b" and np.iinfo(dtype).min <= number <= np.iinfo(dtype).max:
        return dtype
    smallest = np.min_scalar_type(number)
    return np.dtype(np.float64) if smallest.kind == "O" else np.result_type(dtype, smallest)


def stack(items: Sequence[Any], labels: Sequence[Label] | None = None) -> Array:
    """Blocks and scalars, broadcast to one shape, as an `Array` of their common type; None becomes NaN.

    Raises:
        PerPixel: There is something else among them, such as a text.
    """
    shape = np.broadcast_shapes(*(np.shape(item) for item in items if is_block(item)))
    try:
        dtype = common_type(items)
    except TypeError as error:
        raise PerPixel from error
    values = np.empty((len(items), *shape), dtype=dtype)
    for index, item in enumerate(items):
        values[index] = np.nan if item is None else item
    return Array(values, None if labels is None else tuple(labels))


def as_argument(value: Any) -> Any:
    """A value as process functions expect it: a list that holds blocks becomes an `Array`."""
    if isinstance(value, list) and any(map(is_block, value)):
        return stack(value, labels_of(value))
    return value
