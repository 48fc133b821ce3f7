from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert

from connexeo.drivers.interface import Content, User
from connexeo.drivers.local.files.file_storage import LocalFileStorage
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import files as table
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import (
    FileNotFound,
    FileOperationUnsupported,
    FilePathInvalid,
    OpenEOError,
    RequestInvalid,
    StorageFailure,
    StorageQuotaExceeded,
)

from .conftest import ALICE, BOB, QUOTA, blobs_in, chunks

Run = Callable[..., object]


async def upload(
    files: LocalFileStorage,
    path: str,
    content: bytes = b"content",
    user: User = ALICE,
    size: int | None = None,
) -> object:
    return await files.upload_file(user, path, chunks(content), size=size)


async def text_of(content: Content) -> bytes:
    return b"".join([chunk async for chunk in content.chunks(0, content.size)])


async def paths(files: LocalFileStorage, user: User = ALICE) -> list[object]:
    return [item["path"] for item in (await files.list_files(user, limit=None, offset=None)).items]


async def refusal(answer: object) -> type[BaseException]:
    """Which error something ends with."""
    with pytest.raises(OpenEOError) as caught:
        await answer  # type: ignore[misc]
    return caught.type


def test_life_of_a_file(run: Run, storage: Storage) -> None:
    async def live(files: LocalFileStorage) -> None:
        described = await files.upload_file(ALICE, "areas/ä.geojson", chunks(b"on", b"e"), size=3)
        assert (await files.list_files(ALICE, limit=None, offset=None)).items == [described]
        assert described["path"] == "areas/ä.geojson"
        assert described["size"] == 3
        content = await files.download_file(ALICE, "areas/ä.geojson")
        assert (content.name, content.media_type, content.size) == ("ä.geojson", "application/geo+json", 3)
        assert content.etag == hashlib.sha256(b"one").hexdigest()
        assert await text_of(content) == b"one"
        await upload(files, "areas/ä.geojson", b"two, longer")
        again = await files.download_file(ALICE, "areas/ä.geojson")
        assert await text_of(again) == b"two, longer"
        assert again.etag != content.etag
        assert len(blobs_in(storage)) == 1
        await files.delete_file(ALICE, "areas/ä.geojson")
        assert await refusal(files.download_file(ALICE, "areas/ä.geojson")) is FileNotFound
        assert await refusal(files.delete_file(ALICE, "areas/ä.geojson")) is FileNotFound
        assert await paths(files) == []
        assert blobs_in(storage) == []

    run(live, storage)


def test_what_is_being_read_can_be_replaced_and_deleted(run: Run, folder_storage: Storage) -> None:
    async def read(files: LocalFileStorage) -> None:
        await upload(files, "a", b"one")
        first = await files.download_file(ALICE, "a")
        await upload(files, "a", b"two")
        second = await files.download_file(ALICE, "a")
        await files.delete_file(ALICE, "a")
        assert (await text_of(first), await text_of(second)) == (b"one", b"two")

    run(read, folder_storage)


def test_a_file_that_is_replaced_all_the_time_is_always_there(run: Run, folder_storage: Storage) -> None:
    async def race(files: LocalFileStorage) -> None:
        await upload(files, "a", b"0" * 100)

        async def replace() -> None:
            for number in range(1, 10):
                await upload(files, "a", b"%d" % number * 100)

        writer = asyncio.create_task(replace())
        while not writer.done():
            text = await text_of(await files.download_file(ALICE, "a"))
            assert len(set(text)) == 1
            assert len(text) == 100
        await writer
        assert len(blobs_in(folder_storage)) == 1

    run(race, folder_storage)


def test_files_of_others(run: Run, folder_storage: Storage) -> None:
    async def look(files: LocalFileStorage) -> None:
        await upload(files, "deep/file", b"alice's")
        for path in ("deep/file", "deep", "none"):
            assert await refusal(files.download_file(BOB, path)) is FileNotFound
            assert await refusal(files.delete_file(BOB, path)) is FileNotFound
        assert await paths(files, BOB) == []
        await upload(files, "deep/file", b"bob's", BOB)
        await files.delete_file(BOB, "deep/file")
        assert await text_of(await files.download_file(ALICE, "deep/file")) == b"alice's"

    run(look, folder_storage)


