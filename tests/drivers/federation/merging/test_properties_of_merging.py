"""What holds for every merge of whatever upstreams may say."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connexeo.drivers.federation.merging import (
    BACKENDS,
    Kind,
    Merged,
    Part,
    merge_collection,
    merge_format,
    merge_lists,
    merge_process,
    merge_runtime,
    merge_service_type,
    our_contract,
    valid_items,
)
from connexeo.drivers.federation.merging.equality import distinct, identity, same
from drivers.federation.merging import documents
from drivers.federation.merging.documents import UPSTREAMS

Json = dict[str, Any]


@dataclass(frozen=True)
class Case:
    kind: Kind
    documents: st.SearchStrategy[Json]
    merge: Callable[..., Merged]


CASES = {
    Kind.COLLECTION: Case(Kind.COLLECTION, documents.collections, merge_collection),
    Kind.PROCESS: Case(Kind.PROCESS, documents.processes, merge_process),
    Kind.FORMAT: Case(Kind.FORMAT, documents.formats, merge_format),
    Kind.RUNTIME: Case(Kind.RUNTIME, documents.runtimes, merge_runtime),
    Kind.SERVICE_TYPE: Case(Kind.SERVICE_TYPE, documents.service_types, merge_service_type),
}
every_kind = pytest.mark.parametrize("case", CASES.values(), ids=[str(kind) for kind in CASES])
examples = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def good(case: Case, upstream: str, document: Json) -> Mapping[str, Any] | None:
    """The document as `valid_items` passes it."""
    entry = [document] if "id" in document else {"name": document}
    found, _ = valid_items(case.kind, upstream, entry)
    return next(iter(found.values()), None)


def drawn_parts(case: Case, data: st.DataObject) -> list[Part]:
    drawn = data.draw(st.dictionaries(st.sampled_from(UPSTREAMS), case.documents, min_size=1))
    parts = [(upstream, good(case, upstream, document)) for upstream, document in drawn.items()]
    return [Part(upstream, document) for upstream, document in parts if document is not None]


@every_kind
@examples
@given(data=st.data())
def test_the_result_passes_the_contract(case: Case, data: st.DataObject) -> None:
    parts = drawn_parts(case, data)
    if parts:
        merged = case.merge(parts, UPSTREAMS)
        faults = our_contract().faults(case.kind, merged.document)
        assert not faults, faults[0]
        assert set(merged.upstreams) <= {part.upstream for part in parts}


@every_kind
@examples
@given(data=st.data())
def test_the_order_of_upstreams_does_not_matter(case: Case, data: st.DataObject) -> None:
    parts = drawn_parts(case, data)
    if parts:
        shuffled = data.draw(st.permutations(parts))
        one, other = case.merge(parts, UPSTREAMS), case.merge(shuffled, UPSTREAMS)
        assert one == other
        # Clients show keys in the order that they come in, too.
        assert list(one.document) == list(other.document)


@every_kind
@examples
@given(data=st.data())
def test_equal_documents_merge_to_themselves(case: Case, data: st.DataObject) -> None:
    document = good(case, "alps", data.draw(case.documents))
    if document is None:
        return
    merged = case.merge([Part(each, document) for each in UPSTREAMS], UPSTREAMS)
    alone = case.merge([Part("alps", document)], ("alps",))
    assert merged.conflicts == ()
    assert without_marks(merged.document) == without_marks(alone.document)
    for key, value in document.items():
        if key not in ("links", "type"):
            assert same(without_marks(merged.document[key]), value), key
    if case.kind in (Kind.COLLECTION, Kind.PROCESS):
        assert merged.document[BACKENDS] == list(UPSTREAMS)
    else:
        assert BACKENDS not in merged.document


@every_kind
@examples
@given(data=st.data())
def test_inputs_are_left_as_they_are(case: Case, data: st.DataObject) -> None:
    parts = drawn_parts(case, data)
    before = copy.deepcopy(parts)
    if parts:
        case.merge(parts, UPSTREAMS)
    assert parts == before


@every_kind
@examples
@given(data=st.data())
def test_no_property_disappears_silently(case: Case, data: st.DataObject) -> None:
    parts = drawn_parts(case, data)
    if not parts:
        return
    merged = case.merge(parts, UPSTREAMS)
    told = {conflict.pointer.split("/")[1] for conflict in merged.conflicts if conflict.pointer}
    for part in parts:
        if part.upstream in merged.upstreams:
            for key in part.document:
                assert key in merged.document or key in told


@every_kind
@examples
@given(data=st.data())
def test_documents_of_any_shape_make_nothing_fail(case: Case, data: st.DataObject) -> None:
    lists = data.draw(
        st.dictionaries(
            st.sampled_from(UPSTREAMS),
            st.one_of(
                documents.values,
                st.lists(st.dictionaries(st.sampled_from(KEYS[case.kind]), documents.values)),
                st.dictionaries(
                    documents.names, st.dictionaries(st.sampled_from(KEYS[case.kind]), documents.values)
                ),
            ),
        )
    )
    listing = merge_lists(case.kind, lists, UPSTREAMS)
    for merged in listing.entries.values():
        assert our_contract().passes(case.kind, merged.document)


KEYS = {
    Kind.COLLECTION: (
        "id", "title", "description", "license", "links", "extent", "summaries", "cube:dimensions", "assets", "bands",
        "item_assets", "providers", "keywords", "stac_version", "stac_extensions", "federation:backends",
    ),
    Kind.PROCESS: ("id", "description", "parameters", "returns", "links", "exceptions", "examples", "categories"),
    Kind.FORMAT: ("title", "gis_data_types", "parameters", "links"),
    Kind.RUNTIME: ("type", "default", "versions", "tags", "docker", "links"),
    Kind.SERVICE_TYPE: ("configuration", "process_parameters", "links", "title"),
}  # fmt: skip


@every_kind
@examples
@given(data=st.data())
def test_merging_unchecked_documents_does_not_raise(case: Case, data: st.DataObject) -> None:
    drawn = data.draw(
        st.dictionaries(
            st.sampled_from(UPSTREAMS),
            st.dictionaries(st.sampled_from(KEYS[case.kind]), documents.values),
            min_size=1,
        )
    )
    case.merge([Part(upstream, document) for upstream, document in drawn.items()], UPSTREAMS)


@examples
@given(one=documents.values, other=documents.values)
def test_sameness_is_that_of_json(one: Any, other: Any) -> None:
    assert same(one, one)
    assert same(one, other) == (identity(one) == identity(other))
    assert same(one, other) == (distinct([one, other]) == [one])


def without_marks(value: Any) -> Any:
    """Without what tells who has it: marks, and links to the sources."""
    if isinstance(value, dict):
        return {key: without_marks(entry) for key, entry in value.items() if key != BACKENDS}
    if isinstance(value, list):
        return [
            without_marks(entry) for entry in value if not (isinstance(entry, dict) and _is_source(entry))
        ]
    return value


def _is_source(link: Json) -> bool:
    return "rel" in link and BACKENDS in link
