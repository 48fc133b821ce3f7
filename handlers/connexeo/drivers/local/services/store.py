"""Services in the database."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    delete,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from connexeo.drivers.local.state.ownership import owned
from connexeo.drivers.local.state.tables import UtcDateTime, service_logs, services, users
from connexeo.generated.errors import ServiceDisabled, ServiceNotFound

Place = tuple[datetime, str]
"""Where a page of the list starts: creation and id of the service before."""

_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    column for column in services.c if column.name not in ("process", "extra", "configuration", "survey")
)
"""What is shown of each service in the list."""

_ID = re.compile(r"s-[0-9a-f]{32}")


def create(connection: Connection, user_id: str, values: Mapping[str, Any]) -> str:
    """Identifier of a new service."""
    service_id = f"s-{secrets.token_hex(16)}"
    connection.execute(
        insert(services).values({**values, "id": service_id, "user_id": user_id, "version": 1})
    )
    return service_id


def find(connection: Connection, user_id: str, service_id: str, *, locking: bool = False) -> RowMapping:
    """The row of one of the user's services.

    Args:
        connection: A transaction.
        user_id: Who asks.
        service_id: Any text.
        locking: Whether nobody else may change it until the transaction ends.

    Raises:
        ServiceNotFound: when the user has no such service.
    """
    row = None
    if _ID.fullmatch(service_id):
        query = select(services).where(owned(services, user_id, id=service_id))
        row = connection.execute(query.with_for_update() if locking else query).mappings().first()
    if row is None:
        raise ServiceNotFound(identifier=service_id[:100])
    return row


def find_published(connection: Connection, service_id: str, service_type: str) -> RowMapping:
    """The row of anybody's service, for those who use it: the identifier, which cannot be guessed, is the permission.

    Raises:
        ServiceNotFound: when there is no such service of this type.
        ServiceDisabled: when it is switched off, or its owner's account is.
    """
    row = None
    if _ID.fullmatch(service_id):
        query = (
            select(*services.c, users.c.disabled.label("owner_disabled"))
            .select_from(services.outerjoin(users, users.c.id == services.c.user_id))
            .where(services.c.id == service_id, services.c.type == service_type)
        )
        row = connection.execute(query).mappings().first()
    if row is None:
        raise ServiceNotFound(f"There is no {service_type} service '{service_id[:100]}'.")
    if not row["enabled"] or row["owner_disabled"]:
        raise ServiceDisabled()
    return row


def page(connection: Connection, user_id: str, limit: int, after: Place | None) -> Sequence[RowMapping]:
    """Services of the user, newest first, from behind a place of the list; without what is large."""
    order = tuple_(services.c.created, services.c.id)
    query = select(*_COLUMNS).where(owned(services, user_id))
    if after is not None:
        created, service_id = after
        query = query.where(order < tuple_(literal(created, UtcDateTime), literal(service_id)))
    query = query.order_by(services.c.created.desc(), services.c.id.desc()).limit(limit)
    return connection.execute(query).mappings().all()


def change(
    connection: Connection,
    user_id: str,
    service_id: str,
    values: Mapping[str, Any],
    extra: Mapping[str, Any],
    *,
    redrawn: bool,
) -> None:
    """Set properties of a service, and some of those that the contract does not know; None removes one of these.

    Args:
        connection: A transaction that writes.
        user_id: Who asks.
        service_id: Any text.
        values: By column.
        extra: Properties that the contract does not know.
        redrawn: Whether tiles look different from now on.

    Raises:
        ServiceNotFound: when the user has no such service.
    """
    row = find(connection, user_id, service_id, locking=True)
    merged = {**(row["extra"] or {}), **extra}
    kept = {key: value for key, value in merged.items() if value is not None}
    new = {**values, "extra": kept or None}
    if redrawn:
        new |= {"version": row["version"] + 1, "survey": None}
    connection.execute(update(services).where(owned(services, user_id, id=service_id)).values(new))


def remove(connection: Connection, user_id: str, service_id: str) -> None:
    """Remove a service and its log.

    Raises:
        ServiceNotFound: when the user has no such service.
    """
    find(connection, user_id, service_id, locking=True)
    connection.execute(delete(service_logs).where(service_logs.c.service_id == service_id))
    connection.execute(delete(services).where(owned(services, user_id, id=service_id)))


def keep_survey(connection: Connection, service_id: str, version: int, survey: Mapping[str, Any]) -> None:
    """Keep what was found out about the data of a version, unless there is another version by now."""
    same = (services.c.id == service_id) & (services.c.version == version)
    connection.execute(update(services).where(same).values(survey=dict(survey)))
