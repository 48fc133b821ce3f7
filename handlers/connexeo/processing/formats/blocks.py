"""Lazy arrays written block by block as they are computed, with their statistics taken in passing."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from connexeo.processing.execution import Key, Region, compute_blocks, regions
from connexeo.processing.formats.interface import Statistics
from connexeo.processing.formats.packing import Packing

if TYPE_CHECKING:
    import dask.array as da

Block = npt.NDArray[Any]


class Lock(Protocol):
    """A lock as in `threading`."""

    def __enter__(self) -> Any: ...
    def __exit__(self, *details: object) -> Any: ...


@dataclass(frozen=True)
class Tally:
    """Sums from which statistics of several blocks result."""

    total: int = 0
    valid: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    mean: float = 0.0
    squares: float = 0.0
    """Sum of squared differences from the mean."""

    @classmethod
    def of(cls, block: Block) -> Tally:
        """Of all finite values of a block."""
        valid = block[np.isfinite(block)] if block.dtype.kind == "f" else block.ravel()
        if valid.size == 0:
            return cls(total=block.size)
        mean = float(valid.mean(dtype=np.float64))
        squares = float(np.square(valid.astype(np.float64) - mean).sum())
        return cls(block.size, valid.size, float(valid.min()), float(valid.max()), mean, squares)

    def __add__(self, other: Tally) -> Tally:
        """Of both (Chan, Golub and LeVeque 1979)."""
        total, valid = self.total + other.total, self.valid + other.valid
        if valid == 0:
            return Tally(total=total)
        apart = other.mean - self.mean
        return Tally(
            total,
            valid,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
            self.mean + apart * other.valid / valid,
            self.squares + other.squares + apart**2 * self.valid * other.valid / valid,
        )

    def statistics(self) -> Statistics:
        """NaN for what no value has."""
        if self.valid == 0:
            return Statistics(math.nan, math.nan, math.nan, math.nan, 0.0)
        deviation = math.sqrt(self.squares / self.valid)
        return Statistics(self.minimum, self.maximum, self.mean, deviation, 100 * self.valid / self.total)


class Sink:
    """A target of `store`: packs blocks, tallies them, and hands them to a function that writes them.

    Args:
        write: Writes a packed block to a region of the array; called by one thread at a time.
        packing: How values are held.
        bands: Length of axis 0 if it is to be tallied one by one; None: the array is tallied as a whole.
        lock: Held while `write` is called.
    """

    def __init__(
        self,
        write: Callable[[Region, Block], None],
        packing: Packing,
        *,
        bands: int | None = None,
        lock: Lock | None = None,
    ) -> None:
        self._write = write
        self._packing = packing
        self._lock = lock or threading.Lock()
        self._by_band = bands is not None
        self._tallies = [Tally()] * (bands or 1)
        self._closed = False

    def __dask_tokenize__(self) -> object:
        return id(self)

    def __setitem__(self, region: Region, block: Block) -> None:
        parts = block if self._by_band else [block]
        start = region[0].start if self._by_band else 0
        tallies = [Tally.of(part) for part in parts]
        packed = self._packing.pack(block)
        with self._lock:
            if self._closed:
                return
            self._write(region, packed)
            for index, tally in enumerate(tallies, start):
                self._tallies[index] += tally

    def close(self) -> None:
        """Ignore further blocks; waits for the one that is being written.

        After a failure, other threads of dask still deliver the blocks that they are at.
        """
        with self._lock:
            self._closed = True

    def statistics(self) -> list[Statistics]:
        """Of each band, or of the array."""
        return [tally.statistics() for tally in self._tallies]


def store(arrays: Sequence[da.Array], sinks: Sequence[Sink]) -> None:
    """Compute several arrays together, so that what they share is computed once, and write each block at once.

    How they are computed is a matter of `execution.using`; the blocks are written by threads of this process.
    """
    targets: dict[Key, list[tuple[Sink, Region]]] = {}
    for array, sink in zip(arrays, sinks, strict=True):
        for key, region in regions(array):
            targets.setdefault(key, []).append((sink, region))

    def write(key: Key, block: Block) -> None:
        for sink, region in targets[key]:
            sink[region] = block

    try:
        compute_blocks(arrays, write)
    finally:
        close(sinks)


def close(sinks: Iterable[Sink]) -> None:
    """Close all sinks."""
    for sink in sinks:
        sink.close()
