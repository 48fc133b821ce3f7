"""Where contents of files and results lie: a folder, or whatever fsspec reaches by a URL.

Keys are relative paths such as ``jobs/j-1/2/result.tif``, made by this back-end and never by users. What is stored
under a key appears complete or not at all, and is not changed afterwards.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any, cast

from connexeo.generated.errors import StorageFailure
from connexeo.settings import Settings

CHUNK = 2**18
"""Bytes that are read at a time."""

DRAFTS = ".drafts"
"""Folder of what is still being written."""


class Storage:
    """Blocking, so called in threads; what fails raises StorageFailure, without saying where things lie.

    Args:
        root: A folder, or a URL such as ``s3://bucket/prefix``; options of the protocol come from the environment
            and from fsspec's own configuration.
    """

    def __init__(self, root: str) -> None:
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

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[IO[bytes]]:
        """A file to write to, which takes its place when the block ends, and vanishes if the block fails."""
        with _failing():
            if self._folder is None:
                filesystem = self._remote()
                file = filesystem.open(self._address(key), "wb")
            else:
                draft = self._draft()
                file = draft.open("xb")
        try:
            with _failing():
                yield cast(IO[bytes], file)
                if self._folder is not None:
                    file.flush()
                    os.fsync(file.fileno())
                    file.close()
                    _place(draft, self._folder / key)
                else:
                    file.close()
        except BaseException:
            if self._folder is not None:
                file.close()
                draft.unlink(missing_ok=True)
            else:
                # Closing would store what has come so far.
                with contextlib.suppress(Exception):
                    file.discard()
            raise

    def put(self, local: Path, key: str) -> None:
        """Move a finished file of this machine to its place."""
        with _failing():
            if self._folder is None:
                self._remote().put_file(str(local), self._address(key))
                local.unlink()
                return
            target = self._folder / key
            if local.stat().st_dev == self._existing_folder().stat().st_dev:
                _place(local, target)
                return
            draft = self._draft()
            try:
                shutil.copyfile(local, draft)
                _place(draft, target)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            local.unlink()

    def open(self, key: str) -> IO[bytes]:
        """The content, to be read from any place.

        Raises:
            FileNotFoundError: when there is none under this key.
        """
        with _failing():
            if self._folder is None:
                return cast(IO[bytes], self._remote().open(self._address(key), "rb", block_size=2**20))
            return (self._folder / key).open("rb")

    def read(self, key: str, start: int = 0, end: int | None = None) -> Generator[bytes, None, None]:
        """Chunks of the content, from byte ``start`` to before byte ``end``.

        Raises:
            FileNotFoundError: when there is none under this key.
        """
        with self.open(key) as file, _failing():
            file.seek(start)
            left = end - start if end is not None else None
            while left is None or left > 0:
                chunk = file.read(CHUNK if left is None else min(CHUNK, left))
                if not chunk:
                    return
                yield chunk
                left = None if left is None else left - len(chunk)

    def size(self, key: str) -> int:
        """Bytes of the content.

        Raises:
            FileNotFoundError: when there is none under this key.
        """
        with _failing():
            if self._folder is None:
                return int(self._remote().size(self._address(key)))
            return (self._folder / key).stat().st_size

    def delete(self, key: str) -> None:
        """Remove the content under a key, and all below it; nothing happens when there is none."""
        with _failing(), contextlib.suppress(FileNotFoundError):
            if self._folder is None:
                self._remote().rm(self._address(key), recursive=True)
                return
            path = self._folder / key
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def names(self, key: str) -> list[str]:
        """Names directly below a key, sorted; none when nothing is there."""
        with _failing(), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if self._folder is None:
                listed = self._remote().ls(self._address(key), detail=False, refresh=True)
                return sorted(str(name).rstrip("/").rpartition("/")[2] for name in listed)
            return sorted(entry.name for entry in os.scandir(self._folder / key))
        return []

    def check(self) -> bool:
        """Whether the storage can be reached and written."""
        try:
            if self._folder is None:
                self._remote().ls(self._url.partition("://")[2].partition("/")[0], refresh=True)
                return True
            return os.access(self._existing_folder(), os.W_OK)
        except Exception:  # noqa: BLE001 - whatever a file system of fsspec raises
            return False

    def _existing_folder(self) -> Path:
        assert self._folder is not None
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    def _draft(self) -> Path:
        """A new name for a file that is not finished; on the same file system as its place."""
        folder = self._existing_folder() / DRAFTS
        folder.mkdir(exist_ok=True)
        return folder / secrets.token_hex(16)

    def _remote(self) -> Any:
        if self._filesystem is None:
            import fsspec

            self._filesystem = fsspec.url_to_fs(self._url)[0]
        return self._filesystem

    def _address(self, key: str) -> str:
        return f"{self._url}/{key}"


def _place(draft: Path, target: Path) -> None:
    """Move a file to its place; the folder may be removed by a sweep at the same moment."""
    for attempt in range(3):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(draft, target)
            return
        except FileNotFoundError:
            if attempt == 2 or not draft.exists():
                raise


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """Errors of the file system as an error of openEO, but for a file that does not exist."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageFailure() from error
