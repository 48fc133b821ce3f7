"""What a run of a job says, kept until the database has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from connexeo.drivers.local.jobs.queue import Job, Report
from connexeo.drivers.local.state.logbook import LEVELS
from connexeo.generated.errors import OpenEOError

Json = Mapping[str, Any]

MOST = 10_000
"""Entries that are kept of one run."""
LARGEST = 64 * 2**20
"""Bytes of them."""
_AT_ONCE = 500
"""Entries that are written in one transaction."""


class Messages:
    """Progress and log entries of a run.

    Args:
        job: The job; entries below its log level are dropped.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._level = LEVELS[job.log_level]
        self._entries: list[dict[str, Any]] = []
        self._first = job.next_log
        self._count = 0
        self._size = 0
        self._progress = 0.0

    def log(self, entry: Json) -> None:
        """Take an entry as process functions write it."""
        if LEVELS[entry["level"]] < self._level or self._is_full():
            return
        shown = entry_of(entry)
        self._count += 1
        self._size += len(orjson.dumps(shown, default=str))
        if self._is_full():
            shown = entry_of({"level": "warning", "message": "There are more log entries than are kept."})
        self._entries.append(shown)

    def progress(self, fraction: float) -> None:
        """Take the progress; it is not complete before the results are."""
        self._progress = min(round(100 * fraction, 1), 99.9)

    def report(self, *, everything: bool = False) -> Report:
        """What the database does not have yet, or a part of it."""
        entries = tuple(self._entries if everything else self._entries[:_AT_ONCE])
        return Report(self._job.id, self._job.run, self._progress, entries, self._first)

    def heard(self, report: Report) -> None:
        """The database has it."""
        del self._entries[: len(report.entries)]
        self._first += len(report.entries)

    def _is_full(self) -> bool:
        return self._count >= MOST or self._size > LARGEST


def entry_of(entry: Json) -> dict[str, Any]:
    """A log entry as the contract has it, of now."""
    shown = {"level": entry["level"], "message": entry["message"], "time": datetime.now(UTC)}
    shown |= {key: entry[key] for key in ("code", "data") if entry.get(key) is not None}
    if entry.get("node") is not None:
        shown["path"] = [{"node_id": entry["node"]}]
    return shown


def error_entry(error: OpenEOError, node: str | None = None) -> dict[str, Any]:
    """The log entry that ends a job."""
    return entry_of({"level": "error", "message": error.message, "code": error.code, "node": node})
