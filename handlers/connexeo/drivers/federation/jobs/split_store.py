"""Split jobs in the database: as far as users change them, and as far as the worker does.

    created ──queue──▶ queued ──(a part runs)──▶ running ──▶ finished, error
       ▲                  │                         │
       └──(queue again)───┴─────────cancel──────────┴──────▶ canceled

As long as a row is ``active`` there is something to do at the back-ends, also behind a job that has ended: parts to
cancel, and jobs there to delete. Removed jobs stay as ``deleted`` until that is done; nobody sees them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    and_,
    delete,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from connexeo.drivers.federation.identifiers import federated
from connexeo.drivers.federation.jobs.split_markers import marker
from connexeo.drivers.federation.splitting.plan import Plan
from connexeo.drivers.local.properties import merge_extra
from connexeo.drivers.local.state.logbook import Logbook
from connexeo.drivers.local.state.ownership import find_owned, owned
from connexeo.drivers.local.state.tables import UtcDateTime, split_job_logs, split_job_parts, split_jobs
from connexeo.generated.errors import JobLocked, JobNotFound
from connexeo.settings.federation import SPLIT

Row = dict[str, Any]

ACTIVE = ("queued", "running")
UNDER_WAY = ("created", "queued", "running")
"""States of parts that there is a job for which may still do something."""
DELETED = "deleted"

SUMMARY: Sequence[Column[Any]] = [
    split_jobs.c[name]
    for name in (
        "id", "title", "description", "status", "progress", "created", "updated", "queued", "started", "plan",
        "budget", "log_level", "upstreams",
    )
]  # fmt: skip
"""What is shown of each job in the list."""

LOGS = Logbook(split_job_logs, split_job_logs.c.job_id)

_SHOWN = re.compile(rf"{SPLIT}~([0-9a-f]{{32}})")


def is_split(job_id: str) -> bool:
    """Whether an identifier is one of a split job, or could be taken for one."""
    return job_id.startswith(f"{SPLIT}~")


def shown_id(row_id: str) -> str:
    """What users call a job."""
    return f"{SPLIT}~{row_id.partition('-')[2]}"


def create(
    connection: Connection, user_id: str, provider: str, values: Mapping[str, Any], plan: Plan, now: datetime
) -> str:
    """Identifier of a new job, as users know it."""
    row_id = f"p-{secrets.token_hex(16)}"
    start = {"status": "created", "progress": 0.0, "created": now, "updated": now, "run": 0, "active": False}
    given = {"id": row_id, "user_id": user_id, "provider": provider, "upstreams": plan.upstreams}
    connection.execute(insert(split_jobs).values({**start, **values, **given}))
    _insert_parts(connection, row_id, plan, [], now)
    return shown_id(row_id)


def find(
    connection: Connection,
    user_id: str,
    job_id: str,
    columns: Iterable[Column[Any]] = split_jobs.c,
    *,
    locking: bool = False,
) -> Row:
    """The row of one of the user's jobs.

    Raises:
        JobNotFound: when the user has no such job.
    """
    missing = JobNotFound(identifier=job_id)
    match = _SHOWN.fullmatch(job_id)
    if match is None:
        raise missing
    wanted = list(dict.fromkeys([split_jobs.c.id, split_jobs.c.status, *columns]))
    key = {"id": f"p-{match[1]}"}
    row = dict(find_owned(connection, split_jobs, user_id, missing, wanted, locking=locking, **key))
    if row["status"] == DELETED:
        raise missing
    return row


def find_with_parts(connection: Connection, user_id: str, job_id: str) -> tuple[Row, list[Row]]:
    """A job of the user and its parts.

    Raises:
        JobNotFound: when the user has no such job.
    """
    row = find(connection, user_id, job_id)
    return row, parts_of(connection, row["id"])


def parts_of(connection: Connection, row_id: str) -> list[Row]:
    """The parts of a job, the primary one last."""
    query = (
        select(split_job_parts).where(split_job_parts.c.job_id == row_id).order_by(split_job_parts.c.number)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def newest(connection: Connection, user_id: str, limit: int, after: tuple[datetime, str] | None) -> list[Row]:
    """Jobs of a user, newest first, behind the one of a time and id."""
    query = select(*SUMMARY).where(owned(split_jobs, user_id), split_jobs.c.status != DELETED)
    if after is not None:
        place = tuple_(literal(after[0], UtcDateTime), literal(after[1]))
        query = query.where(tuple_(split_jobs.c.created, split_jobs.c.id) < place)
    query = query.order_by(split_jobs.c.created.desc(), split_jobs.c.id.desc()).limit(limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def which_exist(connection: Connection, row_ids: Sequence[str]) -> set[str]:
    """Those of some jobs that there are, whosever they are."""
    return set(connection.scalars(select(split_jobs.c.id).where(split_jobs.c.id.in_(row_ids))))


def check_unlocked(row: Mapping[str, Any]) -> None:
    """Refuse to change a job that is queued or running.

    Raises:
        JobLocked: when it is.
    """
    if row["status"] in ACTIVE:
        raise JobLocked()


def change(
    connection: Connection,
    user_id: str,
    job_id: str,
    values: Mapping[str, Any],
    extra: Mapping[str, Any],
    plan: Plan | None,
    now: datetime,
) -> None:
    """Set properties of a job; with a plan, other parts, and no results any longer.

    Raises:
        JobNotFound: when the user has no such job.
        JobLocked: while it is queued or running.
    """
    row = find(connection, user_id, job_id, (split_jobs.c.extra, split_jobs.c.run), locking=True)
    check_unlocked(row)
    changed = {**values, "extra": merge_extra(row["extra"], extra), "updated": now}
    if plan is not None:
        former = [each for part in parts_of(connection, row["id"]) for each in left_of(part, row["run"])]
        connection.execute(delete(split_job_parts).where(split_job_parts.c.job_id == row["id"]))
        _insert_parts(connection, row["id"], plan, former, now)
        changed |= {"upstreams": plan.upstreams, "run": row["run"] + 1}
        changed |= {"status": "created", "progress": 0.0}
    connection.execute(update(split_jobs).where(owned(split_jobs, user_id, id=row["id"])).values(changed))


def queue(
    connection: Connection, user_id: str, job_id: str, token: str | None, now: datetime, lifetime: float
) -> None:
    """Start a job, without results and logs of its last run; nothing happens when it has been started.

    Raises:
        JobNotFound: when the user has no such job.
    """
    row = find(connection, user_id, job_id, (split_jobs.c.run,), locking=True)
    if row["status"] in ACTIVE:
        return
    for part in parts_of(connection, row["id"]):
        fresh = {"status": "waiting", "progress": 0.0, "remote": None, "tries": 0, "logged": None}
        former = left_of(part, row["run"]) or None
        set_part(connection, part, {**fresh, "former": former, "updated": now})
    LOGS.clear(connection, row["id"])
    values = {"status": "queued", "progress": 0.0, "queued": now, "started": None, "updated": now}
    lasting = {"expires": now + timedelta(seconds=lifetime), "token": token, "active": True}
    _set(connection, row["id"], {**values, **lasting, "run": row["run"] + 1})


def cancel(connection: Connection, user_id: str, job_id: str, token: str | None, now: datetime) -> None:
    """End a job; its parts are canceled by the worker.

    Raises:
        JobNotFound: when the user has no such job.
    """
    row = find(connection, user_id, job_id, locking=True)
    if row["status"] in ACTIVE:
        _set(
            connection,
            row["id"],
            {"status": "canceled", "updated": now, "token": token or row["token"], "active": True},
        )


def remove(
    connection: Connection, user_id: str, job_id: str, token: str | None, now: datetime, lifetime: float
) -> None:
    """Remove a job for its user; what there is of it at the back-ends is deleted by the worker.

    Raises:
        JobNotFound: when the user has no such job.
    """
    row = find(connection, user_id, job_id, locking=True)
    parts = parts_of(connection, row["id"])
    if row["active"] or any(left_of(part, row["run"]) for part in parts):
        values = {"status": DELETED, "active": True, "token": token or row["token"], "updated": now}
        _set(connection, row["id"], {**values, "expires": now + timedelta(seconds=lifetime)})
        LOGS.clear(connection, row["id"])
    else:
        forget(connection, row["id"])


def refresh(connection: Connection, user_id: str, token: str) -> None:
    """Keep a newer token for what there still is to do."""
    mine = owned(split_jobs, user_id, active=True) & split_jobs.c.token.is_not(None)
    connection.execute(update(split_jobs).where(mine).values(token=token))


def is_any(connection: Connection) -> bool:
    """Whether there is anything to do."""
    return connection.execute(select(split_jobs.c.id).where(split_jobs.c.active).limit(1)).first() is not None


def claim(connection: Connection, place: str, now: datetime, lease: timedelta) -> list[Row]:
    """Jobs that a place sees to for now: its own ones, and those that nobody sees to.

    Returns:
        Identifier, status and run of each.
    """
    columns = split_jobs.c
    free = or_(columns.driven_by == place, columns.driven_until.is_(None), columns.driven_until < now)
    wanted = (columns.id, columns.status, columns.run, columns.driven_by, columns.driven_until)
    query = select(*wanted).where(columns.active, free)
    found = list(connection.execute(query.order_by(columns.id).with_for_update(skip_locked=True)))
    soon = now + lease / 2
    fresh = [row.id for row in found if row.driven_by != place or row.driven_until < soon]
    if fresh:
        driven = {"driven_by": place, "driven_until": now + lease}
        connection.execute(update(split_jobs).where(columns.id.in_(fresh)).values(driven))
    return [{"id": row.id, "status": row.status, "run": row.run} for row in found]


def load(connection: Connection, row_id: str, place: str) -> tuple[Row, list[Row]] | None:
    """A job that a place sees to, and its parts; None when it does not any longer."""
    columns = split_jobs.c
    query = select(split_jobs).where(columns.id == row_id, columns.driven_by == place, columns.active)
    row = connection.execute(query).mappings().first()
    return None if row is None else (dict(row), parts_of(connection, row_id))


def advance(
    connection: Connection,
    job: Mapping[str, Any],
    part: Mapping[str, Any] | None,
    values: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
) -> bool:
    """Set properties of a part and append to the log, if the job is still in the run that it was in.

    Args:
        connection: A transaction that writes.
        job: As it was loaded.
        part: The part; None where only the log grows.
        values: Of the part.
        entries: Of the log.

    Returns:
        Whether it was.
    """
    columns = split_jobs.c
    query = select(columns.id, columns.status).where(_same(job)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        return False
    if part is not None:
        set_part(connection, part, values)
    if row.status != DELETED:
        LOGS.append(connection, row.id, entries)
    return True


def settle(
    connection: Connection, job: Mapping[str, Any], before: Sequence[str], values: Mapping[str, Any]
) -> bool:
    """Set properties of a job, if it is still in the same run, and in one of some states; whether it was."""
    same = _same(job) & split_jobs.c.status.in_(before)
    return bool(connection.execute(update(split_jobs).where(same).values(values)).rowcount)


def knows(connection: Connection, row_id: str, remote: str) -> bool:
    """Whether a job at a back-end is known as that of a part."""
    columns = split_job_parts.c
    query = select(columns.number).where(columns.job_id == row_id, columns.remote == remote).limit(1)
    return connection.execute(query).first() is not None


def left_of(part: Mapping[str, Any], run: int) -> list[str]:
    """What there is at back-ends of a part: federated identifiers, or markers where a job may have been made.

    Args:
        part: Its row.
        run: Of its job.
    """
    left = list(part["former"] or ())
    if part["remote"]:
        left.append(federated(part["upstream"], part["remote"]))
    elif part["status"] == "creating":
        announced = marker(part["job_id"], run, part["name"], part["tries"])
        left.append(federated(part["upstream"], announced))
    return left


def set_part(connection: Connection, part: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Set properties of a part."""
    columns = split_job_parts.c
    this = (columns.job_id == part["job_id"]) & (columns.number == part["number"])
    connection.execute(update(split_job_parts).where(this).values(values))


