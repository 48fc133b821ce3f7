"""Lists in memory, for the fakes of microservices that have some."""

from __future__ import annotations

from collections.abc import Sequence

from connexeo.drivers.interface import Json, LogPage, Page

LEVELS = ("debug", "info", "warning", "error")


def page_of(entries: Sequence[Json], size: int, offset: str | None) -> Page:
    """A page of entries; offsets are places."""
    start = int(offset or 0)
    end = start + size
    return Page(entries[start:end], str(end) if end < len(entries) else None)


def log_page(size: int, offset: str | None, level: str | None) -> LogPage:
    """A page of a log with an entry of each level, twice."""
    wanted = LEVELS[LEVELS.index(level or "debug") :]
    entries = [
        {"id": str(number), "level": name, "message": f"entry {number}"}
        for number, name in enumerate(LEVELS * 2, start=1)
        if number > int(offset or 0) and name in wanted
    ]
    following = entries[size - 1]["id"] if len(entries) > size else None
    return LogPage(entries[:size], following, level or "debug")
