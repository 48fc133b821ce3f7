"""Log entries of services: the latest ones, and no more in a minute than somebody can read."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from connexeo.drivers.local.jobs.logs import LEVELS
from connexeo.drivers.local.jobs.times import rfc3339
from connexeo.drivers.local.state.tables import service_logs, services

KEPT = 1000
"""Entries of one service; the oldest are forgotten."""

_NAMES = {number: name for name, number in LEVELS.items()}


def append(connection: Connection, service_id: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add entries to the log of a service; nothing happens when the service is gone.

    Args:
        connection: A transaction that writes.
        service_id: The service.
        entries: ``level``, ``message`` and whatever else the contract has.
    """
    # Whoever holds the row is the only one who counts on.
    known = connection.execute(
        select(services.c.id).where(services.c.id == service_id).with_for_update()
    ).first()
    if known is None or not entries:
        return
    columns = service_logs.c
    last = connection.scalar(select(func.max(columns.number)).where(columns.service_id == service_id)) or 0
    now = datetime.now(UTC)
    rows = [
        {
            "service_id": service_id,
            "number": number,
            "time": now,
            "level": LEVELS[entry["level"]],
            "entry": {
                key: value
                for key, value in entry.items()
                if value is not None and key not in ("id", "level", "time")
            },
        }
        for number, entry in enumerate(entries, start=last + 1)
    ]
    connection.execute(insert(service_logs), rows)
    outdated = (columns.service_id == service_id) & (columns.number <= last + len(rows) - KEPT)
    connection.execute(delete(service_logs).where(outdated))


def read(
    connection: Connection, service_id: str, *, limit: int, after: int = 0, level: str | None = None
) -> list[dict[str, Any]]:
    """The entries that follow a number, oldest first, as the contract has them.

    Args:
        connection: A transaction.
        service_id: A service that the caller may see.
        limit: Most entries.
        after: Number of the last entry that is known.
        level: Least severe level.
    """
    columns = service_logs.c
    query = (
        select(columns.number, columns.time, columns.level, columns.entry)
        .where(columns.service_id == service_id, columns.number > after)
        .where(columns.level >= LEVELS[level or "debug"])
        .order_by(columns.number)
        .limit(limit)
    )
    return [
        {
            **row["entry"],
            "id": str(row["number"]),
            "level": _NAMES[row["level"]],
            "time": rfc3339(row["time"]),
        }
        for row in connection.execute(query).mappings()
    ]


class Gate:
    """Lets the first entries of each minute through: a service that fails would write one for every tile.

    Args:
        entries: Most entries of one service in ``seconds``; of these, no two have the same text.
        seconds: Length of the span.
        services: How many services are remembered.
        now: A clock that only goes forward.
    """

    def __init__(
        self,
        *,
        entries: int = 20,
        seconds: float = 60.0,
        services: int = 1000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries = entries
        self._seconds = seconds
        self._services = services
        self._now = now
        self._seen: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()

    def passes(self, service_id: str, entry: Mapping[str, Any]) -> bool:
        """Whether an entry is to be written."""
        now = self._now()
        start, texts = self._seen.get(service_id, (now, set()))
        if now - start >= self._seconds:
            start, texts = now, set()
        self._seen[service_id] = (start, texts)
        self._seen.move_to_end(service_id)
        while len(self._seen) > self._services:
            self._seen.popitem(last=False)
        text = f"{entry['level']}: {entry['message']}"
        if text in texts or len(texts) >= self._entries:
            return False
        texts.add(text)
        return True
