"""The list of collections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, next_page
from connexeo.tools.conformance.extents import boxes, intervals
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import (
    Entry,
    answer_to,
    collection_entries,
    listed_collections,
)
from connexeo.tools.conformance.shapes import listed, nulls, targets, text, texts
from connexeo.tools.conformance.stac import faults
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require
from connexeo.tools.conformance.versions import version_number

_LIST = "GET /collections"
_ONE = "GET /collections/{collection_id}"
_SOURCE = "openEO API, GET /collections"
_MAY_BE_NULL = re.compile(
    r"/(extent/temporal/interval/\d+/\d+|cube:dimensions/.*|summaries/.*|.*/nodata|.*/default)"
)
_UNNAMED_LICENCES = {"proprietary", "various", "other"}


@requirement(300, layer="collections", operations=(_LIST,))
def arrays(backend: BackEnd) -> Iterator[Violation]:
    """There are collections and links."""
    answer = backend.once(answer_to("/collections"))
    require(answer.ok, f"the collections are answered with HTTP {answer.status}", answer)
    document = answer.object()
    for key in ("collections", "links"):
        if not isinstance(document.get(key), list):
            yield Violation(f"there is no array `{key}`", answer)


@requirement(303, layer="collections", operations=(_LIST,), mend="Give each collection its `stac_version`.")
def stac_version(backend: BackEnd) -> Iterator[Violation]:
    """Collections have a version of STAC that clients know."""
    for entry in _everywhere(backend):
        version = text(entry.value.get("stac_version"))
        number = version_number(version)
        if number is None or number[:2] < (0, 9):
            yield Violation(
                f"`stac_version` is {version!r}, not 0.9.0 or later", entry.evidence, place=_place(entry)
            )


def _everywhere(backend: BackEnd) -> list[Entry]:
    """Collections as they are listed, and as they are described as far as they are."""
    listed_ones = backend.once(listed_collections)
    described = backend.once(collection_entries) if listed_ones and backend.offers(_ONE) else []
    return [*listed_ones, *described]


def _place(entry: Entry) -> str:
    """What a violation is about."""
    return f"collection {entry.id}" if entry.id else _LIST


@requirement(
    304, layer="collections", operations=(_LIST,),
    mend="List https://api.stacspec.org/v1.0.0/collections among the conformance classes.",
)  # fmt: skip
def stac_api(backend: BackEnd) -> Iterator[Violation]:
    """The class of the STAC API for collections is claimed."""
    classes = texts(backend.capabilities.get("conformsTo"))
    if not any(
        re.fullmatch(r"https://api\.stacspec\.org/v[^/]+/(collections|ogcapi-features)", each)
        for each in classes
    ):
        answer = backend.once(answer_to("/", anonymous=True))
        yield Violation("`conformsTo` lacks the class for collections of the STAC API", answer, place=_LIST)


@requirement(
    305, layer="collections", operations=(_LIST,),
    mend="Give `limit` entries and a link `next`, so that all pages together have each collection once.",
)  # fmt: skip
def pages(backend: BackEnd) -> Iterator[Violation]:
    """Pages are as long as asked for, and have each collection once."""
    ids = [entry.id for entry in backend.once(listed_collections)]
    if len(ids) < 2:
        raise NotTestable("there are too few collections to see pages")
    limit = max(1, -(-len(ids) // 5))
    found: list[str] = []
    for answer, document in backend.pages(backend.reader, "/collections", limit):
        entries = document.get("collections")
        require(isinstance(entries, list), "a page has no array `collections`", answer)
        names = [text(each.get("id")) for each in entries or () if isinstance(each, Mapping)]
        if len(names) > limit:
            if set(names) == set(ids):
                yield Violation("`limit` is ignored: there is one page with all", answer)
                return
            yield Violation(
                f"a page has {len(names)} entries, `limit` is {limit}", answer, severity=Severity.MAJOR
            )
        found += names
    twice = sorted({name for name in found if found.count(name) > ids.count(name)})
    missing = sorted(set(ids) - set(found))
    last = backend.reader.get("/collections", params={"limit": limit})
    if twice:
        yield Violation(f"pages repeat {listed(twice)}", last, severity=Severity.MAJOR)
    if missing:
        yield Violation(f"no page has {listed(missing)}", last, severity=Severity.MAJOR)


@requirement(
    306, layer="collections", operations=(_LIST,), mend="Without `limit` give all collections at once."
)
def all_at_once(backend: BackEnd) -> Iterator[Violation]:
    """Clients that know no pages get all collections."""
    answer = backend.once(answer_to("/collections"))
    if answer.ok and next_page(answer.object()) is not None:
        yield Violation("without `limit` there is a page only, with a link to the next", answer)


@requirement(307, layer="collections", operations=(_LIST,), mend="Correct the entry as STAC asks.")
def valid_entries(backend: BackEnd) -> Iterator[Violation]:
    """Entries of the list are STAC Collections."""
    for entry in backend.once(listed_collections):
        for fault in faults(entry.value)[:3]:
            yield Violation(f"it is no valid STAC Collection: {fault}", entry.evidence, place=_place(entry))


@requirement(
    308, layer="collections", operations=(_LIST,), mend="Link to the text, with the relation `license`."
)
def licences(backend: BackEnd) -> Iterator[Violation]:
    """A licence without identifier is linked to."""
    for entry in _best(backend):
        licence = text(entry.value.get("license"))
        if (licence.lower() in _UNNAMED_LICENCES or " " in licence) and not targets(entry.value, "license"):
            yield Violation(
                f"the licence is {licence!r}, and no link tells more", entry.evidence, place=_place(entry)
            )


def _best(backend: BackEnd) -> list[Entry]:
    """Collections in full where they were looked at, else as they are listed."""
    described = backend.once(collection_entries) if backend.offers(_ONE) else []
    known = {entry.id for entry in described}
    return [*described, *(entry for entry in backend.once(listed_collections) if entry.id not in known)]


@requirement(309, layer="collections", operations=(_LIST,), mend="Add a title and keywords.")
def titles_and_keywords(backend: BackEnd) -> Iterator[Violation]:
    """Users find what they look for."""
    for entry in backend.once(listed_collections):
        if not text(entry.value.get("title")):
            yield Violation("there is no title", entry.evidence, place=_place(entry))
        if not texts(entry.value.get("keywords")):
            yield Violation("there are no keywords", entry.evidence, place=_place(entry))


@requirement(313, layer="collections", operations=(_LIST,), mend="Leave out what a collection does not have.")
def nothing_null(backend: BackEnd) -> Iterator[Violation]:
    """What is not there is left out."""
    for entry in _everywhere(backend):
        for place in nulls(entry.value):
            if not _MAY_BE_NULL.fullmatch(place):
                yield Violation(f"{place} is null", entry.evidence, place=_place(entry))


@check(
    "collections.unique",
    "No two collections have one identifier",
    layer="collections",
    source=_SOURCE,
    operations=(_LIST,),
    mend="Give each collection an identifier of its own, and list it once.",
)
def unique(backend: BackEnd) -> Iterator[Violation]:
    """Identifiers tell collections apart."""
    seen: set[str] = set()
    for entry in backend.once(listed_collections):
        if entry.id in seen:
            yield Violation(f"{entry.id or 'an empty identifier'} is listed twice", entry.evidence)
        seen.add(entry.id)


@check(
    "collections.same-in-list",
    "A collection is the same in the list and on its own",
    layer="collections",
    source="openEO API, GET /collections/{collection_id}",
    operations=(_LIST, _ONE),
    mend="Make both documents of the same metadata.",
)
def same_in_list(backend: BackEnd) -> Iterator[Violation]:
    """Identifier, extents, licence and title do not differ."""
    own = {entry.id: entry for entry in backend.once(collection_entries)}
    for entry in backend.once(listed_collections):
        other = own.get(entry.id)
        if other is None:
            continue
        place = _place(entry)
        for key in ("title", "license", "stac_version"):
            if key in entry.value and entry.value[key] != other.value.get(key):
                message = f"`{key}` is {other.value.get(key)!r}, but {entry.value[key]!r} in the list"
                yield Violation(message, other.evidence, severity=Severity.MINOR, place=place)
        for what, read in (("bounding box", boxes), ("time interval", intervals)):
            here, there = _first(read(other.value)), _first(read(entry.value))
            if here != there:
                yield Violation(f"the {what} is {here}, but {there} in the list", other.evidence, place=place)


def _first(values: list[Any]) -> str:
    return str(values[0]) if values else "missing"
