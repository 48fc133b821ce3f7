"""The database: SQLite in the data folder, or PostgreSQL by URL."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    column,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

VERSION_TABLE = "connexeo_schema_version"
HEAD = "0003"
"""Newest revision in ``migrations/versions``."""

_LOCK = 0x636F6E6E
_SQLITE_WAIT = 30.0
# Without them a connection to a host that is gone is noticed after minutes, or hours.
_POSTGRES = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def open_database(url: str) -> Engine:
    """Connect to the database and bring its tables up to date.

    Workers that start at the same time take turns. ``postgresql://`` means psycopg 3.

    Raises:
        ValueError: when a newer release has changed the tables.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = _sqlite_engine(parsed) if parsed.get_backend_name() == "sqlite" else _server_engine(parsed)
    try:
        _upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _server_engine(url: URL) -> Engine:
    # A pooled connection may be dead after a restart of the server; it is asked before it is used.
    engine = create_engine(url, pool_pre_ping=True, connect_args=patience_of(url))
    if url.drivername == "postgresql+psycopg":
        event.listen(engine, "connect", _prepare_postgres_connection)
    return engine


def _prepare_postgres_connection(connection: Any, _record: Any) -> None:
    # A process that is halted within a transaction must not keep its locks, for which all others would wait.
    connection.execute("SET idle_in_transaction_session_timeout = '30s'")
    connection.commit()


def patience_of(url: URL) -> dict[str, int]:
    """How long connections wait for a host that is gone; what the URL says itself is left to it."""
    if url.get_backend_name() != "postgresql":
        return {}
    return {key: value for key, value in _POSTGRES.items() if key not in url.query}


def _sqlite_engine(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It holds password hashes; SQLite gives its journal files the mode of the database.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(url, connect_args={"timeout": _SQLITE_WAIT})
    event.listen(engine, "connect", _prepare_sqlite_connection)
    event.listen(engine, "begin", _begin_sqlite_transaction)
    return engine


def _prepare_sqlite_connection(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions begin in `_begin_sqlite_transaction`: left to itself, sqlite3 begins none for DDL and reads.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite_transaction(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', '')}")


def _use_write_ahead_log(engine: Engine) -> None:
    """Let readers and a writer work at once; the database file remembers it."""
    deadline = time.monotonic() + _SQLITE_WAIT
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            # The switch does not wait for other connections as statements do.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def _upgrade(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        _use_write_ahead_log(engine)
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return  # the usual case; alembic is not even imported
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        _migrate(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))


def _migrate(connection: Connection) -> None:
    from alembic import command  # 0.4 s, needed once per release
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ValueError("the database was made by a newer release than this one") from error


def is_reachable(engine: Engine) -> bool:
    """Whether the database answers, and has our tables."""
    try:
        if engine.dialect.name == "sqlite" and engine.url.database not in (None, ":memory:"):
            # Open connections go on with a file that is gone or overwritten.
            engine = create_engine(_existing(engine.url), poolclass=NullPool)
        with engine.connect() as connection:
            return _revision(connection) is not None
    except DatabaseError:
        return False


def _existing(url: URL) -> URL:
    """URL that opens an SQLite file and does not make one."""
    return url.set(database=f"file:{quote(url.database or '')}", query={"mode": "rw", "uri": "true"})
