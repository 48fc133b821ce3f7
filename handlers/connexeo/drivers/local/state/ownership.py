"""The one check of ownership: whatever is read or written of a user's things goes through here.

Somebody else's thing and one that does not exist look the same.
"""

from __future__ import annotations

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
    connection: Connection, table: Table, user_id: str, missing: OpenEOError, **key: Any
) -> RowMapping:
    """The row with this key, if it belongs to the user.

    Raises:
        OpenEOError: ``missing``, when there is none, or it is another user's.
    """
    # Databases do not even take every text: PostgreSQL refuses NUL characters.
    if any(isinstance(value, str) and "\0" in value for value in key.values()):
        raise missing
    row = connection.execute(select(table).where(owned(table, user_id, **key))).mappings().first()
    if row is None:
        raise missing
    return row
