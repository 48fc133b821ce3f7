"""The one check of ownership: whatever is read or written of a user's things goes through here.

Somebody else's thing and one that does not exist look the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, select

from connexeo.generated.errors import OpenEOError


def owned(table: Table, user_id: str, **key: Any) -> ColumnElement[bool]:
    """Condition for rows of a table that belong to a user.

    Args:
        table: One with a column ``user_id``.
        user_id: Who asks.
        **key: Values of further columns, such as ``id``.
    """
    mine = table.c.user_id == user_id
    return and_(mine, *(table.c[name] == value for name, value in key.items()))


def find_owned(
    connection: Connection,
    table: Table,
    user_id: str,
    missing: OpenEOError,
    columns: Iterable[ColumnElement[Any]] | None = None,
    *,
    locking: bool = False,
    **key: Any,
) -> RowMapping:
    """The row with this key, if it belongs to the user.

    Args:
        connection: A transaction.
        table: One with a column ``user_id``.
        user_id: Who asks.
        missing: What is raised when there is none.
        columns: What is wanted of it; None for everything.
        locking: Whether nobody else may change it until the transaction ends.
        **key: Values of further columns, such as ``id``.

    Raises:
        OpenEOError: ``missing``, when there is none, or it is another user's.
    """
    # Databases do not even take every text: PostgreSQL refuses NUL characters.
    if any(isinstance(value, str) and "\0" in value for value in key.values()):
        raise missing
    query = select(*(table.c if columns is None else columns)).where(owned(table, user_id, **key))
    row = connection.execute(query.with_for_update() if locking else query).mappings().first()
    if row is None:
        raise missing
    return row
