"""Requirements of the processes that users store."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from profiles.api import Api, body, denied, link, nulls, pages, refused
from profiles.graphs import FAULTY, add, process
from profiles.requirement import requirement

ONE = "/process_graphs/{process_graph_id}"
NULLABLE = {"summary", "description", "parameters", "returns"}

FULL: dict[str, Any] = {
    "summary": "Adds one",
    "description": "Adds *one* to a number.",
    "parameters": [{"name": "x", "description": "A number.", "schema": {"type": "number"}}],
    "returns": {"description": "The sum.", "schema": {"type": "number"}},
    "categories": ["math"],
    "process_graph": add(x={"from_parameter": "x"}, y=1),
}


@pytest.fixture(scope="module")
def keeper(api: Api) -> httpx.Client:
    """A user with six stored processes, of which one says all of itself and five nothing."""
    client = api.user()
    assert client.put("/process_graphs/full", json=FULL).status_code == 200
    for number in range(5):
        stored = client.put(f"/process_graphs/plain_{number}", json={"process_graph": add()})
        assert stored.status_code == 200, stored.text
    return client


@pytest.fixture(scope="module")
def listed(keeper: httpx.Client) -> Any:
    return body(keeper.get("/process_graphs"), "/process_graphs")


@requirement(400)
def test_list_for_users(listed: Any, anonymous: httpx.Client, api: Api) -> None:
    denied(anonymous.get("/process_graphs"))
    assert len(listed["processes"]) == 6
    assert api.user().get("/process_graphs").json()["processes"] == []


@requirement(401)
def test_list(listed: Any) -> None:
    assert isinstance(listed["processes"], list)
    assert isinstance(listed["links"], list)


@requirement(402)
def test_pages(keeper: httpx.Client, listed: Any) -> None:
    first = body(keeper.get("/process_graphs?limit=4"), "/process_graphs")
    assert len(first["processes"]) == 4
    assert link(first, "next") is not None
    assert pages(keeper, "/process_graphs", "processes", 4) == listed["processes"]
    assert pages(keeper, "/process_graphs", "processes", 6) == listed["processes"]


@requirement(403)
def test_all_without_limit(listed: Any) -> None:
    assert link(listed, "next") is None
    expected = {"full", *(f"plain_{number}" for number in range(5))}
    assert {each["id"] for each in listed["processes"]} == expected


@requirement(404)
def test_entries(listed: Any) -> None:
    (full,) = (each for each in listed["processes"] if each["id"] == "full")
    assert full["summary"] == FULL["summary"]
    assert full["parameters"] == FULL["parameters"]
    assert all("process_graph" not in each for each in listed["processes"])


@requirement(405)
def test_nulls_of_the_list(listed: Any) -> None:
    for each in listed["processes"]:
        assert {place.split("/")[1] for place in nulls(each)} <= NULLABLE


@requirement(410)
def test_create(user: httpx.Client, anonymous: httpx.Client) -> None:
    denied(anonymous.put("/process_graphs/created", json=FULL))
    answer = user.put("/process_graphs/created", json=FULL)
    assert (answer.status_code, answer.content) == (200, b"")
    graph = {"a": {"process_id": "created", "arguments": {"x": 41}, "result": True}}
    assert user.post("/result", json=process(graph)).json() == 42


@requirement(411)
def test_update(user: httpx.Client) -> None:
    for summary, graph in (("First", add(1, 1)), ("Second", add(2, 2))):
        stored = user.put("/process_graphs/updated", json={"summary": summary, "process_graph": graph})
        assert stored.status_code == 200
        described = body(user.get("/process_graphs/updated"), ONE)
        assert (described["summary"], described["process_graph"]) == (summary, graph)


@requirement(412)
def test_faulty_processes(user: httpx.Client) -> None:
    for name, (graph, code) in FAULTY.items():
        assert refused(user.put("/process_graphs/faulty", json={"process_graph": graph}), 400, code), name
    refused(user.put("/process_graphs/faulty", json={}), 400, "ProcessGraphMissing")
    refused(user.put("/process_graphs/add", json=FULL), 400, "PredefinedProcessExists")
    refused(user.put("/process_graphs/two%20words", json=FULL), 404, "NotFound")
    refused(user.get("/process_graphs/faulty"), 404, "ProcessGraphNotFound")


@requirement(413)
def test_id_of_the_path(user: httpx.Client) -> None:
    assert user.put("/process_graphs/right", json={**FULL, "id": "wrong"}).status_code == 200
    assert body(user.get("/process_graphs/right"), ONE)["id"] == "right"
    refused(user.get("/process_graphs/wrong"), 404, "ProcessGraphNotFound")


@requirement(414)
def test_replaced_as_a_whole(user: httpx.Client) -> None:
    assert user.put("/process_graphs/replaced", json=FULL).status_code == 200
    assert user.put("/process_graphs/replaced", json={"process_graph": add()}).status_code == 200
    described = body(user.get("/process_graphs/replaced"), ONE)
    kept = {key: value for key, value in described.items() if value is not None and key != "links"}
    assert kept == {"id": "replaced", "process_graph": add()}


@requirement(420)
def test_described_for_users(keeper: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    body(keeper.get("/process_graphs/full"), ONE)
    denied(anonymous.get("/process_graphs/full"))
    refused(api.user().get("/process_graphs/full"), 404, "ProcessGraphNotFound")


@requirement(421)
def test_description(keeper: httpx.Client) -> None:
    described = body(keeper.get("/process_graphs/full"), ONE)
    assert {key: described[key] for key in FULL} == FULL
    assert described["id"] == "full"


@requirement(422)
def test_nulls_of_a_description(keeper: httpx.Client) -> None:
    for name in ("full", "plain_0"):
        described = body(keeper.get(f"/process_graphs/{name}"), ONE)
        assert {place.split("/")[1] for place in nulls(described)} <= NULLABLE


@requirement(430)
def test_delete_for_users(keeper: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    denied(anonymous.delete("/process_graphs/full"))
    refused(api.user().delete("/process_graphs/full"), 404, "ProcessGraphNotFound")
    assert keeper.get("/process_graphs/full").status_code == 200


@requirement(431)
def test_delete(user: httpx.Client) -> None:
    assert user.put("/process_graphs/deleted", json=FULL).status_code == 200
    answer = user.delete("/process_graphs/deleted")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(user.get("/process_graphs/deleted"), 404, "ProcessGraphNotFound")
    refused(user.delete("/process_graphs/deleted"), 404, "ProcessGraphNotFound")
    assert "deleted" not in {each["id"] for each in user.get("/process_graphs").json()["processes"]}
