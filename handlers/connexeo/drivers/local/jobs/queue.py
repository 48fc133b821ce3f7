"""The table of jobs as a queue: how workers take jobs from it and bring them to an end.

    queued ──claim──▶ running ──finish──▶ finished
      ▲                  ├─────fail─────▶ error
      └───crash, give_back, take_over     error after too many times

All functions want a connection within a transaction that writes. Whatever a worker says of a job names the run that
it is at: when the row tells of another run or worker, because the user canceled the job or somebody took over, the
worker is not heard. Everything can be said twice, so that a worker that does not know whether it was heard, since
the connection broke at that moment, may ask again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    ScalarSelect,
    Select,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from connexeo.drivers.local.jobs import logs
from connexeo.drivers.local.jobs.document import Document
from connexeo.drivers.local.state.tables import (
    UtcDateTime,
    job_logs,
    job_results,
    job_turns,
    jobs,
    workers,
)

Json = Mapping[str, Any]

_LOCK = 0x6A6F6273
"""Of PostgreSQL: held by those who take jobs, so that limits hold. SQLite lets one transaction write at a time."""

MOST_LOSSES = 50
"""How often a job is taken over from workers that died. They die for other reasons than jobs, but not that often."""


class WorkerForgotten(Exception):
    """Others have taken over from this worker; it needs a new id."""


@dataclass(frozen=True)
class Job:
    """A job as its worker has it."""

    id: str
    user_id: str
    run: int
    process: Json
    log_level: str
    plan: str | None
    next_log: int
    """Number of the next log entry."""
    extra: Json | None = None
    """The user's own properties of the job."""


@dataclass(frozen=True)
class Report:
    """What a worker has to say about a job that goes on."""

    job_id: str
    run: int
    progress: float
    """Percent."""
    entries: Sequence[Json] = ()
    """Log entries."""
    first: int = 0
    """Number of the first of them."""


def register(connection: Connection, worker_id: str, place: str, now: datetime) -> None:
    """Make a worker known."""
    connection.execute(insert(workers).values(id=worker_id, place=place, started=now, beat=0))


def is_waiting(connection: Connection) -> bool:
    """Whether a job waits; needs no transaction that writes."""
    return connection.scalar(select(jobs.c.id).where(jobs.c.status == "queued").limit(1)) is not None


def claim(
    connection: Connection,
    worker_id: str,
    now: datetime,
    *,
    limit_of: Callable[[Connection, str], int],
    in_total: int = 0,
) -> Job | None:
    """Take the next job: of the user with the fewest running jobs; among equals, the one with the highest priority,
    then of the user who had to wait for the most turns; and of each user, the oldest of these.

    Args:
        connection: A transaction that writes.
        worker_id: Who takes it.
        now: The time.
        limit_of: How many jobs of a user may run at a time; at least 1.
        in_total: How many jobs may run at a time; 0 for any number.

    Raises:
        WorkerForgotten: when the worker is not known any longer.
    """
    _hold(connection)
    if connection.scalar(select(workers.c.id).where(workers.c.id == worker_id)) is None:
        raise WorkerForgotten
    running = _running(connection)
    if in_total and sum(running.values()) >= in_total:
        return None
    waiting = connection.execute(_first_of_each_user()).mappings().all()
    for row in sorted(waiting, key=lambda row: _order(row, running.get(row["user_id"], 0))):
        user_id = row["user_id"]
        if user_id in running and running[user_id] >= limit_of(connection, user_id):
            continue
        job = _start(connection, worker_id, row["id"], now)
        if job is not None:
            _take_turn(connection, user_id)
            return job
    return None


