"""One collection that several upstreams offer under the same identifier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.merging.assets import assets, item_assets
from connexeo.drivers.federation.merging.bands import mark_bands
from connexeo.drivers.federation.merging.dimensions import dimensions
from connexeo.drivers.federation.merging.equality import distinct
from connexeo.drivers.federation.merging.extents import extent
from connexeo.drivers.federation.merging.links import merge_links
from connexeo.drivers.federation.merging.parts import Context, Merged, Part, Said, canonical
from connexeo.drivers.federation.merging.presence import BACKENDS, MISSING
from connexeo.drivers.federation.merging.rules import (
    Rule,
    by_name,
    first,
    first_text,
    list_by,
    merge_fields,
    true_if_all,
    union,
)
from connexeo.drivers.federation.merging.summaries import BAND_RULES, summaries

_BRIEF = (
    "type", "stac_version", "stac_extensions", "id", "title", "description", "keywords", "version", "deprecated",
    "license", "providers", "extent", "links",
)  # fmt: skip
_OURS = frozenset({"links", "license", BACKENDS, MISSING})


def merge_collection(parts: Iterable[Part], order: Sequence[str]) -> Merged:
    """The collection as the federation offers it, with ``federation:backends`` at the top and in its summaries.

    Args:
        parts: what the upstreams say, in any order; at least one.
        order: the configured upstreams. Where no better rule is known, the first of them decides.
    """
    heard = canonical(parts, order)
    upstreams = tuple(part.upstream for part in heard)
    context = Context(upstreams)
    said = [(part.upstream, part.document) for part in heard]
    document = merge_fields(said, context, _RULES, leave=_OURS)
    document["type"] = "Collection"
    licences = [(upstream, each["license"]) for upstream, each in said if "license" in each]
    if licences:
        document["license"] = _licence(licences, context.below("license"), document.get("stac_version"))
    document["links"] = merge_links(heard, context)
    below = document.get("summaries")
    document["summaries"] = dict(below) if isinstance(below, Mapping) else {}
    document["summaries"].pop(MISSING, None)
    if len(heard) > 1:
        mark_bands(document, heard)
    document["summaries"][BACKENDS] = list(upstreams)
    document[BACKENDS] = list(upstreams)
    return Merged(document, upstreams, context.conflicts)


def brief(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a list shows of a merged collection: without dimensions, assets, and summaries but for the back-ends."""
    shown = {key: document[key] for key in _BRIEF if key in document}
    if BACKENDS in document:
        shown |= {"summaries": {BACKENDS: document[BACKENDS]}, BACKENDS: document[BACKENDS]}
    return shown


def complete(document: Mapping[str, Any]) -> dict[str, Any]:
    """What ``GET /collections/{collection_id}`` shows: it must have dimensions and summaries, be they unknown."""
    return {"cube:dimensions": {}, "summaries": {}, **document}


def _licence(said: Said, context: Context, version: Any) -> Any:
    """Of different licences none is right for all data; STAC has a word for that, and links to tell them."""
    values = distinct(value for _, value in said)
    if len(values) == 1:
        return values[0]
    kept = "other" if isinstance(version, str) and _version(version) >= (1, 1) else "various"
    context.note(kept, said, "the data of the back-ends have different licences")
    return kept


def _highest_version(said: Said, context: Context) -> Any:
    kept = max(
        (value for _, value in said if isinstance(value, str)),
        key=lambda each: (_version(each), each),
        default=None,
    )
    if kept is None:
        return first(said, context)
    if any(value != kept for _, value in said):
        context.note(kept, said, "the highest version, whose documents may have what all have")
    return kept


def _version(text: str) -> tuple[int, ...]:
    # Numbers of any length come from outside: Python reads no more than some thousand digits.
    return tuple(int(number[:9]) for number in re.findall(r"\d+", text)[:3])


_PROVIDER: dict[str, Rule] = {"roles": union, "description": first_text, "url": first_text}

_RULES: dict[str, Rule] = {
    "stac_version": _highest_version,
    "stac_extensions": union,
    "title": first_text,
    "description": first_text,
    "keywords": union,
    "deprecated": true_if_all,
    "experimental": true_if_all,
    "providers": list_by("name", _PROVIDER),
    "extent": extent,
    "cube:dimensions": dimensions,
    "cube:variables": by_name,
    "summaries": summaries,
    "assets": assets,
    "item_assets": item_assets,
    **BAND_RULES,
}
