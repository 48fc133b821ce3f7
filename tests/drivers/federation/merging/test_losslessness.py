"""What one upstream says is found again: the rules of the specification, for any documents."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connexeo.drivers.federation.merging import (
    BACKENDS,
    Kind,
    Part,
    merge_collection,
    merge_lists,
    merge_process,
    valid_items,
)
from connexeo.drivers.federation.merging.bands import band_names
from connexeo.drivers.federation.merging.boxes import covers
from connexeo.drivers.federation.merging.equality import identity
from connexeo.drivers.federation.merging.instants import is_number
from connexeo.drivers.federation.merging.parts import Context
from connexeo.drivers.federation.merging.schemas import alternatives, widen
from drivers.federation.merging import documents
from drivers.federation.merging.documents import UPSTREAMS
from drivers.federation.merging.test_items import COLLECTION

Json = dict[str, Any]
examples = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
collections = st.dictionaries(st.sampled_from(UPSTREAMS), documents.collections, min_size=1)


def merged(drawn: dict[str, Json]) -> tuple[Json, list[str], dict[str, Json]]:
    """The merged collection, the pointers of conflicts, and what the upstreams said, as it was passed or repaired."""
    said: dict[str, Json] = {}
    for upstream in UPSTREAMS:
        good, _ = valid_items(Kind.COLLECTION, upstream, [drawn[upstream]] if upstream in drawn else [])
        if good:
            said[upstream] = dict(good["snow"])
    assume(said)
    result = merge_collection([Part(upstream, document) for upstream, document in said.items()], UPSTREAMS)
    assert result.upstreams == tuple(said)
    return result.document, [conflict.pointer for conflict in result.conflicts], said


@examples
@given(drawn=collections)
def test_every_dimension_summary_and_asset_is_there(drawn: dict[str, Json]) -> None:
    document, _, said = merged(drawn)
    for each in said.values():
        for place in ("cube:dimensions", "summaries", "assets", "item_assets"):
            assert set(each.get(place, {})) <= set(document[place]) if place in each else True


@examples
@given(drawn=collections)
def test_every_text_of_lists_is_there(drawn: dict[str, Json]) -> None:
    document, _, said = merged(drawn)
    for each in said.values():
        for place in ("keywords", "stac_extensions"):
            assert set(each.get(place, [])) <= set(document.get(place, []))
        names = {provider["name"] for provider in each.get("providers", [])}
        assert names <= {provider["name"] for provider in document.get("providers", [])}


whole = st.integers(-180, 180)
"""Whole degrees: sums of fractions round."""
boxes = st.lists(
    st.tuples(whole, st.integers(-90, 0), whole, st.integers(0, 90)).map(list), min_size=1, max_size=3
)
intervals = st.lists(documents.intervals, min_size=1, max_size=3)
extents = st.builds(lambda b, i: {"spatial": {"bbox": b}, "temporal": {"interval": i}}, boxes, intervals)


@examples
@given(drawn=st.dictionaries(st.sampled_from(UPSTREAMS), extents, min_size=2))
def test_the_first_box_and_interval_are_around_all(drawn: dict[str, Json]) -> None:
    parts = [Part(upstream, COLLECTION | {"extent": extent}) for upstream, extent in drawn.items()]
    extent = merge_collection(parts, UPSTREAMS).document["extent"]
    # Equal extents stay as they are, also those that break this rule of STAC.
    if len({identity(each["spatial"]) for each in drawn.values()}) > 1:
        first, *rest = extent["spatial"]["bbox"]
        assert all(covers(first, box) for each in drawn.values() for box in each["spatial"]["bbox"])
        assert len(rest) != 1
    if len({identity(each["temporal"]) for each in drawn.values()}) > 1:
        first, *rest = extent["temporal"]["interval"]
        for end in (0, 1):
            times = [pair[end] for each in drawn.values() for pair in each["temporal"]["interval"]]
            assert first[end] is None if None in times else first[end] in times
        assert len(rest) != 1


@examples
@given(drawn=collections)
def test_ranges_are_around_all(drawn: dict[str, Json]) -> None:
    document, _, said = merged(drawn)
    for name in ("gsd", "eo:cloud_cover"):
        ranges = [each["summaries"][name] for each in said.values() if name in each.get("summaries", {})]
        found = [each for each in ranges if isinstance(each, dict)]
        limits: list[Any] = [each.get(limit) for each in found for limit in ("minimum", "maximum")]
        if ranges and len(limits) == 2 * len(ranges) and all(map(is_number, limits)):
            assert document["summaries"][name]["minimum"] <= min(limits[::2])
            assert document["summaries"][name]["maximum"] >= max(limits[1::2])


@examples
@given(drawn=collections)
def test_every_band_is_there_and_marked_with_those_that_have_it(drawn: dict[str, Json]) -> None:
    document, pointers, said = merged(drawn)
    having = {upstream: set(band_names(each)) for upstream, each in said.items()}
    # A dimension that is something else elsewhere gives no bands.
    assume(not any(pointer.startswith("/cube:dimensions/") for pointer in pointers))
    assert set().union(*having.values()) <= set(band_names(document))
    telling = [upstream for upstream in UPSTREAMS if having.get(upstream)]
    for place in (document, document["summaries"]):
        for name in ("bands", "eo:bands"):
            for band in place.get(name, []):
                expected = [upstream for upstream in telling if band["name"] in having[upstream]]
                assert band.get(BACKENDS, telling) == expected


@examples
@given(drawn=st.dictionaries(st.sampled_from(UPSTREAMS), documents.processes, min_size=1))
def test_every_parameter_is_there_with_those_that_know_it(drawn: dict[str, Json]) -> None:
    parts = [Part(upstream, document) for upstream, document in drawn.items()]
    result = merge_process(parts, UPSTREAMS)
    knowing: dict[str, list[str]] = {}
    requiring: dict[str, list[str]] = {}
    for upstream in result.upstreams:
        for parameter in drawn[upstream]["parameters"]:
            knowing.setdefault(parameter["name"], []).append(upstream)
            if not parameter.get("optional"):
                requiring.setdefault(parameter["name"], []).append(upstream)
    everybody = list(result.upstreams)
    assert [each["name"] for each in result.document["parameters"]] == list(knowing)
    for parameter in result.document["parameters"]:
        name = parameter["name"]
        assert parameter.get(BACKENDS, everybody) == knowing[name]
        assert parameter.get("optional", False) == (requiring.get(name) != everybody)


schemas = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["number", "string", "integer", "array", ["number", "null"]]),
        "enum": st.lists(documents.scalars, max_size=3),
        "const": documents.scalars,
        "minimum": st.integers(-5, 5),
        "exclusiveMinimum": st.integers(-5, 5),
        "maximum": st.integers(-5, 5),
        "maxLength": st.integers(0, 4),
        "minItems": st.integers(0, 2),
        "items": st.fixed_dictionaries({}, optional={"type": st.sampled_from(["number", "string"])}),
        "required": st.lists(documents.names, max_size=2, unique=True),
        "not": st.just({"type": "string"}),
        "pattern": st.sampled_from(["^s", "e"]),
    },
)


@examples
@given(found=st.lists(schemas, min_size=1, max_size=4), value=documents.values)
def test_what_one_schema_allows_the_widened_one_allows(found: list[Json], value: Any) -> None:
    said = list(zip(UPSTREAMS, found, strict=False))
    widened = widen(said, Context(UPSTREAMS[: len(said)]))
    if any(allows(schema, value) for schema in found):
        assert allows(widened, value)


@examples
@given(found=st.lists(schemas, min_size=1, max_size=4), value=documents.values)
def test_alternatives_allow_what_one_of_them_allows_and_nothing_else(found: list[Json], value: Any) -> None:
    said = list(zip(UPSTREAMS, found, strict=False))
    result = alternatives(said, Context(UPSTREAMS[: len(said)]))
    listed = result if isinstance(result, list) else [result]
    assert any(allows(schema, value) for schema in found) == any(allows(schema, value) for schema in listed)


def allows(schema: Json, value: Any) -> bool:
    return jsonschema_rs.Draft7Validator(schema).is_valid(value)


@examples
@given(drawn=collections)
def test_merging_again_changes_nothing_but_the_marks(drawn: dict[str, Json]) -> None:
    """A federation above, with this one as its only member, shows the same collection."""
    document, _, _ = merged(drawn)
    above = merge_lists(Kind.COLLECTION, {"alps": [document]}, UPSTREAMS)
    again = merge_collection([Part("alps", document)], ("alps",)).document
    assert set(above.entries) == {"snow"}
    assert {key for key in again if key != "links"} == {key for key in document if key != "links"}
    assert again["extent"] == document["extent"]
