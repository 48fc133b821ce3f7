"""Where contents of files and results lie: a folder, or whatever fsspec reaches by a URL.

Keys are relative paths such as ``jobs/j-1/2/result.tif``, made by this back-end and never by users. What is stored
under a key appears complete or not at all, and is not changed afterwards. One storage belongs to one database: what
the database does not know is swept.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import unquote, urlsplit

from connexeo.drivers.local.drafts import (
    Draft,
    LocalDraft,
    RemoteDraft,
    failing,
    failing_remotely,
    place,
    remove_abandoned,
)
from connexeo.settings import Settings

CHUNK = 2**18
"""Bytes that are read from a file at a time."""
REMOTE_CHUNK = 2**22
"""Bytes that are asked of an object storage at a time."""

DRAFTS = ".drafts"
"""Folder of what is still being written."""


class Storage:
    """Blocking, so called in threads; what fails raises StorageFailure, without saying where things lie.

    Args:
        root: A folder, or a URL such as ``s3://bucket/prefix``; options of the protocol come from the environment
            and from fsspec's own configuration.
    """

    def __init__(self, root: str) -> None:
        if root.startswith("file://"):
            root = unquote(urlsplit(root).path)
        self._folder = None if "://" in root else Path(root).resolve()
        self._url = root.rstrip("/")
        self._filesystem: Any = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Storage:
        """As the deployment's settings say."""
        return cls(settings.storage or str(settings.data.resolve() / "storage"))

    @property
    def is_local(self) -> bool:
        """Whether contents are files of this machine, with a `path`."""
        return self._folder is not None

    def path(self, key: str) -> Path | None:
        """The file, if the storage is a folder."""
        return None if self._folder is None else self._folder / key

    def draft(self, key: str) -> Draft:
        """Begin to write a content; the caller commits or discards it."""
        if self._folder is None:
            return RemoteDraft(self._remote(), self._address(key))
        return LocalDraft(self._drafts(), self._folder / key)

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[IO[bytes]]:
        """A file to write to, which takes its place when the block ends, and vanishes if the block fails."""
        draft = self.draft(key)
        try:
            with failing():
                yield draft.file
            draft.commit()
        except BaseException:
            draft.discard()
            raise

    def put(self, local: Path, key: str) -> None:
        """Move a finished file of this machine to its place."""
        if self._folder is not None and _same_device(local, self._drafts()):
            with failing():
                with local.open("rb") as file:
                    os.fsync(file.fileno())
                place(local, self._folder / key)
            return
        draft = self.draft(key)
        try:
            with failing(), local.open("rb") as file:
                while chunk := file.read(REMOTE_CHUNK):
                    draft.write(chunk)
            draft.commit()
        except BaseException:
            draft.discard()
            raise
        with failing():
            local.unlink()

    def open(self, key: str) -> IO[bytes]:
        """The content, to be read from any place.

        Raises:
            FileNotFoundError: when there is none under this key.
        """
        if self._folder is None:
            with failing_remotely():
                return cast(IO[bytes], self._remote().open(self._address(key), "rb", block_size=2**20))
        with failing():
            return (self._folder / key).open("rb")

    def read(self, key: str, start: int = 0, end: int | None = None) -> Generator[bytes, None, None]:
        """Chunks of the content, from byte ``start`` to before byte ``end``.

        Raises:
            FileNotFoundError: when there is none under this key.
        """
        if self._folder is None:
            yield from self._read_remotely(key, start, end)
            return
        with self.open(key) as file, failing():
            file.seek(start)
            left = end - start if end is not None else None
            while left is None or left > 0:
                chunk = file.read(CHUNK if left is None else min(CHUNK, left))
                if not chunk:
                    return
                yield chunk
                left = None if left is None else left - len(chunk)

    def _read_remotely(self, key: str, start: int, end: int | None) -> Generator[bytes, None, None]:
        """One request for each chunk: neither buffers, nor a file that the storage keeps open for a slow reader."""
        size = self.size(key)
        end = size if end is None else min(end, size)
        while start < end:
            with failing_remotely():
                chunk: bytes = self._remote().cat_file(
                    self._address(key), start=start, end=min(start + REMOTE_CHUNK, end)
                )
            if not chunk:
                return
            yield chunk
            start += len(chunk)

    def size(self, key: str) -> int:
        """Bytes of the content.

        Raises:
            FileNotFoundError: when there is none under this key.
        """
        if self._folder is None:
            with failing_remotely():
                return int(self._remote().size(self._address(key)))
        with failing():
            return (self._folder / key).stat().st_size

    def delete(self, key: str) -> None:
        """Remove the content under a key, and all below it; nothing happens when there is none."""
        if self._folder is None:
            with failing_remotely(), contextlib.suppress(FileNotFoundError):
                self._remote().rm(self._address(key), recursive=True)
            return
        with failing():
            _remove(self._folder / key)

    def names(self, key: str) -> list[str]:
        """Names directly below a key, sorted; none when nothing is there."""
        if self._folder is None:
            with failing_remotely(), contextlib.suppress(FileNotFoundError):
                address = self._address(key)
                listed = self._remote().ls(address, detail=False, refresh=True)
                own = address.partition("://")[2]
                names = {str(name).strip("/").removeprefix(own).strip("/") for name in listed}
                return sorted(name for name in names if name and "/" not in name)
            return []
        with failing(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return sorted(entry.name for entry in os.scandir(self._folder / key) if entry.name != DRAFTS)
        return []

    def sweep_drafts(self) -> int:
        """Remove what writers have left behind that were killed; returns how many files.

        Object storages do it by a rule for incomplete uploads, which the provider sets.
        """
        return 0 if self._folder is None else remove_abandoned(self._folder / DRAFTS)

    def check(self) -> bool:
        """Whether the storage can be reached and written."""
        try:
            if self._folder is None:
                self._remote().ls(self._address("files"), refresh=True)
                return True
            return os.access(self._drafts(), os.W_OK)
        except FileNotFoundError:
            return True  # nothing was stored yet
        except Exception:  # noqa: BLE001 - whatever a file system of fsspec raises
            return False

    def _drafts(self) -> Path:
        """The folder of drafts, on the same file system as their places."""
        assert self._folder is not None
        with failing():
            folder = self._folder / DRAFTS
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            return folder

    def _remote(self) -> Any:
        if self._filesystem is None:
            import fsspec

            # Other processes write as well, so what was listed once says little.
            options = {"use_listings_cache": False, "skip_instance_cache": True}
            self._filesystem = fsspec.url_to_fs(self._url, **options)[0]
        return self._filesystem

    def _address(self, key: str) -> str:
        return f"{self._url}/{key}".rstrip("/")


def _same_device(local: Path, folder: Path) -> bool:
    with failing():
        return local.stat().st_dev == folder.stat().st_dev


def _remove(path: Path) -> None:
    """Delete a file or tree, while others may add to it or delete from it."""
    for attempt in range(5):
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            return
        except OSError as error:
            if attempt == 4 or error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                raise
