"""Memory of the work with many documents: no search for cyclic garbage, of which they have none; and back it goes."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_garbage() -> Iterator[None]:
    """Make many objects quickly: otherwise all of them are looked at again and again while more are made.

    It takes more than half of the time of merging 15,000 collections, and holds up all other threads.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def give_back_memory() -> None:
    """Hand what was freed to the system, where its C library keeps it otherwise: the merging needs ten times more than
    the rest, and seldom.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
