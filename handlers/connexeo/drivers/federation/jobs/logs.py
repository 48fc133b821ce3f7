"""Logs of back-ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.drivers.federation.merging import BACKENDS, MISSING
from connexeo.drivers.federation.snapshots.fetching import next_link
from connexeo.drivers.interface import LogPage

_LEVELS = frozenset({"error", "warning", "info", "debug"})


def log_page(upstream: str, document: Mapping[str, Any], level: str | None) -> LogPage:
    """A page of a log, as a back-end sent it; the next one starts behind its last entry."""
    entries = document.get("logs")
    good = [
        {**each, BACKENDS: [upstream]}
        for each in (entries if isinstance(entries, list) else ())
        if _is_entry(each)
    ]
    more = next_link(document, "") is not None and bool(good)
    kept = document.get("level")
    return LogPage(
        good,
        str(good[-1]["id"]) if more else None,
        kept if kept in _LEVELS else level or "debug",
        extra={MISSING: []},
    )


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("id"), str)
        and isinstance(entry.get("message"), str)
        and entry.get("level") in _LEVELS
    )
