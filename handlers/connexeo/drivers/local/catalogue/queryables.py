"""What the items of a collection can be filtered by, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connexeo.drivers.local.catalogue.cube_metadata import summarise

Document = Mapping[str, Any]

SCHEMA = "https://json-schema.org/draft/2019-09/schema"

_KNOWN: dict[str, dict[str, Any]] = {
    "datetime": {"title": "Acquisition time", "type": "string", "format": "date-time"},
    "eo:cloud_cover": {"title": "Cloud cover in percent", "type": "number", "minimum": 0, "maximum": 100},
    "platform": {"title": "Platform", "type": "string"},
    "constellation": {"title": "Constellation", "type": "string"},
    "gsd": {"title": "Ground sample distance in metres", "type": "number", "exclusiveMinimum": 0},
    "view:sun_elevation": {
        "title": "Elevation of the sun in degrees",
        "type": "number",
        "minimum": -90,
        "maximum": 90,
    },
    "view:sun_azimuth": {
        "title": "Azimuth of the sun in degrees",
        "type": "number",
        "minimum": 0,
        "maximum": 360,
    },
    "sat:relative_orbit": {"title": "Relative orbit", "type": "integer", "minimum": 1},
}

_NOT_QUERYABLE = frozenset({"bands", "eo:bands", "raster:bands", "instruments"})
_PLAIN = {bool: "boolean", int: "number", float: "number", str: "string"}


def queryables(collection: Document, items: Sequence[Document]) -> dict[str, Any]:
    """The JSON Schema of the properties, from the summaries and from some items."""
    summaries = {**summarise(items), **(collection.get("summaries") or {})}
    present = {name: value for item in items for name, value in (item.get("properties") or {}).items()}
    properties: dict[str, Any] = {
        "id": {"title": "Item id", "type": "string"},
        "datetime": _KNOWN["datetime"],
    }
    for name in sorted({*summaries, *present} - _NOT_QUERYABLE - properties.keys()):
        if name.startswith("proj:") and name != "proj:code":
            continue
        schema = _schema(name, summaries.get(name), present.get(name))
        if schema is not None:
            properties[name] = schema
    return {
        "$schema": SCHEMA,
        "type": "object",
        "title": collection.get("title") or collection["id"],
        "properties": properties,
        "additionalProperties": False,
    }


def _schema(name: str, summary: Any, example: Any) -> dict[str, Any] | None:
    """The schema of one property; None for those that are no plain values."""
    known = _KNOWN.get(name)
    if known is not None and "type" in known and known["type"] != "string":
        return known
    if isinstance(summary, Mapping) and {"minimum", "maximum"} <= summary.keys():
        kind = "string" if isinstance(summary["minimum"], str) else "number"
        # The range is of the items that there are; asking beyond it is no fault.
        return {"title": name, **(known or {}), "type": kind}
    if isinstance(summary, Mapping):
        return {"title": name, **summary}
    if isinstance(summary, list) and summary and all(type(value) in _PLAIN for value in summary):
        return {"title": name, **(known or {}), "type": _PLAIN[type(summary[0])], "enum": summary}
    if type(example) in _PLAIN:
        return {"title": name, **(known or {}), "type": _PLAIN[type(example)]}
    return None
