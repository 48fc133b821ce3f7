"""Log entries of services: the latest ones, and no more in a minute than somebody can read."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from connexeo.drivers.local.state.logbook import Logbook
from connexeo.drivers.local.state.tables import service_logs, services

KEPT = 1000
"""Entries of one service; the oldest are forgotten."""

_LOGBOOK = Logbook(service_logs, service_logs.c.service_id)

clear = _LOGBOOK.clear
page = _LOGBOOK.page
read = _LOGBOOK.read


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
    shown = [
        {key: value for key, value in entry.items() if value is not None and key != "time"}
        for entry in entries
    ]
    last = _LOGBOOK.append(connection, service_id, shown)
    _LOGBOOK.clear(connection, service_id, until=last - KEPT)


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
