"""What back-ends say of the things that users have there, as far as clients can read it."""

from __future__ import annotations

from typing import Any

import structlog

from connexeo.drivers.federation.merging import Belonging, sound_entry

logger = structlog.get_logger("connexeo.federation")


def checked_entry(sort: Belonging, upstream: str, entry: Any) -> dict[str, Any] | None:
    """The entry as the contract has it; None, and a note in the log, when there is no such thing in it.

    Args:
        sort: What it is.
        upstream: Who sent it.
        entry: With the identifier that it has here.
    """
    sound = sound_entry(sort, entry)
    if sound is None:
        logger.info(
            "federation.left_out",
            upstream=upstream,
            kind=sort.name.lower().replace("_", " "),
            reason="it is malformed",
        )
    return sound
