"""Services in the database."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    delete,
    insert,
    select,
    update,
)

from connexeo.drivers.local.properties import merge_extra
from connexeo.drivers.local.services import logs
from connexeo.drivers.local.state.ownership import find_owned, owned
from connexeo.drivers.local.state.tables import services, users
from connexeo.generated.errors import ServiceDisabled, ServiceNotFound

SUMMARY: tuple[ColumnElement[Any], ...] = tuple(
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
    missing = ServiceNotFound(identifier=service_id[:100])
    if not _ID.fullmatch(service_id):
        raise missing
    return find_owned(connection, services, user_id, missing, locking=locking, id=service_id)


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
    new = {**values, "extra": merge_extra(row["extra"], extra)}
    if redrawn:
        new |= {"version": row["version"] + 1, "survey": None}
    connection.execute(update(services).where(owned(services, user_id, id=service_id)).values(new))


def remove(connection: Connection, user_id: str, service_id: str) -> None:
    """Remove a service and its log.

    Raises:
        ServiceNotFound: when the user has no such service.
    """
    find(connection, user_id, service_id, locking=True)
    logs.clear(connection, service_id)
    connection.execute(delete(services).where(owned(services, user_id, id=service_id)))


def keep_survey(connection: Connection, service_id: str, version: int, survey: Mapping[str, Any]) -> None:
    """Keep what was found out about the data of a version, unless there is another version by now."""
    same = (services.c.id == service_id) & (services.c.version == version)
    connection.execute(update(services).where(same).values(survey=dict(survey)))
