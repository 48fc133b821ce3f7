"""Fetching again what failed for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from connexeo.fetch.errors import FetchFailed

T = TypeVar("T")

DEADLINE = 20.0
"""Seconds after which no further attempt begins."""
FIRST_PAUSE = 0.2
"""Seconds before the second attempt; then twice as long each time."""
LONGEST_PAUSE = 3.0


def patiently(fetch: Callable[[], T]) -> T:
    """What is fetched; repeated while the server fails in a way that may be over in a moment.

    Raises:
        FetchError: what the last attempt raised.
    """
    end = time.monotonic() + DEADLINE
    pause = FIRST_PAUSE
    while True:
        try:
            return fetch()
        except FetchFailed as error:
            if not error.passing or time.monotonic() + pause > end:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
