"""Circuit breakers: who does not answer is not waited for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Passage(Enum):
    """Whether a request may be made."""

    ASK = "ask"
    TRY = "try"
    """It may be made, but nobody should wait for it."""
    SKIP = "skip"


@dataclass(slots=True)
class CircuitBreaker:
    """Watches the requests of one sort to one back-end.

    Closed, it lets all requests pass. After some failures in a row it opens, and lets none pass. After a pause one
    request may try, while all others are still kept from it: it closes when that succeeds, else the pause begins
    anew. Times are of a clock that only goes on.

    Args:
        failures: Failures in a row that open it.
        pause: Seconds until it may be tried again.
    """

    failures: int
    pause: float
    failed: int = 0
    """In a row."""
    opened: float | None = None
    """Since when it is open; None while it is closed."""
    trying: bool = False

    def passage(self, now: float) -> Passage:
        """Whether a request may be made; whoever is told to try must report how that went."""
        if self.opened is None:
            return Passage.ASK
        if self.trying or now < self.opened + self.pause:
            return Passage.SKIP
        self.trying = True
        return Passage.TRY

    def succeeded(self) -> None:
        """A request was answered."""
        self.failed = 0
        self.opened = None
        self.trying = False

    def gave_up(self) -> None:
        """A request was ended by whoever made it, which says nothing of the back-end."""
        self.trying = False

    def failed_at(self, now: float) -> None:
        """A request was not answered."""
        self.failed += 1
        if self.trying or (self.opened is None and self.failed >= self.failures):
            self.opened = now
        self.trying = False
