"""Links of merged documents: those that say something about the thing, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.merging.parts import Context, Part
from connexeo.drivers.federation.merging.presence import BACKENDS
from connexeo.drivers.federation.merging.rules import merge_fields

PLACES = frozenset(
    {
        "self", "root", "parent", "child", "collection", "item", "items", "next", "prev", "first", "last", "search",
        "data", "conformance", "queryables", "queryables-schema", "service-desc", "service-doc", "aggregate",
        "aggregations", "http://www.opengis.net/def/rel/ogc/1.0/queryables",
        "http://www.opengis.net/def/rel/ogc/1.0/schema", "http://www.opengis.net/def/rel/ogc/1.0/sortables",
        "http://www.opengis.net/def/rel/ogc/1.0/conformance", "http://www.opengis.net/def/rel/ogc/1.0/data",
    }
)  # fmt: skip
"""Relations that say where a document lies in the API of its upstream; in ours it lies elsewhere.

Whoever wants the upstream's items or queryables finds them by its own document, which is linked.
"""


def merge_links(parts: Sequence[Part], context: Context) -> list[dict[str, Any]]:
    """The links of all parts without `PLACES`, one for each relation and address, then those to the sources.

    Two links with the same relation, address, type and language are one; what only one of them says is kept.
    """
    found: dict[tuple[str, ...], list[tuple[str, Mapping[str, Any]]]] = {}
    for part in parts:
        for link in _links(part.document):
            if _text(link, "rel") not in PLACES:
                key = tuple(_text(link, name) for name in ("rel", "href", "type", "hreflang", "method"))
                found.setdefault(key, []).append((part.upstream, link))
    links = [_one(said, context.below("links").below(key[0]).below(key[1])) for key, said in found.items()]
    return links + sources(parts, taken={(_text(link, "rel"), _text(link, "href")) for link in links})


def sources(parts: Sequence[Part], taken: Iterable[tuple[str, str]] = ()) -> list[dict[str, Any]]:
    """Links to the upstreams' own documents: ``canonical`` when one upstream has it alone, else ``via``."""
    known = set(taken)
    alone = len(parts) == 1 and not any(relation == "canonical" for relation, _ in known)
    relation = "canonical" if alone else "via"
    links = []
    for part in parts:
        href = part.source or address(part.document)
        if href is not None and (relation, href) not in known:
            links.append(
                {"rel": relation, "href": href, "type": "application/json", BACKENDS: [part.upstream]}
            )
    return links


def address(document: Mapping[str, Any]) -> str | None:
    """Absolute URL that a document says it has."""
    for link in _links(document):
        href = _text(link, "href")
        if link.get("rel") == "self" and href.startswith(("https://", "http://")):
            return href
    return None


def _links(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    links = document.get("links")
    return [link for link in links if isinstance(link, Mapping)] if isinstance(links, list) else []


def _text(link: Mapping[str, Any], name: str) -> str:
    return str(link.get(name, ""))


def _one(said: Sequence[tuple[str, Mapping[str, Any]]], context: Context) -> dict[str, Any]:
    if len(said) == 1:
        return {key: value for key, value in said[0][1].items() if key != BACKENDS}
    # An upstream may give one link twice: each upstream is heard once.
    heard: dict[str, Mapping[str, Any]] = {}
    for upstream, link in said:
        heard.setdefault(upstream, link)
    once = list(heard.items())
    return merge_fields(once, context.within(tuple(upstream for upstream, _ in once)))
