"""The microservice `FileStorage` of the local driver."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from connexeo.drivers.interface import Content, Json, Page, User
from connexeo.drivers.local.accounts.limits import Quota
from connexeo.drivers.local.content import StoredContent
from connexeo.drivers.local.files import store
from connexeo.drivers.local.files.paths import check_path, name_of
from connexeo.drivers.local.files.receiving import receive
from connexeo.drivers.local.files.saving import discard
from connexeo.drivers.local.files.sweep import FileSweep
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import (
    FileOperationUnsupported,
    FilePathInvalid,
    RequestInvalid,
    StorageFailure,
    StorageQuotaExceeded,
)

_ATTEMPTS = 5


class LocalFileStorage:
    """Files of users: rows in the database, contents in the storage.

    Args:
        state: The database, which others open and close.
        storage: Where contents lie.
        quota: Bytes that the files of a user may take.
    """

    def __init__(self, state: State, storage: Storage, *, quota: Quota) -> None:
        self._state = state
        self._storage = storage
        self._quota = quota
        self._arriving: Counter[str] = Counter()
        self._finishing: set[asyncio.Task[Json]] = set()
        self._sweep = FileSweep(state, storage)

    async def start(self) -> None:
        """Begin to sweep what killed processes left behind."""
        self._sweep.start()

    async def stop(self) -> None:
        """Stop sweeping; uploads that came completely become files."""
        await self._sweep.stop()
        if self._finishing:
            await asyncio.wait(self._finishing)

    async def list_files(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's files by path; a page starts behind the path that is its offset."""
        if offset is not None and "\0" in offset:
            raise RequestInvalid(reason="the offset is none that a link of this list has")
        # One more tells whether there is a next page.
        more = None if limit is None else limit + 1
        rows = await self._state.read(store.list_files, user.id, more, offset)
        complete = limit is None or len(rows) <= limit
        shown = rows if complete else rows[:limit]
        return Page([store.document(row) for row in shown], None if complete else str(shown[-1]["path"]))

    async def download_file(self, user: User, path: str) -> Content:
        """A file, as it is now: it can be read to its end also when it is replaced meanwhile."""
        for _ in range(_ATTEMPTS):
            row = await self._state.read(store.find_file, user.id, path)
            content = StoredContent(
                self._storage,
                store.key_of(row["blob"]),
                name=name_of(row["path"]),
                media_type=row["media_type"],
                size=row["size"],
                modified=row["modified"],
                etag=row["checksum"],
            )
            try:
                await asyncio.to_thread(content.open)
            except FileNotFoundError:
                continue  # replaced or deleted between the two
            return content
        raise StorageFailure()

    async def upload_file(
        self, user: User, path: str, content: AsyncIterator[bytes], *, size: int | None
    ) -> Json:
        """Store a file; what is in its place stays there until the new one is complete."""
        check_path(path)
        room = await self._state.read(store.room_for, user.id, path, self._quota)
        with self._counting(user.id, room) as count:
            if size is not None:
                count(size)
                count(-size)
            blob = await receive(self._storage, content, count)
        # From here on it is finished, also when the client or the server goes away.
        finishing = asyncio.create_task(self._finish(user.id, path, blob))
        self._finishing.add(finishing)
        finishing.add_done_callback(self._finishing.discard)
        return await asyncio.shield(finishing)

    async def delete_file(self, user: User, path: str) -> None:
        """Remove a file."""
        blob = await self._state.write(store.remove_file, user.id, path)
        await asyncio.to_thread(discard, self._storage, blob)

    async def _finish(self, user_id: str, path: str, blob: store.Blob) -> Json:
        try:
            row, before = await self._state.write(store.replace_file, user_id, path, blob, self._quota)
        except (StorageQuotaExceeded, FilePathInvalid, FileOperationUnsupported):
            await asyncio.to_thread(discard, self._storage, blob.name)
            raise
        # After any other error the row may be there after all: that is for the sweep to find out.
        if before is not None:
            await asyncio.to_thread(discard, self._storage, before)
        return store.document(row)

    @contextmanager
    def _counting(self, user_id: str, room: int | None) -> Iterator[Callable[[int], None]]:
        """A function that counts bytes of an upload, and refuses those that there is no room for.

        Uploads of the user that arrive in this process at the same time share the room. It is a first check: the one
        that counts is made with the row.
        """
        counted = 0

        def count(size: int) -> None:
            nonlocal counted
            if room is not None and self._arriving[user_id] + size > room:
                # At once, not when it is cleaned up: else uploads that come in step would all refuse each other.
                self._arriving[user_id] -= counted
                counted = 0
                raise StorageQuotaExceeded()
            counted += size
            self._arriving[user_id] += size

        try:
            yield count
        finally:
            self._arriving[user_id] -= counted
            if not self._arriving[user_id]:
                del self._arriving[user_id]
