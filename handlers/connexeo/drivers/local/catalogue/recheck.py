"""How often a source is looked at again."""

from __future__ import annotations

import time


class Recheck:
    """Says when a look is due: after some seconds, and later where looking takes long.

    A look is to take no more than a fiftieth of the time, so that large catalogues do not spend it on looking. With 0
    seconds it is always due.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = float("-inf")

    def due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() >= self._next

    def looked(self, since: float) -> None:
        """A look that began at `since` (monotonic) has just ended."""
        now = time.monotonic()
        self._next = now + max(self._seconds, 50 * (now - since)) if self._seconds else now

    def postpone(self, seconds: float) -> None:
        """Do not look for some time, e.g. after a failure."""
        self._next = time.monotonic() + seconds
