"""Spares the work with many documents the search for cyclic garbage, of which documents have none."""

from __future__ import annotations

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
