"""Whether documents are valid STAC.

The schemas are those that STAC publishes with version 1.1, as pystac carries them: they need no network, and what is
valid in 1.0 is so in 1.1 as well. Collections of 0.9 are judged by the openEO contract alone. Extensions have schemas
of their own at many hosts; those of the fields that openEO needs are part of the contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs
from pystac.validation.local_validator import VERSION, get_local_schema_cache

from connexeo.tools.conformance.faults import describe
from connexeo.tools.conformance.shapes import mapping, text, texts

KINDS = {"Collection": "collection", "Catalog": "catalog", "Feature": "item"}
"""``type`` of a document → name of its schema."""

PREFIXES: Mapping[str, tuple[str, ...]] = {
    "cube": ("datacube",),
    "eo": ("eo",),
    "sar": ("sar",),
    "sat": ("sat",),
    "file": ("file",),
    "processing": ("processing",),
    "proj": ("projection",),
    "raster": ("raster",),
    "sci": ("scientific",),
    "classification": ("classification",),
    "view": ("view",),
    "mgrs": ("mgrs",),
    "grid": ("grid",),
    "table": ("table",),
    "pc": ("pointcloud",),
    "label": ("label",),
    "product": ("product",),
    "sentinel2": ("sentinel2", "sentinel-2"),
    "landsat": ("landsat",),
}
"""Prefix of fields → how the extension that defines them is called in its URL."""

_UNLINKED = "/collection: it names a collection, but no link has the relation collection"
"""What the schema of items means with something that must not be there."""

_OLD = re.compile(r"v?0\.")


def faults(document: Mapping[str, Any]) -> list[str]:
    """Why a document is no valid STAC Collection, Catalog or Item, each fault with its JSON pointer."""
    if _OLD.match(text(document.get("stac_version"))):
        return []
    kind = KINDS.get(text(document.get("type")))
    if kind is None:
        return [f"/type: {document.get('type')!r} is none of {', '.join(KINDS)}"]
    found = describe(_validator(kind).iter_errors({**document, "stac_version": VERSION}))
    return [_UNLINKED if fault.startswith("/collection: {} is not allowed") else fault for fault in found]


@cache
def _validator(kind: str) -> jsonschema_rs.Draft7Validator:
    schemas = get_local_schema_cache()
    uri = next(each for each in schemas if each.endswith(f"/{kind}.json"))
    registry = jsonschema_rs.Registry(list(schemas.items()), draft=jsonschema_rs.Draft7)
    return jsonschema_rs.Draft7Validator(schemas[uri], registry=registry, validate_formats=True)


def undeclared_extensions(document: Mapping[str, Any]) -> list[str]:
    """Fields such as ``cube:dimensions`` whose extension ``stac_extensions`` does not list, one of each prefix."""
    # Once they had short names, and URLs of other hosts have the name at other places.
    declared = {part for url in texts(document.get("stac_extensions")) for part in url.split("/")}
    found: dict[str, str] = {}
    for field in _fields(document):
        prefix = field.partition(":")[0]
        if prefix in PREFIXES and declared.isdisjoint(PREFIXES[prefix]):
            found.setdefault(prefix, field)
    return list(found.values())


def _fields(document: Mapping[str, Any]) -> Iterator[str]:
    """Names of fields with a prefix where extensions put them: at the top, in summaries, assets and properties."""
    places = [document, mapping(document.get("summaries")), mapping(document.get("properties"))]
    for key in ("assets", "item_assets"):
        places += [mapping(asset) for asset in mapping(document.get(key)).values()]
    for place in places:
        yield from (key for key in place if re.fullmatch(r"[a-z0-9_]+:\w+", key))


def band_names(document: Mapping[str, Any]) -> list[list[str]]:
    """Lists of names of bands that a document has, wherever STAC lets them be."""
    found: list[list[str]] = []
    summaries = mapping(document.get("summaries"))
    for key in ("eo:bands", "sar:bands", "raster:bands", "bands"):
        for place in (summaries, document, mapping(document.get("properties"))):
            bands = place.get(key)
            if isinstance(bands, list):
                names = [text(band.get("name")) for band in bands if isinstance(band, Mapping)]
                found.append([name for name in names if name])
    return [names for names in found if names]
