"""Sends files: uploaded ones and results, as a whole or in parts (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from connexeo.drivers.interface import Content
from connexeo.generated.errors import StorageFailure

MAX_RANGES = 50
"""More are answered with the whole file, which is no larger than what was asked for."""

Range = tuple[int, int]
"""First byte, and the one behind the last."""


class Download(Response):
    """Answers a request for a file, with HEAD, ranges and conditions; memory does not depend on its size.

    Args:
        content: The file.
        headers: Further headers; they precede those that are made here.
        disposition: ``attachment``, so that browsers save what users wrote; or ``inline``.
    """

    def __init__(
        self,
        content: Content,
        headers: Mapping[str, str] | None = None,
        *,
        disposition: str = "attachment",
    ) -> None:
        self.content = content
        self.status_code = 200
        self.background = None
        self.media_type = content.media_type
        self._etag = f'"{content.etag}"'
        self._modified = content.modified.astimezone(UTC).replace(microsecond=0)
        self.init_headers(headers)
        given = self.headers
        given.setdefault("accept-ranges", "bytes")
        given.setdefault("etag", self._etag)
        given.setdefault("last-modified", format_datetime(self._modified, usegmt=True))
        given.setdefault("content-disposition", content_disposition(content.name, disposition))
        given.setdefault("cache-control", "private, no-cache")

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """The headers that do not depend on the request; its length is not known before."""
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        lower.setdefault("content-type", self.media_type or "application/octet-stream")
        self.raw_headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in lower.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection.

        Raises:
            HTTPException: 412 and 416, before anything is sent.
            StorageFailure: when the file turns out to be shorter than it should be.
        """
        asked = Headers(scope=scope)
        self._check_preconditions(asked)
        if self._is_known(asked):
            await self._send_head(304, {}, send)
            return
        ranges = self._ranges(asked)
        if ranges is None:
            length = {"content-length": str(self.content.size)}
            await self._send(200, length, self._whole(), scope, receive, send)
        elif len(ranges) == 1:
            start, end = ranges[0]
            part = {
                "content-range": f"bytes {start}-{end - 1}/{self.content.size}",
                "content-length": str(end - start),
            }
            await self._send(206, part, self._part(start, end), scope, receive, send)
        else:
            await self._send_multipart(ranges, scope, receive, send)

    def _check_preconditions(self, asked: Headers) -> None:
        wanted = asked.get("if-match")
        if wanted is not None:
            if not _names(wanted, self._etag, weak=False):
                raise HTTPException(412)
            return
        unchanged_since = _date(asked.get("if-unmodified-since"))
        if unchanged_since is not None and self._modified > unchanged_since:
            raise HTTPException(412)

    def _is_known(self, asked: Headers) -> bool:
        """Whether the client has this content already."""
        wanted = asked.get("if-none-match")
        if wanted is not None:
            return _names(wanted, self._etag, weak=True)
        since = _date(asked.get("if-modified-since"))
        return since is not None and self._modified <= since

    def _ranges(self, asked: Headers) -> list[Range] | None:
        """The parts to send; None for the whole file."""
        wanted = asked.get("range")
        if wanted is None or not self._is_same(asked.get("if-range")):
            return None
        ranges = parse_ranges(wanted, self.content.size)
        if ranges is not None and not ranges:
            headers = {"Content-Range": f"bytes */{self.content.size}", "Accept-Ranges": "bytes"}
            raise HTTPException(416, headers=headers)
        return ranges

    def _is_same(self, validator: str | None) -> bool:
        """Whether the client means this content when it asks for the rest of one (``If-Range``)."""
        if validator is None:
            return True
        return validator.strip() == self._etag or _date(validator) == self._modified

    async def _send_head(self, status: int, further: Mapping[str, str], send: Send) -> None:
        headers = self._headers_with(further)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _headers_with(self, further: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        headers = MutableHeaders(raw=list(self.raw_headers))
        headers.update(further)
        return headers.raw

    async def _send(
        self,
        status: int,
        further: Mapping[str, str],
        body: AsyncGenerator[bytes, None],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        async with aclosing(body):
            if scope["method"] == "HEAD":
                await self._send_head(status, further, send)
                return
            path = self.content.path
            if status == 200 and path is not None and "http.response.pathsend" in scope.get("extensions", {}):
                start = {
                    "type": "http.response.start",
                    "status": status,
                    "headers": self._headers_with(further),
                }
                await send(start)
                await send({"type": "http.response.pathsend", "path": str(path)})
                return
            # What cannot be read at all shall be an error response and no connection that breaks.
            first = await anext(body, b"")
            response = StreamingResponse(_chained(first, body), status)
            response.raw_headers = self._headers_with(further)
            # It watches for clients that go away.
            await response(scope, receive, send)

    async def _whole(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._part(0, self.content.size)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _part(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        left = end - start
        if left == 0:
            return
        async for chunk in self.content.chunks(start, end):
            left -= len(chunk)
            yield chunk
        if left != 0:
            raise StorageFailure()

    async def _send_multipart(self, ranges: list[Range], scope: Scope, receive: Receive, send: Send) -> None:
        boundary = secrets.token_hex(16)
        heads = [
            f"--{boundary}\r\nContent-Type: {self.headers['content-type']}\r\n"
            f"Content-Range: bytes {start}-{end - 1}/{self.content.size}\r\n\r\n".encode("latin-1")
            for start, end in ranges
        ]
        tail = f"--{boundary}--\r\n".encode("latin-1")
        length = len(tail) + sum(
            len(head) + end - start + 2 for head, (start, end) in zip(heads, ranges, strict=True)
        )

        async def body() -> AsyncGenerator[bytes, None]:
            for head, (start, end) in zip(heads, ranges, strict=True):
                yield head
                async with aclosing(self._part(start, end)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                yield b"\r\n"
            yield tail

        further = {
            "content-type": f"multipart/byteranges; boundary={boundary}",
            "content-length": str(length),
        }
        await self._send(206, further, body(), scope, receive, send)


async def _chained(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    if first:
        yield first
    async for chunk in rest:
        yield chunk


def parse_ranges(value: str, size: int) -> list[Range] | None:
    """The parts that a ``Range`` header asks for, those that touch made one.

    Returns:
        None where the header is to be ignored: another unit, not well-formed, or parts that are too many. An empty
        list where no part lies within the file.
    """
    unit, equals, text = value.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    specs = [spec.strip() for spec in text.split(",") if spec.strip()]
    if not specs or len(specs) > MAX_RANGES:
        return None
    ranges: list[Range] = []
    for spec in specs:
        match = re.fullmatch(r"(\d{0,19})-(\d{0,19})", spec, re.ASCII)
        if match is None or match[0] == "-":
            return None
        if not match[1]:
            start, end = max(size - int(match[2]), 0), size
        else:
            start, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
            if match[2] and int(match[2]) < start:
                return None
        if start < end:
            ranges.append((start, end))
    return _merged(ranges)


def _merged(ranges: list[Range]) -> list[Range]:
    """Overlapping ranges as one: nobody shall get the same bytes fifty times over."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    # In the order that the client chose, where it can be kept.
    return merged if len(merged) < len(ranges) else ranges


def _names(header: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags has ours."""
    if header.strip() == "*":
        return True
    tags = {tag.strip() for tag in header.split(",")}
    return etag in tags or (weak and f"W/{etag}" in tags)


def _date(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def content_disposition(name: str, disposition: str) -> str:
    """The header for a file name, which may have any characters (RFC 6266)."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{disposition}; filename="{plain}"{encoded}'
