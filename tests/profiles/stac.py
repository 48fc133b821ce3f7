"""Validity of STAC documents, by the schemas that come with pystac."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs
from pystac.validation.local_validator import VERSION, get_local_schema_cache

PREFIXES = {
    "cube": "datacube",
    "eo": "eo",
    "file": "file",
    "processing": "processing",
    "proj": "projection",
    "raster": "raster",
    "sci": "scientific",
    "classification": "classification",
    "item_assets": "item-assets",
    "view": "view",
    "render": "render",
}
"""Prefix of fields → name of the extension in its URL."""


@cache
def _validator(kind: str) -> jsonschema_rs.Draft7Validator:
    schemas = get_local_schema_cache()
    (uri,) = (each for each in schemas if each.endswith(f"/{kind}.json"))
    registry = jsonschema_rs.Registry(list(schemas.items()), draft=jsonschema_rs.Draft7)
    return jsonschema_rs.Draft7Validator(schemas[uri], registry=registry, validate_formats=True)


def faults(document: Mapping[str, Any]) -> list[str]:
    """Why a document is not a valid STAC Collection, Catalog or Item.

    pystac has the schemas of STAC 1.1 only. What is valid in 1.0 is so there as well.
    """
    kind = {"Collection": "collection", "Catalog": "catalog", "Feature": "item"}[document["type"]]
    assert document["stac_version"] in ("1.0.0", VERSION)
    present = {**document, "stac_version": VERSION}
    return [
        f"{'/'.join(map(str, fault.instance_path))}: {fault.message}"
        for fault in _validator(kind).iter_errors(present)
    ]


def used_extensions(document: Mapping[str, Any]) -> set[str]:
    """Names of the extensions whose fields a document has, by their prefixes."""
    return {PREFIXES[prefix] for prefix in _prefixes(document) if prefix in PREFIXES}


def unknown_prefixes(document: Mapping[str, Any]) -> set[str]:
    """Prefixes that belong to no extension that this module knows."""
    return _prefixes(document) - PREFIXES.keys()


def _prefixes(value: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if key == "item_assets":
                found.add(key)
            elif ":" in key and "/" not in key:
                found.add(key.partition(":")[0])
            found |= _prefixes(entry)
    elif isinstance(value, list):
        for entry in value:
            found |= _prefixes(entry)
    return found


def declared_extensions(document: Mapping[str, Any]) -> set[str]:
    """Names in the URLs of ``stac_extensions``."""
    return {url.split("/")[3] for url in document.get("stac_extensions", ())}
