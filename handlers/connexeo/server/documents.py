"""Discovery documents as bytes: serialised once, compressed once, answered with an ETag.

Building a document per request costs twenty times what sending its bytes costs. A public document is kept for
a few seconds (``discovery_cache``); afterwards its handler runs again, and when the result is the same, so are
its bytes and its ETag.

A large one takes long to make. Its former bytes are sent meanwhile, unless it is long ago that they were right.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from connexion.middleware.abstract import ROUTING_CONTEXT
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connexeo.handlers.context import accepts_html

MINIMUM_GZIP = 1024
"""Bytes below which compression is not worth it."""

LARGE = 2**20
"""Bytes from which on a document is digested and compressed beside the event loop, and made anew in the background."""

GRACE = 5.0
"""Seconds since a large document was right for the last time, within which it is sent while it is made anew."""

HTML = "text/html; charset=utf-8"

logger = structlog.get_logger("connexeo.documents")

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON or HTML answer, ready to be sent."""

    body: bytes
    compressed: bytes | None
    etag: bytes
    media_type: bytes
    cache_control: bytes
    extra: tuple[tuple[bytes, bytes], ...] = ()
    """Further headers."""

    @classmethod
    def of(
        cls,
        content: Any,
        *,
        media_type: str = "application/json",
        public: bool,
        partial: bool = False,
        previous: Document | None = None,
        extra: tuple[tuple[bytes, bytes], ...] = (),
    ) -> Document:
        """Serialise a value (bytes are taken as they are); the bytes of an equal previous document are kept.

        Nobody else keeps one that is partial: the rest may be there at any moment.
        """
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        # Weak, because the compressed and the plain bytes share it.
        etag = b'W/"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()
        if previous is not None and previous.etag == etag:
            return previous
        worth_it = public and len(body) >= MINIMUM_GZIP
        level = 6 if len(body) < LARGE else 4
        compressed = gzip.compress(body, compresslevel=level, mtime=0) if worth_it else None
        policy = b"public, max-age=60, must-revalidate" if public else b"private, no-cache"
        policy = b"no-store" if partial else policy
        return cls(body, compressed, etag, media_type.encode(), policy, extra)

    def headers(self, *, compressed: bool) -> Headers:
        """Headers of a 200 or 304."""
        headers = [
            (b"content-type", self.media_type),
            (b"etag", self.etag),
            (b"cache-control", self.cache_control),
            (b"vary", b"Accept, Accept-Encoding, Authorization"),
            *self.extra,
        ]
        if compressed:
            headers.append((b"content-encoding", b"gzip"))
        return headers

    async def send(self, scope: Scope, send: Send) -> None:
        """Answer with 304 when the client has it, else with the smaller of the encodings it takes."""
        wanted = accepted = b""
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                wanted = value
            elif name == b"accept-encoding":
                accepted = value
        if wanted and _matches(wanted, self.etag):
            await send(
                {"type": "http.response.start", "status": 304, "headers": self.headers(compressed=False)}
            )
            await send({"type": "http.response.body", "body": b""})
            return
        compressed = self.compressed is not None and _takes_gzip(accepted)
        body = self.compressed if compressed and self.compressed is not None else self.body
        headers = self.headers(compressed=compressed)
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def html_document(page: HTMLResponse, *, public: bool, previous: Document | None = None) -> Document:
    """The document of a page, with its headers."""
    ours = (b"content-type", b"content-length")
    extra = tuple((name, value) for name, value in page.raw_headers if name not in ours)
    return Document.of(bytes(page.body), media_type=HTML, public=public, previous=previous, extra=extra)


def _matches(wanted: bytes, etag: bytes) -> bool:
    candidates = {part.strip().removeprefix(b"W/") for part in wanted.split(b",")}
    return b"*" in candidates or etag.removeprefix(b"W/") in candidates


def _takes_gzip(accepted: bytes) -> bool:
    for part in accepted.lower().split(b","):
        name, _, quality = part.partition(b";")
        if name.strip() in (b"gzip", b"*"):
            return quality.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False


CacheKey = tuple[str, bytes, bytes, bool]


@dataclass(slots=True)
class Entry:
    """A document in the store."""

    document: Document
    operation_id: str
    """Operation that answered with it."""
    version: str | None
    """What the driver said when it was made; None where it says nothing."""
    expires: float
    """Monotonic clock, in seconds."""
    right: float
    """When it was known to be right last, by the same clock."""

    @property
    def size(self) -> int:
        """Bytes that it occupies."""
        return len(self.document.body) + len(self.document.compressed or b"")


