"""Tables of the local driver's database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Dialect, Integer, MetaData, String, Table
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """Aware instants, kept as UTC also where the database knows no time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To a naive UTC time."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From a naive UTC time."""
        return None if value is None else value.replace(tzinfo=UTC)


users = Table(
    "users",
    metadata,
    # As in `User.id`: the name of a Basic account, `<provider>~<subject>` of an OpenID Connect user.
    Column("id", String(200), primary_key=True),
    Column("name", String(256)),
    Column("provider", String(20), nullable=False),
    # argon2id in its own text format; null where somebody else checks the password.
    Column("password", String(255)),
    Column("created", UtcDateTime, nullable=False),
    Column("disabled", Boolean, nullable=False),
    # Tokens carry the generation they were made in; older ones are no longer valid.
    Column("token_generation", Integer, nullable=False),
)