def forget(connection: Connection, row_id: str) -> None:
    """Remove all rows of a job."""
    connection.execute(delete(split_job_parts).where(split_job_parts.c.job_id == row_id))
    LOGS.clear(connection, row_id)
    connection.execute(delete(split_jobs).where(split_jobs.c.id == row_id))


def _set(connection: Connection, row_id: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(split_jobs).where(split_jobs.c.id == row_id).values(values))


def _same(job: Mapping[str, Any]) -> ColumnElement[bool]:
    """Whether the job is still in the run that it was in, and seen to by whoever has loaded it."""
    columns = split_jobs.c
    return and_(columns.id == job["id"], columns.run == job["run"], columns.driven_by == job["driven_by"])


def _insert_parts(
    connection: Connection, row_id: str, plan: Plan, former: Sequence[str], now: datetime
) -> None:
    last = len(plan.parts) - 1
    rows = [
        {
            "job_id": row_id,
            "number": number,
            "name": part.name,
            "upstream": part.upstream,
            "status": "waiting",
            "progress": 0.0,
            "tries": 0,
            "updated": now,
            # Of whichever back-end: the primary part is there as long as the job is.
            "former": list(former) or None if number == last else None,
            "document": document,
        }
        for number, (part, document) in enumerate(zip(plan.parts, plan.to_json(), strict=True))
    ]
    connection.execute(insert(split_job_parts), rows)
