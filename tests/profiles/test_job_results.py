"""Requirements of starting and stopping batch jobs, and of their results."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import rasterio

from profiles.api import Api, body, denied, link, refused
from profiles.graphs import heavy, ndvi
from profiles.jobs import RESULTS, Job, create, tiny_graph
from profiles.requirement import requirement
from profiles.stac import declared_extensions, faults, used_extensions


@pytest.fixture(scope="module")
def results(finished: Job) -> Any:
    return body(finished.client.get(f"{finished.path}/results"), RESULTS)


@pytest.fixture(scope="module")
def items(results: Any, anonymous: httpx.Client) -> list[Any]:
    """The Items that the Collection links to, fetched as anybody could."""
    answers = [anonymous.get(each["href"]) for each in results["links"] if each["rel"] == "item"]
    assert all(answer.status_code == 200 for answer in answers)
    return [answer.json() for answer in answers]


@pytest.fixture(scope="module")
def running(user: httpx.Client) -> Iterator[Job]:
    """A job that takes long."""
    job = create(user, heavy())
    job.start()
    job.wait("running")
    yield job
    job.cancel()


@requirement(850)
def test_start_for_users(user: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    job = create(user, tiny_graph())
    denied(anonymous.post(f"{job.path}/results"))
    refused(api.user().post(f"{job.path}/results"), 404, "JobNotFound")
    assert job.describe()["status"] == "created"
    job.start()
    assert job.wait()["status"] == "finished"


@requirement(851)
def test_start(running: Job) -> None:
    before = running.describe()
    assert before["status"] == "running"
    answer = running.client.post(f"{running.path}/results")
    assert (answer.status_code, answer.content) == (202, b"")
    after = running.describe()
    assert (after["status"], after["started"], after["queued"]) == (
        "running",
        before["started"],
        before["queued"],
    )


@requirement(852)
def test_unpaid(user: httpx.Client) -> None:
    job = create(user, ndvi(), plan="paid", budget=0.000001)
    refused(user.post(f"{job.path}/results"), 402, "PaymentRequired")
    assert job.describe()["status"] == "created"
    assert user.patch(job.path, json={"budget": 1000}).status_code == 204
    job.start()
    assert job.wait()["status"] == "finished"


@requirement(860)
def test_results_for_users(results: Any, finished: Job, anonymous: httpx.Client, api: Api) -> None:
    assert results["assets"]
    path = f"{finished.path}/results"
    denied(anonymous.get(path))
    refused(api.user().get(path), 404, "JobNotFound")


@requirement(861)
def test_statuses_of_results(finished: Job, failed: Job, user: httpx.Client) -> None:
    assert finished.client.get(f"{finished.path}/results").status_code == 200
    answer = failed.client.get(f"{failed.path}/results")
    message = refused(answer, 424, "NoDataAvailable")
    error = answer.json()
    assert (error["id"], error["level"]) == (failed.logs(level="error")[-1]["id"], "error")
    assert message == failed.logs(level="error")[-1]["message"]
    waiting = create(user, tiny_graph())
    refused(user.get(f"{waiting.path}/results"), 400, "JobNotStarted")
    refused(user.get("/jobs/nothing/results"), 404, "JobNotFound")


@requirement(862)
def test_partial_results(running: Job, finished: Job, results: Any) -> None:
    """Of a job that has nothing yet there is no part either."""
    complete = body(finished.client.get(f"{finished.path}/results?partial=true"), RESULTS)
    assert complete["assets"].keys() == results["assets"].keys()
    assert complete.get("openeo:status", "finished") == "finished"
    answer = running.client.get(f"{running.path}/results?partial=true")
    if answer.status_code == 200:
        assert body(answer, RESULTS)["openeo:status"] == "running"
    else:
        refused(answer, 400, "JobNotFinished")


@requirement(863)
def test_results_before_the_end(running: Job) -> None:
    for query in ("", "?partial=false"):
        refused(running.client.get(f"{running.path}/results{query}"), 400, "JobNotFinished")


@requirement(864)
def test_costs_of_the_download(finished: Job) -> None:
    answer = finished.client.get(f"{finished.path}/results")
    assert float(answer.headers["openeo-costs"]) == 0


@requirement(865)
def test_results_are_valid(results: Any, finished: Job) -> None:
    assert results["type"] == "Collection"
    assert faults(results) == []
    answer = finished.client.get(f"{finished.path}/results", headers={"Accept": "application/geo+json"})
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.json()["type"] == "Feature"
    assert faults(answer.json()) == []


@requirement(866)
def test_stac_version(results: Any) -> None:
    assert tuple(map(int, results["stac_version"].split("."))) >= (1, 0, 0)


@requirement(867)
def test_items(results: Any, items: list[Any]) -> None:
    assert items
    for item in items:
        assert item["type"] == "Feature"
        assert faults(item) == []
        assert link(item, "collection") == link(results, "canonical")
        assert item["collection"] == results["id"]
        for key, asset in item["assets"].items():
            assert key in results["assets"], "all assets of Items are those of the Collection"
            assert asset["type"] == results["assets"][key]["type"]


@requirement(869)
def test_assets(results: Any, anonymous: httpx.Client) -> None:
    media_types = {"image/tiff; application=geotiff; profile=cloud-optimized", "application/x-netcdf"}
    assert {asset["type"] for asset in results["assets"].values() if "data" in asset["roles"]} == media_types
    for asset in results["assets"].values():
        assert asset["title"]
        answer = anonymous.get(asset["href"])
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == asset["type"].partition(";")[0]
        assert len(answer.content) == asset["file:size"]
        part = anonymous.get(asset["href"], headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, answer.content[10:20])
        head = anonymous.head(asset["href"])
        assert int(head.headers["content-length"]) == len(answer.content)


@requirement(870)
def test_further_metadata(results: Any, items: list[Any], anonymous: httpx.Client) -> None:
    raster = next(asset for asset in results["assets"].values() if asset["type"].startswith("image/tiff"))
    with rasterio.open(io.BytesIO(anonymous.get(raster["href"]).content)) as file:
        shape, bounds, transform = list(file.shape), list(file.bounds), list(file.transform)[:6]
    holder = {**raster, **next((i["properties"] for i in items if raster["href"] in str(i)), {})}
    assert holder["proj:code"] == "EPSG:32632"
    assert holder["proj:shape"] == shape
    assert holder["proj:bbox"] == pytest.approx(bounds)
    assert holder["proj:transform"][:6] == pytest.approx(transform)
    assert raster.get("bands") or raster.get("raster:bands")
    west, south, east, north = results["extent"]["spatial"]["bbox"][0]
    assert 10.63 < west < east < 10.65
    assert 47.53 < south < north < 47.56
    start, end = results["extent"]["temporal"]["interval"][0]
    assert "2024-06" in start
    assert "2024-06" in end
    for document in (results, *items):
        assert used_extensions(document) <= declared_extensions(document)


@requirement(871)
def test_canonical_link(results: Any, anonymous: httpx.Client, api: Api) -> None:
    target = link(results, "canonical")
    assert target is not None
    assert target.startswith(api.url)
    answer = anonymous.get(target)
    assert answer.status_code == 200, answer.text
    shared = answer.json()
    assert shared["assets"].keys() == results["assets"].keys()
    assert faults(shared) == []
    for asset in shared["assets"].values():
        assert anonymous.head(asset["href"]).status_code == 200
    forged = target[:-4] + ("AAAA" if target[-4:] != "AAAA" else "BBBB")
    assert anonymous.get(forged).status_code in (404, 410)
    assert anonymous.get(forged).json()["code"] in ("ResultLinkExpired", "NotFound")


@requirement(872)
def test_end_of_the_link(results: Any) -> None:
    expires = datetime.fromisoformat(results["expires"])
    assert datetime.now(UTC) < expires


@requirement(890)
def test_cancel_for_users(running: Job, anonymous: httpx.Client, api: Api) -> None:
    denied(anonymous.delete(f"{running.path}/results"))
    refused(api.user().delete(f"{running.path}/results"), 404, "JobNotFound")
    assert running.describe()["status"] == "running"


@requirement(891)
def test_cancel(user: httpx.Client, finished: Job) -> None:
    jobs = [create(user, heavy()) for _ in range(3)]
    for job in jobs:
        job.start()
    # A user's jobs wait for each other, so that the last one is in the queue still.
    jobs[-1].wait("queued", "running")
    for job in reversed(jobs):
        answer = user.delete(f"{job.path}/results")
        assert (answer.status_code, answer.content) == (204, b"")
        assert job.describe()["status"] in ("created", "canceled")
    # Nothing to cancel: nothing changes.
    for job, status in ((create(user, tiny_graph()), "created"), (finished, "finished")):
        assert job.client.delete(f"{job.path}/results").status_code == 204
        assert job.describe()["status"] == status
