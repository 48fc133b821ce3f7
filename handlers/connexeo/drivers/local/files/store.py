"""Rows of the files of users: which exist, which blobs of the storage hold them, and how much there is room for.

A blob is written first, under a random name, and becomes a file by one transaction; a blob without a row is nobody's
(see `connexeo.drivers.local.files.sweep`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from connexeo.drivers.local.accounts.limits import Quota, quota_in
from connexeo.drivers.local.files.paths import folders_of, media_type_of
from connexeo.drivers.local.state.ownership import find_owned, owned
from connexeo.drivers.local.state.tables import files
from connexeo.generated.errors import (
    FileNotFound,
    FileOperationUnsupported,
    FilePathInvalid,
    StorageQuotaExceeded,
)

FOLDER = "files"
"""Where the blobs lie in the storage."""

_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Blob:
    """A content that is complete in the storage."""

    name: str
    size: int
    checksum: str
    """SHA-256, hexadecimal."""


def new_name() -> str:
    """A name for a blob; it says nothing of user, path or content."""
    return secrets.token_hex(16)


def key_of(blob: str) -> str:
    """Key of a blob in the storage."""
    return f"{FOLDER}/{blob}"


def find_file(connection: Connection, user_id: str, path: str) -> RowMapping:
    """The row of a file.

    Raises:
        FileNotFound: when the user has none at this path.
        FileOperationUnsupported: when it is a folder.
    """
    try:
        return find_owned(connection, files, user_id, FileNotFound(file=path), path=path)
    except FileNotFound:
        if _is_folder(connection, user_id, path):
            raise _folder_refused(path) from None
        raise


def list_files(
    connection: Connection, user_id: str, limit: int | None, after: str | None
) -> Sequence[RowMapping]:
    """The user's files in the order of their paths, those behind a path."""
    query = select(files).where(owned(files, user_id)).order_by(files.c.path)
    if after is not None:
        query = query.where(files.c.path > after)
    if limit is not None:
        query = query.limit(min(limit, _MOST))
    return connection.execute(query).mappings().all()


def room_for(connection: Connection, user_id: str, path: str, quota: Quota) -> int | None:
    """Bytes that a file at this path may have; None for as many as there are.

    Raises:
        FilePathInvalid: when a part of the path is a file.
        FileOperationUnsupported: when it is a folder.
    """
    _check_place(connection, user_id, path)
    most = quota_in(connection, user_id, quota)
    if most is None:
        return None
    # The file that is replaced makes room.
    others = select(func.coalesce(func.sum(files.c.size), 0)).where(
        owned(files, user_id), files.c.path != path
    )
    return max(most - int(connection.execute(others).scalar_one()), 0)


def replace_file(
    connection: Connection, user_id: str, path: str, blob: Blob, quota: Quota
) -> tuple[dict[str, Any], str | None]:
    """Make a blob the file at a path; in a transaction that writes.

    Returns:
        The new row, and the name of the blob that was there before: it is to be deleted after the transaction.

    Raises:
        StorageQuotaExceeded: when there is no longer room for it.
        FilePathInvalid, FileOperationUnsupported: as for `room_for`.
    """
    _take_turn(connection, user_id)
    room = room_for(connection, user_id, path, quota)
    if room is not None and blob.size > room:
        raise StorageQuotaExceeded()
    row = {
        "user_id": user_id,
        "path": path,
        "blob": blob.name,
        "size": blob.size,
        "checksum": blob.checksum,
        "modified": datetime.now(UTC),
        "media_type": media_type_of(path),
    }
    mine = owned(files, user_id, path=path)
    before = connection.execute(select(files.c.blob).where(mine)).scalar()
    if before is not None:
        connection.execute(update(files).where(mine).values(row))
        return row, str(before)
    connection.execute(insert(files).values(row))
    return row, None


def remove_file(connection: Connection, user_id: str, path: str) -> str:
    """Remove the row of a file; in a transaction that writes.

    Returns:
        Name of its blob, to be deleted after the transaction.

    Raises:
        FileNotFound, FileOperationUnsupported: as for `find_file`.
    """
    _take_turn(connection, user_id)
    row = find_file(connection, user_id, path)
    connection.execute(delete(files).where(owned(files, user_id, path=path)))
    return str(row["blob"])


def blobs(connection: Connection) -> set[str]:
    """Names of all blobs that are files."""
    return set(connection.execute(select(files.c.blob)).scalars())


def document(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A file as the contract describes it, with its media type and checksum besides."""
    return {
        "path": row["path"],
        "size": row["size"],
        "modified": row["modified"].isoformat(timespec="seconds").replace("+00:00", "Z"),
        "type": row["media_type"],
        # A multihash, as the file extension of STAC has it: SHA-256 with its 32 bytes.
        "file:checksum": f"1220{row['checksum']}",
    }


def _take_turn(connection: Connection, user_id: str) -> None:
    """Let the user's changes happen one after the other: each looks at all other files."""
    if connection.dialect.name == "postgresql":
        lock = func.hashtextextended(f"files of {user_id}", 0)
        connection.execute(select(func.pg_advisory_xact_lock(lock)))
    # A transaction of SQLite that writes is the only one.


def _check_place(connection: Connection, user_id: str, path: str) -> None:
    parents = folders_of(path)
    if parents:
        query = select(files.c.path).where(owned(files, user_id), files.c.path.in_(parents)).limit(1)
        taken = connection.execute(query).scalar()
        if taken is not None:
            raise FilePathInvalid(reason=f"'{taken}' is a file, so nothing can lie in it")
    if _is_folder(connection, user_id, path):
        raise _folder_refused(path)


def _is_folder(connection: Connection, user_id: str, path: str) -> bool:
    if "\0" in path:
        return False
    query = select(files.c.path).where(owned(files, user_id), _below(path)).limit(1)
    return connection.execute(query).scalar() is not None


def _below(folder: str) -> ColumnElement[bool]:
    """Condition for what lies in a folder: a range of the index, as ``0`` comes right after ``/``."""
    return and_(files.c.path > f"{folder}/", files.c.path < f"{folder}0")


def _folder_refused(path: str) -> FileOperationUnsupported:
    return FileOperationUnsupported(
        f"'{path}' is a folder. Folders exist as long as files lie in them: name one of these, or another path."
    )
