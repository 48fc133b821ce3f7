"""What user-defined functions may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class UdfLimits:
    """Limits of the sandboxes of one computation."""

    memory: int = 2**30
    """Bytes of memory of one sandbox, besides those for libraries."""
    timeout: float = 300.0
    """Seconds that one call may take."""
    processes: int = 2
    """Sandboxes that run at a time."""
    hidden: tuple[str, ...] = ()
    """Folders that a sandbox never sees, even where they lie in those of Python."""
    run: str = ""
    """What tells one computation from another: sandboxes are not shared."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any], run: str) -> UdfLimits:
        """The limits as another process told them, for one computation."""
        return cls(**{**value, "hidden": tuple(value.get("hidden", ())), "run": run})