def beat(connection: Connection, worker_id: str, reports: Sequence[Report]) -> dict[str, int]:
    """Tell that a worker lives, and what its jobs are at.

    Returns:
        The runs that are the worker's, by job.

    Raises:
        WorkerForgotten: when the worker is not known any longer.
    """
    counted = update(workers).where(workers.c.id == worker_id).values(beat=workers.c.beat + 1)
    if not connection.execute(counted).rowcount:
        raise WorkerForgotten
    query = select(jobs.c.id, jobs.c.run, jobs.c.progress).where(jobs.c.worker_id == worker_id)
    rows = {row.id: row for row in connection.execute(query.order_by(jobs.c.id).with_for_update())}
    for report in reports:
        row = rows.get(report.job_id)
        if row is None or row.run != report.run:
            continue
        if row.progress != report.progress:
            connection.execute(
                update(jobs).where(jobs.c.id == report.job_id).values(progress=report.progress)
            )
        _write_logs(connection, report)
    return {row.id: row.run for row in rows.values()}


def publish_part(connection: Connection, worker_id: str, job_id: str, run: int, document: Document) -> bool:
    """Show results of a run that goes on; whether the worker was heard."""
    if _own(connection, worker_id, job_id, run) is None:
        return False
    _keep(connection, job_id, run, document)
    return True


def finish(
    connection: Connection,
    worker_id: str,
    report: Report,
    document: Document,
    values: Json,
) -> bool:
    """End a job with results; whether the worker was heard, now or before.

    Args:
        connection: A transaction that writes.
        worker_id: Who ran it.
        report: The last one of the run.
        document: The results, which are stored.
        values: ``updated``, ``unpublished``, ``usage`` and ``costs``.
    """
    job_id, run = report.job_id, report.run
    if _own(connection, worker_id, job_id, run) is None:
        query = select(jobs.c.id).where(
            jobs.c.id == job_id, jobs.c.status == "finished", jobs.c.published == run
        )
        return connection.scalar(query) is not None
    _write_logs(connection, report)
    _keep(connection, job_id, run, document)
    _set(connection, job_id, {**values, "status": "finished", "progress": 100.0, "published": run})
    return True


def fail(connection: Connection, worker_id: str, report: Report, error: Json, values: Json) -> bool:
    """End a job with an error; whether the worker was heard.

    Args:
        connection: A transaction that writes.
        worker_id: Who ran it.
        report: The last one of the run.
        error: The log entry that says what went wrong.
        values: ``updated``, ``usage`` and ``costs``; ``unpublished`` counts if there are results of a part.
    """
    if _own(connection, worker_id, report.job_id, report.run) is None:
        return False
    _write_logs(connection, report)
    _end_with_error(connection, report.job_id, report.run, error, values)
    return True


def crash(
    connection: Connection, worker_id: str, report: Report, tries: int, last: Json, values: Json
) -> str | None:
    """Tell that the process that computed a job has died: it is tried again, but not forever.

    Args:
        connection: A transaction that writes.
        worker_id: Who ran it.
        report: The last one of the run.
        tries: How often a job is tried.
        last: The log entry that ends the job after the last try.
        values: As for `fail`.

    Returns:
        The status of the job, None when the worker was not heard.
    """
    row = _own(connection, worker_id, report.job_id, report.run)
    if row is None:
        return None
    _write_logs(connection, report)
    crashes = row["crashes"] + 1
    if crashes >= tries:
        _end_with_error(connection, report.job_id, report.run, last, {**values, "crashes": crashes})
        return "error"
    message = f"The computation ended unexpectedly (attempt {crashes} of {tries}); it is started anew."
    logs.append(connection, report.job_id, [{"level": "warning", "message": message}])
    _requeue(connection, report.job_id, report.run, {"crashes": crashes, "updated": values["updated"]})
    return "queued"


def give_back(connection: Connection, worker_id: str, report: Report, now: datetime) -> bool:
    """Put a job back into the queue because the worker ends; whether the worker was heard."""
    if _own(connection, worker_id, report.job_id, report.run) is None:
        return False
    _write_logs(connection, report)
    _requeue(connection, report.job_id, report.run, {"updated": now})
    return True


def lose(connection: Connection, worker_id: str, job_id: str, run: int, now: datetime) -> None:
    """Put a job back into the queue that its worker knows nothing of; it counts as a loss."""
    here = (jobs.c.id == job_id) & (jobs.c.run == run) & (jobs.c.worker_id == worker_id)
    _release(connection, here, now)


