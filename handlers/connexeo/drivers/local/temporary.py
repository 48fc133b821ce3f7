"""Folders for temporary files, which go with the processes that use them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

from connexeo.generated.errors import StorageFailure

PREFIX = "connexeo-run-"
_DRAFT = f".{PREFIX}"
YOUNG = 60.0
"""Seconds for which a folder that nobody has locked yet is not looked at."""


class TemporaryFolder:
    """One for all temporary files of a process; blocking.

    It is locked as long as this process lives, or one of its children that inherit the descriptor. So the folders of
    processes that were killed are known by their locks, which are free; `sweep` removes them.

    Args:
        base: Where it is made; the folder for temporary files of the system if it is None.
    """

    def __init__(self, base: Path | None = None) -> None:
        self._base = base
        self._path: Path | None = None
        self._descriptor: int | None = None

    @property
    def path(self) -> Path:
        """The folder, made when it is first needed, and again when somebody has removed it.

        Raises:
            StorageFailure: when it cannot be made.
        """
        if self._path is None or not self._path.is_dir():
            self.remove()
            try:
                self._make()
            except OSError as error:
                raise StorageFailure() from error
        assert self._path is not None
        return self._path

    @property
    def descriptor(self) -> int:
        """What holds the lock, for children to inherit."""
        _ = self.path
        assert self._descriptor is not None
        return self._descriptor

    def name(self, kind: str) -> Path:
        """A new name in the folder."""
        return self.path / f"{kind}-{secrets.token_hex(8)}"

    def new(self, kind: str) -> Path:
        """A new folder in it.

        Raises:
            StorageFailure: when it cannot be made.
        """
        path = self.name(kind)
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            raise StorageFailure() from error
        return path

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        if self._path is not None and self._descriptor is not None:
            shutil.rmtree(self._path, ignore_errors=True)
            os.close(self._descriptor)
            self._path = self._descriptor = None

    def sweep(self) -> int:
        """Remove what killed processes have left behind; returns how many folders."""
        return sum(_remove_abandoned(path) for path in self._abandoned())

    def _make(self) -> None:
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self._base))
        descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever sweeps never sees it under this name without its lock.
            self._path = draft.rename(draft.with_name(draft.name.removeprefix(".")))
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def _abandoned(self) -> list[Path]:
        base = self._base or Path(tempfile.gettempdir())
        old = time.time() - YOUNG
        drafts = [path for path in base.glob(f"{_DRAFT}*") if _changed(path) < old]
        return [*base.glob(f"{PREFIX}*"), *drafts]


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _remove_abandoned(path: Path) -> bool:
    """Whether it was one that nobody uses. The folder may be common to all users of the machine: no links count."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            return False
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
            return True
    finally:
        os.close(descriptor)
    return False
