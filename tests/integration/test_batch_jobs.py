"""Batch jobs at a real server with a real worker: from creation to deletion, and what must be refused."""

from __future__ import annotations

import hashlib
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pystac
import pytest
import rasterio
from pystac.validation import validate_dict

COLLECTION = "sentinel-2-l2a-demo"
BOX = {"west": 623000, "south": 5267000, "east": 623500, "north": 5267500, "crs": 32632}
"""50 × 50 pixels."""

Expect = Callable[..., str]
Graph = dict[str, Any]


@pytest.fixture(scope="module")
def client(demo_server: Any, token_of: Callable[..., str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token_of(demo_server)}"}
    with httpx.Client(base_url=demo_server.url, headers=headers, timeout=60) as client:
        yield client


def loading(collection: str = COLLECTION, **options: Any) -> Graph:
    load = {"id": collection, "spatial_extent": BOX, "bands": ["B04", "B08"]}
    load["temporal_extent"] = ["2024-06-01", "2024-08-01"]
    save = {"data": {"from_node": "load"}, "format": "GTiff", "options": options}
    return {
        "load": {"process_id": "load_collection", "arguments": load},
        "save": {"process_id": "save_result", "arguments": save, "result": True},
    }


def create(client: httpx.Client, graph: Graph, **request: Any) -> str:
    created = client.post("/jobs", json={"process": {"process_graph": graph}, **request})
    assert created.status_code == 201, created.text
    return str(created.headers["openeo-identifier"])


def start(client: httpx.Client, job_id: str) -> None:
    assert client.post(f"/jobs/{job_id}/results").status_code == 202


def status(client: httpx.Client, job_id: str) -> str:
    return str(client.get(f"/jobs/{job_id}").json()["status"])


@pytest.fixture(scope="module")
def run(client: httpx.Client, wait_until: Callable[..., None]) -> Callable[..., str]:
    """Creates a job and waits for its end."""

    def run(graph: Graph, **request: Any) -> str:
        job_id = create(client, graph, **request)
        start(client, job_id)
        ended = ("finished", "error", "canceled")
        wait_until(lambda: status(client, job_id) in ended, f"the job {job_id} does not end")
        return job_id

    return run


@pytest.fixture(scope="module")
def finished(client: httpx.Client, run: Callable[..., str]) -> str:
    """A job with a GeoTIFF for each date, that looks at its data twice."""
    graph = loading()
    for name, data in (("first look", "load"), ("second look", "first look")):
        arguments = {"data": {"from_node": data}, "message": name}
        graph[name] = {"process_id": "inspect", "arguments": arguments}
    graph["save"]["arguments"]["data"] = {"from_node": "second look"}
    job_id = run(graph, title="Summer", log_level="debug")
    assert status(client, job_id) == "finished", client.get(f"/jobs/{job_id}/logs").text
    return job_id


@pytest.fixture(scope="module")
def results(client: httpx.Client, finished: str) -> dict[str, Any]:
    """The results of the job."""
    answer = client.get(f"/jobs/{finished}/results")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def link_of(document: dict[str, Any], rel: str) -> str:
    return next(str(link["href"]) for link in document["links"] if link["rel"] == rel)


def test_finished_job(client: httpx.Client, finished: str) -> None:
    job = client.get(f"/jobs/{finished}").json()
    assert (job["title"], job["status"], job["progress"]) == ("Summer", "finished", 100.0)
    moments = [job[name] for name in ("created", "queued", "started", "updated", "unpublished")]
    assert moments == sorted(moments)
    assert job["usage"]["cpu"]["value"] > 0
    assert "costs" not in job
    listed = {entry["id"]: entry for entry in client.get("/jobs").json()["jobs"]}
    assert "process" not in listed[finished]
    assert listed[finished]["status"] == "finished"


def test_logs(client: httpx.Client, finished: str) -> None:
    logs = client.get(f"/jobs/{finished}/logs").json()
    assert logs["level"] == "debug"
    inspected = {entry["message"]: entry["path"] for entry in logs["logs"] if "path" in entry}
    for name in ("first look", "second look"):
        assert inspected[name][0]["node_id"] == name
    ids = [entry["id"] for entry in logs["logs"]]
    behind = client.get(f"/jobs/{finished}/logs", params={"offset": ids[0]}).json()
    assert [entry["id"] for entry in behind["logs"]] == ids[1:]


def test_results_are_stac(results: dict[str, Any], finished: str) -> None:
    # The schemas of the extensions are on the web; those of STAC itself come with pystac.
    validate_dict({**results, "stac_extensions": []})
    assert results["id"] == finished
    assert results["openeo:status"] == "finished"
    assert datetime.fromisoformat(results["expires"]) < datetime.fromisoformat(results["unpublished"])
    assets = [asset for asset in results["assets"].values() if "data" in asset["roles"]]
    assert len(assets) > 1
    for asset in assets:
        assert asset["type"].startswith("image/tiff")
        assert asset["proj:code"] == "EPSG:32632"
        assert asset["proj:shape"] == [50, 50]
        assert [band["name"] for band in asset["bands"]] == ["B04", "B08"]
        for kind in ("bands", "raster:bands"):
            for band in asset[kind]:
                assert band["statistics"]["minimum"] <= band["statistics"]["mean"]
                assert "nodata" in band


def test_pystac_reads_them_without_a_token(results: dict[str, Any]) -> None:
    collection = pystac.Collection.from_file(link_of(results, "canonical"))
    items = list(collection.get_items())
    assert len(items) == len(results["assets"])
    for item in items:
        validate_dict({**item.to_dict(), "stac_extensions": []})
        parent = item.get_collection()
        assert parent is not None
        assert parent.id == collection.id
        ((name, asset),) = item.assets.items()
        assert asset.href == collection.assets[name].href
        with rasterio.open(asset.href) as image:
            assert (image.crs.to_epsg(), image.shape) == (32632, (50, 50))
            assert list(image.bounds) == asset.extra_fields["proj:bbox"]
            statistics = asset.extra_fields["raster:bands"][0]["statistics"]
            assert image.read(1, masked=True).min() == pytest.approx(statistics["minimum"])
        assert item.datetime is not None
        assert item.datetime.year == 2024


def test_downloads_can_be_resumed(results: dict[str, Any]) -> None:
    asset = next(iter(results["assets"].values()))
    with httpx.Client() as anybody:
        whole = anybody.get(asset["href"])
        assert whole.headers["content-type"] == asset["type"]
        assert len(whole.content) == asset["file:size"]
        assert "1220" + hashlib.sha256(whole.content).hexdigest() == asset["file:checksum"]
        head = anybody.head(asset["href"])
        assert (head.content, head.headers["content-length"]) == (b"", str(asset["file:size"]))
        resuming = {"Range": "bytes=1000-", "If-Range": head.headers["etag"]}
        rest = anybody.get(asset["href"], headers=resuming)
        assert (rest.status_code, rest.content) == (206, whole.content[1000:])
        changed = anybody.get(asset["href"], headers={**resuming, "If-Range": '"other"'})
        assert (changed.status_code, changed.content) == (200, whole.content)
        beyond = anybody.get(asset["href"], headers={"Range": f"bytes={asset['file:size']}-"})
        assert beyond.status_code == 416


def test_links_that_are_not_valid(
    results: dict[str, Any], demo_server: Any, expect_error: Expect, finished: str
) -> None:
    canonical = link_of(results, "canonical")
    permission = urlsplit(canonical).path.rpartition("/")[2]
    expiry, _, signature = permission.partition(".")
    base = f"{demo_server.url}/results"
    with httpx.Client() as anybody:
        for wrong in (
            f"{int(expiry, 16) + 1:x}.{signature}",
            f"0.{signature}",
            "x",
            signature,
            f"{permission}a",
        ):
            for path in ("", "/items/x", "/x.tif"):
                answer = anybody.get(f"{base}/{finished}/{wrong}{path}")
                expect_error(answer, demo_server, 410, "ResultLinkExpired")
        nowhere = anybody.get(f"{base}/j-{'0' * 32}/{permission}")
        expect_error(nowhere, demo_server, 410, "ResultLinkExpired")
        for path in ("x", "..%2F..%2Fx", "%2e%2e/x", "%2Fetc%2Fpasswd", "items/x", "items/..%2Fx", "%00"):
            answer = anybody.get(f"{canonical}/{path}")
            expect_error(answer, demo_server, 404, "NotFound")


def test_urls_of_paths_that_go_up(results: dict[str, Any]) -> None:
    """Clients tidy up paths before they send them; this one does not."""
    asset = next(iter(results["assets"].values()))
    address = asset["href"].rpartition("/")[0] + "/../../../secret"
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(address)
    assert raised.value.code == 404
    raised.value.close()


def test_estimate(client: httpx.Client) -> None:
    estimate = client.get(f"/jobs/{create(client, loading())}/estimate")
    assert estimate.status_code == 200, estimate.text
    figures = estimate.json()
    # Two bands of 50 × 50 pixels, of some dates.
    assert 2 * 50 * 50 <= figures["size"] < 10**7
    assert re.fullmatch(r"PT(\d+H)?(\d+M)?(\d+S)?", figures["duration"])
    assert "costs" not in figures


def test_stored_process_in_a_job(client: httpx.Client, run: Callable[..., str]) -> None:
    x = {"name": "x", "description": "Any number.", "schema": {"type": "number"}}
    double = {"process_id": "add", "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "x"}}}
    process = {"parameters": [x], "process_graph": {"double": {**double, "result": True}}}
    assert client.put("/process_graphs/double_it", json=process).status_code == 200
    graph = {"use": {"process_id": "double_it", "arguments": {"x": 21}, "result": True}}
    job_id = run(graph)
    (asset,) = client.get(f"/jobs/{job_id}/results").json()["assets"].values()
    assert httpx.get(asset["href"]).json() == 42
    assert client.delete("/process_graphs/double_it").status_code == 204
    refused = client.post("/jobs", json={"process": {"process_graph": graph}})
    assert (refused.status_code, refused.json()["code"]) == (400, "ProcessUnsupported")


def test_failed_job(client: httpx.Client, run: Callable[..., str]) -> None:
    graph = loading()
    graph["load"]["arguments"]["temporal_extent"] = ["1999-06-01", "1999-07-01"]
    job_id = run(graph)
    assert status(client, job_id) == "error"
    failed = client.get(f"/jobs/{job_id}/results")
    assert failed.status_code == 424
    entry = failed.json()
    assert {"id", "level", "code", "message"} <= entry.keys()
    assert entry["level"] == "error"
    errors = client.get(f"/jobs/{job_id}/logs?level=error").json()["logs"]
    assert errors[-1] == entry


def test_invalid_graph_is_refused(client: httpx.Client, demo_server: Any, expect_error: Expect) -> None:
    graph = {"one": {"process_id": "nothing_like_it", "arguments": {}, "result": True}}
    for answer in (
        client.post("/jobs", json={"process": {"process_graph": graph}}),
        client.patch(
            f"/jobs/{create(client, loading())}", json={"title": "x", "process": {"process_graph": graph}}
        ),
    ):
        expect_error(answer, demo_server, 400, "ProcessUnsupported", "nothing_like_it")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/estimate"), ("GET", "/logs"),
        ("GET", "/results"), ("POST", "/results"), ("DELETE", "/results"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("job_id", ["j-" + "0" * 32, "nope", "~", "..."])
def test_job_that_does_not_exist(
    client: httpx.Client, demo_server: Any, expect_error: Expect, method: str, path: str, job_id: str
) -> None:
    body: dict[str, Any] = {"json": {"title": "x"}} if method == "PATCH" else {}
    answer = client.request(method, f"/jobs/{job_id}{path}", **body)
    expect_error(answer, demo_server, 404, "JobNotFound")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=1.5", "offset=x", "offset=%00", "offset=%ff"]
)
def test_pages_that_cannot_be(
    client: httpx.Client, demo_server: Any, expect_error: Expect, query: str
) -> None:
    expect_error(client.get(f"/jobs?{query}"), demo_server, 400, "RequestInvalid")


def test_limit_that_is_huge(client: httpx.Client, finished: str) -> None:
    for path in ("/jobs", f"/jobs/{finished}/logs"):
        assert client.get(path, params={"limit": "9" * 30}).status_code == 200


def test_life_of_a_job_that_never_ends(client: httpx.Client, wait_until: Callable[..., None]) -> None:
    job_id = create(client, slow_graph(), title="slow")
    path = f"/jobs/{job_id}"
    assert client.get(f"{path}/results").json()["code"] == "JobNotStarted"
    start(client, job_id)
    assert client.patch(path, json={"title": "x"}).json()["code"] == "JobLocked"
    wait_until(lambda: status(client, job_id) == "running", "the job does not start")
    start(client, job_id)
    assert status(client, job_id) == "running"
    assert client.patch(path, json={"title": "x"}).json()["code"] == "JobLocked"
    assert client.get(f"{path}/results").json()["code"] == "JobNotFinished"
    assert client.delete(f"{path}/results").status_code == 204
    assert status(client, job_id) == "created"
    assert client.patch(path, json={"title": "x"}).status_code == 204
    start(client, job_id)
    wait_until(lambda: status(client, job_id) == "running", "the job does not start again")
    assert client.delete(path).status_code == 204
    assert client.get(path).json()["code"] == "JobNotFound"


def slow_graph() -> Graph:
    """Minutes of work, on all pixels of all dates."""
    child: Graph = {}
    for step in range(300):
        x = {"from_node": f"s{step - 1}"} if step else {"from_parameter": "x"}
        child[f"s{step}"] = {"process_id": "sin", "arguments": {"x": x}, "result": step == 299}
    load = {"id": COLLECTION, "spatial_extent": None, "temporal_extent": None}
    apply = {"data": {"from_node": "load"}, "process": {"process_graph": child}}
    save = {"data": {"from_node": "apply"}, "format": "GTiff"}
    return {
        "load": {"process_id": "load_collection", "arguments": load},
        "apply": {"process_id": "apply", "arguments": apply},
        "save": {"process_id": "save_result", "arguments": save, "result": True},
    }


def test_deleting_ends_everything(
    client: httpx.Client, demo_server: Any, run: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    job_id = run(loading(), title="short-lived")
    results = client.get(f"/jobs/{job_id}/results").json()
    folder = Path(demo_server.data) / "storage" / "jobs" / job_id
    assert folder.is_dir()
    assert client.delete(f"/jobs/{job_id}").status_code == 204
    assert not folder.exists()
    assert job_id not in {job["id"] for job in client.get("/jobs").json()["jobs"]}
    hrefs = [link_of(results, "canonical"), *(asset["href"] for asset in results["assets"].values())]
    assert all(re.search(job_id, href) for href in hrefs)
    assert {httpx.get(href).status_code for href in hrefs} == {410}
