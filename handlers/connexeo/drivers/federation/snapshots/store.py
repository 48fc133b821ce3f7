"""The file that snapshots are kept in: SQLite, one writer at a time, any number of readers.

It is a cache: a file of another release is made anew, and whoever deletes it loses nothing but time. Nothing in it is
compressed, for that would take longer than to write and read it.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

from connexeo.drivers.federation.snapshots.state import UpstreamState

FORMAT = 3
"""Of the file; another one is thrown away."""
NAME = "federation.sqlite"

_WAIT = 10.0

_TABLES = """
CREATE TABLE upstreams (
    id TEXT PRIMARY KEY, online INTEGER, checked REAL, succeeded REAL, changed REAL, failures INTEGER NOT NULL,
    latency REAL, reason TEXT NOT NULL
);
CREATE TABLE documents (
    upstream TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, etag TEXT, fetched REAL NOT NULL,
    digest TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (upstream, kind, key)
) WITHOUT ROWID;
CREATE TABLE attempts (
    upstream TEXT NOT NULL, kind TEXT NOT NULL, tried REAL NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (upstream, kind)
) WITHOUT ROWID;
CREATE TABLE addresses (id TEXT PRIMARY KEY, url TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE views (
    kind TEXT PRIMARY KEY, digest TEXT NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A document of one back-end, as it was last."""

    upstream: str
    kind: str
    """Such as ``collections`` or ``collection``."""
    key: str
    """Which one, where there are several of the kind; else empty."""
    body: bytes = field(repr=False)
    """JSON."""
    fetched: float
    """Seconds since 1970."""
    etag: str | None = None
    """That it came with, for asking whether it has changed."""

    @property
    def digest(self) -> str:
        """Of the body."""
        return digest_of(self.body)


@dataclass(frozen=True, slots=True)
class View:
    """What was made of the snapshots of all back-ends."""

    kind: str
    digest: str
    body: bytes = field(repr=False)


def digest_of(body: bytes) -> str:
    """Tells whether two bodies are the same."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


class SnapshotStore:
    """One connection to the file; to be used by one thread at a time.

    Args:
        folder: The data folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = self._open()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def version(self) -> int:
        """Another number whenever somebody else has changed something."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def states(self) -> dict[str, UpstreamState]:
        """What is known of each back-end, by id."""
        names = ", ".join(each.name for each in fields(UpstreamState))
        rows = self._connection.execute(f"SELECT {names} FROM upstreams")  # noqa: S608 - names of ours
        return {
            row[0]: UpstreamState(row[0], None if row[1] is None else bool(row[1]), *row[2:]) for row in rows
        }

    def put_state(self, state: UpstreamState) -> None:
        """Note the outcome of a check."""
        with self._writing():
            self._connection.execute(
                "INSERT OR REPLACE INTO upstreams VALUES (?, ?, ?, ?, ?, ?, ?, ?)", astuple(state)
            )

    def snapshot(self, upstream: str, kind: str, key: str = "") -> Snapshot | None:
        """One document of one back-end."""
        row = self._connection.execute(
            "SELECT body, fetched, etag FROM documents WHERE upstream = ? AND kind = ? AND key = ?",
            (upstream, kind, key),
        ).fetchone()
        return None if row is None else Snapshot(upstream, kind, key, row[0], row[1], row[2])

    def snapshots(self, kind: str, key: str = "") -> dict[str, Snapshot]:
        """A document of all back-ends that have it, by their ids."""
        rows = self._connection.execute(
            "SELECT upstream, body, fetched, etag FROM documents WHERE kind = ? AND key = ?", (kind, key)
        )
        return {row[0]: Snapshot(row[0], kind, key, row[1], row[2], row[3]) for row in rows}

    def put(self, snapshot: Snapshot) -> bool:
        """Keep a document in the place of the one before; whether it is another one."""
        digest = snapshot.digest
        place = (snapshot.upstream, snapshot.kind, snapshot.key)
        with self._writing():
            row = self._connection.execute(
                "SELECT digest FROM documents WHERE upstream = ? AND kind = ? AND key = ?", place
            ).fetchone()
            if row is not None and row[0] == digest:
                self._connection.execute(
                    "UPDATE documents SET fetched = ?, etag = ? WHERE upstream = ? AND kind = ? AND key = ?",
                    (snapshot.fetched, snapshot.etag, *place),
                )
            else:
                self._connection.execute(
                    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*place, snapshot.etag, snapshot.fetched, digest, snapshot.body),
                )
            self._note_attempt(snapshot.upstream, snapshot.kind, snapshot.fetched, "")
        return row is None or row[0] != digest

    def note_failure(self, upstream: str, kind: str, now: float, reason: str) -> None:
        """Keep that a document could not be had; the one before stays."""
        with self._writing():
            self._note_attempt(upstream, kind, now, reason)

    def attempts(self) -> dict[tuple[str, str], tuple[float, str]]:
        """When each kind was asked for last of each back-end, and why it failed; empty when it did not."""
        rows = self._connection.execute("SELECT upstream, kind, tried, reason FROM attempts")
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def view(self, kind: str) -> View | None:
        """What was made of the snapshots of a kind."""
        row = self._connection.execute("SELECT digest, body FROM views WHERE kind = ?", (kind,)).fetchone()
        return None if row is None else View(kind, row[0], row[1])

    def view_digests(self) -> dict[str, str]:
        """Which views there are, and whether they have changed."""
        return dict(self._connection.execute("SELECT kind, digest FROM views").fetchall())

    def put_view(self, kind: str, body: bytes) -> None:
        """Keep what was made of the snapshots of a kind."""
        digest = digest_of(body)
        with self._writing():
            row = self._connection.execute("SELECT digest FROM views WHERE kind = ?", (kind,)).fetchone()
            if row is None or row[0] != digest:
                self._connection.execute(
                    "INSERT OR REPLACE INTO views VALUES (?, ?, ?)", (kind, digest, body)
                )

    def forget_others(self, upstreams: Mapping[str, str]) -> None:
        """Throw away what is of back-ends that are no part of the federation any longer.

        Args:
            upstreams: Id to address; one with another address than before is another one, with the id of a former.
        """
        with self._writing():
            before = dict(self._connection.execute("SELECT id, url FROM addresses").fetchall())
            known = [each for each, url in upstreams.items() if before.get(each, url) == url]
            marks = ", ".join("?" * len(known))
            for table, column in (("upstreams", "id"), ("documents", "upstream"), ("attempts", "upstream")):
                self._connection.execute(
                    f"DELETE FROM {table} WHERE {column} NOT IN ({marks})",  # noqa: S608 - names of ours
                    known,
                )
            self._connection.execute("DELETE FROM addresses")
            self._connection.executemany("INSERT INTO addresses VALUES (?, ?)", upstreams.items())

    def _note_attempt(self, upstream: str, kind: str, now: float, reason: str) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", (upstream, kind, now, reason)
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        # It may hold what only those with a token may see.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
                _make_tables(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)


def _make_tables(connection: sqlite3.Connection) -> None:
    with closing(connection.cursor()) as cursor:
        found = cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in found:
            cursor.execute(f'DROP TABLE "{name}"')
        for statement in filter(None, map(str.strip, _TABLES.split(";"))):
            cursor.execute(statement)
        cursor.execute(f"PRAGMA user_version = {FORMAT}")
