"""Stored processes in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connexeo.drivers.local.state.ownership import find_owned, owned
from connexeo.drivers.local.state.tables import stored_processes
from connexeo.drivers.local.stored_processes.use import LONGEST_ID, batches
from connexeo.generated.errors import ProcessGraphNotFound, StorageQuotaExceeded

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

Json = dict[str, Any]

MAX_STORED = 1000
"""Processes that one user may store."""


def put(
    connection: Connection, user_id: str, process_id: str, definition: Json, summary: Json, now: datetime
) -> None:
    """Store a process in place of the one that is there.

    Raises:
        StorageQuotaExceeded: the user has stored as many as may be.
    """
    from sqlalchemy import update

    row = owned(stored_processes, user_id, id=process_id)
    values = {"definition": definition, "summary": summary, "updated": now}
    if connection.execute(update(stored_processes).where(row).values(values)).rowcount:
        return
    if _count(connection, user_id) >= MAX_STORED:
        raise StorageQuotaExceeded(f"You have stored {MAX_STORED} processes, which is the most. Delete some.")
    _insert(connection, {**values, "user_id": user_id, "id": process_id, "created": now})


def find(connection: Connection, user_id: str, process_id: str) -> Json:
    """A process with its graph.

    Raises:
        ProcessGraphNotFound: the user has none with this id.
    """
    missing = ProcessGraphNotFound(identifier=process_id[:LONGEST_ID])
    definition: Json = find_owned(connection, stored_processes, user_id, missing, id=process_id)["definition"]
    return definition


def page(connection: Connection, user_id: str, limit: int, after: str) -> Sequence[Json]:
    """What is shown of the user's processes in a list, by id, from behind an id."""
    from sqlalchemy import select

    columns = stored_processes.c
    query = select(columns.summary).where(owned(stored_processes, user_id), columns.id > after)
    return connection.execute(query.order_by(columns.id).limit(limit)).scalars().all()


def delete(connection: Connection, user_id: str, process_id: str) -> None:
    """Remove a process.

    Raises:
        ProcessGraphNotFound: the user has none with this id.
    """
    from sqlalchemy import delete

    find(connection, user_id, process_id)
    connection.execute(delete(stored_processes).where(owned(stored_processes, user_id, id=process_id)))


def ids_among(connection: Connection, user_id: str, ids: Iterable[str]) -> set[str]:
    """Those of the ids that processes of the user have."""
    return _existing(connection, ids, owned(stored_processes, user_id))


def ids_of_anybody(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that a process of any user has: not whose, nor which process."""
    from sqlalchemy import true

    return _existing(connection, ids, true())


def _existing(connection: Connection, ids: Iterable[str], whose: ColumnElement[bool]) -> set[str]:
    from sqlalchemy import select

    column = stored_processes.c.id
    found: set[str] = set()
    for some in batches(ids):
        found.update(connection.execute(select(column).where(whose, column.in_(some)).distinct()).scalars())
    return found


def _count(connection: Connection, user_id: str) -> int:
    from sqlalchemy import func, select

    query = select(func.count()).select_from(stored_processes).where(owned(stored_processes, user_id))
    return connection.execute(query).scalar_one()


def _insert(connection: Connection, row: Json) -> None:
    """Insert a row, or replace the one that somebody else has inserted at this moment."""
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(stored_processes).values(row)
    changed = {name: statement.excluded[name] for name in ("definition", "summary", "updated")}
    connection.execute(statement.on_conflict_do_update(index_elements=["user_id", "id"], set_=changed))
