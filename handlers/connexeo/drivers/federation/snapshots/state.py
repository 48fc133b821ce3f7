"""What is known of one back-end: whether it is there, and since when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """The outcome of the last checks of one back-end. Times are seconds since 1970."""

    id: str
    online: bool | None = None
    """None as long as it has not been checked."""
    checked: float | None = None
    """The last check."""
    succeeded: float | None = None
    """The last check that it answered."""
    changed: float | None = None
    """Since when it is what it is."""
    failures: int = 0
    """Checks in a row that it did not answer."""
    latency: float | None = None
    """Seconds that the last check took that it answered."""
    reason: str = ""
    """Why it did not answer the last check."""

    def answered(self, now: float, latency: float) -> Self:
        """After a check that it answered."""
        changed = self.changed if self.online else now
        return replace(
            self,
            online=True,
            checked=now,
            succeeded=now,
            changed=changed,
            failures=0,
            latency=latency,
            reason="",
        )

    def failed(self, now: float, reason: str) -> Self:
        """After a check that it did not answer."""
        changed = now if self.online is not False else self.changed
        return replace(
            self, online=False, checked=now, changed=changed, failures=self.failures + 1, reason=reason
        )
