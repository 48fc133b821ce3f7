"""Lists that are asked for without a limit: the contract wants all of it then, however long it is.

They are sent page by page, so that neither memory nor the other requests suffer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.responses import StreamingResponse

from connexeo.drivers.interface import Page


def whole_list(
    name: str,
    first: Page,
    more: Callable[[str], Awaitable[Page]],
    besides: Mapping[str, Any],
) -> StreamingResponse:
    """A JSON object with all entries of a list.

    Args:
        name: Property of the entries, such as ``jobs``.
        first: The first page.
        more: Gives the page with an offset.
        besides: The other properties, ``links`` among them.
    """
    headers = {"Cache-Control": "private, no-store"}
    return StreamingResponse(
        _parts(name, first, more, besides), headers=headers, media_type="application/json"
    )


async def _parts(
    name: str, page: Page, more: Callable[[str], Awaitable[Page]], besides: Mapping[str, Any]
) -> AsyncIterator[bytes]:
    yield orjson.dumps(besides)[:-1] + b"," + orjson.dumps(name) + b":["
    separator = b""
    while True:
        if page.items:
            yield separator + orjson.dumps(list(page.items))[1:-1]
            separator = b","
        if page.next_offset is None:
            break
        page = await more(page.next_offset)
    yield b"]}"
