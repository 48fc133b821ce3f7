from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator

import pytest

from connexeo.drivers.local.drafts import PART
from connexeo.drivers.local.files.receiving import BLOCK, receive
from connexeo.drivers.local.files.store import Blob, key_of
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import RequestTimeout, StorageFailure, StorageQuotaExceeded

from .conftest import blobs_in, chunks

LARGE = os.urandom(PART + BLOCK + 17)


def any_number(_: int) -> None:
    pass


def in_packets(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    return chunks(*(content[place : place + size] for place in range(0, len(content), size)))


@pytest.mark.parametrize("content", [b"", b"a", LARGE], ids=["empty", "small", "large"])
def test_content_arrives(storage: Storage, content: bytes) -> None:
    blob = asyncio.run(receive(storage, in_packets(content), any_number))
    assert blob == Blob(blob.name, len(content), hashlib.sha256(content).hexdigest())
    assert b"".join(storage.read(key_of(blob.name))) == content
    assert blobs_in(storage) == [blob.name]


def test_it_is_counted_before_it_is_written(storage: Storage) -> None:
    counted: list[int] = []

    def count(size: int) -> None:
        counted.append(size)
        if sum(counted) > 2 * BLOCK:
            raise StorageQuotaExceeded

    with pytest.raises(StorageQuotaExceeded):
        asyncio.run(receive(storage, in_packets(LARGE), count))
    assert sum(counted) <= 3 * BLOCK
    assert blobs_in(storage) == []


def test_content_that_breaks_off(storage: Storage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for chunk in in_packets(LARGE):
            yield chunk
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(receive(storage, broken(), any_number))
    assert blobs_in(storage) == []


def test_content_that_does_not_come(storage: Storage) -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    with pytest.raises(RequestTimeout, match="Nothing of the file has come"):
        asyncio.run(receive(storage, stalled(), any_number, patience=0.05))
    assert blobs_in(storage) == []


def test_receiving_that_is_cancelled(storage: Storage) -> None:
    async def cancelled() -> None:
        arrived = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield LARGE
            arrived.set()
            while True:
                yield bytes(BLOCK)
                await asyncio.sleep(0)

        task = asyncio.create_task(receive(storage, endless(), any_number))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert blobs_in(storage) == []


@pytest.mark.parametrize("step", ["write", "commit"])
def test_storage_that_fails(folder_storage: Storage, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_: object) -> None:
        raise StorageFailure

    monkeypatch.setattr(f"connexeo.drivers.local.drafts.LocalDraft.{step}", fail)
    with pytest.raises(StorageFailure):
        asyncio.run(receive(folder_storage, in_packets(LARGE), any_number))
    assert blobs_in(folder_storage) == []
