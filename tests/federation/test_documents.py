"""Behaviours 14 to 20: what documents of a federation say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from connexeo.generated import load_openapi, load_processes
from connexeo.tools.conformance.contract import load_contract
from fake_driver import make_collection
from federation.fake_upstream import FakeUpstream, make_job, make_service
from federation.harness import BASIC, PASSWORD, FrontEnd, StartFrontEnd, within
from federation.proxy import FaultProxy, hang

Upstreams = list[dict[str, Any]]
Proxies = dict[str, FaultProxy]
StartFake = Callable[..., FakeUpstream]

LISTS = ("/collections", "/processes", "/file_formats", "/jobs", "/files", "/services")


def member(fake: FakeUpstream) -> dict[str, Any]:
    return {"id": fake.name, "url": fake.url, **BASIC}


OPERATIONS = {
    # Lists name whoever does not answer, and whoever is not there.
    **{f"GET {path}": ["coast", "gone"] for path in LISTS},
    # They live at the front-end; the extension wants those named that are offline.
    "GET /process_graphs": ["gone"],
    # Those that have not said what they have may have it as well.
    "GET /collections/{collection_id}": ["coast", "gone"],
    "POST /validation": ["coast", "gone"],
    # What is at one back-end is told by that one, or not at all.
    "GET /jobs/{job_id}": [],
    "GET /jobs/{job_id}/logs": [],
    "GET /jobs/{job_id}/results": [],
    "GET /services/{service_id}/logs": [],
    "GET /logs/{log_id}": [],
    # Back-ends give their results out themselves.
    "GET /results/{job_id}/{permission}": None,
}
"""Operation → who is missing, of three of which ``coast`` hangs and ``gone`` is not there; None: not offered."""


def telling() -> set[str]:
    """Operations whose answers can have ``federation:missing``, by the contract."""
    openapi = load_openapi()

    def can_tell(schema: Any) -> bool:
        if "$ref" in schema:
            place: Any = openapi
            for step in schema["$ref"].removeprefix("#/").split("/"):
                place = place[step]
            return can_tell(place)
        nested = [each for key in ("allOf", "anyOf", "oneOf") for each in schema.get(key, ())]
        return "federation:missing" in schema.get("properties", {}) or any(map(can_tell, nested))

    found = set()
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            response = operation.get("responses", {}).get("200", {}) if isinstance(operation, dict) else {}
            if "$ref" in response:
                response = openapi["components"]["responses"][response["$ref"].rpartition("/")[2]]
            if any(can_tell(each.get("schema", {})) for each in response.get("content", {}).values()):
                found.add(f"{method.upper()} {path}")
    return found


def test_14_missing_is_right_everywhere(
    start_front_end: StartFrontEnd,
    start_fake: StartFake,
    start_proxy: Callable[[str], FaultProxy],
    token_of: Callable[..., str],
) -> None:
    assert telling() == set(OPERATIONS)
    own: dict[str, Any] = {"jobs": {None: [make_job("one")]}, "services": [make_service("one")]}
    fakes = [start_fake(name=name, **own) for name in ("alps", "coast")]
    proxy = start_proxy(fakes[1].url)
    for path in LISTS:
        proxy.fail(hang(), path)
    gone = {"id": "gone", "url": "http://127.0.0.1:9", **BASIC}
    front = start_front_end([member(fakes[0]), {**member(fakes[1]), "url": proxy.url}, gone], users=["ana"])
    token = token_of(front.server, "ana", PASSWORD)
    contract = load_contract("1.3.0", federation=True)

    def check(expected: dict[str, list[str] | None]) -> None:
        names = {
            "collection_id": "RIVERS",
            "job_id": "alps~one",
            "service_id": "alps~one",
            "log_id": "alps~x",
        }

        def ask(name: str) -> httpx.Response:
            method, _, template = name.partition(" ")
            path = template.format(**names, permission="x")
            return front.get(path, token) if method == "GET" else front.post(path, graph("RIVERS"), token)

        with ThreadPoolExecutor(len(expected)) as pool:
            answers = dict(zip(expected, pool.map(ask, expected), strict=True))
        for name, missing in expected.items():
            answer = answers[name]
            if missing is None:
                assert answer.status_code == 501, name
                continue
            assert answer.status_code == 200, (name, answer.text)
            assert sorted(answer.json().get("federation:missing", [])) == missing, name
            operation = contract.match(*name.split(" "))
            if operation is not None:
                assert contract.faults(operation, 200, "application/json", answer.json()) == [], name

    check(OPERATIONS)
    assert "coast" in front.online()
    proxy.heal()
    for path in LISTS:
        within(2.0, lambda path=path: front.missing(path, token) == ["gone"], f"{path} does not recover")  # type: ignore[misc]
    check(
        {
            name: missing and [each for each in missing if each != "coast"]
            for name, missing in OPERATIONS.items()
        }
    )
    # A back-end in whose name nobody can be asked has not been asked.
    front.configure([member(fakes[0]), {"id": "coast", "url": proxy.url}])
    within(3.0, lambda: front.missing("/jobs", token) == ["coast"], "the configuration is not read again")
    assert front.missing("/collections", token) == []


def graph(collection: str) -> dict[str, Any]:
    """A process that saves a collection."""
    load = {"id": collection, "spatial_extent": None, "temporal_extent": None}
    save = {"data": {"from_node": "load"}, "format": "GeoTIFF"}
    return {
        "process_graph": {
            "load": {"process_id": "load_collection", "arguments": load},
            "save": {"process_id": "save_result", "arguments": save, "result": True},
        }
    }


def test_15_nobody_both_has_something_and_is_missing_16_and_entries_of_lists_say_who_has_them(
    front_end: FrontEnd, proxies: Proxies, ana: str
) -> None:
    proxies["coast"].refuse()
    within(2.0, lambda: "coast" not in front_end.online(), "it is not seen that the back-end is gone")
    for path in ("/", "/udf_runtimes", "/service_types", *LISTS, "/collections/climate-monthly-demo"):
        document = front_end.get(path, ana).json()
        for each in objects(document):
            having, missing = each.get("federation:backends", ()), each.get("federation:missing", ())
            assert not set(having) & set(missing), (path, each)
            assert set(having) | set(missing) <= set(proxies)
    for each in front_end.get("/collections").json()["collections"]:
        assert each["federation:backends"] == ["alps", "coast", "delta"]
        assert each["summaries"]["federation:backends"] == ["alps", "coast", "delta"]
    for each in front_end.get("/processes").json()["processes"]:
        assert each["federation:backends"] == ["alps", "coast", "delta"]
    formats = front_end.get("/file_formats").json()
    for each in (*formats["input"].values(), *formats["output"].values()):
        # What all have need not say so.
        assert each.get("federation:backends", list(proxies)) == ["alps", "coast", "delta"]


def objects(document: Any) -> list[dict[str, Any]]:
    """All objects in a document."""
    if isinstance(document, list):
        return [found for each in document for found in objects(each)]
    if not isinstance(document, dict):
        return []
    return [document, *(found for each in document.values() for found in objects(each))]


@pytest.fixture(scope="module")
def differing(start_lasting_front_end: StartFrontEnd, token_of: Callable[..., str]) -> Iterator[Differing]:
    """Two back-ends that contradict each other, of which one sends much that is malformed."""
    with ExitStack() as stack:
        fakes = tuple(FakeUpstream(name=name, **described()[name]) for name in ("alps", "coast"))
        for each in fakes:
            stack.callback(each.close)
        front = start_lasting_front_end([member(each) for each in fakes], users=["ana"], deadline=10.0)
        yield Differing(front, token_of(front.server, "ana", PASSWORD))


@dataclass(frozen=True)
class Differing:
    """A front-end of two back-ends."""

    front: FrontEnd
    token: str

    def document(self, path: str) -> Any:
        """What it answers."""
        answer = self.front.get(path, self.token)
        assert answer.status_code == 200, answer.text
        return answer.json()


def described() -> dict[str, dict[str, Any]]:
    """What the two have."""
    return {
        "alps": {
            "collections": [rivers()[0], *MALFORMED, make_collection("SEAS", license=None)],
            "processes": [ndvi(), process("add"), {"id": "odd", "parameters": 3}, 5, None, {"id": None}, "x"],
            "formats": {
                "input": [],
                "output": {"GeoTIFF": a_format(), "Odd": 7, "Worse": {"parameters": []}, "None": None},
            },
            "runtimes": {
                "Python": language("3"),
                "R": {"type": "language"},
                "Docker": {"type": "docker", "tags": 5},
                "No": None,
            },
            "service_types": {"XYZ": {"configuration": {}, "process_parameters": []}, "WMS": 5, "WFS": {}},
            "capabilities": {
                "billing": {"currency": 5, "plans": "many"},
                "links": [{"rel": 5}, "x"],
                "conformsTo": [5, "https://api.openeo.org/1.2.0"],
            },
            "providers": [{"id": 5}, None, "x"],
            "jobs": {None: [{"id": 7}, "x", make_job("bad", status="bored"), make_job("good", 1, title=5)]},
            "services": [None, {"id": "no"}, make_service("good", title=[], created="today")],
            "files": [7, {"size": 5}, {"path": 5}, {"path": "good.tif", "size": "large", "modified": 5}],
            "logs": [{"id": 5}, "x", {"id": "1", "level": "info", "message": "Begun.", "time": 5}],
        },
        "coast": {
            "collections": [rivers()[1]],
            "processes": [ndvi(smooth={"type": "boolean"}), process("add")],
            "formats": {"input": {}, "output": {"GeoTIFF": a_format("tiled")}},
            "runtimes": {"Python": language("3", "2")},
            "jobs": {None: [make_job("one")]},
            "services": [make_service("one")],
            "files": [{"path": "one.tif"}],
        },
    }


MALFORMED: list[Any] = [
    {"id": 7},
    "LAKES",
    None,
    [],
    {"id": "HALF", "extent": "everywhere"},
    {"id": "NO-BOX", "description": "-", "extent": {"spatial": {"bbox": []}, "temporal": {"interval": 5}}},
    make_collection("DIMENSIONS", **{"cube:dimensions": {"x": 5}}),
]


def process(identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in load_processes() if each["id"] == identifier)
    return found


def ndvi(**more: dict[str, Any]) -> dict[str, Any]:
    """With further parameters by name and schema; they change what it returns."""
    standard = process("ndvi")
    extra = [
        {"name": name, "description": "-", "schema": schema, "optional": True}
        for name, schema in more.items()
    ]
    returns = {"description": "-", "schema": {"type": "number"}} if more else standard["returns"]
    return {**standard, "parameters": [*standard["parameters"], *extra], "returns": returns}


def a_format(*options: str) -> dict[str, Any]:
    parameters = {each: {"type": "boolean", "description": "-"} for each in options}
    return {"gis_data_types": ["raster"], "parameters": parameters}


def language(*versions: str) -> dict[str, Any]:
    known: dict[str, Any] = {each: {"libraries": {}} for each in versions}
    return {"title": "Python", "type": "language", "default": versions[0], "versions": known}


def rivers() -> tuple[dict[str, Any], dict[str, Any]]:
    """One collection, as the two see it."""
    first: dict[str, Any] = make_collection("RIVERS")
    second: dict[str, Any] = make_collection("RIVERS")
    first["extent"] = {
        "spatial": {"bbox": [[0.0, 40.0, 5.0, 45.0], [0.0, 40.0, 1.0, 41.0], [4.0, 44.0, 5.0, 45.0]]},
        "temporal": {"interval": [["2015-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]]},
    }
    # The first box of the second does not contain all of its own parts.
    second["extent"] = {
        "spatial": {"bbox": [[10.0, 50.0, 0, 15.0, 55.0, 9], [20.0, 30.0, 0, 25.0, 35.0, 9]]},
        "temporal": {"interval": [["2018-01-01T00:00:00Z", None], ["1999-01-01T00:00:00Z", None]]},
    }
    first["summaries"] = {
        "eo:cloud_cover": {"minimum": 0, "maximum": 60},
        "eo:bands": [{"name": "B04", "common_name": "red"}],
        "gsd": [10],
        "instruments": ["oar"],
    }
    second["summaries"] = {
        "eo:cloud_cover": {"minimum": 10, "maximum": 95},
        "eo:bands": [{"name": "B04"}, {"name": "B11", "common_name": "swir16"}],
        "gsd": [10, 20],
        "platform": ["kayak"],
    }
    first["keywords"], second["keywords"] = ["water"], ["wet", "water"]
    first["providers"] = [{"name": "Alps", "roles": ["host"]}]
    second["providers"] = [{"name": "Coast", "roles": ["host"]}]
    second["sci:doi"] = "10.5072/rivers"
    second["assets"] = {"map": {"href": "https://coast.example/map.png"}}
    first["of_the_alps"], second["of_the_coast"] = {"a": 1}, [1, 2]
    first["cube:dimensions"] = {
        "x": {"type": "spatial", "axis": "x", "extent": [0, 5]},
        "t": {"type": "temporal", "extent": ["2015-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]},
        "bands": {"type": "bands", "values": ["B04", "B08"]},
    }
    second["cube:dimensions"] = {
        "x": {"type": "spatial", "axis": "x", "extent": [10, 25]},
        "z": {"type": "spatial", "axis": "z", "extent": [0, 100]},
        "t": {"type": "temporal", "extent": ["1999-01-01T00:00:00Z", None]},
        "bands": {"type": "bands", "values": ["B04", "B11"]},
        "tides": {"type": "other", "values": ["low", "high"]},
    }
    return first, second


def test_17_what_only_some_know_says_so(differing: Differing) -> None:
    found = {each["id"]: each for each in differing.document("/processes")["processes"]}
    having = {each["name"]: each.get("federation:backends") for each in found["ndvi"]["parameters"]}
    assert having == {"data": None, "nir": None, "red": None, "target_band": None, "smooth": ["coast"]}
    assert found["ndvi"]["federation:backends"] == ["alps", "coast"]
    # Either of what they return.
    returned = json.dumps(found["ndvi"]["returns"])
    assert "datacube" in returned
    assert '"number"' in returned
    format_ = differing.document("/file_formats")["output"]["GeoTIFF"]
    assert "federation:backends" not in format_
    assert format_["parameters"]["tiled"]["federation:backends"] == ["coast"]
    runtime = differing.document("/udf_runtimes")["Python"]
    assert "federation:backends" not in runtime
    assert {name: each.get("federation:backends") for name, each in runtime["versions"].items()} == {
        "3": None,
        "2": ["coast"],
    }
    assert differing.document("/service_types")["XYZ"]["federation:backends"] == ["alps"]


@pytest.mark.parametrize("path", ["/collections", "/collections/RIVERS"])
def test_18_extents_are_the_union_with_the_parts_behind(differing: Differing, path: str) -> None:
    extent = merged(differing, path)["extent"]
    first, *parts = extent["spatial"]["bbox"]
    assert first == [0.0, 30.0, 25.0, 55.0]
    for box in ([0.0, 40.0, 1.0, 41.0], [4.0, 44.0, 5.0, 45.0], [20.0, 30.0, 0, 25.0, 35.0, 9]):
        assert box in parts
    whole, *intervals = extent["temporal"]["interval"]
    assert whole == ["1999-01-01T00:00:00Z", None]
    assert ["2015-01-01T00:00:00Z", "2020-01-01T00:00:00Z"] in intervals


def merged(differing: Differing, path: str) -> dict[str, Any]:
    """The collection, from the list or for itself."""
    document = differing.document(path)
    listed = document.get("collections", [document])
    found: dict[str, Any] = next(each for each in listed if each["id"] == "RIVERS")
    assert found["federation:backends"] == ["alps", "coast"]
    return found


def test_19_nothing_of_a_collection_is_lost(differing: Differing) -> None:
    whole = merged(differing, "/collections/RIVERS")
    for each in rivers():
        assert each.keys() <= whole.keys()
        assert each["summaries"].keys() <= whole["summaries"].keys()
        assert each["cube:dimensions"].keys() <= whole["cube:dimensions"].keys()
    assert whole["of_the_alps"] == {"a": 1}
    assert whole["of_the_coast"] == [1, 2]
    assert whole["sci:doi"] == "10.5072/rivers"
    assert sorted(whole["keywords"]) == ["water", "wet"]
    assert {each["name"] for each in whole["providers"]} == {"Alps", "Coast"}
    assert whole["assets"]["map"]["href"] == "https://coast.example/map.png"
    summaries = whole["summaries"]
    assert summaries["eo:cloud_cover"] == {"minimum": 0, "maximum": 95}
    assert summaries["gsd"] == [10, 20]
    assert summaries["platform"] == ["kayak"]
    dimensions = whole["cube:dimensions"]
    assert dimensions["x"]["extent"] == [0, 25]
    assert dimensions["t"]["extent"] == ["1999-01-01T00:00:00Z", None]
    assert dimensions["z"]["federation:backends"] == dimensions["tides"]["federation:backends"] == ["coast"]


def test_19_bands_say_who_has_them(differing: Differing) -> None:
    whole = merged(differing, "/collections/RIVERS")
    assert whole["cube:dimensions"]["bands"]["values"] == ["B04", "B08", "B11"]
    bands = {each["name"]: each for each in whole["summaries"]["eo:bands"]}
    assert bands["B04"] == {"name": "B04", "common_name": "red"}
    assert bands["B08"]["federation:backends"] == ["alps"]
    assert bands["B11"]["federation:backends"] == ["coast"]
    assert bands["B11"]["common_name"] == "swir16"


LISTED = {
    # Some can be mended without inventing anything.
    "/collections": ("collections", "id", {"RIVERS", "SEAS", "HALF", "NO-BOX"}),
    "/processes": ("processes", "id", {"ndvi", "add", "odd"}),
    "/jobs": ("jobs", "id", {"alps~good", "coast~one"}),
    "/services": ("services", "id", {"alps~good", "coast~one"}),
    "/files": ("files", "path", {"alps/good.tif", "coast/one.tif"}),
    "/jobs/alps~good/logs": ("logs", "id", {"1"}),
    "/services/alps~good/logs": ("logs", "id", {"1"}),
}
"""List → property of its entries, of their identifiers, and those that are good."""


@pytest.mark.parametrize("path", LISTED)
def test_20_malformed_entries_are_left_out_and_all_others_stay(differing: Differing, path: str) -> None:
    name, identifier, good = LISTED[path]
    found = differing.document(path)
    assert {each[identifier] for each in found[name]} == good
    # The back-end is not missing for it.
    assert found["federation:missing"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        *LISTED,
        "/file_formats",
        "/udf_runtimes",
        "/service_types",
        "/process_graphs",
        "/collections/RIVERS",
        "/collections/SEAS",
        "/jobs/alps~good",
        "/jobs/alps~good/results",
        "/services/alps~good",
    ],
)
def test_20_answers_pass_the_contract_whatever_back_ends_send(differing: Differing, path: str) -> None:
    contract = load_contract("1.3.0", federation=True)
    answer = differing.front.get(path, differing.token)
    operation = contract.match("GET", path)
    assert operation is not None
    assert answer.status_code == 200, answer.text
    media = answer.headers["content-type"].partition(";")[0]
    assert contract.faults(operation, 200, media, answer.json()) == []


def test_20_what_is_left_out_is_reported(differing: Differing) -> None:
    for path in LISTED:
        differing.document(path)
    events = [
        json.loads(line)
        for line in differing.front.server.log.read_text().splitlines()
        if "federation.left_out" in line
    ]
    kinds = {each["kind"] for each in events}
    assert {each["upstream"] for each in events} == {"alps"}
    assert kinds >= {"collection", "process", "file format", "UDF runtime", "service type"}
    assert kinds >= {"job", "service", "file", "log entry"}
    assert {"DIMENSIONS", "Odd"} <= {each.get("id") for each in events}
