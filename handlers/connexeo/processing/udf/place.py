"""Where in a data cube a block lies: what a UDF in a callback needs to know, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[Any]
Kind = Literal["values", "reduce", "transform"]
"""Of the parent process: one value for each, one for an array, an array for an array."""


@dataclass(frozen=True)
class Place:
    """A block of a cube."""

    dims: tuple[str, ...]
    """Of the cube, in the order of its axes."""
    coords: Mapping[str, Labels]
    """Labels in the block, where a dimension has any."""
    kind: Kind
    dimension: str | None = None
    """The one that the callback works along: axis 0 of an `Array`, the others are the block."""
    proj: Mapping[str, Any] | None = None
    """Reference system as UDFs are told it."""


_PLACE: ContextVar[Place | None] = ContextVar("place", default=None)


def current_place() -> Place | None:
    """The block that the callback runs on; None outside of callbacks that a place is told for."""
    return _PLACE.get()


@contextmanager
def at(place: Place) -> Iterator[None]:
    """Run a callback on a block."""
    token = _PLACE.set(place)
    try:
        yield
    finally:
        _PLACE.reset(token)


@dataclass(frozen=True)
class Layout:
    """How a cube is cut into blocks; gives the place of each."""

    dims: tuple[str, ...]
    coords: Mapping[str, Labels]
    chunks: tuple[tuple[int, ...], ...]
    kind: Kind
    dimension: str | None = None
    proj: Mapping[str, Any] | None = None

    def place(self, block: tuple[int, ...]) -> Place:
        """The place of a block by its position; of that of a reduced dimension, which is one chunk, nothing is told."""
        numbers = iter(block)
        coords: dict[str, Labels] = {}
        for name, sizes in zip(self.dims, self.chunks, strict=True):
            number = 0 if self.kind == "reduce" and name == self.dimension else next(numbers)
            if name in self.coords:
                start = sum(sizes[:number])
                coords[name] = self.coords[name][start : start + sizes[number]]
        return Place(self.dims, coords, self.kind, self.dimension, self.proj)

    def sample(self, sizes: tuple[int, ...]) -> Place:
        """The place of the first labels."""
        coords = {
            name: np.asarray(self.coords[name][:size])
            for name, size in zip(self.dims, sizes, strict=True)
            if name in self.coords
        }
        return Place(self.dims, coords, self.kind, self.dimension, self.proj)
