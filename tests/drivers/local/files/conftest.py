"""The file storage over a database of each kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from connexeo.drivers.interface import User
from connexeo.drivers.local.files.file_storage import LocalFileStorage
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage

T = TypeVar("T")

QUOTA = 1000

ALICE = User("alice")
BOB = User("bob")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """A body, as it comes."""
    for part in parts:
        await asyncio.sleep(0)
        yield part


@pytest.fixture
def run(database_url: str) -> Callable[..., object]:
    """Runs ``function(files)`` with a file storage over an open database."""

    def start(
        function: Callable[[LocalFileStorage], Awaitable[T]], storage: Storage, *, quota: int | None = QUOTA
    ) -> T:
        async def within() -> T:
            state = State(database_url)
            await state.start()
            files = LocalFileStorage(state, storage, quota=quota)
            try:
                return await function(files)
            finally:
                await files.stop()
                await state.stop()

        return asyncio.run(within())

    return start


def blobs_in(storage: Storage) -> list[str]:
    """What is in the storage, drafts included."""
    folder = storage.path(".drafts")
    drafts = [path.name for path in folder.iterdir()] if folder is not None and folder.is_dir() else []
    return storage.names("files") + drafts
