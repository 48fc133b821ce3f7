"""What users may do, by their roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from connexeo.settings import Role, Settings

Quota: TypeAlias = "int | Callable[[Connection, str], int] | None"
"""Bytes that the files of a user may take: the same for all, any number, or what a function says of a user."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one user."""

    priority: int
    """Of the user's jobs; more is sooner."""
    jobs_per_user: int
    """Jobs that run at a time."""
    storage_quota: int
    """Bytes of files."""


def limits_of(settings: Settings, roles: Iterable[str]) -> Limits:
    """The limits of a user with these roles.

    Where several roles say something, the most generous counts; where none does, the deployment's own setting.
    """
    held = frozenset(roles)
    matching = [role for role in settings.roles if role.name in held]
    return Limits(
        priority=max((role.priority for role in matching), default=0),
        jobs_per_user=_best(matching, "jobs_per_user", settings.jobs_per_user),
        storage_quota=_best(matching, "storage_quota", settings.storage_quota),
    )


def find_limits(connection: Connection, settings: Settings, user_id: str) -> Limits:
    """The limits of a user who is not there to ask, by the roles that the database knows."""
    if not settings.roles:
        return limits_of(settings, ())
    from sqlalchemy import select

    from connexeo.drivers.local.state.tables import users

    known = select(users.c.roles, users.c.claimed_roles).where(users.c.id == user_id)
    row = connection.execute(known).first()
    return limits_of(settings, () if row is None else [*(row.roles or ()), *(row.claimed_roles or ())])


def quota_of(settings: Settings) -> Quota:
    """Tells the storage quota of a user, by the roles that the database knows."""
    return lambda connection, user_id: find_limits(connection, settings, user_id).storage_quota


def quota_in(connection: Connection, user_id: str, quota: Quota) -> int | None:
    """The quota of one user; None for any number of bytes."""
    return quota(connection, user_id) if callable(quota) else quota


def _best(roles: list[Role], field: str, default: int) -> int:
    given = [value for role in roles if (value := getattr(role, field)) is not None]
    return max(given, default=default)
