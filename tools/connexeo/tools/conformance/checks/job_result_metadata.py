"""Metadata of results: valid STAC that tells the truth about what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.checks.job_results import NEEDS, RESULTS, SOURCE, assets_of, hrefs_of, results
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.extents import Box, box_of, boxes, covers, instant, intervals
from connexeo.tools.conformance.geometry import bounds
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import Entry, is_here, object_of
from connexeo.tools.conformance.shapes import is_absolute, links_of, listed, mapping, targets, text
from connexeo.tools.conformance.stac import faults, undeclared_extensions
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require
from connexeo.tools.conformance.versions import version_number
from connexeo.tools.conformance.workload import Workload, workload

_ITEMS = 5
_LINKS = 10
_STAC = "Correct it as STAC asks."
_TURN = 180.0
_RECOMMENDED = ("bbox", "start_datetime", "end_datetime")
"""What STAC requires, and openEO only recommends."""

_TELLING = ("proj:", "cube:", "eo:", "raster:", "sar:", "bands", "summaries", "gsd", "table:", "file:")
_FREE = {"self", "canonical", "item", "child", "monitor", "collection", "root", "parent"}
"""Relations that lead to documents of the back-end."""


@requirement(865, mend=_STAC, **NEEDS)
def valid(backend: BackEnd) -> Iterator[Violation]:
    """They are a STAC Item or Collection."""
    found = backend.once(results)
    kind = found.value.get("type")
    if kind not in ("Feature", "Collection") and not _is_old(found.value):
        yield Violation(
            f"the type of the document is {kind!r}, neither Feature nor Collection", found.exchange
        )
        return
    yield from _faults(found)


def _is_old(document: Mapping[str, Any]) -> bool:
    """Whether it is of a STAC that had no ``type`` in Collections."""
    return text(document.get("stac_version")).startswith("0.") and "extent" in document


def _faults(entry: Entry, place: str | None = None) -> Iterator[Violation]:
    for fault in faults(entry.value)[:5]:
        lenient = any(f"`{name}`" in fault or f'"{name}"' in fault for name in _RECOMMENDED)
        severity = Severity.MINOR if lenient and "required" in fault else None
        yield Violation(fault, entry.exchange, place=place, severity=severity)


@requirement(866, mend="Write `stac_version` as STAC does, such as 1.0.0.", **NEEDS)
def version(backend: BackEnd) -> Iterator[Violation]:
    """The version of STAC is told, and recent enough."""
    found = backend.once(results)
    told = text(found.value.get("stac_version"))
    number = version_number(told)
    if number is None:
        yield Violation(f"`stac_version` is {found.value.get('stac_version')!r}, no version", found.exchange)
    elif number[:3] < (0, 9, 0):
        yield Violation(f"`stac_version` is {told}, older than 0.9.0", found.exchange)


@check(
    "jobs.result-extensions", "Results declare the STAC extensions that they use", source="STAC, stac_extensions",
    severity=Severity.MINOR, mend="List the extension in `stac_extensions`.", **NEEDS,
)  # fmt: skip
def extensions(backend: BackEnd) -> Iterator[Violation]:
    """Fields with a prefix belong to an extension."""
    found = backend.once(results)
    for field in undeclared_extensions(found.value):
        yield Violation(f"`{field}` is used, but its extension is not in `stac_extensions`", found.exchange)


def result_items(backend: BackEnd) -> list[tuple[Entry | None, Exchange]]:
    """Items that a Collection links to, each with its answer; read without a token where that is possible."""
    found = backend.once(results)
    answers = []
    for target in targets(found.value, "item")[:_ITEMS]:
        if not is_absolute(target):
            continue
        answer = backend.anonymous.get(target)
        if answer.status in {401, 403}:
            answer = backend.user.get(target)
        document = object_of(answer)
        answers.append((Entry(document, answer) if document is not None else None, answer))
    return answers


def _need_collection(backend: BackEnd) -> Entry:
    found = backend.once(results)
    if found.value.get("type") == "Feature" or "geometry" in found.value:
        raise NotApplicable("the results are an Item")
    return found


@requirement(867, mend="Link to an Item for each file or time, as `item`, with signed URLs.", **NEEDS)
def leads_to_items(backend: BackEnd) -> Iterator[Violation]:
    """A Collection links to Items."""
    found = _need_collection(backend)
    if not targets(found.value, "item", "child", "items"):
        yield Violation("the Collection has no links to Items", found.exchange)


@check(
    "jobs.result-items", "Items of results can be read, are valid, and belong to the Collection",
    source=f"{SOURCE}; STAC, Item", mend="Let the links `item` lead to valid STAC Items of these results.", **NEEDS,
)  # fmt: skip
def items(backend: BackEnd) -> Iterator[Violation]:
    """Each linked Item is one."""
    collection = _need_collection(backend)
    if not targets(collection.value, "item"):
        raise NotApplicable("the results link to no Items")
    for item, answer in backend.once(result_items):
        place = f"items of {RESULTS}"
        if item is None:
            message = f"a link `item` leads to HTTP {answer.status}, and to no JSON object"
            yield Violation(message, answer, place=place)
            continue
        yield from _faults(item, place)
        if not text(item.value.get("stac_version")):
            yield Violation("an Item has no `stac_version`", item.exchange, place=place)
        yield from (
            Violation(message, item.exchange, place=place)
            for message in _strange(collection.value, item.value)
        )
        named = text(item.value.get("collection"))
        if named and named != text(collection.value.get("id")) and not _is_of_member(backend, item, named):
            message = "the Item names another Collection than the one that links to it"
            yield Violation(message, item.exchange, place=place)


def _strange(collection: Mapping[str, Any], item: Mapping[str, Any]) -> Iterator[str]:
    """Why an Item is not one of a Collection."""
    known, urls = assets_of(collection).keys(), set(hrefs_of(collection).values())
    strange = [key for key, href in hrefs_of(item).items() if key not in known and href not in urls]
    if strange:
        yield f"an Item has assets that the Collection lacks: {listed(strange)}"
    box = box_of(item.get("bbox")) or bounds(item.get("geometry"))
    extent = boxes(collection)
    if box is not None and extent and not extent[0].holds(box, extent[0].slack + box.slack):
        yield "the extent of the Collection does not hold the box of an Item"
    interval = _times_of_item(item)
    if interval and intervals(collection) and not covers(intervals(collection)[0], interval):
        yield "the interval of the Collection does not hold the time of an Item"


def _is_of_member(backend: BackEnd, item: Entry, named: str) -> bool:
    """Whether an Item is still that of a back-end of the federation, which has a Collection of its own for it."""
    if not mapping(backend.capabilities.get("federation")):
        return False
    for target in targets(item.value, "collection")[:1]:
        answer = backend.anonymous.get(target) if is_absolute(target) else None
        if answer is not None and (
            answer.status in {401, 403} or text(mapping(object_of(answer)).get("id")) == named
        ):
            return True
    return False


def _times_of_item(item: Mapping[str, Any]) -> list[Any]:
    properties = mapping(item.get("properties"))
    moment = properties.get("datetime")
    start, end = properties.get("start_datetime", moment), properties.get("end_datetime", moment)
    return [start, end] if start is not None and end is not None else []


@requirement(
    870, severity=Severity.MINOR, mend="Add `proj:code`, `proj:bbox`, bands or `cube:dimensions`.", **NEEDS
)
def tell_more(backend: BackEnd) -> Iterator[Violation]:
    """Something tells of the data themselves, in the document or its Items."""
    found = backend.once(results)
    documents = [found.value, *(item.value for item, _ in backend.once(result_items) if item)]
    places = [mapping(place) for document in documents for place in _places(document)]
    if not any(key.startswith(_TELLING) and value for place in places for key, value in place.items()):
        yield Violation("neither projection, nor bands, nor dimensions are told", found.exchange)


def _places(document: Mapping[str, Any]) -> Iterator[Any]:
    yield document
    yield document.get("properties")
    yield from assets_of(document).values()


def box_of_results(document: Mapping[str, Any]) -> Box | None:
    """Where results say that they are."""
    extent = boxes(document)
    return extent[0] if extent else box_of(document.get("bbox")) or bounds(document.get("geometry"))


def _asked(backend: BackEnd) -> Workload:
    work = backend.once(workload)
    if work.spatial_extent is None:
        raise NotTestable("nobody can tell what the process of --process-graph asks for")
    return work


@check(
    "jobs.result-extent", "Results are where they were asked for", source=SOURCE,
    mend="Tell the box of what was computed, in degrees: west, south, east, north.", **NEEDS,
)  # fmt: skip
def extent(backend: BackEnd) -> Iterator[Violation]:
    """The box of results is about the one that was asked for."""
    asked = _asked(backend).spatial_extent or {}
    wanted = Box(*(float(asked[edge]) for edge in ("west", "south", "east", "north")))
    found = backend.once(results)
    box = box_of_results(found.value)
    if box is None:
        raise NotTestable("the results do not tell where they are")
    pixel = max(abs(wanted.east - wanted.west), abs(wanted.north - wanted.south))
    if not box.meets(wanted, pixel):
        yield Violation(f"the box is {box}, where {wanted} was asked for", found.exchange)
    elif not Box(
        wanted.west - 3 * pixel, wanted.south - 3 * pixel, wanted.east + 3 * pixel, wanted.north + 3 * pixel
    ).holds(box, 0.01):
        message = f"the box is {box}, much more than {wanted} that was asked for"
        yield Violation(message, found.exchange, severity=Severity.MINOR)


@check(
    "jobs.result-times", "Results are of the time that was asked for", source=SOURCE,
    mend="Tell the times of what was computed, the earliest first.", **NEEDS,
)  # fmt: skip
def times(backend: BackEnd) -> Iterator[Violation]:
    """The interval has its start first, and is about the one that was asked for."""
    found = backend.once(results)
    interval = next(iter(intervals(found.value)), None) or _times_of_item(found.value)
    start, end = (instant(each) for each in (interval or (None, None)))
    if start is not None and end is not None and end < start:
        yield Violation("the interval ends before it begins", found.exchange)
        return
    asked = _asked(backend).temporal_extent
    if asked is None or (start is None and end is None):
        raise NotTestable("no time was asked for, or none is told")
    if not covers(
        asked, [(start and interval[0]) or asked[0], (end and interval[1]) or asked[1]], timedelta(days=32)
    ):
        message = f"they are of {interval[0]} to {interval[1]}, where {asked[0]} to {asked[1]} was asked for"
        yield Violation(message, found.exchange, severity=Severity.MINOR)


@check(
    "jobs.result-geometry", "The box of a result is that of its geometry", source="STAC, Item, `bbox`",
    mend="Derive `bbox` from the geometry.", **NEEDS,
)  # fmt: skip
def geometry(backend: BackEnd) -> Iterator[Violation]:
    """Of an Item, `bbox` and `geometry` agree."""
    found = backend.once(results)
    documents = [found, *(item for item, _ in backend.once(result_items) if item is not None)]
    pairs = [(each, box_of(each.value.get("bbox")), bounds(each.value.get("geometry"))) for each in documents]
    if not any(box and shape for _, box, shape in pairs):
        raise NotTestable("there is no Item that has both")
    for entry, box, shape in pairs:
        if box is None or shape is None or box.crosses or shape.east - shape.west > _TURN:
            continue
        if not box.holds(shape, box.slack) or not shape.holds(box, shape.slack):
            message = f"bbox is {box}, the geometry spans {shape}"
            yield Violation(message, entry.exchange, place=RESULTS)


@check(
    "jobs.result-links", "Links of results lead somewhere", source=SOURCE,
    mend="Give absolute URLs of what is there.", **NEEDS,
)  # fmt: skip
def links(backend: BackEnd) -> Iterator[Violation]:
    """Links to documents of the back-end can be followed with the user's token."""
    found = backend.once(results)
    wanted = [link for link in links_of(found.value) if text(link.get("rel")) in _FREE][:_LINKS]
    for link in wanted:
        target, relation = text(link["href"]), text(link.get("rel"))
        if not is_absolute(target):
            message = f"the link `{relation}` is not absolute"
            yield Violation(message, found.exchange.showing(link))
        elif is_here(backend, target) and relation not in {"canonical", "item"}:
            answer = backend.user.get(target)
            if not answer.ok:
                message = f"the link `{relation}` leads to HTTP {answer.status}"
                yield Violation(message, answer, place=RESULTS)


@check(
    "jobs.result-geojson", "`Accept: application/geo+json` gets the results as GeoJSON", source=SOURCE,
    severity=Severity.MINOR, mend="Answer with a STAC Item, or refuse with 406.", **NEEDS,
)  # fmt: skip
def geojson(backend: BackEnd) -> Iterator[Violation]:
    """Whoever asks for GeoJSON gets it."""
    found = backend.once(results)
    answer = backend.user.get(found.exchange.url, headers={"Accept": "application/geo+json"})
    if answer.media_type == "application/geo+json":
        require(
            answer.object().get("type") == "Feature",
            "what comes as application/geo+json is no Feature",
            answer,
            severity=Severity.MAJOR,
        )
        yield from _faults(Entry(answer.object(), answer))
    elif answer.ok:
        yield Violation(
            f"whoever asks for application/geo+json gets {answer.media_type or 'nothing'}", answer
        )
