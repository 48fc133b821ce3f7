"""A database of each kind."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_number = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    pgserver = pytest.importorskip("pgserver", reason="pgserver, a PostgreSQL as a package, is not installed")
    # Not in pytest's folder: under root the server runs as another user, who must be able to reach its data.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/connexeo.sqlite"
        return
    import psycopg
    from sqlalchemy import make_url

    server: str = request.getfixturevalue("postgres_server")
    name = f"test{next(_number)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield make_url(server).set(database=name).render_as_string(hide_password=False)


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