@pytest.mark.parametrize("path", ["../a", "a//b", "", ".", "a\0b", "a\\b"])
def test_paths_that_cannot_be(run: Run, folder_storage: Storage, path: str) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        assert await refusal(upload(files, path)) is FilePathInvalid
        assert await refusal(files.download_file(ALICE, path)) is FileNotFound
        assert await refusal(files.delete_file(ALICE, path)) is FileNotFound

    run(attempt, folder_storage)
    assert blobs_in(folder_storage) == []


class Unread:
    """A body that must not be read."""

    def __aiter__(self) -> Unread:
        return self

    async def __anext__(self) -> bytes:
        raise AssertionError("the body was read")


def test_what_cannot_be_stored_is_refused_before_it_is_read(run: Run, folder_storage: Storage) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        await upload(files, "a/b", bytes(300))
        put = files.upload_file
        assert await refusal(put(ALICE, "c", Unread(), size=QUOTA - 299)) is StorageQuotaExceeded
        assert await refusal(put(ALICE, "a/b", Unread(), size=QUOTA + 1)) is StorageQuotaExceeded
        assert await refusal(put(ALICE, "a", Unread(), size=1)) is FileOperationUnsupported
        assert await refusal(put(ALICE, "a/b/c", Unread(), size=1)) is FilePathInvalid
        assert await refusal(put(ALICE, "a/../c", Unread(), size=1)) is FilePathInvalid

    run(attempt, folder_storage)


@pytest.mark.parametrize("announced", [None, 10])
def test_quota_holds_whatever_was_announced(run: Run, folder_storage: Storage, announced: int | None) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        await upload(files, "a", b"old")
        assert await refusal(upload(files, "a", bytes(QUOTA + 1), size=announced)) is StorageQuotaExceeded
        assert await text_of(await files.download_file(ALICE, "a")) == b"old"
        await upload(files, "a", bytes(QUOTA))
        assert await refusal(upload(files, "b", b"1")) is StorageQuotaExceeded
        await upload(files, "empty", b"")
        await upload(files, "b", b"1", BOB)

    run(attempt, folder_storage)
    assert len(blobs_in(folder_storage)) == 3


def test_without_a_quota(run: Run, folder_storage: Storage) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        await upload(files, "a", bytes(3_000_000), size=3_000_000)
        assert await paths(files) == ["a"]

    run(attempt, folder_storage, quota=None)


def test_quota_holds_for_uploads_at_the_same_time(run: Run, folder_storage: Storage) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        sizes = [400] * 6
        answers = await asyncio.gather(
            *(upload(files, f"file{n}", bytes(size)) for n, size in enumerate(sizes)), return_exceptions=True
        )
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert {type(answer) for answer in refused} == {StorageQuotaExceeded}
        stored = await paths(files)
        assert 1 <= len(stored) == 6 - len(refused) <= QUOTA // 400
        assert len(blobs_in(folder_storage)) == len(stored)
        # What was refused takes no room.
        await upload(files, str(stored[0]), bytes(QUOTA - 400 * (len(stored) - 1)))

    run(attempt, folder_storage)


