"""Links between STAC documents that lie at URLs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from connexeo.fetch import FetchFailed

Document = Mapping[str, Any]


def links_of(document: Document, base: str, *relations: str) -> Iterator[tuple[str, str]]:
    """Relation and absolute URL of the links with one of the relations, in their order.

    Args:
        document: A STAC document.
        base: Its own URL.
        *relations: Relation types.
    """
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") in relations and isinstance(link.get("href"), str):
            yield link["rel"], urljoin(base, link["href"])


def next_page(page: Document, url: str) -> str | None:
    """Where the page after this one is; None after the last one.

    Raises:
        FetchFailed: it has to be asked for with POST.
    """
    links = page.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next" and isinstance(link.get("href"), str):
            if str(link.get("method", "GET")).upper() != "GET":
                raise FetchFailed("pages that need POST are not supported")
            return urljoin(url, str(link["href"]))
    return None


def own_address(item: Document, url: str) -> str:
    """Where a document says that it lies itself; paths in it start there.

    Args:
        item: The document.
        url: Of the API that gave it.
    """
    return next((href for _, href in links_of(item, f"{url}/", "self")), f"{url}/")


def with_remote_assets(item: Document, base: str, schemes: Collection[str]) -> dict[str, Any]:
    """An item with absolute asset hrefs, and only those with certain schemes: never paths of this machine."""
    assets = {
        key: {**asset, "href": urljoin(base, asset["href"])}
        for key, asset in item["assets"].items()
        if isinstance(asset, dict) and isinstance(asset.get("href"), str)
    }
    remote = {key: asset for key, asset in assets.items() if urlsplit(asset["href"]).scheme in schemes}
    return {**item, "assets": remote}
