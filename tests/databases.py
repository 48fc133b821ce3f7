"""A database of each kind."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.state.tables import metadata

_number = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    pgserver = pytest.importorskip("pgserver", reason="pgserver, a PostgreSQL as a package, is not installed")
    # Not in pytest's folder: under root the server runs as another user, who must be able to reach its data.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)
        _forgo_durability(server.get_uri())
        yield server.get_uri()
        server.cleanup()


def _forgo_durability(server: str) -> None:
    """No test cuts the power of the shared server: it need not wait for its disk."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with all tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "connexeo.sqlite"
    open_database(f"sqlite:///{path}").dispose()
    # Nothing of it lies in a journal.
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    return path


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> str:
    """URL of a PostgreSQL database with all tables, in which one test after the other leaves rows."""
    url = _created(postgres_server, "shared")
    open_database(url).dispose()
    return url


@pytest.fixture
def cleared_postgres_url(postgres_url: str) -> str:
    """It, without rows."""
    _clear(postgres_url)
    return postgres_url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/connexeo.sqlite"
    return _created(request.getfixturevalue("postgres_server"), f"test{next(_number)}")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database with all tables, as the migrations make them, and no rows."""
    if request.param == "postgres":
        return str(request.getfixturevalue("cleared_postgres_url"))
    path = tmp_path / "data" / "connexeo.sqlite"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


whichever_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For tests of processes and files that take long, to which the kind of database is no matter."""


def _created(server: str, name: str) -> str:
    """URL of a new database in a PostgreSQL server."""
    import psycopg
    from sqlalchemy import make_url

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _clear(url: str) -> None:
    """Remove all rows of a PostgreSQL database, and whoever is still connected to it."""
    import psycopg

    tables = ", ".join(f'"{name}"' for name in metadata.tables)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY".encode())


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of the tests of one module alone, which they stop and start."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    pgserver = pytest.importorskip("pgserver", reason="pgserver, a PostgreSQL as a package, is not installed")
    # Not in pytest's folder: under root the server runs as another user, who must be able to reach its data.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)
        yield server
        server.ensure_postgres_running()
        server.cleanup()


def kill(postgres: Any, number: signal.Signals) -> None:
    """Send a signal to the database server and to the processes of its connections."""
    process = postgres._postmaster_info.process
    for one in [process, *process.children()]:
        os.kill(one.pid, number)


def stop(postgres: Any) -> None:
    """End the database server as a power cut does, and wait until it is gone."""
    process = postgres._postmaster_info.process
    os.kill(process.pid, signal.SIGQUIT)
    process.wait(30)