class DocumentStore:
    """Public documents of this worker, the oldest forgotten first.

    Any query string makes an entry of its own, so the store is bounded in bytes, not only in entries; the newest one
    stays however large it is. A driver that is `Versioned` decides itself how long they are good.
    """

    def __init__(
        self,
        seconds: float,
        *,
        version: Callable[[str], str] | None = None,
        entries: int = 256,
        size: int = 96 * 2**20,
    ) -> None:
        self.seconds = seconds
        self._version = version
        self._max_entries = entries
        self._max_size = size
        self._size = 0
        self._entries: OrderedDict[CacheKey, Entry] = OrderedDict()

    def fresh(self, key: CacheKey) -> Entry | None:
        """The entry, unless it is too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = time.monotonic()
        if self._version is not None:
            if entry.version != self._version(entry.operation_id):
                return None
        elif entry.expires <= now:
            return None
        entry.right = now
        return entry

    def former(self, key: CacheKey) -> Entry | None:
        """An entry that is to be made anew, but may be sent until that is done."""
        entry = self._entries.get(key)
        if entry is None or entry.size < LARGE or entry.right + GRACE < time.monotonic():
            return None
        return entry

    def version(self, operation_id: str) -> str | None:
        """What the driver says now; to be asked before a document is made."""
        return None if self._version is None else self._version(operation_id)

    def previous(self, key: CacheKey) -> Document | None:
        """The document, however old."""
        entry = self._entries.get(key)
        return entry.document if entry is not None else None

    def put(self, key: CacheKey, document: Document, operation_id: str, version: str | None = None) -> None:
        """Keep a document for ``seconds``, or as long as the driver says the same."""
        replaced = self._entries.pop(key, None)
        self._size -= replaced.size if replaced is not None else 0
        now = time.monotonic()
        entry = Entry(document, operation_id, version, now + self.seconds, now)
        self._entries[key] = entry
        self._size += entry.size
        while len(self._entries) > 1 and (
            len(self._entries) > self._max_entries or self._size > self._max_size
        ):
            self._size -= self._entries.popitem(last=False)[1].size


def cache_key(scope: Scope) -> CacheKey | None:
    """What a public answer may depend on; None for requests whose answer is the caller's own."""
    if scope["method"] not in ("GET", "HEAD"):
        return None
    host = None
    html = False
    for name, value in scope["headers"]:
        if name == b"authorization":
            return None
        if name == b"host":
            # The first one, as links are made from it, should a request have several.
            host = value if host is None else host
        elif name == b"accept" and b"html" in value.lower():
            html = True
    origin = (host or b"") + b"|" + scope["scheme"].encode()
    return scope["path"], scope["query_string"], origin, html and accepts_html(scope)


class PublicDocuments:
    """Middleware in front of routing: answers anonymous requests for documents that are still fresh."""

    def __init__(self, app: ASGIApp, *, store: DocumentStore) -> None:
        self.app = app
        self.store = store
        self._making: dict[CacheKey, asyncio.Task[None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http":
            key = cache_key(scope)
            if key is not None:
                entry = self.store.fresh(key) or self._former(key, scope)
                if entry is not None:
                    # Routing is skipped; the metrics want to know the operation all the same.
                    scope["extensions"][ROUTING_CONTEXT] = {"operation_id": entry.operation_id}
                    await entry.document.send(scope, send)
                    return
        await self.app(scope, receive, send)

    @property
    def making(self) -> Collection[asyncio.Task[None]]:
        """What makes documents anew now, in the background."""
        return tuple(self._making.values())

    def _former(self, key: CacheKey, scope: Scope) -> Entry | None:
        """What may be sent while the document is made anew, which begins now unless it has begun."""
        entry = self.store.former(key)
        if entry is not None and key not in self._making:
            task = asyncio.create_task(self._make(scope))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return entry

    async def _make(self, scope: Scope) -> None:
        """Let a request be answered for the sake of the store."""
        try:
            await self.app({**scope, "extensions": dict(scope["extensions"])}, _nothing, _forget)
        except Exception:
            # Nobody waits for it; the next request after the time of grace gets to see the fault.
            logger.exception("document.not_made", path=scope["path"])


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _forget(message: Message) -> None:
    """The answer is in the store already."""
