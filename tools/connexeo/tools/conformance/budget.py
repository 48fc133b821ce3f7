"""How much a run may ask of a back-end: requests, their rate, and time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


class BudgetExhausted(Exception):
    """There is no time left, or no request; the text says which option gives more."""


@dataclass(slots=True)
class Budget:
    """What is left of a run. The clock starts when it is made."""

    seconds: float = 900.0
    requests: int = 20_000
    rate: float = 0.0
    """Requests per second at most; 0: no limit."""
    started: float = field(default_factory=time.monotonic)
    sent: int = 0
    stopped: str | None = None
    """Why nothing more is sent, whatever is left."""
    _next: float = 0.0

    def take(self) -> None:
        """Wait until the next request may be sent.

        Raises:
            BudgetExhausted: when none may be sent any more.
        """
        if self.stopped is not None:
            raise BudgetExhausted(self.stopped)
        if self.sent >= self.requests:
            raise BudgetExhausted(f"{self.requests} requests were sent; more with --max-requests")
        if self.rate > 0:
            now = time.monotonic()
            if now < self._next:
                time.sleep(max(0.0, min(self._next - now, self.left)))
            self._next = max(now, self._next) + 1 / self.rate
        if self.left <= 0:
            raise BudgetExhausted(f"{self.seconds:g} s are over; more with --max-time")
        self.sent += 1

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self.seconds - self.spent

    def extend(self, seconds: float, requests: int) -> None:
        """Allow at least this much more from now on: what was created has to be removed whatever happens."""
        self.stopped = None
        self.seconds = max(self.seconds, self.spent + seconds)
        self.requests = max(self.requests, self.sent + requests)
