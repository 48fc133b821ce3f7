"""Requirements of the metadata of batch jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from profiles.api import Api, body, denied, link, pages, refused
from profiles.graphs import FAULTY, add, heavy, ndvi, process
from profiles.jobs import FOLLOWS, ONE, Job, create, tiny_graph
from profiles.requirement import requirement

PROPERTIES: dict[str, Any] = {"title": "Two numbers", "description": "Adds *two* numbers."}


@pytest.fixture(scope="module")
def keeper(api: Api) -> httpx.Client:
    """A user with six jobs, five of them without a title."""
    client = api.user()
    create(client, add(), **PROPERTIES)
    for _ in range(5):
        create(client, add())
    return client


@pytest.fixture(scope="module")
def listed(keeper: httpx.Client) -> Any:
    return body(keeper.get("/jobs"), "/jobs")


@requirement(700)
def test_changes_of_the_status(finished: Job, failed: Job, user: httpx.Client) -> None:
    canceled = create(user, heavy())
    canceled.describe()
    canceled.start()
    canceled.wait("running")
    canceled.cancel()
    assert canceled.describe()["status"] in ("created", "canceled")
    canceled.start()
    canceled.describe()
    canceled.cancel()
    canceled.describe()
    assert finished.seen[0] == failed.seen[0] == canceled.seen[0] == "created"
    assert (finished.seen[-1], failed.seen[-1]) == ("finished", "error")
    for job in (finished, failed, canceled):
        for former, latter in zip(job.seen, job.seen[1:], strict=False):
            assert latter in FOLLOWS[former], job.seen


@requirement(710)
def test_list_for_users(listed: Any, anonymous: httpx.Client, api: Api) -> None:
    denied(anonymous.get("/jobs"))
    assert len(listed["jobs"]) == 6
    assert api.user().get("/jobs").json()["jobs"] == []


@requirement(711)
def test_list(listed: Any) -> None:
    assert isinstance(listed["jobs"], list)
    assert isinstance(listed["links"], list)


@requirement(712)
def test_pages(keeper: httpx.Client, listed: Any) -> None:
    first = body(keeper.get("/jobs?limit=4"), "/jobs")
    assert len(first["jobs"]) == 4
    assert link(first, "next") is not None
    for limit in (1, 4, 6):
        assert pages(keeper, "/jobs", "jobs", limit) == listed["jobs"]
    refused(keeper.get("/jobs?limit=0"), 400, "RequestInvalid")


@requirement(713)
def test_all_without_limit(keeper: httpx.Client, listed: Any) -> None:
    assert link(listed, "next") is None
    assert len({each["id"] for each in listed["jobs"]}) == 6
    assert body(keeper.get("/jobs?limit=&offset="), "/jobs")["jobs"] == listed["jobs"]


@requirement(714)
def test_entries(listed: Any) -> None:
    for each in listed["jobs"]:
        assert each["status"] == "created"
        assert datetime.fromisoformat(each["created"]).tzinfo is not None
        assert "process" not in each


@requirement(715)
def test_titles_are_listed(listed: Any) -> None:
    assert [each["title"] for each in listed["jobs"] if each.get("title")] == [PROPERTIES["title"]]


@requirement(730)
def test_create(user: httpx.Client, anonymous: httpx.Client) -> None:
    denied(anonymous.post("/jobs", json=process(add())))
    job = create(user, add())
    assert job.id in {each["id"] for each in user.get("/jobs").json()["jobs"]}


@requirement(731)
def test_faulty_processes(user: httpx.Client) -> None:
    before = user.get("/jobs").json()["jobs"]
    for name, (graph, code) in FAULTY.items():
        assert refused(user.post("/jobs", json=process(graph)), 400, code), name
    refused(user.post("/jobs", json={"title": "Nothing to do"}), 400, "ProcessGraphMissing")
    assert user.get("/jobs").json()["jobs"] == before


@requirement(732)
def test_billing(user: httpx.Client) -> None:
    described = create(user, add(), plan="PAID", budget=12.5).describe()
    assert (described["plan"], described["budget"]) == ("paid", 12.5)
    assert create(user, add()).describe()["plan"] == "free"
    assert create(user, add(), plan=None, budget=None).describe().get("budget") is None
    refused(user.post("/jobs", json=process(add(), plan="golden")), 400, "BillingPlanInvalid")
    refused(user.post("/jobs", json=process(add(), budget=0)), 400, "BudgetInvalid")


@requirement(733)
def test_log_level(user: httpx.Client) -> None:
    assert create(user, add(), log_level="warning").describe()["log_level"] == "warning"
    assert create(user, add()).describe().get("log_level", "info") == "info"
    refused(user.post("/jobs", json=process(add(), log_level="loud")), 400, "RequestInvalid")
    quiet = create(user, tiny_graph(), log_level="error")
    quiet.start()
    assert quiet.wait()["status"] == "finished"
    assert quiet.logs() == []


@requirement(734)
def test_title_and_description_are_kept(user: httpx.Client) -> None:
    described = create(user, add(), **PROPERTIES).describe()
    assert {key: described[key] for key in PROPERTIES} == PROPERTIES
    nothing = create(user, add(), title=None, description=None).describe()
    assert (nothing.get("title"), nothing.get("description")) == (None, None)


@requirement(735)
def test_further_properties_are_taken(user: httpx.Client) -> None:
    answer = user.post("/jobs", json=process(add(), river={"name": "Lech"}, priority=3, none=None))
    assert answer.status_code == 201, answer.text


@requirement(736)
def test_answer_to_create(user: httpx.Client, api: Api) -> None:
    answer = user.post("/jobs", json=process(add()))
    assert answer.status_code == 201
    assert answer.content == b""
    job_id = answer.headers["openeo-identifier"]
    assert answer.headers["location"] == f"{api.url}/jobs/{job_id}"
    assert body(user.get(answer.headers["location"]), ONE)["id"] == job_id
    assert user.post("/jobs", json=process(add())).headers["openeo-identifier"] != job_id


@requirement(737)
def test_new_job_waits(user: httpx.Client, finished: Job) -> None:
    job = create(user, tiny_graph())
    other = create(user, tiny_graph())
    other.start()
    other.wait("finished")
    # A worker has had time for a job that came later.
    described = job.describe()
    assert described["status"] == "created"
    assert "started" not in described
    assert finished.seen[0] == "created"
    refused(user.get(f"{job.path}/results"), 400, "JobNotStarted")


@requirement(750)
def test_described_for_users(keeper: httpx.Client, listed: Any, anonymous: httpx.Client, api: Api) -> None:
    path = f"/jobs/{listed['jobs'][0]['id']}"
    body(keeper.get(path), ONE)
    denied(anonymous.get(path))
    refused(api.user().get(path), 404, "JobNotFound")
    refused(keeper.get("/jobs/nothing"), 404, "JobNotFound")


@requirement(751)
def test_description(user: httpx.Client) -> None:
    described = create(user, ndvi()).describe()
    assert {"id", "process", "status", "created"} <= described.keys()
    assert described["process"] == {"process_graph": ndvi()}
    assert link(described, "self") == str(user.base_url.join(f"jobs/{described['id']}"))


@requirement(752)
def test_title_and_description(finished: Job) -> None:
    described = finished.describe()
    assert (described["title"], described["description"]) == ("Green in June", "How *green* it is.")


@requirement(753)
def test_costs_and_usage(finished: Job) -> None:
    described = finished.describe()
    assert (described["plan"], described["budget"]) == ("paid", 1000)
    assert 0 < described["costs"] < 1000
    assert {"cpu", "memory", "duration", "pixels"} <= described["usage"].keys()
    assert described["usage"]["pixels"]["value"] == 2 * 50 * 50, "two bands of one date"
    for name, metric in described["usage"].items():
        assert metric["value"] >= 0, name
        assert metric["unit"], name


@requirement(754)
def test_status_and_progress(finished: Job, failed: Job, user: httpx.Client) -> None:
    described = finished.describe()
    assert (described["status"], described["progress"]) == ("finished", 100)
    times = [datetime.fromisoformat(described[name]) for name in ("created", "queued", "started", "updated")]
    assert times == sorted(times)
    assert failed.describe()["status"] == "error"
    running = create(user, heavy())
    assert running.describe().get("progress", 0) == 0
    running.start()
    described = running.wait("running")
    assert 0 <= described.get("progress", 0) < 100
    assert "started" in described
    running.cancel()


@requirement(755)
def test_further_properties_are_reflected(finished: Job, user: httpx.Client) -> None:
    assert finished.describe()["river"] == {"name": "Lech"}
    job = create(user, add(), river={"name": "Lech"}, lake=None)
    assert user.patch(job.path, json={"river": {"name": "Inn"}, "sea": 1}).status_code == 204
    described = job.describe()
    assert (described["river"], described["sea"]) == ({"name": "Inn"}, 1)


@requirement(760)
def test_update_for_users(keeper: httpx.Client, listed: Any, anonymous: httpx.Client, api: Api) -> None:
    path = f"/jobs/{listed['jobs'][-1]['id']}"
    change = {"description": "Changed."}
    denied(anonymous.patch(path, json=change))
    refused(api.user().patch(path, json=change), 404, "JobNotFound")
    answer = keeper.patch(path, json=change)
    assert (answer.status_code, answer.content) == (204, b"")
    assert keeper.get(path).json()["description"] == "Changed."


@requirement(761)
def test_update_of_the_process(user: httpx.Client) -> None:
    job = create(user, add(1, 1))
    changed = {"process_graph": add(2, 2)}
    assert user.patch(job.path, json={"process": changed}).status_code == 204
    assert job.describe()["process"] == changed
    for name, (graph, code) in FAULTY.items():
        assert refused(user.patch(job.path, json=process(graph)), 400, code), name
    assert job.describe()["process"] == changed


@requirement(762)
def test_update_of_billing(user: httpx.Client) -> None:
    job = create(user, add(), plan="free")
    assert user.patch(job.path, json={"plan": "paid", "budget": 7}).status_code == 204
    described = job.describe()
    assert (described["plan"], described["budget"]) == ("paid", 7)
    assert user.patch(job.path, json={"budget": None}).status_code == 204
    assert job.describe().get("budget") is None
    refused(user.patch(job.path, json={"plan": "golden"}), 400, "BillingPlanInvalid")
    refused(user.patch(job.path, json={"budget": 0}), 400, "BudgetInvalid")


@requirement(763)
def test_update_of_the_log_level(user: httpx.Client) -> None:
    job = create(user, tiny_graph(), log_level="error")
    assert user.patch(job.path, json={"log_level": "warning"}).status_code == 204
    assert job.describe()["log_level"] == "warning"
    job.start()
    job.wait("finished")
    assert [entry["level"] for entry in job.logs()] == ["warning"]


@requirement(764)
def test_update_of_title_and_description(user: httpx.Client) -> None:
    job = create(user, add(), **PROPERTIES)
    assert user.patch(job.path, json={"title": "Sum"}).status_code == 204
    described = job.describe()
    assert (described["title"], described["description"]) == ("Sum", PROPERTIES["description"])
    assert user.patch(job.path, json={"title": None, "description": "New."}).status_code == 204
    described = job.describe()
    assert (described.get("title"), described["description"]) == (None, "New.")


@requirement(765)
def test_update_takes_further_properties(user: httpx.Client) -> None:
    job = create(user, add())
    assert user.patch(job.path, json={"lake": {"depth": 12}}).status_code == 204
    assert job.describe()["lake"] == {"depth": 12}


@requirement(780)
def test_delete_for_users(keeper: httpx.Client, listed: Any, anonymous: httpx.Client, api: Api) -> None:
    path = f"/jobs/{listed['jobs'][0]['id']}"
    denied(anonymous.delete(path))
    refused(api.user().delete(path), 404, "JobNotFound")
    assert keeper.get(path).status_code == 200


@requirement(781)
def test_delete(user: httpx.Client) -> None:
    waiting, running = create(user, add()), create(user, heavy())
    running.start()
    running.wait("running")
    for job in (waiting, running):
        answer = user.delete(job.path)
        assert (answer.status_code, answer.content) == (204, b"")
        refused(user.get(job.path), 404, "JobNotFound")
        refused(user.delete(job.path), 404, "JobNotFound")
        refused(user.get(f"{job.path}/logs"), 404, "JobNotFound")
        refused(user.get(f"{job.path}/results"), 404, "JobNotFound")
