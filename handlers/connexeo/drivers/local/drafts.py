"""Contents on their way into the storage: they take their places complete, or vanish."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol, cast

from connexeo.generated.errors import OpenEOError, StorageFailure

PART = 8 * 2**20
"""Bytes that are sent to an object storage at a time; S3 takes at most 10,000 parts, and none below 5 MiB."""

YOUNG = 60.0
"""Seconds for which a draft is not looked at: its writer may not have locked it yet."""


class Draft(Protocol):
    """A content that is being written."""

    @property
    def file(self) -> IO[bytes]:
        """Where to write to, from start to end."""
        ...

    def write(self, data: bytes) -> None:
        """Write the next bytes.

        Raises:
            StorageFailure: when they cannot be stored, for example as the disk is full.
        """
        ...

    def commit(self) -> None:
        """Give the content its place."""
        ...

    def discard(self) -> None:
        """Leave nothing behind; nothing happens after `commit`."""
        ...


@contextlib.contextmanager
def failing() -> Iterator[None]:
    """Errors of the file system as an error of openEO, but for a file that does not exist."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageFailure() from error


@contextlib.contextmanager
def failing_remotely() -> Iterator[None]:
    """The same for file systems of fsspec, which let errors of their libraries through."""
    try:
        yield
    except (FileNotFoundError, OpenEOError):
        raise
    except Exception as error:
        raise StorageFailure() from error


class LocalDraft:
    """A file in the folder of drafts, locked as long as its writer lives."""

    def __init__(self, drafts: Path, target: Path) -> None:
        with failing():
            self._path = drafts / secrets.token_hex(16)
            self._target = target
            self.file: IO[bytes] = self._path.open("xb")
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, data: bytes) -> None:
        """Write the next bytes."""
        with failing():
            self.file.write(data)

    def commit(self) -> None:
        """Move the file to its place, where it is even if the machine stops the next moment."""
        with failing():
            self.file.flush()
            os.fsync(self.file.fileno())
            place(self._path, self._target)
            self.file.close()

    def discard(self) -> None:
        """Delete the file."""
        with failing():
            self._path.unlink(missing_ok=True)
            # What could not be written when the disk was full is tried again on closing.
            with contextlib.suppress(OSError):
                self.file.close()


class RemoteDraft:
    """An upload to an object storage, whose object appears when it is complete."""

    def __init__(self, filesystem: Any, address: str) -> None:
        with failing_remotely():
            self._filesystem = filesystem
            self._address = address
            self._committed = False
            self._file = filesystem.open(address, "wb", block_size=PART)

    @property
    def file(self) -> IO[bytes]:
        """Where to write to."""
        return cast(IO[bytes], self._file)

    def write(self, data: bytes) -> None:
        """Write the next bytes."""
        with failing_remotely():
            self._file.write(data)

    def commit(self) -> None:
        """Complete the upload."""
        with failing_remotely():
            self._file.close()
            self._committed = True

    def discard(self) -> None:
        """Cancel the upload; closing the file would complete it."""
        if self._committed:
            return
        with failing_remotely():
            try:
                self._file.discard()
            finally:
                # Else the garbage collector would close it; files of fsspec's memory have no such thing.
                with contextlib.suppress(AttributeError):
                    self._file.closed = True
            # Some file systems have no uploads that can be cancelled.
            with contextlib.suppress(FileNotFoundError):
                self._filesystem.rm_file(self._address)


def place(draft: Path, target: Path) -> None:
    """Move a file to its place; the folder may be removed by a sweep at the same moment."""
    for attempt in range(3):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.replace(draft, target)
            _sync(target.parent)
            return
        except FileNotFoundError:
            if attempt == 2 or not draft.exists():
                raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_abandoned(drafts: Path) -> int:
    """Delete the drafts whose writers are gone, such as those of a killed process; returns how many."""
    removed = 0
    with failing():
        try:
            entries = list(os.scandir(drafts))
        except FileNotFoundError:
            return 0
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime < time.time() - YOUNG and _has_no_writer(entry.path):
                    os.unlink(entry.path)
                    removed += 1
    return removed


def _has_no_writer(path: str) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
