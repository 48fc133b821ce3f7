"""Lists in pages, of things and of log entries.

Lists that are asked for without a limit are wanted as a whole by the contract, however long they are. They are sent
page by page, so that neither memory nor the other requests suffer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

import orjson
from starlette.responses import StreamingResponse

from connexeo.drivers.interface import LogPage, Page
from connexeo.handlers.context import Context
from connexeo.handlers.links import JSON, NO_STORE, link


class Pages(Protocol):
    """What gives the pages of a list."""

    async def __call__(self, *, limit: int | None, offset: str | None) -> Page:
        """The page that starts at an offset."""
        ...


async def paged_list(
    context: Context,
    name: str,
    path: str,
    pages: Pages,
    *,
    limit: int | None,
    offset: str | None,
    **query: str | None,
) -> dict[str, Any] | StreamingResponse:
    """The entries of a list behind an offset: all of them, or a page when there is a limit.

    Args:
        context: The call.
        name: Property of the entries, such as ``jobs``.
        path: Where the list is.
        pages: The pages of the list; those of a log tell the level of their entries.
        limit: Most entries that are wanted.
        offset: Where they start.
        **query: Further query parameters that the list was asked for with.
    """
    page = await pages(limit=limit, offset=offset)
    asked = {"limit": limit, **query}
    links = [link(context, "self", path, **asked, offset=offset)]
    besides = {**page.extra, **({"level": page.level} if isinstance(page, LogPage) else {})}
    if limit is None and page.next_offset is not None:
        parts = _parts(name, page, pages, {**besides, "links": links})
        return StreamingResponse(parts, headers=NO_STORE, media_type=JSON)
    links += next_links(context, path, page, **asked)
    return {**besides, name: list(page.items), "links": links}


def next_links(context: Context, path: str, page: Page, **query: str | int | None) -> list[dict[str, Any]]:
    """The link to the following page; none on the last one."""
    if page.next_offset is None:
        return []
    return [link(context, "next", path, **query, offset=page.next_offset)]


async def _parts(name: str, page: Page, pages: Pages, besides: Mapping[str, Any]) -> AsyncIterator[bytes]:
    yield orjson.dumps(besides)[:-1] + b"," + orjson.dumps(name) + b":["
    separator = b""
    while True:
        if page.items:
            yield separator + orjson.dumps(list(page.items))[1:-1]
            separator = b","
        if page.next_offset is None:
            break
        page = await pages(limit=None, offset=page.next_offset)
    yield b"]}"
