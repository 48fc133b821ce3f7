"""What belongs to a user: counted, and removed with the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, func, select

from connexeo.drivers.local.state.ownership import owned
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import (
    files,
    job_logs,
    job_results,
    job_turns,
    jobs,
    service_logs,
    services,
    split_job_logs,
    split_job_parts,
    split_jobs,
    stored_processes,
    users,
)
from connexeo.drivers.local.storage import Storage

OWNED = (jobs, job_turns, files, stored_processes, services, split_jobs)
"""Tables of users' things."""
DEPENDENT = (
    (job_results, "job_id", jobs),
    (job_logs, "job_id", jobs),
    (service_logs, "service_id", services),
    (split_job_parts, "job_id", split_jobs),
    (split_job_logs, "job_id", split_jobs),
)
"""Tables of what belongs to those things: with the column that names the thing, and the thing's table."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one user has."""

    jobs: Mapping[str, int]
    """Number of batch jobs by status."""
    files: int
    stored: int
    """Bytes of the files."""
    processes: int
    services: int


def holdings_of(connection: Connection, user_id: str) -> Holdings:
    """Count what a user has."""
    status = select(jobs.c.status, func.count()).where(owned(jobs, user_id)).group_by(jobs.c.status)
    return Holdings(
        jobs={row[0]: row[1] for row in connection.execute(status)},
        files=_count(connection, files, user_id),
        stored=stored_bytes(connection, user_id),
        processes=_count(connection, stored_processes, user_id),
        services=_count(connection, services, user_id),
    )


def stored_bytes(connection: Connection, user_id: str) -> int:
    """Bytes of a user's files."""
    total = select(func.coalesce(func.sum(files.c.size), 0)).where(owned(files, user_id))
    return int(connection.execute(total).scalar_one())


def remove_user(engine: Engine, storage: Storage, user_id: str) -> Holdings:
    """Remove an account with all that belongs to it; a job that runs is stopped by its worker, which misses it.

    Returns:
        What there was.
    """
    with transaction(engine) as connection:
        had = holdings_of(connection, user_id)
        keys = remove_holdings(connection, user_id)
        connection.execute(delete(users).where(users.c.id == user_id))
    # Afterwards: contents that stay behind when this ends half-way belong to nobody, and are swept.
    for key in keys:
        storage.delete(key)
    return had


def remove_holdings(connection: Connection, user_id: str) -> list[str]:
    """Remove all rows that belong to a user.

    Returns:
        Keys of what lies in the storage.
    """
    blobs = connection.scalars(select(files.c.blob).where(owned(files, user_id)))
    keys = [f"files/{blob}" for blob in blobs]
    keys += [f"jobs/{job}" for job in connection.scalars(select(jobs.c.id).where(owned(jobs, user_id)))]
    for table, column, owner in DEPENDENT:
        theirs = select(owner.c.id).where(owned(owner, user_id))
        connection.execute(delete(table).where(table.c[column].in_(theirs)))
    for table in OWNED:
        connection.execute(delete(table).where(owned(table, user_id)))
    return keys


def _count(connection: Connection, table: Table, user_id: str) -> int:
    mine: ColumnElement[bool] = owned(table, user_id)
    return int(connection.execute(select(func.count()).select_from(table).where(mine)).scalar_one())
