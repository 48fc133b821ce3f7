"""Collections one by one."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.extents import (
    boxes,
    covers,
    instant,
    intervals,
    is_rfc_3339,
)
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import (
    NOWHERE,
    Entry,
    collection_answers,
    collection_entries,
    is_here,
    object_of,
)
from connexeo.tools.conformance.shapes import is_absolute, links_of, mapping, targets, text
from connexeo.tools.conformance.stac import faults, undeclared_extensions
from connexeo.tools.conformance.verdicts import Severity, Violation

_ONE = "GET /collections/{collection_id}"
_SOURCE = "openEO API, GET /collections/{collection_id}"
_EXTENT = "STAC, Collection, `extent`"


def _place(entry: Entry) -> str:
    return f"collection {entry.id}"


@requirement(320, layer="collections", operations=(_ONE,), mend="Describe every collection that is listed.")
def described(backend: BackEnd) -> Iterator[Violation]:
    """What is listed is described, under its identifier."""
    for identifier, answer in backend.once(collection_answers):
        document = object_of(answer)
        if document is None:
            yield Violation(
                f"it is listed, but answered with HTTP {answer.status} {answer.code or ''}".strip(),
                answer,
                place=f"collection {identifier}",
            )
        elif document.get("id") != identifier:
            yield Violation(
                f"its `id` is {document.get('id')!r}, asked for was {identifier}",
                answer,
                place=f"collection {identifier}",
            )


@check(
    "collections.unknown",
    "A collection that does not exist is answered with CollectionNotFound",
    layer="collections",
    source="openEO API, errors.json",
    operations=(_ONE,),
    mend="Answer 404 with the code CollectionNotFound.",
)
def unknown(backend: BackEnd) -> Iterator[Violation]:
    """Nobody gets a collection that is not there."""
    answer = backend.reader.get(f"/collections/{NOWHERE}")
    if answer.status != 404:
        yield Violation(
            f"HTTP {answer.status} {answer.code or ''}".strip() + ", not 404 CollectionNotFound", answer
        )
    elif answer.code != "CollectionNotFound":
        yield Violation(
            f"the error code is {answer.code}, not CollectionNotFound", answer, severity=Severity.MINOR
        )


@requirement(
    321, layer="collections", operations=(_ONE,), mend="Correct the description as STAC and openEO ask."
)
def valid(backend: BackEnd) -> Iterator[Violation]:
    """Each is a STAC Collection with dimensions and summaries."""
    for entry in backend.once(collection_entries):
        for fault in faults(entry.value)[:3]:
            yield Violation(f"it is no valid STAC Collection: {fault}", entry.evidence, place=_place(entry))
        dimensions = entry.value.get("cube:dimensions")
        if not mapping(dimensions):
            empty = dimensions == {}
            yield Violation(
                "`cube:dimensions` is empty" if empty else "there are no `cube:dimensions`",
                entry.evidence,
                place=_place(entry),
                severity=Severity.MINOR if empty else None,
            )
        if "summaries" not in entry.value:
            yield Violation(
                "there are no `summaries`", entry.evidence, place=_place(entry), severity=Severity.MINOR
            )


@requirement(
    325, layer="collections", operations=(_ONE,), mend="Add the URL of the extension to `stac_extensions`."
)
def extensions(backend: BackEnd) -> Iterator[Violation]:
    """Extensions whose fields are used are listed."""
    for entry in backend.once(collection_entries):
        for field in undeclared_extensions(entry.value):
            yield Violation(
                f"`{field}` is used, but its extension is not listed in `stac_extensions`",
                entry.evidence,
                place=_place(entry),
            )


@check(
    "collections.spatial-extent",
    "Bounding boxes are in degrees, ordered, and the first holds all others",
    layer="collections",
    source=_EXTENT,
    operations=(_ONE,),
    mend="Give west, south, east, north in WGS 84, and first the box around all.",
)
def spatial_extent(backend: BackEnd) -> Iterator[Violation]:
    """South is below north, and nothing lies beyond the world."""
    for entry in backend.once(collection_entries):
        found = boxes(entry.value)
        for box in found:
            if box.south > box.north:
                yield Violation(f"south is above north in {box}", entry.evidence, place=_place(entry))
            off = max(abs(box.west), abs(box.east)) - 180, max(abs(box.south), abs(box.north)) - 90
            if max(off) > 0.001:
                # Up to a whole turn somebody counts degrees from 0 to 360; beyond, it is another reference system.
                severity = Severity.MINOR if off[0] <= 180 and off[1] <= 0.001 else None
                yield Violation(
                    f"{box} is not in degrees of WGS 84",
                    entry.evidence,
                    place=_place(entry),
                    severity=severity,
                )
        for box in found[1:]:
            if not found[0].holds(box, found[0].slack):
                yield Violation(
                    f"the overall box {found[0]} does not hold {box}", entry.evidence, place=_place(entry)
                )


@check(
    "collections.temporal-extent",
    "Time intervals begin before they end, and the first holds all others",
    layer="collections",
    source=_EXTENT,
    operations=(_ONE,),
    mend="Give start and end as RFC 3339, and first the interval around all.",
)
def temporal_extent(backend: BackEnd) -> Iterator[Violation]:
    """Instants are RFC 3339 and in order."""
    for entry in backend.once(collection_entries):
        found = intervals(entry.value)
        for start, end in found:
            for written in (start, end):
                if written is not None and not is_rfc_3339(written):
                    yield Violation(
                        f"{written!r} is no time of RFC 3339", entry.evidence, place=_place(entry)
                    )
            early, late = instant(start), instant(end)
            if early is not None and late is not None and early > late:
                yield Violation(f"the interval ends at {end}, before its start {start}", entry.evidence,
                                place=_place(entry))  # fmt: skip
        for interval in found[1:]:
            if not covers(found[0], interval):
                yield Violation(
                    f"the overall interval {found[0]} does not hold {interval}",
                    entry.evidence,
                    place=_place(entry),
                )


@check(
    "collections.links",
    "Links of a collection are absolute, and lead to itself, the list and the landing page",
    layer="collections",
    source=_SOURCE,
    operations=(_ONE,),
    mend="Make links with the public URL of the API.",
)
def links(backend: BackEnd) -> Iterator[Violation]:
    """``self``, ``parent`` and ``root`` keep their promises."""
    seen: dict[str, bool] = {}
    for entry in backend.once(collection_entries):
        for link in links_of(entry.value):
            if not is_absolute(text(link["href"])):
                message = f"the link {link.get('rel')} is not absolute: {link['href']}"
                yield Violation(message, entry.exchange.showing(link), place=_place(entry))
        for target in targets(entry.value, "self"):
            if is_here(backend, target) and urlsplit(target).path != urlsplit(entry.exchange.url).path:
                answer = backend.reader.get(target)
                if mapping(object_of(answer)).get("id") != entry.id:
                    yield Violation(
                        "the link self does not lead to the collection", answer, place=_place(entry)
                    )
        for target in targets(entry.value, "root", "parent"):
            if is_here(backend, target) and target not in seen:
                answer = backend.reader.get(target)
                seen[target] = object_of(answer) is not None
                if not seen[target]:
                    yield Violation(f"the link {target} leads to HTTP {answer.status}", answer, place=_ONE)


@check(
    "collections.summaries",
    "Summaries are sets that are not empty, or ranges from the least to the greatest",
    layer="collections",
    source=f"{_SOURCE}, `summaries`",
    operations=(_ONE,),
    severity=Severity.MINOR,
    mend="Leave out sets that are empty, and order ranges.",
)
def summaries(backend: BackEnd) -> Iterator[Violation]:
    """What is said of all data says something."""
    for entry in backend.once(collection_entries):
        for name, summary in mapping(entry.value.get("summaries")).items():
            if summary == []:
                yield Violation(f"the summary {name} is an empty set", entry.evidence, place=_place(entry))
            low, high = mapping(summary).get("minimum"), mapping(summary).get("maximum")
            both = isinstance(low, int | float) and isinstance(high, int | float)
            both = both or (isinstance(low, str) and isinstance(high, str))
            if both and low > high:  # type: ignore[operator] # both are numbers, or both texts
                yield Violation(
                    f"the summary {name} goes from {low} to {high}", entry.evidence, place=_place(entry)
                )