def test_upload_that_breaks_off_keeps_the_old_file(run: Run, storage: Storage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"new"
        raise ConnectionResetError

    async def attempt(files: LocalFileStorage) -> None:
        await upload(files, "a", b"old")
        with pytest.raises(ConnectionResetError):
            await files.upload_file(ALICE, "a", broken(), size=1000)
        with pytest.raises(ConnectionResetError):
            await files.upload_file(ALICE, "b", broken(), size=None)
        assert await paths(files) == ["a"]
        assert await text_of(await files.download_file(ALICE, "a")) == b"old"

    run(attempt, storage)
    assert len(blobs_in(storage)) == 1


def test_upload_that_is_complete_is_finished_though_nobody_waits(run: Run, folder_storage: Storage) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        read = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield b"new"
            read.set()

        await upload(files, "a", b"old")
        task = asyncio.create_task(files.upload_file(ALICE, "a", body(), size=3))
        await read.wait()
        while not files._finishing:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait(files._finishing)
        assert await text_of(await files.download_file(ALICE, "a")) == b"new"

    run(attempt, folder_storage)
    assert len(blobs_in(folder_storage)) == 1


def test_uploads_of_one_path_at_the_same_time(run: Run, folder_storage: Storage) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        contents = [b"%d" % number * 10 for number in range(8)]
        await asyncio.gather(*(upload(files, "a", content) for content in contents))
        assert await text_of(await files.download_file(ALICE, "a")) in contents

    run(attempt, folder_storage)
    assert len(blobs_in(folder_storage)) == 1


def test_place_that_is_taken_while_the_file_comes(run: Run, folder_storage: Storage) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        async def body(path: str) -> AsyncIterator[bytes]:
            yield b"late"
            await upload(files, path)

        assert await refusal(files.upload_file(ALICE, "a", body("a/b"), size=4)) is FileOperationUnsupported
        assert await refusal(files.upload_file(ALICE, "c/d", body("c"), size=4)) is FilePathInvalid
        assert await paths(files) == ["a/b", "c"]

    run(attempt, folder_storage)
    assert len(blobs_in(folder_storage)) == 2


def test_content_that_is_lost(run: Run, storage: Storage) -> None:
    async def attempt(files: LocalFileStorage) -> None:
        await upload(files, "a")
        storage.delete("files")
        with pytest.raises(OpenEOError) as caught:
            await text_of(await files.download_file(ALICE, "a"))
        assert storage.is_local == (caught.type is StorageFailure)

    run(attempt, storage)


def test_blob_that_cannot_be_deleted_is_no_error_of_the_user(
    run: Run, folder_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageFailure

    async def attempt(files: LocalFileStorage) -> None:
        await upload(files, "a", b"old")
        monkeypatch.setattr(Storage, "delete", fail)
        await upload(files, "a", b"new")
        await files.delete_file(ALICE, "a")
        assert await paths(files) == []

    run(attempt, folder_storage)
    assert len(blobs_in(folder_storage)) == 2, "left to the sweep"


def test_pages(run: Run, folder_storage: Storage, engine: Engine) -> None:
    rows = [
        {
            "user_id": user,
            "path": f"folder/{number:05}.tif",
            "blob": f"{user}{number}",
            "size": number,
            "checksum": "0",
        }
        for user, count in (("alice", 10_000), ("bob", 7))
        for number in range(count)
    ]
    with transaction(engine) as connection:
        for row in rows:
            row |= {"modified": datetime.now(UTC), "media_type": "image/tiff"}
        connection.execute(insert(table), rows)

    async def page_through(files: LocalFileStorage) -> None:
        offset, seen, pages = None, [], 0
        while True:
            page = await files.list_files(ALICE, limit=999, offset=offset)
            seen += [item["path"] for item in page.items]
            pages += 1
            offset = page.next_offset
            if offset is None:
                break
        assert pages == 11
        assert seen == [f"folder/{number:05}.tif" for number in range(10_000)]
        exact = await files.list_files(BOB, limit=7, offset=None)
        assert (len(exact.items), exact.next_offset) == (7, None)
        complete = await files.list_files(ALICE, limit=None, offset=None)
        assert (len(complete.items), complete.next_offset) == (10_000, None)
        beyond = await files.list_files(ALICE, limit=5, offset="zzz")
        assert (list(beyond.items), beyond.next_offset) == ([], None)
        assert await refusal(files.list_files(ALICE, limit=5, offset="a\0")) is RequestInvalid

    run(page_through, folder_storage)
