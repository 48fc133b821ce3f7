"""Batch jobs as the handlers show them: addresses, links, statuses."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from asgi_client import HOST, TOKEN, Client
from connexeo.handlers.result_documents import feature_of
from fake_driver import FakeDriver
from fake_jobs import PERMISSION, make_results

MakeClient = Callable[..., Client]

BOB = {"Authorization": "Bearer basic//bob-token"}
GRAPH = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
SHARED = f"/results/j-done/{PERMISSION}"


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()


def link_of(document: dict[str, list[dict[str, str]]], rel: str) -> str:
    (link,) = (link for link in document["links"] if link["rel"] == rel)
    return link["href"]


def test_new_job_has_an_address(client: Client) -> None:
    request = {"process": {"process_graph": GRAPH}, "title": "Sum"}
    created = client.post("/jobs", json=request, headers=TOKEN)
    assert (created.status_code, created.content) == (201, b"")
    job_id = created.headers["openeo-identifier"]
    assert created.headers["location"] == f"http://{HOST}/jobs/{job_id}"
    job = client.get(created.headers["location"], headers=TOKEN).json()
    assert job["title"] == "Sum"
    assert job["process"] == request["process"]


@pytest.mark.parametrize(
    ("job_id", "rels"),
    [("j-new", ["self"]), ("j-done", ["self", "monitor", "result"]), ("j-bad", ["self", "monitor"])],
)
def test_links_of_a_job(client: Client, job_id: str, rels: list[str]) -> None:
    job = client.get(f"/jobs/{job_id}", headers=TOKEN).json()
    assert [link["rel"] for link in job["links"]] == rels
    assert link_of(job, "self") == f"http://{HOST}/jobs/{job_id}"


def test_life_of_a_job(client: Client) -> None:
    for method, path, status in (
        ("POST", "/jobs/j-new/results", 202),
        ("PATCH", "/jobs/j-new", 400),
        ("DELETE", "/jobs/j-new/results", 204),
        ("PATCH", "/jobs/j-new", 204),
        ("DELETE", "/jobs/j-new", 204),
        ("GET", "/jobs/j-new", 404),
    ):
        body = {"json": {"title": None}} if method == "PATCH" else {}
        assert client.request(method, path, headers=TOKEN, **body).status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/estimate"),
        ("GET", "/logs"),
        ("GET", "/results"),
        ("POST", "/results"),
        ("DELETE", "/results"),
    ],
)
def test_job_of_another_user_does_not_exist(client: Client, method: str, path: str) -> None:
    body = {"json": {"title": "Mine"}} if method == "PATCH" else {}
    answers = [
        client.request(method, f"/jobs/{job_id}{path}", headers=BOB, **body) for job_id in ("j-done", "j-nix")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert [answer.json()["code"] for answer in answers] == ["JobNotFound", "JobNotFound"]


def test_pages_of_jobs(client: Client) -> None:
    first = client.get("/jobs?limit=2", headers=TOKEN).json()
    assert [job["id"] for job in first["jobs"]] == ["j-new", "j-bad"]
    assert all("process" not in job for job in first["jobs"])
    following = link_of(first, "next")
    assert parse_qs(urlsplit(following).query) == {"limit": ["2"], "offset": ["2"]}
    second = client.get(following, headers=TOKEN).json()
    assert [job["id"] for job in second["jobs"]] == ["j-done"]
    assert [link["rel"] for link in second["links"]] == ["self"]


def test_without_limit_everything_comes(make_client: MakeClient) -> None:
    driver = FakeDriver()
    assert driver.batch_jobs is not None
    driver.batch_jobs.page_size = 2
    client = make_client(driver)
    for _ in range(4):
        client.post("/jobs", json={"process": {"process_graph": GRAPH}}, headers=TOKEN)
    answer = client.get("/jobs", headers=TOKEN)
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert [job["id"] for job in document["jobs"]] == [
        "j-6", "j-5", "j-4", "j-3", "j-new", "j-bad", "j-done",
    ]  # fmt: skip
    assert [link["rel"] for link in document["links"]] == ["self"]
    logs = client.get("/jobs/j-done/logs", headers=TOKEN).json()
    assert [entry["id"] for entry in logs["logs"]] == [str(number) for number in range(1, 9)]
    assert logs["level"] == "debug"


def test_pages_of_logs(client: Client) -> None:
    first = client.get("/jobs/j-done/logs?limit=2&level=warning", headers=TOKEN).json()
    assert [entry["id"] for entry in first["logs"]] == ["3", "4"]
    assert first["level"] == "warning"
    second = client.get(link_of(first, "next"), headers=TOKEN).json()
    assert [entry["id"] for entry in second["logs"]] == ["7", "8"]
    assert [link["rel"] for link in second["links"]] == ["self"]


def test_results_have_signed_addresses(client: Client) -> None:
    answer = client.get("/jobs/j-done/results", headers=TOKEN)
    assert answer.headers["openeo-costs"] == "0"
    results = answer.json()
    assert link_of(results, "self") == f"http://{HOST}/jobs/j-done/results"
    assert link_of(results, "canonical") == f"http://{HOST}{SHARED}"
    assert link_of(results, "item") == f"http://{HOST}{SHARED}/items/data"
    asset = results["assets"]["data.txt"]
    assert client.get(asset["href"]).text == "0123456789"


def test_shared_documents_link_to_each_other(client: Client) -> None:
    collection = client.get(SHARED).json()
    assert link_of(collection, "self") == link_of(collection, "root") == f"http://{HOST}{SHARED}"
    answer = client.get(link_of(collection, "item"))
    assert answer.headers["content-type"] == "application/geo+json"
    item = answer.json()
    for rel in ("root", "parent", "collection"):
        assert link_of(item, rel) == link_of(collection, "self")
    assert item["assets"] == collection["assets"]


def test_file_in_parts(client: Client) -> None:
    whole = client.get(f"{SHARED}/data.txt")
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    head = client.request("HEAD", f"{SHARED}/data.txt")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")
    part = client.get(f"{SHARED}/data.txt", headers={"Range": "bytes=4-"})
    assert (part.status_code, part.text) == (206, "456789")
    assert part.headers["content-range"] == "bytes 4-9/10"
    beyond = client.get(f"{SHARED}/data.txt", headers={"Range": "bytes=10-"})
    assert beyond.status_code == 416


@pytest.mark.parametrize("path", ["", "/items/data", "/data.txt"])
def test_documents_answer_to_head(client: Client, path: str) -> None:
    head = client.request("HEAD", SHARED + path)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    ["j-done/wrong", "j-nix/" + PERMISSION, "j-done/wrong/items/data", "j-done/wrong/data.txt"],
)
def test_link_that_is_not_valid(client: Client, path: str) -> None:
    answer = client.get(f"/results/{path}")
    assert (answer.status_code, answer.json()["code"]) == (410, "ResultLinkExpired")


@pytest.mark.parametrize("path", ["items/more", "more.txt", "items/data/more", "..%2Fdata.txt"])
def test_what_the_results_do_not_have(client: Client, path: str) -> None:
    answer = client.get(f"{SHARED}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


@pytest.mark.parametrize(
    ("job_id", "status", "code"), [("j-new", 400, "JobNotStarted"), ("j-bad", 424, "DataCubeEmpty")]
)
def test_results_that_are_not_there(client: Client, job_id: str, status: int, code: str) -> None:
    answer = client.get(f"/jobs/{job_id}/results", headers=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_failed_job_answers_with_its_last_error(client: Client) -> None:
    entry = client.get("/jobs/j-bad/results", headers=TOKEN).json()
    assert entry == {"id": "7", "level": "error", "code": "DataCubeEmpty", "message": "no data"}


def test_partial_results(client: Client) -> None:
    client.post("/jobs/j-new/results", headers=TOKEN)
    refused = client.get("/jobs/j-new/results", headers=TOKEN)
    assert (refused.status_code, refused.json()["code"]) == (400, "JobNotFinished")
    results = client.get("/jobs/j-new/results?partial=true", headers=TOKEN).json()
    assert link_of(results, "self") == f"http://{HOST}/jobs/j-new/results?partial=true"


def test_geojson_for_who_accepts_nothing_else(client: Client) -> None:
    wanted = {**TOKEN, "Accept": "application/geo+json"}
    answer = client.get("/jobs/j-done/results", headers=wanted)
    assert answer.headers["content-type"] == "application/geo+json"
    item = answer.json()
    assert (item["type"], item["bbox"]) == ("Feature", [5.0, 51.0, 6.5, 52.0])
    assert item["properties"]["start_datetime"] == "2024-06-01T00:00:00Z"
    assert "extent" not in item
    assert link_of(item, "canonical") == f"http://{HOST}{SHARED}"
    assert item["geometry"]["coordinates"] == [
        [[5.0, 51.0], [6.5, 51.0], [6.5, 52.0], [5.0, 52.0], [5.0, 51.0]]
    ]
    either = client.get("/jobs/j-done/results", headers={**TOKEN, "Accept": "application/geo+json, */*"})
    assert either.json()["type"] == "Collection"


def test_geojson_of_whatever_a_driver_has(client: Client) -> None:
    results = make_results("j-done").document
    boxes = {"spatial": {"bbox": [[170.0, -20.0, 0.0, -170.0, -10.0, 100.0]]}}
    item = feature_of({**results, "extent": {**results["extent"], **boxes}, "links": []})
    assert item["geometry"]["type"] == "MultiPolygon"
    assert [part[0][0] for part in item["geometry"]["coordinates"]] == [[170.0, -20.0], [-180.0, -20.0]]
    timeless = {**results["extent"], "temporal": {"interval": [[None, "2024-06-30T00:00:00Z"]]}}
    item = feature_of({**results, "extent": timeless, "links": []})
    assert item["properties"]["datetime"] == results["updated"]
