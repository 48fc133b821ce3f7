"""Behaviours 14 to 20, 23 and 24: what documents of a federation say, and who they are asked for in whose name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from connexeo.generated import load_processes
from fake_driver import make_collection
from federation.fake_upstream import FakeUpstream, make_job
from federation.harness import BASIC, PASSWORD, FrontEnd, StartFrontEnd, within
from federation.proxy import FaultProxy, hang
from oidc_issuer import OidcIssuer

Upstreams = list[dict[str, Any]]
Proxies = dict[str, FaultProxy]
StartFake = Callable[..., FakeUpstream]

LISTS = ("/collections", "/processes", "/file_formats", "/jobs", "/files", "/services")


def member(fake: FakeUpstream) -> dict[str, Any]:
    return {"id": fake.name, "url": fake.url, **BASIC}


def test_14_missing_is_right_everywhere(
    start_front_end: StartFrontEnd,
    start_fake: StartFake,
    start_proxy: Callable[[str], FaultProxy],
    token_of: Callable[..., str],
) -> None:
    fakes = [start_fake(name=name) for name in ("alps", "coast")]
    proxy = start_proxy(fakes[1].url)
    for path in LISTS:
        proxy.fail(hang(), path)
    front = start_front_end([member(fakes[0]), {**member(fakes[1]), "url": proxy.url}], users=["ana"])
    token = token_of(front.server, "ana", PASSWORD)
    for path in LISTS:
        assert front.missing(path, token) == ["coast"], path
    assert "coast" in front.online()
    proxy.heal()
    for path in LISTS:
        within(2.0, lambda path=path: not front.missing(path, token), f"{path} does not recover")  # type: ignore[misc]
    # A back-end in whose name nobody can be asked has not been asked.
    front.configure([member(fakes[0]), {"id": "coast", "url": proxy.url}])
    within(3.0, lambda: front.missing("/jobs", token) == ["coast"], "the configuration is not read again")
    assert front.missing("/collections", token) == []


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


def test_17_what_only_some_know_says_so(start_front_end: StartFrontEnd, start_fake: StartFake) -> None:
    ndvi = next(each for each in load_processes() if each["id"] == "ndvi")
    extra = {
        "name": "smooth",
        "description": "Smoother.",
        "schema": {"type": "boolean"},
        "optional": True,
        "default": False,
    }
    more = {**ndvi, "parameters": [*ndvi["parameters"], extra]}
    formats = [
        {"input": {}, "output": {"GeoTIFF": {"gis_data_types": ["raster"], "parameters": parameters}}}
        for parameters in ({}, {"tiled": {"type": "boolean", "description": "In tiles."}})
    ]
    those: list[dict[str, Any]] = [
        {"3": {"libraries": {}}},
        {"3": {"libraries": {}}, "2": {"libraries": {}}},
    ]
    runtimes = [
        {"Python": {"title": "Python", "type": "language", "default": "3", "versions": each}}
        for each in those
    ]
    alps = start_fake(name="alps", processes=[ndvi], formats=formats[0], runtimes=runtimes[0])
    coast = start_fake(name="coast", processes=[more], formats=formats[1], runtimes=runtimes[1])
    front = start_front_end([member(alps), member(coast)], deadline=10.0)
    (process,) = front.get("/processes").json()["processes"]
    having = {each["name"]: each.get("federation:backends") for each in process["parameters"]}
    assert having["smooth"] == ["coast"]
    assert process["federation:backends"] == ["alps", "coast"]
    format_ = front.get("/file_formats").json()["output"]["GeoTIFF"]
    assert format_.get("federation:backends", ["alps", "coast"]) == ["alps", "coast"]
    assert format_["parameters"]["tiled"]["federation:backends"] == ["coast"]
    versions = front.get("/udf_runtimes").json()["Python"]["versions"]
    assert versions["2"]["federation:backends"] == ["coast"]


def test_18_extents_are_unions_19_and_nothing_of_a_collection_is_lost(
    start_front_end: StartFrontEnd, start_fake: StartFake
) -> None:
    first, second = make_collection("RIVERS"), make_collection("RIVERS")
    first["extent"] = {
        "spatial": {"bbox": [[0.0, 40.0, 5.0, 45.0]]},
        "temporal": {"interval": [["2015-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]]},
    }
    second["extent"] = {
        "spatial": {"bbox": [[10.0, 50.0, 15.0, 55.0]]},
        "temporal": {"interval": [["2018-01-01T00:00:00Z", None]]},
    }
    first["summaries"] = {"eo:cloud_cover": {"minimum": 0, "maximum": 60}, "eo:bands": [{"name": "B04"}]}
    second["summaries"] = {"eo:cloud_cover": {"minimum": 10, "maximum": 95}, "platform": ["kayak"]}
    second["sci:doi"] = "10.5072/rivers"
    dimensions = dict(second["cube:dimensions"])  # type: ignore[call-overload]
    dimensions["z"] = {"type": "spatial", "axis": "z", "extent": [0, 100]}
    dimensions["bands"] = {"type": "bands", "values": ["B04", "B11"]}
    second["cube:dimensions"] = dimensions
    fakes = [start_fake(name="alps", collections=[first]), start_fake(name="coast", collections=[second])]
    front = start_front_end([member(each) for each in fakes], deadline=10.0)
    merged = front.get("/collections/RIVERS").json()
    assert merged["federation:backends"] == ["alps", "coast"]
    boxes = merged["extent"]["spatial"]["bbox"]
    assert boxes[0] == [0.0, 40.0, 15.0, 55.0]
    assert sorted(boxes[1:]) == [[0.0, 40.0, 5.0, 45.0], [10.0, 50.0, 15.0, 55.0]]
    assert merged["extent"]["temporal"]["interval"][0] == ["2015-01-01T00:00:00Z", None]
    assert merged["summaries"]["eo:cloud_cover"] == {"minimum": 0, "maximum": 95}
    assert merged["summaries"]["platform"] == ["kayak"]
    assert merged["sci:doi"] == "10.5072/rivers"
    assert set(merged["cube:dimensions"]) == {"x", "y", "t", "z", "bands"}
    assert merged["cube:dimensions"]["bands"]["values"] == ["B04", "B08", "B11"]


def test_20_what_is_malformed_is_left_out_and_all_else_stays(
    start_front_end: StartFrontEnd, start_fake: StartFake
) -> None:
    from connexeo.tools.conformance.contract import load_contract

    process = next(each for each in load_processes() if each["id"] == "add")
    malformed = [{"id": 7}, "LAKES", None, {"id": "HALF", "extent": "everywhere"}, make_collection("SEAS")]
    alps = start_fake(
        name="alps", collections=malformed, processes=[{"id": "odd", "parameters": 3}, 5, process]
    )
    coast = start_fake(name="coast")
    front = start_front_end([member(alps), member(coast)], deadline=10.0)
    contract = load_contract("1.3.0", federation=True)
    for path in ("/", *LISTS[:3]):
        answer = front.get(path)
        operation = contract.match("GET", path)
        assert operation is not None
        assert answer.status_code == 200
        assert contract.faults(operation, 200, "application/json", answer.json()) == [], path
    ids = {each["id"] for each in front.get("/collections").json()["collections"]}
    assert {"RIVERS", "SEAS"} <= ids
    assert "add" in {each["id"] for each in front.get("/processes").json()["processes"]}
    assert "federation.left_out" in front.server.log.read_text()


def test_23_pages_of_jobs_have_each_job_once_also_while_a_back_end_is_down(
    start_front_end: StartFrontEnd,
    start_fake: StartFake,
    start_proxy: Callable[[str], FaultProxy],
    token_of: Callable[..., str],
) -> None:
    names = ("alps", "coast", "delta")
    fakes = [
        start_fake(
            name=name,
            page=4,
            jobs={None: [make_job(f"{name} {n}/ä", 3 * n + number) for n in reversed(range(7))]},
        )
        for number, name in enumerate(names)
    ]
    proxies = {each.name: start_proxy(each.url) for each in fakes}
    front = start_front_end(
        [{**member(each), "url": proxies[each.name].url} for each in fakes], users=["ana"]
    )
    # Pages lead to the back-end itself, whatever stands in front of it.
    for each in fakes:
        each.base = proxies[each.name].url
    token = token_of(front.server, "ana", PASSWORD)
    for limit in (1, 2, 5, 50):
        pages = walk(front, token, limit)
        assert all(len(page) <= limit for page in pages)
        ids = [job["id"] for page in pages for job in page]
        assert len(ids) == len(set(ids)) == 21
        created = [job["created"] for page in pages for job in page]
        assert created == sorted(created, reverse=True)
    for job in pages[0][:3]:
        assert front.get(f"/jobs/{job['id']}", token).json()["id"] == job["id"]
    proxies["coast"].refuse()
    within(2.0, lambda: "coast" not in front.online(), "it is not seen that the back-end is gone")
    for limit in (2, 50):
        ids = [job["id"] for page in walk(front, token, limit) for job in page]
        assert len(ids) == len(set(ids)) == 14


def walk(front: FrontEnd, token: str, limit: int) -> list[list[dict[str, Any]]]:
    """The jobs of all pages."""
    pages = []
    url: str | None = f"{front.url}/jobs?limit={limit}"
    while url is not None:
        document = httpx.get(url, headers={"authorization": f"Bearer {token}"}, timeout=60).json()
        pages.append(document["jobs"])
        url = next((each["href"] for each in document["links"] if each["rel"] == "next"), None)
        assert len(pages) < 100
    return pages


def test_24_tokens_go_to_back_ends_that_know_the_issuer_and_nowhere_else(
    start_front_end: StartFrontEnd, start_fake: StartFake, oidc_issuer: OidcIssuer
) -> None:
    alps = start_fake(
        name="alps",
        providers=[
            {"id": "other", "issuer": "https://other.example", "title": "O"},
            {"id": "theirs", "issuer": f"{oidc_issuer.url}/", "title": "R"},
        ],
        jobs={None: [make_job("one")]},
    )
    coast = start_fake(
        name="coast", providers=[{"id": "river", "issuer": "https://other.example", "title": "O"}]
    )
    delta = start_fake(name="delta")
    fakes = (alps, coast, delta)
    front = start_front_end([member(each) for each in fakes], oidc=[oidc_issuer.provider()], deadline=10.0)
    assert front.missing("/collections") == []
    token = oidc_issuer.jwt()
    for path in ("/jobs", "/files", "/services"):
        assert front.missing(path, f"oidc/river/{token}") == ["coast", "delta"], path
    (job,) = front.get("/jobs", f"oidc/river/{token}").json()["jobs"]
    assert job["id"] == "alps~one"
    assert front.get("/jobs/coast~one", f"oidc/river/{token}").status_code in (401, 403, 502, 503)
    assert ("/jobs", f"Bearer oidc/theirs/{token}") in alps.authorizations
    for fake in (coast, delta):
        assert not any(token in (authorization or "") for _, authorization in fake.authorizations)
