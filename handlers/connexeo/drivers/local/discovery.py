"""Data discovery of the local driver: the catalogue, asked in threads."""

from __future__ import annotations

import asyncio

from connexeo.drivers.interface import Json, Page, User
from connexeo.drivers.local.catalogue import Catalogue


class LocalDiscovery:
    """STAC collections from folders and from STAC APIs."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def list_collections(self, user: User | None, *, limit: int | None, offset: str | None) -> Page:
        """Collections by id; all of them without a limit."""
        return await asyncio.to_thread(self._catalogue.page, limit, offset)

    async def describe_collection(self, user: User | None, collection_id: str) -> Json:
        """One collection."""
        return await asyncio.to_thread(self._catalogue.collection, collection_id)

    async def list_collection_queryables(self, user: User | None, collection_id: str) -> Json:
        """What its items can be filtered by."""
        return await asyncio.to_thread(self._catalogue.queryables, collection_id)
