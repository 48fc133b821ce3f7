from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connexeo.drivers.local.content import StoredContent
from connexeo.drivers.local.storage import CHUNK, REMOTE_CHUNK, Storage
from connexeo.generated.errors import NotFound

LARGE = os.urandom(REMOTE_CHUNK + CHUNK + 17)


def stored(storage: Storage, content: bytes = LARGE) -> StoredContent:
    with storage.writing("files/a") as file:
        file.write(content)
    return StoredContent(
        storage,
        "files/a",
        name="a.bin",
        media_type="application/octet-stream",
        size=len(content),
        modified=datetime.now(UTC),
        etag="abc",
    )


async def read(content: StoredContent, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in content.chunks(start, end)])


@pytest.mark.parametrize(
    ("start", "end"), [(0, len(LARGE)), (0, 0), (5, 6), (CHUNK - 1, CHUNK + 1), (len(LARGE) - 1, len(LARGE))]
)
def test_parts(storage: Storage, start: int, end: int) -> None:
    content = stored(storage)
    assert asyncio.run(read(content, start, end)) == LARGE[start:end]
    assert asyncio.run(read(content, start, end)) == LARGE[start:end], "a second time"


def test_chunks_are_small(storage: Storage) -> None:
    async def longest(content: StoredContent) -> int:
        return max([len(chunk) async for chunk in content.chunks(0, content.size)])

    assert asyncio.run(longest(stored(storage))) <= REMOTE_CHUNK


def test_what_is_gone(storage: Storage) -> None:
    content = stored(storage)
    storage.delete("files/a")
    with pytest.raises(NotFound):
        asyncio.run(read(content, 0, 5))


def test_what_is_held_can_be_read_after_it_is_gone(folder_storage: Storage) -> None:
    content = stored(folder_storage)
    content.open()
    folder_storage.delete("files/a")
    assert asyncio.run(read(content, 10, len(LARGE))) == LARGE[10:]
    again = StoredContent(folder_storage, "files/a", "a", "text/plain", 1, datetime.now(UTC), "x")
    with pytest.raises(FileNotFoundError):
        again.open()


def test_nothing_stays_open(folder_storage: Storage) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        content = stored(folder_storage)
        content.open()
        del content
    assert len(os.listdir("/proc/self/fd")) == before


def test_reader_that_stops_half_way(storage: Storage) -> None:
    async def first_of(content: StoredContent) -> bytes:
        chunks = content.chunks(0, content.size)
        async for chunk in chunks:
            return chunk
        return b""

    async def cancelled(content: StoredContent) -> None:
        task = asyncio.create_task(read(content, 0, content.size))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    content = stored(storage)
    first = asyncio.run(first_of(content))
    assert first
    assert LARGE.startswith(first)
    content = stored(storage)
    asyncio.run(cancelled(content))
    assert asyncio.run(read(content, 0, 100)) == LARGE[:100]


def test_path_is_that_of_the_folder(folder_storage: Storage, tmp_path: Path) -> None:
    assert stored(folder_storage).path == tmp_path / "storage" / "files" / "a"
    assert StoredContent(Storage("memory://x"), "a", "a", "b", 1, datetime.now(UTC), "c").path is None
