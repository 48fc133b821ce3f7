"""STAC documents of the demo collections."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

STAC_VERSION = "1.0.0"
_EXTENSIONS = "https://stac-extensions.github.io"
DATACUBE_EXTENSION = f"{_EXTENSIONS}/datacube/v2.2.0/schema.json"
EO_EXTENSION = f"{_EXTENSIONS}/eo/v1.1.0/schema.json"
RASTER_EXTENSION = f"{_EXTENSIONS}/raster/v1.1.0/schema.json"
PROJECTION_EXTENSION = f"{_EXTENSIONS}/projection/v2.0.0/schema.json"
CLASSIFICATION_EXTENSION = f"{_EXTENSIONS}/classification/v2.0.0/schema.json"
VIEW_EXTENSION = f"{_EXTENSIONS}/view/v1.0.0/schema.json"
GRID_EXTENSION = f"{_EXTENSIONS}/grid/v1.1.0/schema.json"
ITEM_ASSETS_EXTENSION = f"{_EXTENSIONS}/item-assets/v1.0.0/schema.json"

Box = tuple[float, float, float, float]


def save_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as indented JSON."""
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def timestamp(moment: datetime) -> str:
    """A UTC instant as RFC 3339 with `Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def collection_document(
    collection_id: str,
    *,
    title: str,
    description: str,
    keywords: list[str],
    bbox: Box,
    interval: tuple[str, str],
    extensions: Sequence[str],
    dimensions: dict[str, Any],
    summaries: dict[str, Any],
    item_assets: dict[str, Any],
    items: Sequence[str],
) -> dict[str, Any]:
    """A STAC Collection that links to its items by relative paths."""
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [DATACUBE_EXTENSION, ITEM_ASSETS_EXTENSION, *extensions],
        "id": collection_id,
        "title": title,
        "description": description,
        "keywords": keywords,
        "license": "CC0-1.0",
        "providers": [
            {
                "name": "connexeo",
                "description": "The values are computed, not observed.",
                "roles": ["producer", "processor", "licensor", "host"],
            }
        ],
        "extent": {"spatial": {"bbox": [list(bbox)]}, "temporal": {"interval": [list(interval)]}},
        "cube:dimensions": dimensions,
        "summaries": summaries,
        "item_assets": item_assets,
        "links": [
            {
                "rel": "license",
                "href": "https://creativecommons.org/publicdomain/zero/1.0/",
                "type": "text/html",
                "title": "CC0 1.0: public domain",
            },
            *({"rel": "item", "href": href, "type": "application/geo+json"} for href in items),
        ],
    }


def item_document(
    item_id: str,
    collection_id: str,
    *,
    bbox: Box,
    ring: Sequence[tuple[float, float]],
    moment: datetime,
    properties: dict[str, Any],
    assets: dict[str, Any],
    extensions: Sequence[str],
) -> dict[str, Any]:
    """A STAC Item in a folder below its collection; `ring` is the footprint's outline, not closed."""
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(extensions),
        "id": item_id,
        "collection": collection_id,
        "bbox": list(bbox),
        # GeoJSON wants outer rings counterclockwise and closed; outlines are given clockwise.
        "geometry": {"type": "Polygon", "coordinates": [[list(point) for point in (ring[0], *ring[::-1])]]},
        "properties": {"datetime": timestamp(moment), **properties},
        "assets": assets,
        "links": [{"rel": "collection", "href": "../collection.json", "type": "application/json"}],
    }
