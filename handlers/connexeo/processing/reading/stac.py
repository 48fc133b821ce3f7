"""STAC at a URL: an Item, a static Collection or Catalog, a Collection of an API, a page of Items."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from connexeo.fetch import FetchFailed
from connexeo.processing.reading.footprints import Box, Interval, footprint, matches
from connexeo.processing.reading.stac_links import links_of, next_page, with_remote_assets

Document = Mapping[str, Any]
GetDocument = Callable[[str], Any]
"""Gives the JSON document at a URL, or raises `connexeo.fetch.FetchError`."""

MAX_DOCUMENTS = 2000
"""Documents that are fetched for one source."""
MAX_ITEMS = 10_000
MAX_LEVELS = 10
"""Of catalogues in catalogues."""
DEADLINE = 120.0
"""Seconds until all documents must have been fetched."""
REMOTE = frozenset({"http", "https"})
"""Schemes of assets that are read: other ones would be read with what this machine may read."""

_PAGE_SIZE = 250


@dataclass(frozen=True)
class Source:
    """What lies at a URL."""

    document: Document
    """A Collection, a Catalog, or an Item without its assets: tells about dimensions and bands."""
    items: tuple[Document, ...]
    """Those that may lie in the extents, with absolute asset hrefs."""


def read_source(
    get: GetDocument,
    url: str,
    bbox: Box | None,
    interval: Interval | None,
    schemes: Collection[str] = REMOTE,
) -> Source:
    """What lies at a URL, as far as it may lie in the extents.

    Args:
        get: Fetches documents.
        url: Of a STAC document.
        bbox: West, south, east, north in WGS 84.
        interval: Start (included) and end (excluded).
        schemes: Of assets that are read; others are left out.

    Raises:
        FetchError: a document cannot be had.
        ValueError: something else than STAC lies there; the message says what.
    """
    walk = _Walk(get, bbox, interval, schemes)
    document = walk.fetch(url)
    if not isinstance(document, dict):
        raise ValueError("no STAC document, but something that is no object")
    items = []
    for item in walk.items(document, url, MAX_LEVELS):
        items.append(item)
        if len(items) > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} items in the extents; ask for smaller ones")
    if document.get("type") == "Feature":
        properties = document.get("properties")
        told = {"cube:dimensions": properties.get("cube:dimensions")} if isinstance(properties, dict) else {}
        return Source(told, tuple(items))
    return Source(document, tuple(items))


@dataclass
class _Walk:
    get: GetDocument
    bbox: Box | None
    interval: Interval | None
    schemes: Collection[str]
    seen: set[str] = field(default_factory=set)
    end: float = field(default_factory=lambda: time.monotonic() + DEADLINE)

    def fetch(self, url: str) -> Any:
        if len(self.seen) >= MAX_DOCUMENTS:
            raise FetchFailed(f"there are more than {MAX_DOCUMENTS} documents; ask for one further down")
        if time.monotonic() > self.end:
            raise FetchFailed(f"the documents cannot be fetched within {DEADLINE:.0f} seconds")
        self.seen.add(url)
        return self.get(url)

    def items(self, document: Document, url: str, levels: int) -> Iterator[Document]:
        """The items of a document, and of those that it links to."""
        match document.get("type"):
            case "Feature":
                yield from self._kept(document, url)
            case "FeatureCollection":
                yield from self._pages(document, url)
            case "Collection" | "Catalog":
                yield from self._children(document, url, levels)
            case _:
                raise ValueError("no STAC Item, Collection or Catalog")

    def _children(self, document: Document, url: str, levels: int) -> Iterator[Document]:
        if not _may_match(document, self.bbox, self.interval):
            return
        if document.get("type") == "Collection":
            search = next((href for _, href in links_of(document, url, "items")), None)
            if search is not None and search not in self.seen:
                query = self._query(search)
                yield from self._pages(self.fetch(query), query)
                return
        linked = list(dict.fromkeys(links_of(document, url, "item", "child")))
        for relation, href in linked:
            if href in self.seen:
                continue
            if relation == "child" and levels == 0:
                raise ValueError(f"catalogues in more than {MAX_LEVELS} levels")
            child = self.fetch(href)
            if isinstance(child, dict) and (relation == "child" or child.get("type") == "Feature"):
                yield from self.items(child, href, levels - 1)
        if not linked:
            yield from self._kept(_as_item(document), url)

    def _pages(self, page: Any, url: str) -> Iterator[Document]:
        following: str | None = url
        while following is not None:
            if not isinstance(page, dict) or page.get("type") != "FeatureCollection":
                raise ValueError("a page of items that is none")
            features = page.get("features")
            for item in features if isinstance(features, list) else ():
                if isinstance(item, dict):
                    base = next((href for _, href in links_of(item, following, "self")), following)
                    yield from self._kept(item, base)
            url, following = following, next_page(page, following)
            if following is not None:
                if following in self.seen:
                    raise FetchFailed("the pages of items go round in circles")
                page = self.fetch(following)

    def _kept(self, item: Document, base: str) -> Iterator[Document]:
        sound = isinstance(item.get("assets"), dict) and isinstance(item.get("properties"), dict)
        if sound and matches(footprint(item), self.bbox, self.interval):
            yield with_remote_assets(item, base, self.schemes)

    def _query(self, url: str) -> str:
        """The URL of the items of an API's collection with the extents."""
        split = urlsplit(url)
        query = dict(parse_qsl(split.query)) | {"limit": str(_PAGE_SIZE)}
        if self.bbox is not None:
            query["bbox"] = ",".join(map(str, self.bbox))
        if self.interval is not None and self.interval != (None, None):
            query["datetime"] = "/".join(".." if each is None else _rfc3339(each) for each in self.interval)
        return urlunsplit(split._replace(query=urlencode(query)))


def _as_item(collection: Document) -> Document:
    """A Collection that has its files as assets of its own, as some back-ends describe results."""
    spatial, temporal = _first_extents(collection)
    start, end = temporal if isinstance(temporal, list) and len(temporal) == 2 else (None, None)
    properties = {"datetime": start if start == end else None, "start_datetime": start, "end_datetime": end}
    assets = collection.get("assets") or {}
    return {
        "id": collection.get("id"),
        "bbox": spatial,
        "properties": {key: value for key, value in properties.items() if value is not None},
        "assets": assets if isinstance(assets, dict) else {},
    }


def _may_match(document: Document, bbox: Box | None, interval: Interval | None) -> bool:
    """Whether something in a Collection may lie in the extents; what is not told is no reason to leave it out."""
    if document.get("type") != "Collection":
        return True
    spatial, temporal = _first_extents(document)
    start, end = temporal if isinstance(temporal, list) and len(temporal) == 2 else (None, None)
    properties = {"start_datetime": start, "end_datetime": end}
    where = footprint({"bbox": spatial, "properties": properties})
    return matches(where, bbox, interval)


def _first_extents(collection: Document) -> tuple[Any, Any]:
    """The first bounding box and interval, which are those of the whole."""
    extent = collection.get("extent") or {}
    parts = (("spatial", "bbox"), ("temporal", "interval"))
    found = []
    for part, name in parts:
        inner = extent.get(part) if isinstance(extent, dict) else None
        values = inner.get(name) if isinstance(inner, dict) else None
        found.append(values[0] if isinstance(values, list) and values else None)
    return found[0], found[1]


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
