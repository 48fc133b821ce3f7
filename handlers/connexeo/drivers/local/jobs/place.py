"""The place where workers run: those of one place see each other's lock files.

A worker holds a lock on a file of its own as long as it lives, and its children inherit it: a lock that is free
belongs to a worker that is dead, and whose children are dead. The operating system sees to it, at any kind of end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path

FOLDER = "workers"
_NAME = "place"
_SUFFIX = ".lock"


class Place:
    """A folder of lock files on one machine.

    Args:
        data: The data folder.
    """

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self.id = _place_id(self._folder)

    def enter(self) -> WorkerLock:
        """A new worker of this place."""
        while True:
            lock = WorkerLock(self._folder, f"w-{secrets.token_hex(8)}")
            if lock.taken:
                return lock

    def is_dead(self, worker_id: str, *, remove: bool = False) -> bool:
        """Whether a worker of this place and all its children are gone.

        Args:
            worker_id: The worker.
            remove: Whether to delete the lock file if they are.
        """
        path = self._folder / f"{worker_id}{_SUFFIX}"
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if remove:
                path.unlink(missing_ok=True)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def workers(self) -> list[str]:
        """Workers that have a lock file, alive or dead."""
        return [path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}")]


class WorkerLock:
    """The lock of one worker.

    Attributes:
        id: Of the worker.
        descriptor: The open file, for children to inherit.
        taken: Whether it is held; somebody who looks at the file at this moment may be in the way.
    """

    def __init__(self, folder: Path, worker_id: str) -> None:
        self.id = worker_id
        self._path = folder / f"{worker_id}{_SUFFIX}"
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self.taken = self._take()
        if not self.taken:
            os.close(self.descriptor)

    def _take(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(self.descriptor), self._path.stat())
        except (BlockingIOError, FileNotFoundError):
            return False

    def release(self) -> None:
        """Let go of it; the worker's children must be gone."""
        self._path.unlink(missing_ok=True)
        os.close(self.descriptor)


def _place_id(folder: Path) -> str:
    """The id that is kept in the folder; made when it is not there."""
    path = folder / _NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{_NAME}-{secrets.token_hex(4)}"
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    try:
        draft.write_text(f"p-{secrets.token_hex(8)}")
        # Unlike a rename, this leaves a file alone that another worker has put there.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text()
