from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from connexeo.drivers.local.files.file_storage import LocalFileStorage
from connexeo.drivers.local.files.sweep import FileSweep
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import StorageFailure

from .conftest import ALICE, blobs_in, chunks


def leave_blob(storage: Storage, name: str) -> None:
    with storage.writing(f"files/{name}") as file:
        file.write(b"nobody's")


def test_blobs_without_rows_go(run: Callable[..., object], storage: Storage, database_url: str) -> None:
    leave_blob(storage, "orphan")

    async def sweep(files: LocalFileStorage) -> None:
        await files.upload_file(ALICE, "a", chunks(b"mine"), size=4)
        state = State(database_url)
        await state.start()
        patient, sweep = FileSweep(state, storage), FileSweep(state, storage, grace=0)
        assert await patient.sweep() == await patient.sweep() == 0
        assert "orphan" in blobs_in(storage)
        assert await sweep.sweep() == 1
        assert await sweep.sweep() == 0
        await state.stop()
        assert len(blobs_in(storage)) == 1
        content = await files.download_file(ALICE, "a")
        assert b"".join([chunk async for chunk in content.chunks(0, 4)]) == b"mine"

    run(sweep, storage)


def test_blob_whose_row_comes_late_stays(database_url: str, folder_storage: Storage) -> None:
    from connexeo.drivers.local.files.store import Blob, replace_file

    leave_blob(folder_storage, "late")

    async def sweep() -> None:
        state = State(database_url)
        await state.start()
        sweep = FileSweep(state, folder_storage, grace=3600)
        await sweep.sweep()
        assert set(sweep._suspects) == {"late"}
        await state.write(replace_file, "alice", "a", Blob("late", 8, "0"), None)
        sweep._grace = 0
        assert await sweep.sweep() == 0
        assert not sweep._suspects
        await state.stop()

    asyncio.run(sweep())
    assert blobs_in(folder_storage) == ["late"]


def test_storage_that_fails_is_swept_again_later(
    database_url: str, folder_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def fail(_: Storage, key: str) -> list[str]:
        tried.append(key)
        if len(tried) == 1:
            raise StorageFailure
        return []

    monkeypatch.setattr(Storage, "names", fail)
    monkeypatch.setattr("connexeo.drivers.local.files.sweep.PERIOD", 0.0)

    async def sweep() -> None:
        state = State(database_url)
        await state.start()
        sweep = FileSweep(state, folder_storage)
        sweep.start()
        while len(tried) < 3:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        await sweep.stop()
        await state.stop()

    asyncio.run(sweep())
