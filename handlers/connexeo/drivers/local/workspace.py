"""The workspace of one user, as computations see it: uploaded files, and results of batch jobs."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connexeo.drivers.local.accounts.limits import Quota
from connexeo.drivers.local.files.paths import name_of
from connexeo.drivers.local.files.saving import save_file
from connexeo.drivers.local.files.store import find_file, key_of
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import StorageFailure

if TYPE_CHECKING:
    from sqlalchemy import Engine


class LocalWorkspace:
    """A `Workspace` over database and storage; blocking.

    Args:
        engine: The database.
        storage: Where contents lie.
        user_id: Whose workspace it is.
        scratch: A folder for copies; whoever made it removes it.
        quota: Bytes that the user's files may take.
    """

    def __init__(
        self, engine: Engine, storage: Storage, user_id: str, scratch: Path, *, quota: Quota
    ) -> None:
        self._engine = engine
        self._storage = storage
        self._user_id = user_id
        self._scratch = scratch
        self._quota = quota

    def file(self, path: str) -> Path:
        """A local copy of an uploaded file, under its name; not to be changed.

        Raises:
            FileNotFound: when the user has none at this path.
            FileOperationUnsupported: when it is a folder.
        """
        # A file that is replaced in between is looked up again.
        for _ in range(5):
            with transaction(self._engine, writing=False) as connection:
                row = find_file(connection, self._user_id, path)
            # The blob names the content, so that the same file is fetched once, and a new one anew.
            blob = str(row["blob"])
            copy = self._scratch / "files" / blob / name_of(path)
            if copy.exists():
                return copy
            try:
                _copy(self._storage, key_of(blob), copy)
            except FileNotFoundError:
                continue
            return copy
        raise StorageFailure()

    def results(self, job_id: str) -> list[dict[str, Any]]:
        """STAC Items of the results of a finished batch job, with asset hrefs that are local paths.

        Raises:
            JobNotFound: when the user has no such job.
            JobNotFinished: when it has no results.
        """
        from connexeo.drivers.local.jobs.results import local_items

        with transaction(self._engine, writing=False) as connection:
            return local_items(connection, self._storage, self._user_id, job_id, self._scratch)

    def save(self, path: str, source: Path) -> None:
        """Store a local file in the workspace, which moves it.

        Raises:
            StorageQuotaExceeded: when it is too much.
            FilePathInvalid, FileOperationUnsupported: when the path cannot be.
        """
        save_file(self._engine, self._storage, self._user_id, path, source, self._quota)


def _copy(storage: Storage, key: str, copy: Path) -> None:
    """Make a file with the content.

    Raises:
        FileNotFoundError: when there is no such content.
    """
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        if _link(storage.path(key), copy):
            return
        draft = copy.with_name(f".{secrets.token_hex(8)}")
        with draft.open("xb") as file:
            for chunk in storage.read(key):
                file.write(chunk)
        draft.replace(copy)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageFailure() from error


def _link(stored: Path | None, copy: Path) -> bool:
    """Give a stored file a further name, which costs nothing, and outlives its first one; False if that cannot be."""
    if stored is None:
        return False
    try:
        os.link(stored, copy)
    except FileExistsError:
        return True
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        return False  # on another file system
    return True
