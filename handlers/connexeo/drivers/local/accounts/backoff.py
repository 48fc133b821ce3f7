"""Slows down guessing of passwords."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_FREE = 5
_LONGEST = 30.0
_SIZE = 10_000


class Backoff:
    """Counts failed logins per user name, known or not, in one worker.

    After five failures in a row each further attempt has to wait, one second at first, then twice as long each
    time, at most half a minute. That slows down guessing, and cannot lock anybody out for longer. It is a brake
    beside the cost of the hash, not a wall: names are forgotten when there are very many, and every worker counts
    for itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def remaining(self, name: str) -> float:
        """Seconds until the next attempt is allowed."""
        count, last = self._failures.get(name, (0, 0.0))
        if count < _FREE:
            return 0.0
        wait = min(2.0 ** min(count - _FREE, 10), _LONGEST)
        return max(0.0, last + wait - self._clock())

    def failed(self, name: str) -> None:
        """Count a failure."""
        count, _ = self._failures.pop(name, (0, 0.0))
        self._failures[name] = count + 1, self._clock()
        if len(self._failures) > _SIZE:
            self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Start over."""
        self._failures.pop(name, None)
