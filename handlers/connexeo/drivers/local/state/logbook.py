"""Log entries of things of users, numbered from 1 in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Table, delete, func, insert, select

from connexeo.drivers.interface import LogPage
from connexeo.drivers.local.jobs.times import rfc3339
from connexeo.drivers.local.state.paging import page_size
from connexeo.generated.errors import RequestInvalid

LEVELS: Mapping[str, int] = {"debug": 1, "info": 2, "warning": 3, "error": 4}
"""From the least to the most severe."""

PAGE_SIZE = 4 * 2**20
"""Characters that the entries of a page may have; `inspect` makes large ones."""

_NAMES = {number: name for name, number in LEVELS.items()}
_LAST = 2**31 - 1
"""Largest number that the database takes."""


@dataclass(frozen=True, slots=True)
class Logbook:
    """The logs of all things of one kind. Whoever calls has made sure that the user may see the thing."""

    table: Table
    """With columns ``number``, ``time``, ``level`` and ``entry``."""
    subject: Column[str]
    """Its column for the identifier of the thing."""

    def append(self, connection: Connection, identifier: str, entries: Sequence[Mapping[str, Any]]) -> int:
        """Add entries; the caller holds the row of the thing, so that nobody else counts on meanwhile.

        Args:
            connection: A transaction that writes.
            identifier: Of the thing.
            entries: ``level``, ``message`` and whatever else the contract has; without a ``time`` they are of now.

        Returns:
            Number of the last entry that there is now.
        """
        query = select(func.max(self.table.c.number)).where(self.subject == identifier)
        last = connection.scalar(query) or 0
        now = datetime.now(UTC)
        rows = [
            {
                self.subject.name: identifier,
                "number": number,
                "time": entry.get("time") or now,
                "level": LEVELS[entry["level"]],
                "entry": {key: value for key, value in entry.items() if key not in ("id", "level", "time")},
            }
            for number, entry in enumerate(entries, start=last + 1)
        ]
        if rows:
            connection.execute(insert(self.table), rows)
        return last + len(rows)

    def page(
        self,
        connection: Connection,
        identifier: str,
        kept: str,
        *,
        limit: int | None,
        offset: str | None,
        level: str | None,
    ) -> LogPage:
        """The entries behind the one that the offset names.

        Args:
            connection: A transaction.
            identifier: Of the thing.
            kept: The least severe level that is kept of it.
            limit: Most entries that are wanted.
            offset: Identifier of an entry.
            level: The least severe level that is wanted.

        Raises:
            RequestInvalid: when the offset is no identifier of an entry.
        """
        after = _number_of(offset)
        entries, more = self.read(connection, identifier, limit=page_size(limit), after=after, level=level)
        return LogPage(entries, entries[-1]["id"] if more else None, _effective_level(kept, level))

    def read(
        self, connection: Connection, identifier: str, *, limit: int, after: int = 0, level: str | None = None
    ) -> tuple[list[dict[str, Any]], bool]:
        """The entries that follow a number, as the contract has them, and whether there are more.

        Args:
            connection: A transaction.
            identifier: Of the thing.
            limit: Most entries; they are fewer when they are large.
            after: Number of the last entry that is known.
            level: Least severe level.
        """
        columns = self.table.c
        wanted = [self.subject == identifier, columns.number > after]
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

    def last_error(self, connection: Connection, identifier: str) -> dict[str, Any] | None:
        """The latest entry of the level ``error``."""
        columns = self.table.c
        query = (
            select(columns.number, columns.time, columns.level, columns.entry)
            .where(self.subject == identifier, columns.level == LEVELS["error"])
            .order_by(columns.number.desc())
            .limit(1)
        )
        return next(iter(_entries(connection.execute(query).mappings())), None)

    def clear(self, connection: Connection, identifier: str, *, until: int = _LAST) -> None:
        """Forget the entries up to a number, or all."""
        outdated = (self.subject == identifier) & (self.table.c.number <= until)
        connection.execute(delete(self.table).where(outdated))


def _count(sizes: Iterable[int]) -> int:
    """How many entries fit on a page; one always does."""
    total = count = 0
    for size in sizes:
        total += size
        if count and total > PAGE_SIZE:
            break
        count += 1
    return count


def _number_of(offset: str | None) -> int:
    """The number of the entry that a page starts behind.

    Raises:
        RequestInvalid: when it is no identifier of an entry.
    """
    if not offset:
        return 0
    if not (offset.isascii() and offset.isdecimal()) or len(offset) > 100:
        raise RequestInvalid(reason="query parameter 'offset': no log entry can have this identifier")
    return min(int(offset), _LAST)


def _effective_level(kept: str, asked: str | None) -> str:
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
