"""Names of the bands that a collection has at each back-end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def band_names(collection: Mapping[str, Any]) -> frozenset[str]:
    """Names and common names; none where the collection does not list its bands."""
    return frozenset(name for name in _names(collection) if isinstance(name, str))


def _names(collection: Mapping[str, Any]) -> Iterator[Any]:
    dimensions = collection.get("cube:dimensions")
    for dimension in dimensions.values() if isinstance(dimensions, Mapping) else ():
        if isinstance(dimension, Mapping) and dimension.get("type") == "bands":
            values = dimension.get("values")
            yield from values if isinstance(values, list) else ()
    summaries = collection.get("summaries")
    for place in (collection, summaries):
        for key in ("eo:bands", "bands", "raster:bands"):
            bands = place.get(key) if isinstance(place, Mapping) else None
            for band in bands if isinstance(bands, list) else ():
                if isinstance(band, Mapping):
                    yield from (band.get("name"), band.get("common_name"), band.get("eo:common_name"))
