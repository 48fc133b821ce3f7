"""Items of collections, where the back-end has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.extents import Box, box_of, boxes, covers, instant, intervals
from connexeo.tools.conformance.geometry import bounds
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import Entry, collection_entries, is_here, object_of
from connexeo.tools.conformance.shapes import is_absolute, links_of, listed, mapping, objects, targets, text
from connexeo.tools.conformance.stac import faults, undeclared_extensions
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation

_ONE = "GET /collections/{collection_id}"
_LIST = "GET /collections/{collection_id}/items"
_SOURCE = "STAC API 1.0.0, Features"
_COLLECTIONS = 5
_ITEMS = 5


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a collection."""

    collection: Entry
    exchange: Exchange
    items: tuple[Entry, ...]

    @property
    def place(self) -> str:
        """What violations are about."""
        return f"items of {self.collection.id}"


def _answers(backend: BackEnd) -> list[tuple[Entry, Exchange]]:
    """Collections with the answer to their link ``items``."""
    found: list[tuple[Entry, Exchange]] = []
    for entry in backend.once(collection_entries):
        target = next((each for each in targets(entry.value, "items") if is_here(backend, each)), None)
        if target is None and backend.offers(_LIST):
            target = f"/collections/{encoded(entry.id)}/items"
        if target is not None and len(found) < _COLLECTIONS:
            joint = "&" if "?" in target else "?"
            found.append((entry, backend.reader.get(f"{target}{joint}limit={_ITEMS}")))
    if not found:
        raise NotApplicable("no collection links to items")
    return found


def pages_of_items(backend: BackEnd) -> list[Page]:
    """The first items of some collections."""
    found = []
    for entry, answer in backend.once(_answers):
        features = mapping(object_of(answer)).get("features")
        found.append(Page(entry, answer, tuple(Entry(each, answer) for each in objects(features))))
    return found


def _items(backend: BackEnd) -> Iterator[tuple[Page, Entry]]:
    for page in backend.once(pages_of_items):
        yield from ((page, item) for item in page.items)


@check(
    "items.listed",
    "The link `items` leads to a FeatureCollection that keeps `limit`",
    layer="collections",
    source=_SOURCE,
    operations=(_ONE,),
    mend="Answer with a GeoJSON FeatureCollection of no more than `limit` items.",
)
def are_listed(backend: BackEnd) -> Iterator[Violation]:
    """Items can be read."""
    for page in backend.once(pages_of_items):
        document = mapping(object_of(page.exchange))
        if document.get("type") != "FeatureCollection" or not isinstance(document.get("features"), list):
            message = f"items are asked for, and HTTP {page.exchange.status} comes with no FeatureCollection"
            yield Violation(message, page.exchange, place=page.place)
        elif len(page.items) > _ITEMS:
            yield Violation(
                f"a page has {len(page.items)} items, `limit` is {_ITEMS}", page.exchange, place=page.place
            )
        ids = [item.id for item in page.items]
        if repeated := sorted({each for each in ids if ids.count(each) > 1}):
            yield Violation(
                f"two items have the identifier {listed(repeated)}", page.exchange, place=page.place
            )


@check(
    "items.valid",
    "Items are valid STAC",
    layer="collections",
    source="STAC, Item",
    operations=(_ONE,),
    mend="Correct the item as STAC asks.",
)
def valid(backend: BackEnd) -> Iterator[Violation]:
    """Items are STAC Items of the collection that lists them."""
    for page, item in _items(backend):
        for fault in faults(item.value)[:3]:
            yield Violation(f"it is no valid STAC Item: {fault}", item.evidence, place=page.place)
        if item.value.get("type") != "Feature":
            yield Violation(
                f"its type is {item.value.get('type')!r}, not 'Feature'", item.evidence, place=page.place
            )
        collection = item.value.get("collection")
        if collection != page.collection.id:
            message = f"an item of {page.collection.id} says that its collection is {collection!r}"
            yield Violation(message, item.evidence, place=page.place)
        for field in undeclared_extensions(item.value):
            message = f"`{field}` is used, but its extension is not listed in `stac_extensions`"
            yield Violation(message, item.evidence, place=page.place, severity=Severity.MINOR)
        for link in links_of(item.value):
            if not is_absolute(text(link["href"])):
                message = f"a link {link.get('rel')} is not absolute"
                yield Violation(message, item.exchange.showing(link), place=page.place)
        for asset in mapping(item.value.get("assets")).values():
            if text(mapping(asset).get("href")) and not is_absolute(text(asset["href"])):
                message = "the href of an asset is not absolute"
                yield Violation(
                    message, item.exchange.showing(asset), place=page.place, severity=Severity.MINOR
                )


