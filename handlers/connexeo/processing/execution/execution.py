"""What is decided for all that an evaluation computes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connexeo.processing.execution.layout import Layout
from connexeo.processing.execution.parts import Block, Deliver, Division, Key, Strategy
from connexeo.processing.execution.threads import Threads

if TYPE_CHECKING:
    import dask.array as da

Progress = Callable[[int, int], None]
"""Takes how many blocks are written, and how many there are; called by one thread at a time."""


def _ignore(done: int, total: int) -> None:
    """Where nobody wants to know."""


@dataclass(frozen=True)
class Execution:
    """How blocks of results are computed."""

    layout: Layout = field(default_factory=Layout)
    """Of cubes that are loaded."""
    strategy: Strategy = field(default_factory=Threads)
    """Where they are computed."""
    columns: int = 4
    """How many stacks of blocks that lie upon each other may be computed together where they have pixels in common, as
    windows of neighbours have: with more of them less is computed twice, and more memory is taken."""
    cache: int = 2**26
    """Bytes of decoded tiles that GDAL keeps, rather than 5 % of the machine's memory: no tile is read twice where
    blocks hold whole tiles."""
    on_progress: Progress = _ignore


_current: ContextVar[Execution | None] = ContextVar("execution", default=None)


def current() -> Execution:
    """That of this thread."""
    return _current.get() or Execution()


@contextmanager
def using(execution: Execution) -> Iterator[None]:
    """Compute everything in this way."""
    token = _current.set(execution)
    try:
        yield
    finally:
        _current.reset(token)


def compute_blocks(arrays: Sequence[da.Array], deliver: Deliver) -> None:
    """Compute all blocks of arrays together, so that what they share is computed once.

    Args:
        arrays: Lazy arrays.
        deliver: Takes a block's key and its values, in any thread of this process, as soon as they are there.
    """
    import rasterio

    execution = current()
    division = Division(arrays, execution.columns)
    *before, results = division.stages
    count = _Count(sum(map(len, division.stages)), execution.on_progress)
    with rasterio.Env(GDAL_CACHEMAX=execution.cache):
        for summaries in before:
            known: dict[Key, Any] = {}
            execution.strategy(division.parts(summaries), count.of(known.__setitem__))
            for key, value in known.items():
                division.keep(key, value)
        execution.strategy(division.parts(results), count.of(deliver))


class _Count:
    """Tells how many blocks are delivered."""

    def __init__(self, total: int, tell: Progress) -> None:
        self._total = total
        self._tell = tell
        self._done = 0
        self._lock = threading.Lock()

    def of(self, deliver: Deliver) -> Deliver:
        """The same, counting."""

        def counted(key: Key, block: Block) -> None:
            deliver(key, block)
            with self._lock:
                self._done += 1
                self._tell(self._done, self._total)

        return counted
