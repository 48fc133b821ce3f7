from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, DateTime, Integer, Table, func, insert, select

from connexeo.drivers.interface import User
from connexeo.drivers.local.accounts.holdings import (
    DEPENDENT,
    OWNED,
    Holdings,
    holdings_of,
    remove_user,
    stored_bytes,
)
from connexeo.drivers.local.accounts.users import Users
from connexeo.drivers.local.state.tables import UtcDateTime, job_logs, jobs, metadata, users, workers
from connexeo.drivers.local.storage import Storage

PASSWORD = "correct horse"
THEIRS = [table for table in metadata.sorted_tables if table not in (users, workers)]


@pytest.fixture
def accounts(database_url: str) -> Iterator[Users]:
    accounts = Users.open(database_url)
    yield accounts
    accounts.close()


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "storage"))


def _row(table: Table, owner: str, **given: Any) -> dict[str, Any]:
    """A row with something in every column that wants it; names what it belongs to after the owner."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.name in given:
            row[column.name] = given[column.name]
        elif column.name == "user_id":
            row[column.name] = owner
        elif not column.nullable:
            kind = column.type
            row[column.name] = (
                datetime.now(UTC)
                if isinstance(kind, UtcDateTime | DateTime)
                else 1
                if isinstance(kind, Integer)
                else False
                if kind.python_type is bool
                else f"{table.name[:4]}-{owner}"
            )
    return row


def _fill(connection: Connection, storage: Storage, owner: str) -> None:
    for table in THEIRS:
        parent = {
            name: f"{thing.name[:4]}-{owner}" for dependent, name, thing in DEPENDENT if dependent is table
        }
        connection.execute(insert(table).values(_row(table, owner, **parent, size=300, status="finished")))
    _store(storage, f"files/file-{owner}")
    _store(storage, f"jobs/jobs-{owner}/1/result.tif")


def _store(storage: Storage, key: str) -> None:
    with storage.writing(key) as file:
        file.write(b"content")


def _rows(accounts: Users) -> dict[str, int]:
    with accounts.engine.connect() as connection:
        return {
            table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in THEIRS
        }


def test_every_table_is_somebodys() -> None:
    """A new table must be named in `holdings`, so that nothing stays behind when its user goes."""
    known = {*OWNED, *(table for table, _, _ in DEPENDENT)}
    assert {table.name for table in known} == {table.name for table in THEIRS}
    assert all("user_id" in table.columns for table in OWNED)


def test_what_a_user_has(accounts: Users, storage: Storage) -> None:
    with accounts.engine.begin() as connection:
        _fill(connection, storage, "ana")
        more = _row(jobs, "ana", id="j-2", status="queued")
        connection.execute(insert(jobs).values([more, {**more, "id": "j-3"}]))
        assert holdings_of(connection, "ana") == Holdings({"finished": 1, "queued": 2}, 1, 300, 1, 1)
        assert holdings_of(connection, "ben") == Holdings({}, 0, 0, 0, 0)
        assert (stored_bytes(connection, "ana"), stored_bytes(connection, "ben")) == (300, 0)


def test_a_user_goes_with_everything_and_nothing_else(accounts: Users, storage: Storage) -> None:
    for name in ("ana", "ben"):
        accounts.add_user(name, PASSWORD)
        with accounts.engine.begin() as connection:
            _fill(connection, storage, name)
    assert set(_rows(accounts).values()) == {2}
    had = remove_user(accounts.engine, storage, "ana")
    assert had == Holdings({"finished": 1}, 1, 300, 1, 1)
    assert set(_rows(accounts).values()) == {1}
    with accounts.engine.connect() as connection:
        assert holdings_of(connection, "ben") == had
        assert connection.scalar(select(job_logs.c.job_id)) == "jobs-ben"
    assert [account.id for account in accounts.list_users()] == ["ben"]
    assert (storage.names("files"), storage.names("jobs")) == (["file-ben"], ["jobs-ben"])
    assert remove_user(accounts.engine, storage, "ana") == Holdings({}, 0, 0, 0, 0)


@pytest.mark.parametrize("provider", ["basic", "river"])
def test_a_new_account_has_nothing_of_an_earlier_one(
    accounts: Users, storage: Storage, provider: str
) -> None:
    """A request that was under way when the earlier account was removed may have stored something after it."""
    with accounts.engine.begin() as connection:
        _fill(connection, storage, "ana")
    if provider == "basic":
        accounts.add_user("ana", PASSWORD)
    else:
        accounts.remember(User("ana", "Ana", provider="river"))
    with accounts.engine.connect() as connection:
        assert holdings_of(connection, "ana") == Holdings({}, 0, 0, 0, 0)
