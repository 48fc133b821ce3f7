"""Contents of the storage as the server sends them."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from connexeo.drivers.local.storage import CHUNK, Storage
from connexeo.generated.errors import NotFound, StorageFailure


@dataclass(eq=False)
class StoredContent:
    """A `Content` that lies under a key of the storage."""

    storage: Storage = field(repr=False)
    key: str
    name: str
    media_type: str
    size: int
    modified: datetime
    etag: str
    """Without quotes."""
    _descriptor: int | None = field(default=None, init=False, repr=False)

    @property
    def path(self) -> Path | None:
        """The file, where the storage is a folder."""
        return self.storage.path(self.key)

    def open(self) -> None:
        """Hold on to the content, so that it can be read even after it was replaced or deleted.

        Blocking. Without it, it is opened when it is read. Contents in an object storage are never held.

        Raises:
            FileNotFoundError: when it is gone already.
        """
        path = self.path
        if path is not None and self._descriptor is None:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._descriptor)

    async def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``.

        Raises:
            NotFound: when they are gone.
            StorageFailure: when they cannot be read.
        """
        try:
            if self.path is None:
                async for chunk in _in_thread(self.storage.read(self.key, start, end)):
                    yield chunk
                return
            if self._descriptor is None:
                await asyncio.to_thread(self.open)
            assert self._descriptor is not None
            while start < end:
                chunk = await _read(self._descriptor, min(CHUNK, end - start), start)
                if not chunk:
                    return
                start += len(chunk)
                yield chunk
        except FileNotFoundError as error:
            raise NotFound() from error
        except OSError as error:
            raise StorageFailure() from error


async def _read(descriptor: int, size: int, offset: int) -> bytes:
    """Bytes that the system has in memory at once, others in a thread."""
    buffer = bytearray(size)
    try:
        read = os.preadv(descriptor, [buffer], offset, os.RWF_NOWAIT)
    except (OSError, AttributeError):
        # Not in memory; or a system, or file system, that cannot tell.
        return await asyncio.to_thread(os.pread, descriptor, size, offset)
    return bytes(buffer) if read == size else bytes(buffer[:read])


async def _in_thread(chunks: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    reading: asyncio.Future[bytes] | None = None
    try:
        while True:
            reading = loop.run_in_executor(None, next, chunks, b"")
            chunk = await asyncio.shield(reading)
            if not chunk:
                return
            yield chunk
    finally:
        # Nothing is awaited here, as whoever stops reading may have been cancelled; and a generator can not be
        # closed while a thread is in it.
        if reading is None or reading.done():
            loop.run_in_executor(None, chunks.close)
        else:
            reading.add_done_callback(lambda done: _close_after(done, loop, chunks))


def _close_after(
    reading: asyncio.Future[bytes], loop: asyncio.AbstractEventLoop, chunks: Generator[bytes, None, None]
) -> None:
    if not reading.cancelled():
        reading.exception()  # nobody waits for it any longer
    loop.run_in_executor(None, chunks.close)
