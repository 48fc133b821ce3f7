"""Lists of a user's things in pages, newest first.

Pages start behind a thing, named by its time and identifier: neither new things nor deleted ones move them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, literal, select, tuple_

from connexeo.drivers.interface import Json, Page
from connexeo.drivers.local.state.ownership import owned
from connexeo.drivers.local.state.state import State
from connexeo.drivers.local.state.tables import UtcDateTime
from connexeo.generated.errors import RequestInvalid

PAGE = 1000
"""Entries of a page, unless fewer are asked for."""

Row = Mapping[Any, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([0-9]{1,16})\.([a-z]-[0-9a-f]{32})")


def page_size(limit: int | None) -> int:
    """How many entries a page has when so many are asked for."""
    return min(limit or PAGE, PAGE)


async def newest_first(
    state: State,
    table: Table,
    columns: Iterable[ColumnElement[Any]],
    user_id: str,
    show: Callable[[Row], Json],
    *,
    limit: int | None,
    offset: str | None,
) -> Page:
    """A page of the list of a user's things.

    Args:
        state: The database.
        table: One with columns ``user_id``, ``created`` and ``id``, and an index of these.
        columns: What is read of each thing; ``created`` and ``id`` among them.
        user_id: Who asks.
        show: Makes an entry of a row.
        limit: Most entries that are wanted.
        offset: Of a page before; None for the first page.

    Raises:
        RequestInvalid: when the offset is none of ours.
    """
    size = page_size(limit)
    after = _place_of(offset) if offset else None
    rows = await state.read(_rows, table, columns, user_id, size + 1, after)
    shown = rows[:size]
    return Page([show(row) for row in shown], _offset_of(shown[-1]) if len(rows) > size else None)


def _rows(
    connection: Connection,
    table: Table,
    columns: Iterable[ColumnElement[Any]],
    user_id: str,
    limit: int,
    after: tuple[datetime, str] | None,
) -> list[Row]:
    query = select(*columns).where(owned(table, user_id))
    if after is not None:
        place = tuple_(literal(after[0], UtcDateTime), literal(after[1]))
        query = query.where(tuple_(table.c.created, table.c.id) < place)
    query = query.order_by(table.c.created.desc(), table.c.id.desc()).limit(limit)
    return list(connection.execute(query).mappings())


def _offset_of(row: Row) -> str:
    """Where the page starts that follows a thing."""
    return f"{(row['created'] - _EPOCH) // timedelta(microseconds=1)}.{row['id']}"


def _place_of(offset: str) -> tuple[datetime, str]:
    """Creation and identifier of the thing that an offset stands for.

    Raises:
        RequestInvalid: when it is none of ours.
    """
    match = _OFFSET.fullmatch(offset)
    if match is None:
        raise RequestInvalid(reason="query parameter 'offset': follow the `next` links of the list")
    return _EPOCH + timedelta(microseconds=int(match[1])), match[2]
