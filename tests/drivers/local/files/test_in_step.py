"""Uploads that come in step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from connexeo.drivers.interface import User
from connexeo.drivers.local.accounts.limits import quota_of
from connexeo.drivers.local.files.file_storage import LocalFileStorage
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import StorageQuotaExceeded
from connexeo.settings import Settings

MEGABYTE = 2**20


def test_uploads_do_not_all_refuse_each_other(tmp_path: Path) -> None:
    """Each alone has room, and together they have not: some are kept, however they come."""
    settings = Settings(data=tmp_path, storage_quota=10 * MEGABYTE)

    async def use() -> list[object]:
        state = State.from_settings(settings)
        await state.start()
        files = LocalFileStorage(state, Storage.from_settings(settings), quota=quota_of(settings))
        barrier = asyncio.Barrier(10)

        async def content() -> AsyncIterator[bytes]:
            for number in range(3):
                if number == 1:
                    await barrier.wait()
                yield bytes(MEGABYTE)

        uploads = [
            files.upload_file(User("ana"), f"file{number}", content(), size=None) for number in range(10)
        ]
        outcomes = await asyncio.gather(*uploads, return_exceptions=True)
        await state.stop()
        return list(outcomes)

    outcomes = asyncio.run(use())
    refused = [outcome for outcome in outcomes if isinstance(outcome, StorageQuotaExceeded)]
    assert 1 <= len(outcomes) - len(refused) <= 3
    assert all(isinstance(outcome, dict) for outcome in outcomes if outcome not in refused)
