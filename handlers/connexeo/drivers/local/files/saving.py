"""Makes a finished local file a file of a user."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from connexeo.drivers.local.accounts.limits import Quota
from connexeo.drivers.local.files.paths import check_path
from connexeo.drivers.local.files.store import Blob, key_of, new_name, replace_file, room_for
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import (
    FileOperationUnsupported,
    FilePathInvalid,
    StorageFailure,
    StorageQuotaExceeded,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = structlog.get_logger("connexeo.files")


def save_file(engine: Engine, storage: Storage, user_id: str, path: str, source: Path, quota: Quota) -> None:
    """Store a local file at a path of the user, in place of the one that is there; blocking.

    Args:
        engine: The database.
        storage: Where contents lie.
        user_id: Whose file it becomes.
        path: Where to.
        source: The file, which is moved.
        quota: Bytes that the user's files may take.

    Raises:
        FilePathInvalid, FileOperationUnsupported: when the path cannot be.
        StorageQuotaExceeded: when it is too much.
        StorageFailure: when it cannot be stored.
    """
    check_path(path)
    size = source.stat().st_size
    with transaction(engine, writing=False) as connection:
        room = room_for(connection, user_id, path, quota)
    if room is not None and size > room:
        raise StorageQuotaExceeded()
    with source.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    blob = Blob(new_name(), size, checksum)
    storage.put(source, key_of(blob.name))
    try:
        with transaction(engine) as connection:
            _, before = replace_file(connection, user_id, path, blob, quota)
    except (StorageQuotaExceeded, FilePathInvalid, FileOperationUnsupported):
        discard(storage, blob.name)
        raise
    # After any other error the row may be there after all: that is for the sweep to find out.
    if before is not None:
        discard(storage, before)


def discard(storage: Storage, blob: str) -> None:
    """Delete a blob that is no file (any longer); if that fails, it is left to the sweep. Blocking."""
    try:
        storage.delete(key_of(blob))
    except StorageFailure as error:
        logger.warning("files.blob_left", blob=blob, reason=str(error.__cause__))
