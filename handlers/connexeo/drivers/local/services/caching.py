"""Tiles that were drawn, kept on disk: those that were not asked for the longest go first.

A tile is a file below ``<service>/<version>/``. All processes of a machine share the folder; nothing in it is needed.
The time of last access, which is set here since many file systems do not keep it, says how long ago somebody asked.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_TOUCH = 60.0
"""Seconds within which a tile that is asked for again is not marked again."""
_SHARE = 16
"""A process that has written the n-th part of what the cache holds looks how much there is."""
_ROOM = 0.8
"""How full the cache is after the oldest tiles were removed."""


class TileCache:
    """Blocking, so called in threads. What goes wrong with the files is no error: the tile is drawn again.

    Args:
        folder: Where tiles lie; made when it is needed.
        size: Most bytes; 0: nothing is kept.
        lifetime: Seconds after which a tile is drawn again.
        now: The time in seconds since 1970.
    """

    def __init__(
        self, folder: Path, *, size: int, lifetime: float, now: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._size = size
        self._lifetime = lifetime
        self._now = now
        self._written = 0

    def load(self, service_id: str, version: int, key: str) -> bytes | None:
        """A tile, if it is there and not too old; empty ones have no bytes."""
        path = self._path(service_id, version, key)
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                content = file.read()
        except OSError:
            return None
        now = self._now()
        if not 0 <= now - status.st_mtime < self._lifetime:
            return None
        if now - status.st_atime > _TOUCH:
            with contextlib.suppress(OSError):
                os.utime(path, (now, status.st_mtime))
        return content

    def save(self, service_id: str, version: int, key: str, content: bytes) -> None:
        """Keep a tile."""
        if self._size == 0 or self._lifetime == 0:
            return
        path = self._path(service_id, version, key)
        draft = path.with_name(f".{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(content)
            os.utime(draft, (self._now(), self._now()))
            os.replace(draft, path)
        except OSError:
            # The disk may be full, or the folder has just been removed by `forget`.
            with contextlib.suppress(OSError):
                draft.unlink()
            return
        self._written += _occupied(len(content))
        if self._written >= self._size / _SHARE:
            self._written = 0
            self.shrink()

    def forget(self, service_id: str, *, but: int | None = None) -> None:
        """Remove the tiles of a service.

        Args:
            service_id: The service.
            but: A version whose tiles stay.
        """
        folder = self._folder / service_id
        with contextlib.suppress(OSError):
            for each in list(folder.iterdir()):
                if each.name != str(but):
                    shutil.rmtree(each, ignore_errors=True)
            if but is None:
                folder.rmdir()

    def shrink(self) -> None:
        """Remove tiles that are too old, and more of them until the rest is small enough."""
        oldest = self._now() - self._lifetime
        tiles: list[tuple[float, int, str]] = []
        for entry in _files(self._folder):
            with contextlib.suppress(OSError):
                status = entry.stat()
                if status.st_mtime <= oldest:
                    os.unlink(entry.path)
                else:
                    tiles.append((status.st_atime, _occupied(status.st_size), entry.path))
        total = sum(size for _, size, _ in tiles)
        if total <= self._size:
            return
        for _, size, path in sorted(tiles):
            if total <= self._size * _ROOM:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            total -= size

    def _path(self, service_id: str, version: int, key: str) -> Path:
        return self._folder / service_id / str(version) / key


def _occupied(size: int) -> int:
    """Bytes on disk, in blocks: empty tiles are not free of charge."""
    return -(-(size + 1) // 4096) * 4096


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path))
                else:
                    yield entry
    except OSError:
        # Another process has just removed it.
        return
