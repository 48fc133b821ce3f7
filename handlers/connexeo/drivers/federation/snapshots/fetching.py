"""Asks one back-end for what is kept of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from connexeo.drivers.federation.background import BackgroundAccount
from connexeo.drivers.federation.connection import Answer, Call, Connection
from connexeo.drivers.federation.faults import Garbled, Refused, TooSlow
from connexeo.drivers.federation.garbage import no_search_for_garbage
from connexeo.drivers.federation.snapshots.kinds import ABSENT, CAPABILITIES, Kind
from connexeo.drivers.federation.snapshots.store import Snapshot
from connexeo.settings import Upstream

MAX_PAGES = 1000
MAX_ENTRIES = 100_000

_UNAUTHORISED = frozenset({401, 403})


class Fetching:
    """All background requests to one back-end.

    Args:
        connection: The way to it.
        upstream: Its settings.
        timeout: Seconds that one kind may take, pages included.
    """

    def __init__(self, connection: Connection, upstream: Upstream, *, timeout: float) -> None:
        self._connection = connection
        self._account = BackgroundAccount(upstream)
        self._timeout = timeout

    async def capabilities(self, deadline: float) -> Snapshot:
        """The capabilities, which also tell whether the back-end is there.

        Raises:
            UpstreamFault: when they cannot be had.
        """
        answer = await self._connection.fetch(Call("GET", "/"), deadline)
        document = answer.object()
        if not isinstance(document.get("api_version"), str):
            raise Garbled(self._connection.id, "the answer of / has no api_version")
        return self._snapshot(CAPABILITIES, "", document)

    async def all_of(self, kind: Kind, known: Snapshot | None) -> Snapshot:
        """Everything of a kind; the known one, newly dated, when it is still the same.

        What the back-end does not have is ``null``.

        Raises:
            UpstreamFault: when it cannot be had.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._all_of(kind, known)
        except TimeoutError as error:
            raise TooSlow(
                self._connection.id, f"no complete {kind.name} within {self._timeout:g} s"
            ) from error

    async def _all_of(self, kind: Kind, known: Snapshot | None) -> Snapshot:
        try:
            first = await self._get(kind.path, {} if known is None else _condition(known))
        except Refused as refused:
            if refused.status == 304 and known is not None:
                return self._again(known)
            if refused.status in ABSENT:
                return self._snapshot(kind.name, "", None)
            raise
        if kind.entries is None:
            return self._snapshot(kind.name, "", first.object(), first)
        entries, pages = [], 0
        async for page in self._pages(first):
            found = page.get(kind.entries)
            if not isinstance(found, list):
                raise Garbled(self._connection.id, f"the answer of {kind.path} has no {kind.entries}")
            entries += found
            pages += 1
            if len(entries) > MAX_ENTRIES:
                raise Garbled(self._connection.id, f"{kind.path} has more than {MAX_ENTRIES} entries")
        return self._snapshot(kind.name, "", entries, first if pages == 1 else None)

    async def _get(self, path: str, headers: Mapping[str, str]) -> Answer:
        try:
            return await self._get_once(path, headers)
        except Refused as refused:
            if refused.status not in _UNAUTHORISED:
                raise
            self._account.forget()
            return await self._get_once(path, headers)

    async def _get_once(self, path: str, headers: Mapping[str, str]) -> Answer:
        authorization = await self._account.authorization(self._connection, self._timeout)
        call = Call("GET", path, authorization=authorization, headers=headers)
        return await self._connection.fetch(call, self._timeout)

    async def _pages(self, first: Answer) -> AsyncIterator[Mapping[str, Any]]:
        seen: set[str] = set()
        answer = first
        while True:
            with no_search_for_garbage():
                document = answer.object()
            yield document
            seen.add(answer.url)
            following = next_link(document, answer.url)
            if following is None or following in seen:
                return
            if not self._connection.is_here(following) or len(seen) >= MAX_PAGES:
                raise Garbled(self._connection.id, "the links between pages lead elsewhere, or never end")
            answer = await self._get(following, {})

    def _snapshot(self, kind: str, key: str, document: Any, answer: Answer | None = None) -> Snapshot:
        etag = None if answer is None else answer.headers.get("etag")
        try:
            body = orjson.dumps(document)
        except orjson.JSONEncodeError as error:
            raise Garbled(self._connection.id, f"the {kind} cannot be kept: {error}") from error
        return Snapshot(self._connection.id, kind, key, body, time.time(), etag)

    def _again(self, known: Snapshot) -> Snapshot:
        return Snapshot(known.upstream, known.kind, known.key, known.body, time.time(), known.etag)


def next_link(document: Mapping[str, Any], base: str) -> str | None:
    """Where the next page is.

    Relative addresses are understood too, and those of back-ends that do not know that they are reached by HTTPS.
    """
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next" and isinstance(link.get("href"), str):
            found = urljoin(base, str(link["href"]))
            is_here = urlsplit(found).netloc == urlsplit(base).netloc
            if is_here and base.startswith("https://") and found.startswith("http://"):
                return f"https{found.removeprefix('http')}"
            return found
    return None


def _condition(known: Snapshot) -> dict[str, str]:
    return {} if known.etag is None else {"if-none-match": known.etag}
