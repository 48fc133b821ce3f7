"""EO data discovery: STAC collections."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from connexeo.generated import models
from connexeo.handlers.context import Context, public
from connexeo.handlers.links import link
from connexeo.handlers.lists import next_links

AT_ONCE = 250
"""Collections of a long list after which other requests have their turn."""


@public
async def list_collections(
    context: Context, *, limit: int | None = None, offset: str | None = None
) -> models.Collections:
    """``GET /collections``: all collections, or a page of them when ``limit`` is given."""
    assert context.driver.data_discovery is not None
    page = await context.driver.data_discovery.list_collections(context.user, limit=limit, offset=offset)
    links = [
        link(context, "self", "/collections", limit=limit, offset=offset),
        link(context, "root", "/"),
        *next_links(context, "/collections", page, limit=limit),
    ]
    collections: list[dict[str, Any]] = []
    for item in page.items:
        collections.append(_with_links(context, item))
        if len(collections) % AT_ONCE == 0:
            await asyncio.sleep(0)
    return cast(models.Collections, {**page.extra, "collections": collections, "links": links})


@public
async def describe_collection(context: Context, *, collection_id: str) -> models.DescribeCollectionResponse:
    """``GET /collections/{collection_id}``."""
    assert context.driver.data_discovery is not None
    collection = await context.driver.data_discovery.describe_collection(context.user, collection_id)
    return cast(models.DescribeCollectionResponse, _with_links(context, collection))


@public
async def list_collection_queryables(context: Context, *, collection_id: str) -> models.JsonSchema:
    """``GET /collections/{collection_id}/queryables``."""
    assert context.driver.data_discovery is not None
    queryables = await context.driver.data_discovery.list_collection_queryables(context.user, collection_id)
    identified = {**queryables, "$id": context.url(f"/collections/{collection_id}/queryables")}
    return cast(models.JsonSchema, identified)


def _with_links(context: Context, collection: Mapping[str, Any]) -> dict[str, Any]:
    path = f"/collections/{collection['id']}"
    ours = [
        link(context, "self", path),
        link(context, "parent", "/collections"),
        link(context, "root", "/"),
        {
            **link(context, "http://www.opengis.net/def/rel/ogc/1.0/queryables", f"{path}/queryables"),
            "type": "application/schema+json",
        },
    ]
    return {**collection, "links": [*ours, *collection.get("links", ())]}
