from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from connexeo.drivers.local.accounts.users import Users
from connexeo.drivers.local.state.database import HEAD, VERSION_TABLE, is_reachable, open_database
from connexeo.drivers.local.state.tables import metadata


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """URL of an empty database: these tests see how it gets its tables."""
    return empty_database_url


def _open_and_count(url: str) -> int:
    users = Users.open(url)
    try:
        return len(users.list_users())
    finally:
        users.close()


def test_migrations_make_the_tables_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD


def test_opening_again_changes_nothing(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO users (id, provider, created, disabled, token_generation) "
                "VALUES ('ana', 'basic', '2026-01-01 00:00:00', false, 0)"
            )
        )
    assert _open_and_count(database_url) == 1


def test_workers_that_start_at_once(database_url: str, run_at_once: Callable[[str, str], list[str]]) -> None:
    code = """
from connexeo.drivers.local.accounts.users import Users
print(len(Users.open(argument).list_users()))
"""
    assert run_at_once(code, database_url) == ["0"] * 4


def test_a_failed_migration_leaves_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    upgrade = command.upgrade

    def fail(*arguments: object) -> None:
        upgrade(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("cut off")

    monkeypatch.setattr(command, "upgrade", fail)
    with pytest.raises(RuntimeError, match="cut off"):
        open_database(database_url)
    monkeypatch.undo()
    assert _open_and_count(database_url) == 0


def test_database_of_a_newer_release(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(ValueError, match="newer"):
        open_database(database_url)


def test_reachable(engine: Engine) -> None:
    assert is_reachable(engine)


def test_unreachable(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/data/db.sqlite")
    engine.dispose()
    (tmp_path / "data").rename(tmp_path / "moved")
    assert not is_reachable(engine)
    engine.dispose()


def test_sqlite_is_private_and_writes_ahead(tmp_path: Path) -> None:
    path = tmp_path / "data with % and ä" / "db.sqlite"
    engine = open_database(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    assert inspect(engine).get_table_names() == sorted([VERSION_TABLE, *metadata.tables])
    engine.dispose()


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    users = Users.open(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    reading = users.list_users()  # readers do not wait
    other.execute("COMMIT")
    users.add_user("ana", "correct horse")
    assert reading == []
    other.close()
    users.close()


def test_alembic_is_not_loaded_when_all_is_up_to_date(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/db.sqlite"
    open_database(url).dispose()
    code = (
        "import sys; from connexeo.drivers.local.state.database import open_database; "
        f"open_database({url!r}).dispose(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
