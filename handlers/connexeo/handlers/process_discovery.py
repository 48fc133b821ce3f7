"""Process discovery: the predefined processes."""

from __future__ import annotations

from typing import cast

from connexeo.generated import models
from connexeo.handlers.context import Context, public


@public
async def list_processes(context: Context, *, limit: int | None = None) -> models.Processes:
    """``GET /processes``: always complete on one page.

    The JavaScript client and the Web Editor read only the first page, so ``limit`` is ignored.
    """
    assert context.driver.process_discovery is not None
    page = await context.driver.process_discovery.list_processes(context.user)
    links = [
        {"rel": "self", "href": context.url("/processes"), "type": "application/json"},
        {"rel": "root", "href": context.url("/"), "type": "application/json"},
    ]
    return cast(models.Processes, {**page.extra, "processes": list(page.items), "links": links})
