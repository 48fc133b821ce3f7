"""Whole lists of several upstreams."""

from __future__ import annotations

from typing import Any

from connexeo.drivers.federation.merging import BACKENDS, Kind, merge_lists
from connexeo.generated import load_processes
from drivers.federation.merging.test_items import COLLECTION, FORMAT, PROCESS, SERVICE

ORDER = ("alps", "bay", "coast")
URLS = {name: f"https://{name}.example/openeo/1.2" for name in ORDER}


def process(name: str) -> dict[str, Any]:
    return PROCESS | {"id": name}


def test_lists_are_sorted_whatever_the_upstreams_do() -> None:
    listing = merge_lists(
        Kind.PROCESS, {"coast": [process("z"), process("a")], "alps": [process("m"), process("a")]}, ORDER
    )
    assert list(listing.entries) == ["a", "m", "z"]
    assert [each.document[BACKENDS] for each in listing.entries.values()] == [
        ["alps", "coast"],
        ["alps"],
        ["coast"],
    ]
    assert listing.faults == ()


def test_what_one_upstream_gets_wrong_leaves_the_rest() -> None:
    listing = merge_lists(
        Kind.COLLECTION, {"alps": [COLLECTION], "bay": [{"id": "snow"}, {}], "coast": "oops"}, ORDER
    )
    assert listing.entries["snow"].upstreams == ("alps", "bay") or listing.entries["snow"].upstreams == (
        "alps",
    )
    assert {fault.upstream for fault in listing.faults} == {"bay", "coast"}


def test_names_of_formats_and_service_types_do_not_depend_on_case() -> None:
    for kind, document in ((Kind.FORMAT, FORMAT), (Kind.SERVICE_TYPE, SERVICE)):
        listing = merge_lists(
            kind, {"bay": {"GTIFF": document}, "alps": {"GTiff": document, "PNG": document}}, ORDER
        )
        assert list(listing.entries) == ["GTiff", "PNG"]
        assert listing.entries["GTiff"].names == {"bay": "GTIFF"}
        assert [conflict.kept for conflict in listing.entries["GTiff"].conflicts] == ["GTiff"]
        assert listing.entries["PNG"].names == {}


def test_one_name_in_two_spellings_at_one_upstream_is_heard_once() -> None:
    lists = {"alps": {"GTiff": FORMAT, "GTIFF": FORMAT | {"title": "other"}}}
    listing = merge_lists(Kind.FORMAT, lists, ORDER)
    assert len(listing.entries) == 1


def test_collections_link_to_the_documents_of_the_upstreams() -> None:
    odd = COLLECTION | {"id": "a/b~c"}
    listing = merge_lists(Kind.COLLECTION, {"alps": [odd]}, ORDER, urls=URLS)
    assert listing.entries["a/b~c"].document["links"] == [
        {
            "rel": "canonical",
            "href": "https://alps.example/openeo/1.2/collections/a%2Fb~c",
            "type": "application/json",
            BACKENDS: ["alps"],
        }
    ]


def test_words_of_the_standard_are_preferred() -> None:
    standard = {each["id"]: each for each in load_processes()}
    mine, theirs = ({**standard["add"], "description": text} for text in ("Mine.", "Theirs."))
    listing = merge_lists(Kind.PROCESS, {"alps": [mine], "bay": [theirs]}, ORDER, standard=standard)
    assert listing.entries["add"].document["description"] == standard["add"]["description"]


def test_a_federation_of_federations_names_its_own_members() -> None:
    inner = merge_lists(Kind.COLLECTION, {"x": [COLLECTION], "y": [COLLECTION]}, ("x", "y"))
    listed = [each.document for each in inner.entries.values()]
    outer = merge_lists(Kind.COLLECTION, {"alps": listed, "bay": [COLLECTION]}, ORDER)
    document = outer.entries["snow"].document
    assert document[BACKENDS] == document["summaries"][BACKENDS] == ["alps", "bay"]
    assert "x" not in str(document.get("summaries"))


def test_nothing_comes_of_nothing() -> None:
    for kind in Kind:
        assert merge_lists(kind, {}, ORDER).entries == {}
