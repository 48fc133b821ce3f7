"""Requirements of the logs of batch jobs, and of estimates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from profiles.api import Api, body, denied, link, pages, refused
from profiles.graphs import add, heavy, ndvi, node, with_result
from profiles.jobs import Job, create, tiny_graph
from profiles.requirement import requirement

LOGS = "/jobs/{job_id}/logs"
ESTIMATE = "/jobs/{job_id}/estimate"


@pytest.fixture(scope="module")
def log(finished: Job) -> Any:
    return body(finished.client.get(f"{finished.path}/logs"), LOGS)


@requirement(800)
def test_log_for_users(finished: Job, anonymous: httpx.Client, api: Api) -> None:
    path = f"{finished.path}/logs"
    body(finished.client.get(path), LOGS)
    denied(anonymous.get(path))
    refused(api.user().get(path), 404, "JobNotFound")


@requirement(801)
def test_offset(finished: Job, log: Any) -> None:
    assert len(log["logs"]) >= 3
    for number, entry in enumerate(log["logs"]):
        assert finished.logs(offset=entry["id"]) == log["logs"][number + 1 :]
    assert finished.logs(offset="") == log["logs"]


@requirement(802)
def test_level(finished: Job, log: Any) -> None:
    order = ["debug", "info", "warning", "error"]
    for number, level in enumerate(order):
        wanted = [entry for entry in log["logs"] if entry["level"] in order[number:]]
        assert finished.logs(level=level) == wanted
    assert {"debug", "info", "warning"} <= {entry["level"] for entry in log["logs"]}
    refused(finished.client.get(f"{finished.path}/logs?level=loud"), 400, "RequestInvalid")


@requirement(803)
def test_pages(finished: Job, log: Any) -> None:
    first = body(finished.client.get(f"{finished.path}/logs?limit=1"), LOGS)
    assert first["logs"] == log["logs"][:1]
    assert link(first, "next") is not None
    assert pages(finished.client, f"{finished.path}/logs", "logs", 2) == log["logs"]


@requirement(804)
def test_log(log: Any) -> None:
    assert isinstance(log["logs"], list)
    assert isinstance(log["links"], list)
    assert link(log, "next") is None


@requirement(805)
def test_level_is_told(finished: Job, log: Any, user: httpx.Client) -> None:
    assert log["level"] == "debug"
    path = f"{finished.path}/logs"
    assert body(finished.client.get(f"{path}?level=warning"), LOGS)["level"] == "warning"
    quiet = create(user, add(), log_level="error")
    for level in ("debug", "error"):
        assert body(user.get(f"{quiet.path}/logs?level={level}"), LOGS)["level"] == "error"


@requirement(806)
def test_entries(log: Any) -> None:
    ids = [entry["id"] for entry in log["logs"]]
    assert len(set(ids)) == len(ids)
    for entry in log["logs"]:
        assert entry["level"] in ("debug", "info", "warning", "error")
        assert entry["message"]


@requirement(807)
def test_times_codes_and_data(log: Any) -> None:
    times = [datetime.fromisoformat(entry["time"]) for entry in log["logs"]]
    assert all(time.tzinfo is not None for time in times)
    assert times == sorted(times)
    assert times[-1] <= datetime.now(UTC)
    (entry,) = (entry for entry in log["logs"] if entry["message"] == "what was loaded")
    assert entry["code"] == "Loaded"
    assert entry["data"]
    assert [place["node_id"] for place in entry["path"]] == ["look"]


@requirement(808)
def test_messages_are_short(log: Any, failed: Job, api: Api) -> None:
    errors = [entry for entry in failed.logs() if entry["level"] == "error"]
    assert errors[-1]["code"] == "NoDataAvailable"
    for entry in (*log["logs"], *failed.logs()):
        assert len(entry["message"]) < 1000
        assert not re.search(r'Traceback|File "|\.py\b|site-packages', str(entry))
        assert str(api.server.data) not in str(entry)


@pytest.fixture(scope="module")
def estimate(user: httpx.Client) -> Any:
    """That of a small job of the plan that costs something."""
    job = create(user, ndvi(), plan="paid")
    return body(user.get(f"{job.path}/estimate"), ESTIMATE)


@requirement(820)
def test_estimate_for_users(estimate: Any, finished: Job, anonymous: httpx.Client, api: Api) -> None:
    assert {"costs", "duration", "size"} & estimate.keys()
    path = f"{finished.path}/estimate"
    denied(anonymous.get(path))
    refused(api.user().get(path), 404, "JobNotFound")


@requirement(821)
def test_estimate_of_costs(estimate: Any, user: httpx.Client) -> None:
    assert estimate["costs"] > 0
    larger = create(user, ndvi(spatial_extent=None), plan="paid")
    assert body(user.get(f"{larger.path}/estimate"), ESTIMATE)["costs"] > estimate["costs"]
    free = create(user, ndvi(), plan="free")
    assert body(user.get(f"{free.path}/estimate"), ESTIMATE)["costs"] == 0


@requirement(822)
def test_estimate_of_the_duration(estimate: Any, user: httpx.Client) -> None:
    duration = r"P(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
    assert re.fullmatch(duration, estimate["duration"]), estimate
    job = create(user, heavy())
    assert re.fullmatch(duration, user.get(f"{job.path}/estimate").json()["duration"])


@requirement(823)
def test_estimate_of_the_size(estimate: Any, user: httpx.Client) -> None:
    pixels = 50 * 50
    dates = len(user.post("/result", json={"process": {"process_graph": labels()}}).json())
    uncompressed = pixels * dates * 4
    assert uncompressed / 10 <= estimate["size"] <= uncompressed * 4


def labels() -> dict[str, Any]:
    """The dates of the cube that is estimated."""
    graph = {
        "load": ndvi()["load"],
        "labels": node("dimension_labels", data={"from_node": "load"}, dimension="t"),
    }
    return with_result(graph)


@requirement(824)
def test_downloads_of_the_estimate(estimate: Any) -> None:
    """Null: any number of downloads is included."""
    assert "downloads_included" in estimate
    assert estimate["downloads_included"] is None or estimate["downloads_included"] > 0


@requirement(825)
def test_end_of_the_estimate(estimate: Any) -> None:
    assert datetime.fromisoformat(estimate["expires"]) > datetime.now(UTC)


@requirement(826)
def test_no_estimate(user: httpx.Client) -> None:
    sound = create(user, tiny_graph())
    body(user.get(f"{sound.path}/estimate"), ESTIMATE)
    unknown = create(user, ndvi(id="nowhere"))
    answer = user.get(f"{unknown.path}/estimate")
    if answer.status_code == 500:
        refused(answer, 500, "EstimateComplexity")
    else:
        refused(answer, 404, "CollectionNotFound")
    refused(user.get("/jobs/nothing/estimate"), 404, "JobNotFound")