@check(
    "items.boxes",
    "The box of an item is that of its geometry",
    layer="collections",
    source="STAC, Item, `bbox`",
    operations=(_ONE,),
    mend="Derive `bbox` from the geometry: west, south, east, north.",
)
def box_of_geometry(backend: BackEnd) -> Iterator[Violation]:
    """``bbox`` holds the geometry."""
    for page, item in _items(backend):
        box, geometry = box_of(item.value.get("bbox")), bounds(item.value.get("geometry"))
        if box is None or geometry is None or box.crosses or geometry.east - geometry.west > 180:
            continue
        if not box.holds(geometry, box.slack) or not geometry.holds(box, geometry.slack):
            message = f"bbox is {box}, the geometry spans {geometry}"
            yield Violation(message, item.evidence, place=page.place)


@requirement(
    310, layer="collections", operations=(_ONE,), mend="Let the extent hold all items of the collection."
)
def within_extents(backend: BackEnd) -> Iterator[Violation]:
    """Items lie within the extents of their collection."""
    try:
        found = list(_items(backend))
    except NotApplicable as reason:
        raise NotTestable(f"{reason}: the data itself would have to be read") from reason
    for page, item in found:
        yield from _outside(page, item)


def _outside(page: Page, item: Entry) -> Iterator[Violation]:
    overall = next(iter(boxes(page.collection.value)), None)
    box = box_of(item.value.get("bbox"))
    if overall is not None and box is not None and not overall.holds(box, _slack(overall, box)):
        yield Violation(
            f"an item is at {box}, outside of the extent {overall} of its collection",
            item.evidence,
            place=page.place,
            # A scene that reaches over the edge is no lie of the same size as one that lies elsewhere.
            severity=Severity.MINOR if overall.meets(box) else Severity.MAJOR,
        )
    interval = next(iter(intervals(page.collection.value)), None)
    times = _times(item.value)
    if interval is not None and times is not None and not covers(interval, times):
        message = f"an item is of {times[0]}, outside of the extent {interval} of its collection"
        yield Violation(message, item.evidence, place=page.place, severity=Severity.MAJOR)


def _slack(overall: Box, box: Box) -> float:
    return max(overall.slack, box.slack)


def _times(item: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Start and end, the same for an instant; None when the item tells none."""
    properties = mapping(item.get("properties"))
    if instant(properties.get("datetime")) is not None:
        return properties["datetime"], properties["datetime"]
    start, end = properties.get("start_datetime"), properties.get("end_datetime")
    return (start, end) if instant(start) is not None and instant(end) is not None else None


@check(
    "items.times",
    "Items tell when they are of",
    layer="collections",
    source="STAC, Item, `datetime`",
    operations=(_ONE,),
    mend="Give `datetime`, or null with `start_datetime` and `end_datetime`.",
)
def times(backend: BackEnd) -> Iterator[Violation]:
    """There is an instant, or start and end in order."""
    for page, item in _items(backend):
        properties = mapping(item.value.get("properties"))
        found = _times(item.value)
        if found is None:
            yield Violation(
                "an item has neither `datetime` nor start and end", item.evidence, place=page.place
            )
            continue
        start, end = instant(properties.get("start_datetime")), instant(properties.get("end_datetime"))
        if start is not None and end is not None and start > end:
            yield Violation("an item ends before it starts", item.evidence, place=page.place)


@check(
    "items.bands",
    "Assets of items have the bands of the collection",
    layer="collections",
    source="openEO API, GET /collections/{collection_id}, `cube:dimensions`",
    operations=(_ONE,),
    severity=Severity.MINOR,
    mend="Name bands alike in assets and in `cube:dimensions`.",
)
def bands(backend: BackEnd) -> Iterator[Violation]:
    """Names of bands in assets and those of the cube have something in common."""
    for page, item in _items(backend):
        dimensions = mapping(page.collection.value.get("cube:dimensions")).values()
        labels = {
            str(value)
            for about in dimensions
            if mapping(about).get("type") == "bands" and isinstance(about.get("values"), list)
            for value in about["values"]
        }
        named = set(_bands(item.value))
        if labels and named and not labels & named:
            message = f"assets have the bands {listed(sorted(named))}, the cube {listed(sorted(labels))}"
            yield Violation(message, item.evidence, place=page.place)


def _bands(item: Mapping[str, Any]) -> Iterator[str]:
    for name, asset in mapping(item.get("assets")).items():
        for key in ("eo:bands", "bands", "sar:bands", "raster:bands"):
            for band in objects(mapping(asset).get(key)):
                yield text(band.get("name")) or name
                if text(band.get("common_name")):
                    yield text(band["common_name"])
                # Often the asset is called like the band of the cube.
                yield name
