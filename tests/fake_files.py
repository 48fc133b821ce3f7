"""Files of users in memory."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from connexeo.drivers.interface import Content, Json, Page, User
from connexeo.generated.errors import FileNotFound, FilePathInvalid, StorageQuotaExceeded

MODIFIED = datetime(2025, 3, 1, 7, 45, 30, 250_000, tzinfo=UTC)


@dataclass
class FakeContent:
    """Bytes, in chunks of 100."""

    content: bytes
    name: str = "a.tif"
    media_type: str = "image/tiff"
    modified: datetime = MODIFIED
    etag: str = "abc"
    path: Path | None = None
    size: int = -1
    readers: int = 0

    def __post_init__(self) -> None:
        if self.size < 0:
            self.size = len(self.content)

    async def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        self.readers += 1
        try:
            for place in range(start, min(end, len(self.content)), 100):
                yield self.content[place : min(place + 100, end)]
        finally:
            self.readers -= 1


@dataclass
class FakeFiles:
    """Takes every path but ``invalid``, and a thousand bytes for each file."""

    stored: dict[tuple[str, str], bytes] = field(
        default_factory=lambda: {("alice", "read.txt"): b"read", ("alice", "deep/old.txt"): b"old"}
    )
    """Contents by user and path."""
    announced: list[int | None] = field(default_factory=list)
    """Sizes that uploads announced, in order."""

    async def list_files(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        paths = sorted(path for owner, path in self.stored if owner == user.id and path > (offset or ""))
        shown = paths[:limit]
        items = [_document(path, self.stored[user.id, path]) for path in shown]
        return Page(items, shown[-1] if len(shown) < len(paths) else None)

    async def download_file(self, user: User, path: str) -> Content:
        content = self._find(user, path)
        return FakeContent(content, path.rpartition("/")[2], etag=hashlib.sha256(content).hexdigest())

    async def upload_file(
        self, user: User, path: str, content: AsyncIterator[bytes], *, size: int | None
    ) -> Json:
        self.announced.append(size)
        if path == "invalid":
            raise FilePathInvalid(reason="it says so")
        if size is not None and size > 1000:
            raise StorageQuotaExceeded()
        self.stored[user.id, path] = b"".join([chunk async for chunk in content])
        return _document(path, self.stored[user.id, path])

    async def delete_file(self, user: User, path: str) -> None:
        self._find(user, path)
        del self.stored[user.id, path]

    def _find(self, user: User, path: str) -> bytes:
        if (user.id, path) not in self.stored:
            raise FileNotFound(file=path)
        return self.stored[user.id, path]


def _document(path: str, content: bytes) -> Json:
    return {"path": path, "size": len(content), "modified": "2025-03-01T07:45:30Z"}
