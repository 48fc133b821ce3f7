"""Entries of upstreams: what is served as it is, what after a repair, and what not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from connexeo.drivers.federation.merging import BACKENDS, MISSING, Contract, Kind, our_contract, valid_items
from connexeo.generated import load_openapi

Json = dict[str, Any]

COLLECTION: Json = {
    "stac_version": "1.0.0",
    "type": "Collection",
    "id": "snow",
    "description": "Snow depth.",
    "license": "CC-BY-4.0",
    "extent": {
        "spatial": {"bbox": [[5, 45, 10, 48]]},
        "temporal": {"interval": [["2018-01-01T00:00:00Z", None]]},
    },
    "links": [],
}
PROCESS: Json = {"id": "add", "description": "Adds.", "parameters": [], "returns": {"schema": {}}}
FORMAT: Json = {"gis_data_types": ["raster"], "parameters": {}}
LANGUAGE: Json = {"type": "language", "default": "3", "versions": {"3": {"libraries": {}}}}
IMAGE: Json = {"type": "docker", "docker": "an/image", "default": "1", "tags": ["1"]}
SERVICE: Json = {"configuration": {}, "process_parameters": []}

SOUND = {
    Kind.COLLECTION: COLLECTION,
    Kind.PROCESS: PROCESS,
    Kind.FORMAT: FORMAT,
    Kind.RUNTIME: LANGUAGE,
    Kind.SERVICE_TYPE: SERVICE,
}


def without(document: Json, name: str) -> Json:
    return {key: value for key, value in document.items() if key != name}


def check(kind: Kind, item: Any, base: str | None = None) -> tuple[Any, list[str], bool]:
    """The entry as it is served, what is said of it, and whether it is served."""
    listed = [item] if kind in (Kind.COLLECTION, Kind.PROCESS) else {"name": item}
    before = copy.deepcopy(listed)
    good, faults = valid_items(kind, "alps", listed, base=base)
    assert listed == before
    assert all(our_contract().passes(kind, each) for each in good.values())
    assert {fault.repaired for fault in faults} <= {bool(good)}
    return next(iter(good.values()), None), [fault.text for fault in faults], bool(good)


@pytest.mark.parametrize(("kind", "document"), SOUND.items(), ids=str)
def test_sound_documents_are_served_as_they_are(kind: Kind, document: Json) -> None:
    assert check(kind, document) == (document, [], True)


def interval(*times: Any) -> Json:
    return {"spatial": COLLECTION["extent"]["spatial"], "temporal": {"interval": [list(times)]}}


REPAIRS: dict[str, tuple[Kind, Json, Json]] = {
    "null title": (Kind.COLLECTION, COLLECTION | {"title": None}, COLLECTION),
    "no links": (Kind.COLLECTION, without(COLLECTION, "links"), COLLECTION),
    "no licence": (Kind.COLLECTION, without(COLLECTION, "license"), COLLECTION | {"license": "various"}),
    "no licence, STAC 1.1": (
        Kind.COLLECTION,
        without(COLLECTION, "license") | {"stac_version": "1.1.0"},
        COLLECTION | {"license": "other", "stac_version": "1.1.0"},
    ),
    "no description": (
        Kind.COLLECTION,
        without(COLLECTION, "description") | {"title": "Snow"},
        COLLECTION | {"description": "Snow", "title": "Snow"},
    ),
    "no version": (Kind.COLLECTION, without(COLLECTION, "stac_version"), COLLECTION),
    "short version": (Kind.COLLECTION, COLLECTION | {"stac_version": "1.0"}, COLLECTION),
    "null extensions": (Kind.COLLECTION, COLLECTION | {"stac_extensions": None}, COLLECTION),
    "extension twice": (
        Kind.COLLECTION,
        COLLECTION | {"stac_extensions": ["datacube", "datacube", None]},
        COLLECTION | {"stac_extensions": ["datacube"]},
    ),
    "dates": (
        Kind.COLLECTION,
        COLLECTION | {"extent": interval("2018-01-01", "2019-12-31")},
        COLLECTION | {"extent": interval("2018-01-01T00:00:00Z", "2019-12-31T23:59:59Z")},
    ),
    "no zone": (
        Kind.COLLECTION,
        COLLECTION | {"extent": interval("2018-01-01T06:00:00.5", "2018-01-02 06:00")},
        COLLECTION | {"extent": interval("2018-01-01T06:00:00.5Z", "2018-01-02T06:00:00Z")},
    ),
    "zone without colon": (
        Kind.COLLECTION,
        COLLECTION | {"extent": interval("2018-01-01T06:00:00+0200", "..")},
        COLLECTION | {"extent": interval("2018-01-01T06:00:00+02:00", None)},
    ),
    "one interval": (
        Kind.COLLECTION,
        COLLECTION
        | {"extent": {**COLLECTION["extent"], "temporal": {"interval": ["2018-01-01T00:00:00Z", None]}}},
        COLLECTION,
    ),
    "one box": (
        Kind.COLLECTION,
        COLLECTION | {"extent": {**COLLECTION["extent"], "spatial": {"bbox": [5, 45, 10, 48]}}},
        COLLECTION,
    ),
    "null heights": (
        Kind.COLLECTION,
        COLLECTION | {"extent": {**COLLECTION["extent"], "spatial": {"bbox": [[5, 45, None, 10, 48, None]]}}},
        COLLECTION,
    ),
    "no extent": (
        Kind.COLLECTION,
        without(COLLECTION, "extent"),
        COLLECTION | {"extent": {"spatial": {}, "temporal": {"interval": [[None, None]]}}},
    ),
    "link without href": (
        Kind.COLLECTION,
        COLLECTION
        | {"links": [{"rel": "about"}, {"rel": "about", "href": "https://a.example"}, "x", {"rel": 5}]},
        COLLECTION | {"links": [{"rel": "about", "href": "https://a.example"}]},
    ),
    "link with null title": (
        Kind.COLLECTION,
        COLLECTION | {"links": [{"rel": "about", "href": "https://a.example", "title": None}]},
        COLLECTION | {"links": [{"rel": "about", "href": "https://a.example"}]},
    ),
    "link with template": (
        Kind.COLLECTION,
        COLLECTION | {"links": [{"rel": "xyz", "href": "https://a.example/{z}/a b?c=1%2C2#d"}]},
        COLLECTION | {"links": [{"rel": "xyz", "href": "https://a.example/%7Bz%7D/a%20b?c=1%2C2#d"}]},
    ),
    "provider without name, with bad role and bad URL": (
        Kind.COLLECTION,
        COLLECTION
        | {
            "providers": [
                {"url": "https://x.example"},
                {"name": "ESA", "url": "mail@", "roles": ["host", "owner"]},
                None,
            ]
        },
        COLLECTION | {"providers": [{"name": "ESA", "roles": ["host"]}]},
    ),
    "keyword that is a number": (
        Kind.COLLECTION,
        COLLECTION | {"keywords": ["snow", 5, "ice"]},
        COLLECTION | {"keywords": ["snow", "ice"]},
    ),
    "null summary": (
        Kind.COLLECTION,
        COLLECTION | {"summaries": {"gsd": None, "platform": ["a"]}},
        COLLECTION | {"summaries": {"platform": ["a"]}},
    ),
    "asset without href": (
        Kind.COLLECTION,
        COLLECTION | {"assets": {"a": {}, "b": {"href": "https://b.example", "title": None}}},
        COLLECTION | {"assets": {"b": {"href": "https://b.example"}}},
    ),
    "dimension of another type": (
        Kind.COLLECTION,
        COLLECTION | {"cube:dimensions": {"e": {"type": "ensemble"}, "x": {"axis": "x"}, "y": {}}},
        COLLECTION
        | {
            "cube:dimensions": {
                "e": {"type": "other"},
                "x": {"axis": "x", "type": "spatial"},
                "y": {"type": "other"},
            }
        },
    ),
    "nulls in a process": (
        Kind.PROCESS,
        PROCESS
        | {"summary": None, "categories": None, "deprecated": None, "parameters": None, "returns": None},
        PROCESS,
    ),
    "parameter without schema and description": (
        Kind.PROCESS,
        PROCESS | {"parameters": [{"name": "x", "optional": None, "schema": []}]},
        PROCESS | {"parameters": [{"name": "x", "description": "", "schema": {}}]},
    ),
    "schema twice": (
        Kind.PROCESS,
        PROCESS | {"returns": {"schema": [{"type": "number"}, {"type": "number"}]}},
        PROCESS | {"returns": {"schema": [{"type": "number"}]}},
    ),
    "process without description": (
        Kind.PROCESS,
        without(PROCESS, "description") | {"summary": "Add."},
        PROCESS | {"description": "Add.", "summary": "Add."},
    ),
    "example without arguments": (
        Kind.PROCESS,
        PROCESS | {"examples": [{"process_graph": {}}, {"arguments": {"x": 1}, "title": None}]},
        PROCESS | {"examples": [{"arguments": {"x": 1}}]},
    ),
    "format without types and parameters": (Kind.FORMAT, {}, FORMAT | {"gis_data_types": []}),
    "format with another data type": (
        Kind.FORMAT,
        FORMAT | {"gis_data_types": ["raster", "mesh"], "title": None},
        FORMAT,
    ),
    "format parameter without description": (
        Kind.FORMAT,
        FORMAT | {"parameters": {"z": {"type": "integer"}}},
        FORMAT | {"parameters": {"z": {"type": "integer", "description": ""}}},
    ),
    "language without libraries": (Kind.RUNTIME, LANGUAGE | {"versions": {"3": {}}}, LANGUAGE),
    "language without versions": (Kind.RUNTIME, without(LANGUAGE, "versions"), LANGUAGE),
    "default that is a number": (Kind.RUNTIME, LANGUAGE | {"default": 3}, LANGUAGE),
    "runtime without type": (Kind.RUNTIME, without(LANGUAGE, "type"), LANGUAGE),
    "image without tags": (Kind.RUNTIME, without(IMAGE, "tags"), IMAGE),
    "service type without anything": (Kind.SERVICE_TYPE, {"title": None}, SERVICE),
}


@pytest.mark.parametrize(("kind", "broken", "repaired"), REPAIRS.values(), ids=REPAIRS)
def test_slightly_broken_documents_are_repaired_and_told(kind: Kind, broken: Json, repaired: Json) -> None:
    served, texts, _ = check(kind, broken)
    assert served == repaired
    assert texts


def deep(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


REFUSED: dict[str, tuple[Kind, Any, str]] = {
    "no object": (Kind.COLLECTION, 5, "not an object but a number"),
    "null": (Kind.PROCESS, None, "not an object but null"),
    "no id": (Kind.COLLECTION, without(COLLECTION, "id"), '"id" is a required property'),
    "an id with a blank": (Kind.COLLECTION, COLLECTION | {"id": "snow depth"}, "id: "),
    "old STAC": (Kind.COLLECTION, COLLECTION | {"stac_version": "0.6.2"}, "stac_version: "),
    "box of three": (
        Kind.COLLECTION,
        COLLECTION | {"extent": {"spatial": {"bbox": [[1, 2, 3]]}, "temporal": {"interval": [[None, None]]}}},
        "bbox/0",
    ),
    "no time": (Kind.COLLECTION, COLLECTION | {"extent": interval("yesterday", None)}, "interval/0/0"),
    "parameter without name": (
        Kind.PROCESS,
        PROCESS | {"parameters": [{"description": "", "schema": {}}]},
        '"name" is a required property',
    ),
    "what cannot be repaired beside what can": (
        Kind.PROCESS,
        PROCESS
        | {"summary": None, "links": None, "parameters": [{"name": "a b", "description": "", "schema": {}}]},
        "parameters/0/name",
    ),
    "process with a hyphen": (Kind.PROCESS, PROCESS | {"id": "a-b"}, "id: "),
    "runtime of unknown sort": (Kind.RUNTIME, {"default": "1"}, '"type" is a required property'),
    "image without image": (Kind.RUNTIME, without(IMAGE, "docker"), '"docker" is a required property'),
    "half a character": (Kind.PROCESS, PROCESS | {"summary": "\ud800"}, "cannot be written as JSON"),
    "a number of 40 digits": (Kind.PROCESS, PROCESS | {"odd": 10**40}, "cannot be written as JSON"),
    "a name that is a number": (Kind.PROCESS, PROCESS | {5: 5}, "cannot be written as JSON"),
    "very deep": (Kind.COLLECTION, COLLECTION | {"odd": deep(100_000)}, "cannot be written as JSON"),
}


@pytest.mark.parametrize(("kind", "item", "text"), REFUSED.values(), ids=REFUSED)
def test_malformed_documents_are_skipped_and_told(kind: Kind, item: Any, text: str) -> None:
    listed = [item] if kind in (Kind.COLLECTION, Kind.PROCESS) else {"name": item}
    good, (fault,) = valid_items(kind, "alps", listed)
    assert good == {}
    assert text in fault.text
    assert not fault.repaired
    assert fault.upstream == "alps"


def test_as_deep_as_json_can_be_written_is_no_trouble() -> None:
    for levels in (100, 200, 240, 250):
        check(Kind.COLLECTION, COLLECTION | {"odd": deep(levels)})
        check(Kind.COLLECTION, without(COLLECTION, "license") | {"odd": deep(levels)})


def test_what_is_large_and_broken_takes_no_time_to_speak_of() -> None:
    broken: Json = COLLECTION | {
        "links": [{"rel": "about", "title": None} for _ in range(20_000)],
        "keywords": [5] * 20_000,
    }
    served, texts, _ = check(Kind.COLLECTION, broken)
    assert served["links"] == served["keywords"] == []
    assert len(texts) == 21
    graph: Json = {}
    for _ in range(60):
        graph = {
            "a": {"process_id": "add", "arguments": {"x": {"process_graph": graph}, "y": ["z" * 500] * 5}}
        }
    _, texts, _ = check(Kind.PROCESS, PROCESS | {"process_graph": graph, "links": 5})
    assert "too large or too deeply nested" in texts[0]


def test_the_others_stay() -> None:
    good, faults = valid_items(
        Kind.PROCESS, "alps", [PROCESS, 5, PROCESS | {"id": "sub"}, PROCESS, {"id": "x" * 500}]
    )
    assert list(good) == ["add", "sub", "x" * 500]
    assert [(fault.id, fault.text) for fault in faults[:2]] == [
        ("#1", "it is not an object but a number"),
        ("add", "it is there twice; the first one is used"),
    ]
    assert len(faults[-1].id) < 100


@pytest.mark.parametrize("items", [None, 5, "text", True, 1.5])
def test_lists_that_are_none_are_told(items: Any) -> None:
    good, (fault,) = valid_items(Kind.PROCESS, "alps", items)
    assert good == {}
    assert fault.text.startswith("the list is not a list but ")


def test_relative_links_refer_to_the_api() -> None:
    broken = COLLECTION | {"links": [{"rel": "about", "href": "./about.html"}, {"rel": "via", "href": "/x"}]}
    served, texts, _ = check(Kind.COLLECTION, broken, base="https://alps.example/openeo/1.2/")
    assert served["links"] == [
        {"rel": "about", "href": "https://alps.example/openeo/1.2/about.html"},
        {"rel": "via", "href": "https://alps.example/x"},
    ]
    assert len(texts) == 2
    # Where they lead to is not known otherwise.
    assert check(Kind.COLLECTION, broken)[0]["links"] == []


def test_marks_of_a_federation_below_are_removed() -> None:
    inner = {BACKENDS: ["inner"]}
    item = (
        COLLECTION | inner | {"summaries": {**inner, "eo:bands": [{"name": "B02", **inner}]}, MISSING: ["x"]}
    )
    served, texts, _ = check(Kind.COLLECTION, item)
    assert served == COLLECTION | {"summaries": {"eo:bands": [{"name": "B02"}]}}
    assert texts == []


def test_a_list_by_name_may_say_who_is_missing() -> None:
    assert valid_items(Kind.FORMAT, "alps", {"GTiff": FORMAT, MISSING: ["x"]}) == ({"GTiff": FORMAT}, [])


def test_another_contract_can_be_asked_for() -> None:
    document = load_openapi()
    document["components"]["schemas"]["collection"]["required"].append("title")
    strict = Contract(document)
    assert valid_items(Kind.COLLECTION, "alps", [COLLECTION], contract=strict)[0] == {}
    assert valid_items(Kind.COLLECTION, "alps", [COLLECTION | {"title": "Snow"}], contract=strict)[1] == []