def is_kept(connection: Connection, job_id: str, run: int) -> bool:
    """Whether somebody may still ask for what is stored of a run."""
    columns = job_results.c
    query = select(columns.run).where(columns.job_id == job_id, columns.run == run)
    return connection.scalar(query) is not None


def take_over(connection: Connection, worker_id: str, beat: int | None, now: datetime) -> list[str]:
    """Put the jobs of a dead worker back into the queue.

    Args:
        connection: A transaction that writes.
        worker_id: The dead worker.
        beat: What it was last seen with; nothing happens if it lives after all. None: it is known to be dead.
        now: The time.

    Returns:
        Ids of the jobs.
    """
    _hold(connection)
    gone = delete(workers).where(workers.c.id == worker_id)
    if beat is not None:
        gone = gone.where(workers.c.beat == beat)
    if not connection.execute(gone).rowcount:
        return []
    return _release(connection, jobs.c.worker_id == worker_id, now)


def take_over_orphans(connection: Connection, now: datetime) -> list[str]:
    """Put running jobs back into the queue whose workers nobody knows; their ids."""
    _hold(connection)
    known = select(workers.c.id).where(workers.c.id == jobs.c.worker_id).exists()
    return _release(connection, (jobs.c.status == "running") & ~known, now)


def _hold(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _running(connection: Connection) -> dict[str, int]:
    query = select(jobs.c.user_id, func.count()).where(jobs.c.status == "running").group_by(jobs.c.user_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def _first_of_each_user() -> Select[Any]:
    """The job that each user waits for most: of the highest priority, then the oldest.

    Databases do not skip from one user to the next by themselves, but read all that wait; so each step is a search
    in the index ``jobs_to_do``.
    """
    of_queue = jobs.c.status == "queued"
    users = (
        select(func.min(jobs.c.user_id).label("user_id")).where(of_queue).cte("users_waiting", recursive=True)
    )
    following = select(func.min(jobs.c.user_id)).where(of_queue, jobs.c.user_id > users.c.user_id)
    users = users.union_all(
        select(following.correlate(users).scalar_subquery()).where(users.c.user_id.is_not(None))
    )
    theirs = jobs.alias("theirs")
    highest: ScalarSelect[int] = (
        select(func.max(theirs.c.priority))
        .where(theirs.c.status == "queued", theirs.c.user_id == users.c.user_id)
        .correlate(users)
        .scalar_subquery()
    )
    first = jobs.alias("first")
    chosen: ScalarSelect[str] = (
        select(first.c.id)
        .where(first.c.status == "queued", first.c.user_id == users.c.user_id, first.c.priority == highest)
        .order_by(first.c.queued)
        .limit(1)
        .correlate(users)
        .scalar_subquery()
    )
    return (
        select(jobs.c.id, jobs.c.user_id, jobs.c.priority, jobs.c.queued, job_turns.c.turn)
        .select_from(users)
        .join(jobs, jobs.c.id == chosen)
        .outerjoin(job_turns, job_turns.c.user_id == users.c.user_id)
    )


def _order(row: RowMapping, running: int) -> tuple[Any, ...]:
    return running, -row["priority"], row["turn"] or 0, row["queued"], row["id"]


def _start(connection: Connection, worker_id: str, job_id: str, now: datetime) -> Job | None:
    """The job, unless the user took it from the queue a moment ago."""
    columns = (jobs.c.user_id, jobs.c.run, jobs.c.process, jobs.c.log_level, jobs.c.plan, jobs.c.extra)
    started = (
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.status == "queued")
        .values(
            status="running",
            run=jobs.c.run + 1,
            worker_id=worker_id,
            started=now,
            updated=_not_back_to(now),
            progress=0.0,
        )
        .returning(*columns)
    )
    row = connection.execute(started).mappings().first()
    if row is None:
        return None
    last = connection.scalar(select(func.max(job_logs.c.number)).where(job_logs.c.job_id == job_id))
    return Job(**row, id=job_id, next_log=(last or 0) + 1)


def _take_turn(connection: Connection, user_id: str) -> None:
    last = connection.scalar(select(func.max(job_turns.c.turn))) or 0
    taken = update(job_turns).where(job_turns.c.user_id == user_id).values(turn=last + 1)
    if not connection.execute(taken).rowcount:
        connection.execute(insert(job_turns).values(user_id=user_id, turn=last + 1))


def _own(connection: Connection, worker_id: str, job_id: str, run: int) -> RowMapping | None:
    """The row, if the worker still is at this run; nobody changes it before the transaction ends."""
    query = select(jobs.c.crashes, jobs.c.losses).where(
        jobs.c.id == job_id, jobs.c.run == run, jobs.c.worker_id == worker_id
    )
    return connection.execute(query.with_for_update()).mappings().first()


def _set(connection: Connection, job_id: str, values: Json) -> None:
    """Change a row that is held, and that no worker is at afterwards."""
    changed = {**values, "updated": _not_back_to(values["updated"]), "worker_id": None}
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(changed))


