"""Collections that are no STAC, or do not tell the truth."""

from __future__ import annotations

from typing import Any

from conformance.mutations.edits import Edit, answers, document, each, put, without
from conformance.mutations.fault import Fault
from connexeo.tools.conformance.verdicts import Severity

_ONE = ("GET /collections/{collection_id}",)
_ALL = ("GET /collections",)
_SHOWN = ("GET /collections/sentinel-2-l2a-demo",)
_STAC = "STAC Collection Specification"
_CUBE = "STAC Datacube Extension"


def _ghost(found: Any) -> None:
    found["collections"].append(found["collections"][-1] | {"id": "never-ingested"})


def _other_bands(found: Any) -> None:
    for dimension in found["cube:dimensions"].values():
        if dimension["type"] == "bands":
            dimension["values"] = [f"band_{number}" for number, _ in enumerate(dimension["values"], 1)]


def _no_bands(found: Any) -> None:
    for dimension in found["cube:dimensions"].values():
        if dimension["type"] == "bands":
            dimension.pop("values", None)


def _later(found: Any) -> None:
    for dimension in found["cube:dimensions"].values():
        if dimension["type"] == "temporal":
            dimension["extent"] = ["1999-01-01T00:00:00Z", "1999-12-31T00:00:00Z"]


def _other_id(id: str) -> str:
    return id.upper().replace("-", "_")


def _turned(box: list[float]) -> list[float]:
    return [box[1], box[0], box[3], box[2]]


def _crossed(box: list[float]) -> list[float]:
    """Smallest and largest x, smallest and largest y, as the documents of some libraries have it."""
    return [box[0], box[3], box[2], box[1]]


def _fault(
    id: str,
    title: str,
    rule: str,
    *edits: Edit,
    on: tuple[str, ...] = _ONE,
    severity: Severity = Severity.MAJOR,
) -> Fault:
    shown = _SHOWN if on == _ONE else ("GET /collections",)
    return Fault(id, title, on, ("collections", "schema"), rule, severity, answers(*edits), shown)


FAULTS = (
    _fault(
        "collections-without-stac-version",
        "Listed collections have no `stac_version`",
        f"{_STAC}: `stac_version` is required",
        without("collections/*/stac_version"),
        on=_ALL,
    ),
    _fault(
        "collections-without-links",
        "Listed collections have no links",
        f"{_STAC}: `links` is required",
        without("collections/*/links"),
        on=_ALL,
    ),
    _fault(
        "collections-null-fields",
        "Fields of listed collections that have no value are null",
        f"{_STAC}: `title` is a text, `keywords` a list",
        put("collections/*/title", None),
        put("collections/*/keywords", None),
        on=_ALL,
    ),
    _fault(
        "collections-ghost",
        "A collection is listed that cannot be described",
        "openEO API, GET /collections/{collection_id}: what is listed is there",
        document(_ghost),
        on=_ALL,
    ),
    _fault(
        "collections-list-alone",
        "The list of collections is not in an object",
        "openEO API, GET /collections: `collections` and `links` are required",
        document(lambda found: found["collections"]),
        on=_ALL,
    ),
    _fault(
        "collection-without-stac-version",
        "A collection has no `stac_version`",
        f"{_STAC}: `stac_version` is required",
        without("stac_version"),
    ),
    _fault(
        "collection-without-license",
        "A collection has no license",
        f"{_STAC}: `license` is required",
        without("license"),
    ),
    _fault(
        "collection-type-feature",
        "A collection says that it is a feature",
        f"{_STAC}: `type` is Collection",
        put("type", "Feature"),
    ),
    _fault(
        "collection-id-differs",
        "A collection has another id than its path",
        "openEO API, GET /collections/{collection_id}: `id` is the one that was asked for",
        each("id", _other_id),
    ),
    _fault(
        "collection-without-dimensions",
        "`cube:dimensions` is missing",
        "openEO API, GET /collections/{collection_id}: `cube:dimensions` is required",
        without("cube:dimensions"),
    ),
    _fault(
        "collection-dimensions-untyped",
        "Dimensions have no type",
        f"{_CUBE}: `type` is required",
        without("cube:dimensions/*/type"),
    ),
    _fault(
        "collection-axis-missing",
        "Spatial dimensions have no axis",
        f"{_CUBE}: `axis` is required",
        without("cube:dimensions/*/axis"),
    ),
    _fault(
        "collection-axis-wrong",
        "Spatial dimensions have the axis of longitudes",
        f"{_CUBE}: `axis` is x, y or z",
        each("cube:dimensions/*/axis", lambda _: "lon"),
    ),
    _fault(
        "collection-bands-unlisted",
        "The dimension of bands does not tell the bands",
        f"{_CUBE}: `values` of bands are required",
        document(_no_bands),
    ),
    _fault(
        "collection-bands-differ",
        "Bands have other names in the dimension than in the summaries",
        "openEO API, GET /collections/{collection_id}: labels of bands are their names",
        document(_other_bands),
        severity=Severity.MINOR,
    ),
    _fault(
        "collection-bbox-turned",
        "The bounding box has latitudes first",
        f"{_STAC}: west, south, east, north",
        each("extent/spatial/bbox/*", _turned),
    ),
    _fault(
        "collection-bbox-crossed",
        "North and south of the bounding box are exchanged",
        f"{_STAC}: south is not north of north",
        each("extent/spatial/bbox/*", _crossed),
    ),
    _fault(
        "collection-bbox-metres",
        "The bounding box is in metres",
        f"{_STAC}: coordinates are degrees",
        put("extent/spatial/bbox", [[622080.0, 5265920.0, 632320.0, 5276160.0]]),
    ),
    _fault(
        "collection-interval-turned",
        "The interval ends before it begins",
        f"{_STAC}: the start is not after the end",
        each("extent/temporal/interval/*", lambda interval: interval[::-1]),
    ),
    _fault(
        "collection-interval-flat",
        "The interval is not in a list of intervals",
        f"{_STAC}: `interval` is a list of intervals",
        each("extent/temporal/interval", lambda intervals: intervals[0]),
    ),
    _fault(
        "collection-time-elsewhere",
        "The temporal dimension is outside of the interval",
        f"{_STAC}: the extent covers all data",
        document(_later),
    ),
    _fault(
        "collection-summary-bare",
        "A summary is neither a list nor a range",
        f"{_STAC}: summaries are lists, ranges or schemas",
        put("summaries/gsd", 10),
        put("summaries/platform", "sentinel-2a"),
    ),
    _fault(
        "collection-provider-unnamed",
        "Providers have no name",
        f"{_STAC}: `name` of providers is required",
        without("providers/*/name"),
    ),
    Fault(
        "queryables-without-schema",
        "Queryables are not a JSON Schema of an object",
        ("GET /collections/{collection_id}/queryables",),
        ("collections", "schema"),
        "openEO API, GET /collections/{collection_id}/queryables: `type` is object, `$schema` is given",
        Severity.MAJOR,
        answers(without("$schema"), put("type", "array")),
        ("GET /collections/sentinel-2-l2a-demo/queryables",),
    ),
)
