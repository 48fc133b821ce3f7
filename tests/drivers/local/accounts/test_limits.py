from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connexeo.drivers.interface import User
from connexeo.drivers.local.accounts.limits import Limits, find_limits, limits_of, quota_in, quota_of
from connexeo.drivers.local.accounts.users import Users
from connexeo.settings import Settings

ROLES: Any = [
    {"name": "staff", "priority": 10, "jobs_per_user": 8},
    {"name": "owner", "priority": 5, "jobs_per_user": 20, "storage_quota": 500},
    {"name": "guest", "priority": -5, "jobs_per_user": 1, "storage_quota": 0},
]


def _settings(folder: Path) -> Settings:
    return Settings(data=folder / "data", jobs_per_user=2, storage_quota=100, roles=ROLES)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ((), Limits(0, 2, 100)),
        (("another",), Limits(0, 2, 100)),
        (("staff",), Limits(10, 8, 100)),
        (("guest",), Limits(-5, 1, 0)),
        (("guest", "another"), Limits(-5, 1, 0)),
        (("staff", "owner", "guest"), Limits(10, 20, 500)),
    ],
)
def test_the_most_generous_role_counts(tmp_path: Path, roles: tuple[str, ...], expected: Limits) -> None:
    assert limits_of(_settings(tmp_path), roles) == expected


def test_limits_of_somebody_who_is_not_there_to_ask(tmp_path: Path, database_url: str) -> None:
    settings = _settings(tmp_path)
    users = Users.open(database_url)
    users.add_user("ana", "correct horse", ["guest"])
    users.remember(User("river~ben", "Ben", provider="river", roles=frozenset({"staff"})))
    users.change_roles("river~ben", add=["owner"])
    with users.engine.connect() as connection:
        found = [find_limits(connection, settings, name) for name in ("ana", "river~ben", "nobody")]
    users.close()
    assert found == [Limits(-5, 1, 0), Limits(10, 20, 500), Limits(0, 2, 100)]


def test_the_quota_follows_the_roles(tmp_path: Path, database_url: str) -> None:
    quota = quota_of(_settings(tmp_path))
    users = Users.open(database_url)
    users.add_user("ana", "correct horse", ["owner"])
    with users.engine.connect() as connection:
        assert [quota_in(connection, name, quota) for name in ("ana", "ben")] == [500, 100]
        assert [quota_in(connection, "ana", given) for given in (7, None)] == [7, None]
    users.close()