def _not_back_to(now: datetime) -> Any:
    """The time, or the last one of the row, if the clock of this host lags behind that which wrote it."""
    present = literal(now, UtcDateTime)
    return case((jobs.c.updated > present, jobs.c.updated), else_=present)


def _write_logs(connection: Connection, report: Report) -> None:
    """Add the entries that are not there yet: they may have been, without the worker getting to know."""
    if not report.entries:
        return
    rows = [
        {
            "job_id": report.job_id,
            "number": number,
            "time": entry["time"],
            "level": logs.LEVELS[entry["level"]],
            "entry": {key: value for key, value in entry.items() if key not in ("level", "time")},
        }
        for number, entry in enumerate(report.entries, report.first)
    ]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(job_logs).on_conflict_do_nothing(), rows)


def _keep(connection: Connection, job_id: str, run: int, document: Document) -> None:
    of_run = (job_results.c.job_id == job_id) & (job_results.c.run == run)
    known = update(job_results).where(of_run).values(document=document.to_json())
    if not connection.execute(known).rowcount:
        connection.execute(insert(job_results).values(job_id=job_id, run=run, document=document.to_json()))


def _end_with_error(connection: Connection, job_id: str, run: int, error: Json, values: Json) -> None:
    logs.append(connection, job_id, [error])
    of_run = (job_results.c.job_id == job_id) & (job_results.c.run == run)
    partial = connection.scalar(select(job_results.c.run).where(of_run)) is not None
    unpublished = values.get("unpublished") if partial else None
    _set(connection, job_id, {**values, "status": "error", "unpublished": unpublished})


def _requeue(connection: Connection, job_id: str, run: int, values: Json) -> None:
    """A job keeps its place in the queue, but no results of the run."""
    connection.execute(delete(job_results).where(job_results.c.job_id == job_id, job_results.c.run == run))
    _set(connection, job_id, {**values, "status": "queued", "started": None, "progress": 0.0})


def _release(connection: Connection, whose: Any, now: datetime) -> list[str]:
    query = select(jobs.c.id, jobs.c.run, jobs.c.losses).where(whose, jobs.c.status == "running")
    rows = connection.execute(query.order_by(jobs.c.id).with_for_update()).all()
    for row in rows:
        losses = row.losses + 1
        if losses >= MOST_LOSSES:
            message = (
                f"The worker that ran the job was lost, the {losses}th time; the job is not tried again."
            )
            error = {"level": "error", "code": "Internal", "message": message}
            _end_with_error(connection, row.id, row.run, error, {"losses": losses, "updated": now})
            continue
        message = "The worker that ran the job was lost; the job is started anew."
        logs.append(connection, row.id, [{"level": "warning", "message": message}])
        _requeue(connection, row.id, row.run, {"losses": losses, "updated": now})
    return [row.id for row in rows]
