"""Logs of back-ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.drivers.federation.checked import checked_entry
from connexeo.drivers.federation.merging import BACKENDS, MISSING, Belonging
from connexeo.drivers.federation.snapshots.fetching import next_link
from connexeo.drivers.interface import LogPage

_LEVELS = frozenset({"error", "warning", "info", "debug"})


def log_page(upstream: str, document: Mapping[str, Any], level: str | None) -> LogPage:
    """A page of a log, as a back-end sent it; the next one starts behind its last entry."""
    entries = document.get("logs")
    told = (
        {**each, BACKENDS: [upstream]} if isinstance(each, dict) else each
        for each in (entries if isinstance(entries, list) else ())
    )
    checked = (checked_entry(Belonging.LOG_ENTRY, upstream, each) for each in told)
    good = [each for each in checked if each is not None]
    more = next_link(document, "") is not None and bool(good)
    kept = document.get("level")
    return LogPage(
        good,
        str(good[-1]["id"]) if more else None,
        kept if kept in _LEVELS else level or "debug",
        extra={MISSING: []},
    )
