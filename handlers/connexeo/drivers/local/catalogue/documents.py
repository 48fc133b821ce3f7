"""STAC documents: what makes one usable, and what of it the public may see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

Document = Mapping[str, Any]

# From the contract: `collection_id`, `stac_version`.
_ID = re.compile(r"[\w\-.~/]+")
_VERSION = re.compile(r"0\.9\.\d+|1\.\d+\.\d+.*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

_OWN_RELATIONS = frozenset(
    {
        "self", "root", "parent", "child", "collection", "item", "items", "search", "data", "conformance", "queryables",
        "service-desc", "service-doc", "aggregate", "aggregations",
        "http://www.opengis.net/def/rel/ogc/1.0/queryables", "http://www.opengis.net/def/rel/ogc/1.0/schema",
    }
)  # fmt: skip
"""Relations that say where a document lies in its own catalogue; in ours it lies elsewhere."""

_BRIEF = (
    "type", "stac_version", "stac_extensions", "id", "title", "description", "keywords", "version", "deprecated",
    "license", "providers", "extent", "links",
)  # fmt: skip


class BrokenDocument(ValueError):
    """A document that cannot be served; the message says why."""


def check_collection(document: Any) -> dict[str, Any]:
    """The document, if it has what the contract asks of a collection.

    Raises:
        BrokenDocument: it has not.
    """
    if not isinstance(document, dict):
        raise BrokenDocument("not a JSON object")
    if document.get("type", "Collection") != "Collection":
        raise BrokenDocument("not a STAC Collection")
    for name in ("id", "stac_version", "description", "license"):
        if not isinstance(document.get(name), str) or not document[name]:
            raise BrokenDocument(f"{name} is missing")
    if not _ID.fullmatch(document["id"]):
        raise BrokenDocument("the id has characters that openEO does not allow")
    if not _VERSION.fullmatch(document["stac_version"]):
        raise BrokenDocument("the STAC version is not supported")
    extent = document.get("extent")
    if not isinstance(extent, dict) or not _is_extent(extent):
        raise BrokenDocument("the extent is not valid")
    wrong = [name for name, kind in _KINDS.items() if not isinstance(document.get(name, kind()), kind)]
    if wrong:
        raise BrokenDocument(f"{wrong[0]} is not valid")
    return document


_KINDS: dict[str, type] = {
    "links": list,
    "assets": dict,
    "item_assets": dict,
    "summaries": dict,
    "cube:dimensions": dict,
    "providers": list,
    "keywords": list,
    "stac_extensions": list,
}


def public_collection(document: Document, base: str | None) -> dict[str, Any]:
    """A collection without links into its own catalogue and without paths of this machine.

    Args:
        document: what `check_collection` passed.
        base: URL that relative links refer to; None for local documents, whose relative links are dropped.
    """
    public = {key: value for key, value in document.items() if key not in ("links", "assets")}
    public["type"] = "Collection"
    public["links"] = list(_public_links(document.get("links") or [], base))
    public["extent"] = {**document["extent"], "temporal": _with_times(document["extent"]["temporal"])}
    assets = _public_assets(document.get("assets") or {}, base)
    if assets:
        public["assets"] = assets
    return public


def public_item(item: Document) -> dict[str, Any]:
    """An item of which only assets that anybody can fetch are shown."""
    return {
        **item,
        "links": list(_public_links(item.get("links") or [], None)),
        "assets": _public_assets(item.get("assets") or {}, None),
    }


def brief(document: Document) -> dict[str, Any]:
    """What a list shows of a public collection."""
    return {key: document[key] for key in _BRIEF if key in document}


def is_public(href: Any) -> bool:
    """Whether an href is a URL that anybody may follow."""
    return isinstance(href, str) and urlsplit(href).scheme in ("http", "https")


def _public_links(links: list[Any], base: str | None) -> Iterator[dict[str, Any]]:
    for link in links:
        if (
            not isinstance(link, dict)
            or not isinstance(link.get("rel"), str)
            or link["rel"] in _OWN_RELATIONS
        ):
            continue
        href = _resolve(link.get("href"), base)
        if is_public(href):
            yield {**link, "href": href}


def _public_assets(assets: Document, base: str | None) -> dict[str, Any]:
    resolved = {
        key: {**asset, "href": _resolve(asset.get("href"), base)}
        for key, asset in assets.items()
        if isinstance(asset, dict)
    }
    return {key: asset for key, asset in resolved.items() if is_public(asset["href"])}


def _resolve(href: Any, base: str | None) -> Any:
    return urljoin(base, href) if base and isinstance(href, str) else href


def _is_extent(extent: Document) -> bool:
    spatial, temporal = extent.get("spatial"), extent.get("temporal")
    if not isinstance(spatial, dict) or not isinstance(temporal, dict):
        return False
    boxes, intervals = spatial.get("bbox"), temporal.get("interval")
    return (
        isinstance(boxes, list)
        and bool(boxes)
        and all(isinstance(box, list) and len(box) in (4, 6) and all(map(_is_number, box)) for box in boxes)
        and isinstance(intervals, list)
        and bool(intervals)
        and all(isinstance(each, list) and len(each) == 2 and all(map(_is_time, each)) for each in intervals)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: Any) -> bool:
    return value is None or (isinstance(value, str) and _DATE.match(value) is not None)


def _with_times(temporal: Document) -> dict[str, Any]:
    """Intervals as the contract has them: dates become date-times, times without a zone are UTC."""
    return {**temporal, "interval": [[_date_time(each) for each in pair] for pair in temporal["interval"]]}


def _date_time(text: str | None) -> str | None:
    if text is None:
        return None
    if _DATE.fullmatch(text):
        return f"{text}T00:00:00Z"
    zoned = text.endswith(("Z", "z")) or re.search(r"[+-]\d{2}:\d{2}$", text)
    return text.replace(" ", "T") if zoned else f"{text.replace(' ', 'T')}Z"
