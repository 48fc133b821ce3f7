"""Batch jobs in the database, as far as users change them.

    created ──queue──▶ queued ──(a worker)──▶ running ──(the worker)──▶ finished, error
       ▲                 │                       │
       └─────cancel──────┴──cancel, no results───┴──cancel, partial results──▶ canceled

A job that is canceled, finished or failed can be queued again, and loses its results then. Every change is one
transaction. A worker that no longer finds its run in the row stops.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, delete, insert, select, update

from connexeo.drivers.local.jobs import logs
from connexeo.drivers.local.properties import merge_extra
from connexeo.drivers.local.state.ownership import find_owned, owned
from connexeo.drivers.local.state.tables import job_results, jobs
from connexeo.generated.errors import JobLocked, JobNotFound

ACTIVE = ("queued", "running")

Row = dict[str, Any]

SUMMARY: Sequence[Column[Any]] = [
    jobs.c[name]
    for name in (
        "id", "title", "description", "status", "progress", "created", "updated", "queued", "started", "unpublished",
        "plan", "budget", "costs", "usage", "log_level", "published",
    )
]  # fmt: skip
"""What is shown of each job in the list."""

_ID = re.compile(r"j-[0-9a-f]{32}")


def create(connection: Connection, user_id: str, values: Mapping[str, Any], now: datetime) -> str:
    """Identifier of a new job."""
    job_id = f"j-{secrets.token_hex(16)}"
    start = {"status": "created", "progress": 0.0, "created": now, "updated": now, "priority": 0, "run": 0}
    connection.execute(
        insert(jobs).values({**start, "crashes": 0, "losses": 0, **values, "id": job_id, "user_id": user_id})
    )
    return job_id


def find(
    connection: Connection,
    user_id: str,
    job_id: str,
    columns: Iterable[Column[Any]] = jobs.c,
    *,
    locking: bool = False,
) -> Row:
    """The row of one of the user's jobs.

    Args:
        connection: A transaction.
        user_id: Who asks.
        job_id: Any text.
        columns: What is wanted of it.
        locking: Whether nobody else may change it until the transaction ends.

    Raises:
        JobNotFound: when the user has no such job.
    """
    missing = JobNotFound(identifier=job_id)
    if not is_job_id(job_id):
        raise missing
    return dict(find_owned(connection, jobs, user_id, missing, columns, locking=locking, id=job_id))


def is_job_id(text: str) -> bool:
    """Whether a job could have this identifier. Databases do not even take every text."""
    return _ID.fullmatch(text) is not None


def change(
    connection: Connection,
    user_id: str,
    job_id: str,
    values: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> None:
    """Set properties of a job, and some of those that the contract does not know; None removes one of these.

    Raises:
        JobNotFound: when the user has no such job.
        JobLocked: while it is queued or running.
    """
    row = find(connection, user_id, job_id, (jobs.c.status, jobs.c.extra), locking=True)
    check_unlocked(row)
    kept = merge_extra(row["extra"], extra)
    connection.execute(update(jobs).where(owned(jobs, user_id, id=job_id)).values({**values, "extra": kept}))


def check_unlocked(row: Row) -> None:
    """Refuse to change a job that is queued or running.

    Raises:
        JobLocked: when it is.
    """
    if row["status"] in ACTIVE:
        raise JobLocked()


def queue(connection: Connection, user_id: str, job_id: str, now: datetime, priority: int = 0) -> bool:
    """Put a job into the queue, without the results, logs and figures of its last run; whether it was not there.

    Raises:
        JobNotFound: when the user has no such job.
    """
    row = find(connection, user_id, job_id, (jobs.c.status, jobs.c.run), locking=True)
    if row["status"] in ACTIVE:
        return False
    values = {"status": "queued", "progress": 0.0, "queued": now, "updated": now, "priority": priority}
    fresh = dict.fromkeys(("started", "unpublished", "costs", "usage", "published", "worker_id"))
    connection.execute(
        update(jobs)
        .where(owned(jobs, user_id, id=job_id))
        .values({**fresh, **values, "crashes": 0, "losses": 0})
    )
    if row["run"]:
        _forget_runs(connection, job_id)
    return True


def cancel(connection: Connection, user_id: str, job_id: str, now: datetime, kept_for: timedelta) -> None:
    """Take a job from the queue or from its worker; nothing happens when it is at neither.

    Args:
        connection: A transaction that writes.
        user_id: Who asks.
        job_id: The job.
        now: The time.
        kept_for: How long partial results are kept, if there are any.

    Raises:
        JobNotFound: when the user has no such job.
    """
    row = find(connection, user_id, job_id, (jobs.c.status, jobs.c.run), locking=True)
    if row["status"] not in ACTIVE:
        return
    values: dict[str, Any]
    if row["status"] == "running" and _has_results(connection, job_id, row["run"]):
        values = {"status": "canceled", "published": row["run"], "unpublished": now + kept_for}
    else:
        values = {"status": "created", "progress": 0.0, "queued": None, "started": None}
    connection.execute(
        update(jobs)
        .where(owned(jobs, user_id, id=job_id))
        .values({**values, "updated": now, "worker_id": None})
    )


def remove(connection: Connection, user_id: str, job_id: str) -> None:
    """Remove a job with its logs and all that is known of its results.

    Raises:
        JobNotFound: when the user has no such job.
    """
    find(connection, user_id, job_id, (jobs.c.id,), locking=True)
    connection.execute(delete(jobs).where(owned(jobs, user_id, id=job_id)))
    _forget_runs(connection, job_id)


def _has_results(connection: Connection, job_id: str, run: int) -> bool:
    columns = job_results.c
    query = select(columns.run).where(columns.job_id == job_id, columns.run == run)
    return connection.scalar(query) is not None


def _forget_runs(connection: Connection, job_id: str) -> None:
    connection.execute(delete(job_results).where(job_results.c.job_id == job_id))
    logs.clear(connection, job_id)
