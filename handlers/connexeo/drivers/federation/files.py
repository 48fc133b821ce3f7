"""Files of users: those of each back-end lie in a folder that is called like the back-end."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.checked import checked_entry
from connexeo.drivers.federation.connection import Answer, Call, Connection
from connexeo.drivers.federation.faults import TooSlow, UpstreamFault
from connexeo.drivers.federation.identifiers import ELSEWHERE
from connexeo.drivers.federation.lists import UserList, UserLists
from connexeo.drivers.federation.merging import BACKENDS, MISSING, Belonging
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.translation import object_of, translated
from connexeo.drivers.interface import Content, Json, Page, User
from connexeo.generated.errors import FileNotFound, FilePathInvalid, Internal

SORT = "files"
BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class RemoteContent:
    """The content of a file at a back-end, as `Content`."""

    name: str
    media_type: str
    size: int
    modified: datetime
    etag: str
    asking: Asking = field(repr=False)
    user: User = field(repr=False)
    upstream: str = field(repr=False)
    call: Call = field(repr=False)

    @property
    def path(self) -> Path | None:
        """None: it lies elsewhere."""
        return None

    async def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``; where the back-end knows no ranges, the rest is thrown away."""
        connection = self.asking.members.connection(self.upstream)
        deadline = self.asking.members.federation.request_timeout
        try:
            authorization = await self.asking.credentials.of(self.user, connection, deadline)
            whole = start == 0 and end == self.size
            headers = {"accept": "*/*"} if whole else {"accept": "*/*", "range": f"bytes={start}-{end - 1}"}
            call = Call("GET", self.call.path, authorization=authorization, headers=headers)
            async with connection.stream(call, deadline) as response:
                skip = start if response.status_code != 206 else 0
                left = end - start
                async for chunk in response.aiter_bytes():
                    piece = chunk[skip:]
                    skip = max(0, skip - len(chunk))
                    piece = piece[:left]
                    left -= len(piece)
                    if piece:
                        yield piece
                    if left == 0:
                        return
        except UpstreamFault as fault:
            raise translated(fault) from fault


class FederatedFiles:
    """Implements ``FileStorage``.

    Args:
        asking: Asks back-ends in a user's name.
        snapshots: Which of them keep files; all are asked when not given.
    """

    def __init__(self, asking: Asking, snapshots: Snapshots | None = None) -> None:
        self._asking = asking
        self._lists = UserLists(asking, snapshots)

    async def list_files(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's files at all back-ends, by path."""
        return await self._lists.page(FILES, user, limit=limit, offset=offset)

    async def download_file(self, user: User, path: str) -> Content:
        """A file, as its back-end sends it."""
        upstream, rest = self._find(path, FileNotFound(file=path))
        call = Call("GET", _address(rest), headers={"accept": "*/*"})

        async def ask(connection: Connection, authorization: str, deadline: float) -> Mapping[str, str]:
            # Not every back-end knows HEAD: the head of a GET says the same.
            asked = Call("GET", call.path, authorization=authorization, headers={"accept": "*/*"})
            async with connection.stream(asked, deadline) as response:
                return dict(response.headers)

        try:
            headers = await self._asking.one(user, SORT, ask, upstream)
        except UpstreamFault as fault:
            raise translated(fault, FileNotFound(file=path)) from fault
        size = headers.get("content-length", "")
        if not size.isdecimal() or headers.get("content-encoding", "identity") != "identity":
            raise Internal(f"The back-end '{upstream}' does not say how large the file is.")
        modified = _date(headers.get("last-modified"))
        etag = headers.get("etag", "").removeprefix("W/").strip('"')
        if not etag or any(ord(each) < 33 or ord(each) > 126 or each == '"' for each in etag):
            etag = hashlib.sha256(f"{path}|{size}|{headers.get('last-modified')}".encode()).hexdigest()[:32]
        media_type = headers.get("content-type") or mimetypes.guess_type(rest)[0] or BINARY
        name = rest.rpartition("/")[2]
        return RemoteContent(name, media_type, int(size), modified, etag, self._asking, user, upstream, call)

    async def upload_file(
        self, user: User, path: str, content: AsyncIterator[bytes], *, size: int | None
    ) -> Json:
        """Store a file at the back-end that its first folder names, as it comes."""
        upstream, rest = self._find(path, self._nowhere())
        headers = {"content-type": BINARY}
        if size is not None:
            headers["content-length"] = str(size)
        pause = self._asking.members.federation.request_timeout

        async def ask(connection: Connection, authorization: str, deadline: float) -> Answer:
            try:
                async with asyncio.timeout(pause) as limit:
                    sent = _paced(content, limit, pause)
                    call = Call(
                        "PUT", _address(rest), authorization=authorization, headers=headers, content=sent
                    )
                    return await connection.fetch(call, deadline)
            except TimeoutError as error:
                raise TooSlow(connection.id, f"it has not gone on with the file for {pause:g} s") from error

        try:
            answer = await self._asking.one(user, SORT, ask, upstream, _UPLOAD_SECONDS, again=False)
        except UpstreamFault as fault:
            raise translated(fault) from fault
        # Whatever else it says, the file is there.
        return _listed(upstream, {**object_of(answer), "path": rest}) or {"path": path}

    async def delete_file(self, user: User, path: str) -> None:
        """Remove a file at its back-end."""
        upstream, rest = self._find(path, FileNotFound(file=path))
        await self._asking.call(
            user, SORT, upstream, Call("DELETE", _address(rest)), missing=FileNotFound(file=path)
        )

    def _find(self, path: str, missing: FileNotFound | FilePathInvalid) -> tuple[str, str]:
        upstream, _, rest = path.partition("/")
        if not ELSEWHERE.isdisjoint(rest.split("/")):
            raise FilePathInvalid(reason="no folder or file can be called . or ..")
        if not rest or self._asking.members.upstream(upstream) is None:
            raise missing
        return upstream, rest

    def _nowhere(self) -> FilePathInvalid:
        known = ", ".join(f"{each}/" for each in self._asking.members.ids)
        return FilePathInvalid(
            f"Each back-end has its own files here: begin the path with the back-end that shall keep it, one of {known}"
        )


_UPLOAD_SECONDS = 24 * 3600.0


async def _paced(content: AsyncIterator[bytes], limit: asyncio.Timeout, pause: float) -> AsyncIterator[bytes]:
    """A file as it comes from the user, whose time is not limited; that in which the back-end takes a piece is."""
    now = asyncio.get_running_loop().time
    limit.reschedule(None)
    async for piece in content:
        limit.reschedule(now() + pause)
        yield piece
        limit.reschedule(None)
    limit.reschedule(now() + pause)


def _listed(upstream: str, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    kept = {key: value for key, value in entry.items() if key not in (BACKENDS, MISSING)}
    if isinstance(kept.get("path"), str):
        kept["path"] = f"{upstream}/{kept['path'].lstrip('/')}"
    return checked_entry(Belonging.FILE, upstream, {**kept, BACKENDS: [upstream]})


def _path_key(entry: Mapping[str, Any]) -> str:
    path = entry.get("path")
    return path if isinstance(path, str) else ""


FILES = UserList(SORT, _path_key, _listed)


def _address(path: str) -> str:
    return f"/files/{quote(path, safe='/')}"


def _date(value: str | None) -> datetime:
    if value:
        try:
            found = parsedate_to_datetime(value)
        except ValueError:
            return datetime.now(UTC)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return datetime.now(UTC)
