"""What operators watch of the queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from connexeo.drivers.interface import Gauge
from connexeo.drivers.local.jobs.store import ACTIVE
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.tables import jobs, workers
from connexeo.generated.errors import InfrastructureBusy

if TYPE_CHECKING:
    from sqlalchemy import Connection

logger = structlog.get_logger("connexeo.jobs")

FRESH = 5.0
"""Seconds for which nobody counts anew."""
PATIENCE = 2.0
"""Seconds for which is waited for the database: whoever asks would not wait much longer."""


class QueueGauges:
    """Counts jobs and workers, now and then.

    Args:
        state: The database.
        now: The time in seconds, of any clock.
    """

    def __init__(self, state: State, *, now: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._now = now
        self._counted: Sequence[Gauge] = ()
        self._moment = float("-inf")
        self._counting: asyncio.Task[None] | None = None

    async def read(self) -> Sequence[Gauge]:
        """The numbers; none while the database is away, since old ones would look like new ones."""
        if self._counting is None:
            if self._now() - self._moment < FRESH:
                return self._counted
            self._counting = asyncio.create_task(self._count())
        # Not cancelled: a database that hangs is asked by one task at a time, however often somebody wants to know.
        done, _ = await asyncio.wait([self._counting], timeout=PATIENCE)
        return self._counted if done else ()

    async def _count(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            self._counted = await self._state.read(count)
        except (InfrastructureBusy, SQLAlchemyError) as error:
            logger.warning("gauges.not_counted", reason=type(error).__name__)
            self._counted = ()
        finally:
            self._moment = self._now()
            self._counting = None


def count(connection: Connection) -> list[Gauge]:
    """Jobs that wait or run, and workers, those included that died a moment ago."""
    from sqlalchemy import func, select

    query = select(jobs.c.status, func.count()).where(jobs.c.status.in_(ACTIVE)).group_by(jobs.c.status)
    found = {row[0]: row[1] for row in connection.execute(query)}
    known = connection.scalar(select(func.count()).select_from(workers)) or 0
    return [
        Gauge(
            "jobs",
            "Batch jobs that wait or run.",
            {status: found.get(status, 0) for status in ACTIVE},
            label="status",
        ),
        Gauge("workers", "Workers for batch jobs that are known.", {"": known}),
    ]
