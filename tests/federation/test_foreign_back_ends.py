"""Back-ends that nobody here wrote, beside one of ours, and what happens to the others when they fail.

They are installed in a cache of environments: the folder that ``CONNEXEO_TEST_PEERS`` names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from conformance.peers.openeo_driver import openeo_driver
from conformance.peers.serving import Peer, free_port
from conformance.peers.titiler_openeo import titiler_openeo
from connexeo.tools.conformance.contract import load_contract
from federation.harness import BASIC, MARGIN, PASSWORD, QUICK, FrontEnd, StartFrontEnd, measured, within
from federation.proxy import Fault, FaultProxy, busy, cut, hang, reset, trickle, truncate, wrong
from served import Server

CACHE = os.environ.get("CONNEXEO_TEST_PEERS")

pytestmark = [
    pytest.mark.skipif(not CACHE, reason="needs a folder of environments: set CONNEXEO_TEST_PEERS"),
    pytest.mark.timeout(600),
]

Json = dict[str, Any]

FOREIGN = ("driver", "titiler")
NAMES = (*FOREIGN, "own")
PLACE = {
    "spatial_extent": {"west": 11.35, "south": 46.49, "east": 11.36, "north": 46.5},
    "temporal_extent": ["2022-06-01", "2022-06-04"],
}
ADD: Json = {"process_graph": {"add": {"process_id": "add", "arguments": {"x": 3, "y": 5}, "result": True}}}


def picture(collection: str, *, bands: list[str] | None = None, format_: str = "PNG") -> Json:
    """A process that saves a little of a collection."""
    load = {"id": collection, **PLACE, **({} if bands is None else {"bands": bands})}
    save = {"data": {"from_node": "load"}, "format": format_}
    return {
        "process_graph": {
            "load": {"process_id": "load_collection", "arguments": load},
            "save": {"process_id": "save_result", "arguments": save, "result": True},
        }
    }


@dataclass
class Federation:
    """One of ours, titiler-openeo, and what openeo-driver brings along for tests."""

    front: FrontEnd
    proxies: dict[str, FaultProxy]
    token: str

    def get(self, path: str) -> Json:
        """The document, which must be there."""
        answer = self.front.get(path, self.token)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def send(self, path: str, process: Json, *chosen: str) -> httpx.Response:
        """A request with a process."""
        choice: Json = {"federation:backends": list(chosen)} if chosen else {}
        body = {**process, **choice} if path == "/validation" else {"process": process, **choice}
        return self.front.post(path, body, self.token)


@pytest.fixture(scope="module")
def lasting(
    start_lasting_front_end: StartFrontEnd,
    real_upstreams: list[Server],
    tmp_path_factory: pytest.TempPathFactory,
    token_of: Callable[..., str],
) -> Iterator[Federation]:
    assert CACHE is not None
    with ExitStack() as stack:

        def started(start: Any, name: str) -> tuple[Json, FaultProxy]:
            peer: Peer = stack.enter_context(
                start(Path(CACHE).resolve(), tmp_path_factory.mktemp(name), free_port())
            )
            parts = urlsplit(peer.url)
            proxy = FaultProxy(f"{parts.scheme}://{parts.netloc}")
            stack.callback(proxy.close)
            account = {"username": peer.username, "password": peer.password}
            return {"id": name, "url": f"{proxy.url}{parts.path}", "accounts": {"*": account}}, proxy

        driver, driver_proxy = started(openeo_driver, "driver")
        titiler, titiler_proxy = started(titiler_openeo, "titiler")
        own = {"id": "own", "url": real_upstreams[0].url, **BASIC}
        front = start_lasting_front_end([driver, titiler, own], users=["ana"], request_timeout=20.0)
        token = token_of(front.server, "ana", PASSWORD)
        yield Federation(front, {"driver": driver_proxy, "titiler": titiler_proxy}, token)


@pytest.fixture
def federation(lasting: Federation) -> Iterator[Federation]:
    """With everybody there."""
    for proxy in lasting.proxies.values():
        proxy.heal()
    within(10.0, lambda: len(lasting.front.online()) == len(NAMES), "the federation does not recover")
    within(
        10.0,
        lambda: not any(lasting.front.missing(path, lasting.token) for path in LISTS),
        "lists do not recover",
    )
    yield lasting
    for proxy in lasting.proxies.values():
        proxy.heal()


LISTS = ("/collections", "/processes", "/file_formats", "/jobs", "/services", "/files")


def test_their_collections_are_listed_and_described(federation: Federation) -> None:
    hosts = {
        each["id"]: each["federation:backends"] for each in federation.get("/collections")["collections"]
    }
    assert hosts["peer-demo"] == ["titiler"]
    assert hosts["S2_FOOBAR"] == ["driver"]
    assert hosts["sentinel-2-l2a-demo"] == ["own"]
    for collection, names in hosts.items():
        assert federation.get(f"/collections/{collection}")["federation:backends"] == names


def test_all_that_is_merged_passes_the_contract(federation: Federation) -> None:
    contract = load_contract("1.3.0", federation=True)
    described = (f"/collections/{each['id']}" for each in federation.get("/collections")["collections"])
    for path in ("/", "/udf_runtimes", "/service_types", *LISTS, *described):
        operation = contract.match("GET", path)
        assert operation is not None
        assert contract.faults(operation, 200, "application/json", federation.get(path)) == [], path


def test_what_they_have_in_common_and_what_not_is_told(federation: Federation) -> None:
    processes = {each["id"]: each for each in federation.get("/processes")["processes"]}
    assert processes["add"]["federation:backends"] == list(NAMES)
    assert {tuple(each["federation:backends"]) for each in processes.values()} > {("driver",), ("titiler",)}
    (name,) = (name for name in federation.get("/file_formats")["output"] if name.lower() == "png")
    assert federation.get("/file_formats")["output"][name].get("federation:backends", NAMES)
    members = federation.front.members()
    assert all(members[each]["title"] for each in NAMES)
    assert all(members[each]["last_successful_check"] for each in NAMES)


@pytest.mark.parametrize(
    ("process", "able"),
    [
        (ADD, set(NAMES)),
        (picture("peer-demo", bands=["B04"]), {"titiler"}),
        (picture("S2_FOOBAR", format_="GTiff"), {"driver"}),
        (picture("sentinel-2-l2a-demo", format_="GTiff"), {"own"}),
    ],
)
def test_a_process_is_valid_where_it_can_run(federation: Federation, process: Json, able: set[str]) -> None:
    answer = federation.send("/validation", process).json()
    assert answer["errors"] == []
    assert set(answer["federation:backends"]) == able


def test_what_nobody_can_run_is_refused_with_all_reasons(federation: Federation) -> None:
    answer = federation.send("/result", picture("S2_FOOBAR", format_="no-such-format"))
    assert 400 <= answer.status_code < 500
    for name in NAMES:
        assert f"{name}: " in answer.json()["message"]


def test_results_come_from_where_the_data_are(federation: Federation) -> None:
    drawn = federation.send("/result", picture("peer-demo", bands=["B04"]))
    assert drawn.status_code == 200, drawn.text
    assert drawn.content.startswith(b"\x89PNG")
    added = federation.send("/result", ADD, "driver")
    assert (added.status_code, added.text.strip()) == (200, "8")


def test_a_job_lives_at_its_back_end(federation: Federation) -> None:
    created = federation.send("/jobs", ADD, "driver")
    assert created.status_code == 201, created.text
    job = created.headers["openeo-identifier"]
    assert job.startswith("driver~")
    assert federation.get(f"/jobs/{job}")["federation:backends"] == ["driver"]
    assert job in {each["id"] for each in federation.get("/jobs")["jobs"]}
    assert federation.get(f"/jobs/{job}/logs")["logs"] is not None
    headers = {"authorization": f"Bearer {federation.token}"}
    url = f"{federation.front.url}/jobs/{job}"
    assert httpx.delete(url, headers=headers, timeout=30).status_code == 204
    # One that has no jobs at all does not take any, and says so.
    refused = federation.send("/jobs", ADD, "titiler")
    assert (refused.status_code, refused.json()["code"]) == (501, "FeatureUnsupported")
    assert "titiler: it does not offer `POST /jobs`" in refused.json()["message"]


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize(
    "fault", [hang(), reset(), busy(), truncate(), wrong(), cut(), trickle(0.2)], ids=lambda fault: fault.kind
)
def test_what_fails_there_does_no_harm_to_the_others(federation: Federation, name: str, fault: Fault) -> None:
    before = {path: federation.get(path) for path in ("/collections", "/processes", "/file_formats")}
    federation.proxies[name].fail(fault)
    within(
        QUICK["probe_interval"] + QUICK["deadline"],
        lambda: name not in federation.front.online(),
        "it is not seen that the back-end fails",
    )
    for path in LISTS:
        answer, seconds = measured(lambda path=path: federation.front.get(path, federation.token))  # type: ignore[misc]
        assert answer.status_code == 200, answer.text
        assert set(answer.json()["federation:missing"]) <= {name}
        assert seconds < (QUICK["deadline"] + 0.5) * MARGIN
        if path in before:
            assert answer.json() == {**before[path], "federation:missing": [name]}
    other = "own" if name == "driver" else "driver"
    added = federation.send("/result", ADD, other)
    assert (added.status_code, added.text.strip()) == (200, "8")
    assert other in federation.send("/validation", ADD).json()["federation:backends"]
    # Who cannot be replaced is named.
    process = (
        picture("peer-demo", bands=["B04"]) if name == "titiler" else picture("S2_FOOBAR", format_="GTiff")
    )
    refused = federation.send("/result", process)
    assert refused.status_code == 503, refused.text
    assert f"'{name}'" in refused.json()["message"]
    assert int(refused.headers["retry-after"]) > 0
