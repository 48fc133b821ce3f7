"""Log entries of batch jobs, numbered from 1 in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from connexeo.drivers.local.jobs.times import rfc3339
from connexeo.drivers.local.state.tables import job_logs
from connexeo.generated.errors import RequestInvalid

LEVELS: Mapping[str, int] = {"debug": 1, "info": 2, "warning": 3, "error": 4}
"""From the least to the most severe."""

PAGE_SIZE = 4 * 2**20
"""Characters that the entries of a page may have; `inspect` makes large ones."""

_NAMES = {number: name for name, number in LEVELS.items()}
_LAST = 2**31 - 1
"""Largest number that the database takes."""


def append(connection: Connection, job_id: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add entries to the log of a job; the caller holds the job's row, so that nobody else counts on meanwhile.

    Args:
        connection: A transaction that writes.
        job_id: The job.
        entries: ``level``, ``message`` and whatever else the contract has; without a ``time`` they are of now.
    """
    if not entries:
        return
    last = connection.scalar(select(func.max(job_logs.c.number)).where(job_logs.c.job_id == job_id)) or 0
    now = datetime.now(UTC)
    rows = [
        {
            "job_id": job_id,
            "number": number,
            "time": entry.get("time") or now,
            "level": LEVELS[entry["level"]],
            "entry": {key: value for key, value in entry.items() if key not in ("id", "level", "time")},
        }
        for number, entry in enumerate(entries, start=last + 1)
    ]
    connection.execute(insert(job_logs), rows)


def read(
    connection: Connection, job_id: str, *, limit: int, after: int = 0, level: str | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """The entries that follow a number, as the contract has them, and whether there are more.

    Args:
        connection: A transaction.
        job_id: A job that the caller may see.
        limit: Most entries; they are fewer when they are large.
        after: Number of the last entry that is known.
        level: Least severe level.
    """
    columns = job_logs.c
    wanted = [columns.job_id == job_id, columns.number > after]
    if level is not None and LEVELS[level] > 1:
        wanted.append(columns.level >= LEVELS[level])
    sizes = (
        select(columns.number, func.length(columns.entry))
        .where(*wanted)
        .order_by(columns.number)
        .limit(limit + 1)
    )
    known = [(int(number), int(size)) for number, size in connection.execute(sizes)]
    count = _count(size for _, size in known[:limit])
    if count == 0:
        return [], False
    query = (
        select(columns.number, columns.time, columns.level, columns.entry)
        .where(*wanted, columns.number <= known[count - 1][0])
        .order_by(columns.number)
    )
    return _entries(connection.execute(query).mappings()), count < len(known)


def _count(sizes: Iterable[int]) -> int:
    """How many entries fit on a page; one always does."""
    total = count = 0
    for size in sizes:
        total += size
        if count and total > PAGE_SIZE:
            break
        count += 1
    return count


def last_error(connection: Connection, job_id: str) -> dict[str, Any] | None:
    """The latest entry of the level ``error``."""
    columns = job_logs.c
    query = (
        select(columns.number, columns.time, columns.level, columns.entry)
        .where(columns.job_id == job_id, columns.level == LEVELS["error"])
        .order_by(columns.number.desc())
        .limit(1)
    )
    return next(iter(_entries(connection.execute(query).mappings())), None)


def clear(connection: Connection, job_id: str) -> None:
    """Forget all entries of a job."""
    connection.execute(delete(job_logs).where(job_logs.c.job_id == job_id))


def number_of(offset: str | None) -> int:
    """The number of the entry that a page starts behind.

    Raises:
        RequestInvalid: when it is no identifier of an entry.
    """
    if not offset:
        return 0
    if not (offset.isascii() and offset.isdecimal()) or len(offset) > 100:
        raise RequestInvalid(reason="query parameter 'offset': no log entry can have this identifier")
    return min(int(offset), _LAST)


def effective_level(kept: str, asked: str | None) -> str:
    """The least severe level that a list can have: of those that are kept, those that were asked for."""
    return max(kept, asked or "debug", key=LEVELS.__getitem__)


def _entries(rows: Iterable[RowMapping]) -> list[dict[str, Any]]:
    return [
        {
            **row["entry"],
            "id": str(row["number"]),
            "level": _NAMES[row["level"]],
            "time": rfc3339(row["time"]),
        }
        for row in rows
    ]
