"""Takes uploads as they come: to the storage in constant memory, with their checksum on the way."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from connexeo.drivers.local.drafts import Draft
from connexeo.drivers.local.files.store import Blob, key_of, new_name
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import RequestTimeout

BLOCK = 2**20
"""Bytes that are written at a time: a thread for every packet would cost more than writing it."""
PATIENCE = 60.0
"""Seconds for which nothing may come."""


async def receive(
    storage: Storage,
    content: AsyncIterator[bytes],
    count: Callable[[int], None],
    *,
    patience: float = PATIENCE,
) -> Blob:
    """Store a content as a new blob.

    Args:
        storage: Where it goes.
        content: Its bytes, as they come.
        count: Called with the number of bytes before they are written; may refuse them by raising.
        patience: Seconds for which nothing may come.

    Raises:
        RequestTimeout: when nothing came for too long.
        StorageFailure: when it cannot be stored.
        Exception: whatever ``content`` and ``count`` raise. Nothing is left in the storage then.
    """
    name = new_name()
    writer = _Writer(await asyncio.to_thread(storage.draft, key_of(name)))
    try:
        async for block in _blocks(content, patience):
            count(len(block))
            await writer.write(block)
        await writer.commit()
    except BaseException:
        # Goes on when this task is cancelled; the file must not stay.
        await asyncio.shield(asyncio.ensure_future(writer.discard()))
        raise
    return Blob(name, writer.size, writer.checksum)


class _Writer:
    """Writes and hashes one block in a thread while the next one comes."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._digest = hashlib.sha256()
        self._working: asyncio.Future[None] | None = None
        self.size = 0

    @property
    def checksum(self) -> str:
        return self._digest.hexdigest()

    async def write(self, block: bytes) -> None:
        await self._wait()
        self.size += len(block)
        self._begin(self._store, block)

    async def commit(self) -> None:
        await self._wait()
        self._begin(self._draft.commit)
        await self._wait()

    async def discard(self) -> None:
        # Whatever the thread was at, an error of it has been raised or is of no interest any longer.
        if self._working is not None:
            await asyncio.wait([self._working])
            with suppress(Exception):
                self._working.result()
        await asyncio.to_thread(self._draft.discard)

    def _store(self, block: bytes) -> None:
        self._draft.write(block)
        self._digest.update(block)

    def _begin(self, function: Callable[..., None], *args: bytes) -> None:
        self._working = asyncio.get_running_loop().run_in_executor(None, function, *args)

    async def _wait(self) -> None:
        if self._working is not None:
            await asyncio.shield(self._working)


async def _blocks(content: AsyncIterator[bytes], patience: float) -> AsyncIterator[bytes]:
    """The same bytes in larger parts."""
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            async with asyncio.timeout(patience):
                part = await anext(content, None)
        except TimeoutError:
            raise RequestTimeout(
                f"Nothing of the file has come for {patience:.0f} s. Upload it anew."
            ) from None
        if part is None:
            break
        parts.append(part)
        size += len(part)
        if size >= BLOCK:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)
