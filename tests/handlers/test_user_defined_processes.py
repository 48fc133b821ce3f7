"""Handlers of stored processes: links, pages, and addresses in namespaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from asgi_client import HOST, Client
from fake_driver import FakeDriver

MakeClient = Callable[..., Client]

ALICE = {"Authorization": "Bearer basic//alice-token"}
BOB = {"Authorization": "Bearer basic//bob-token"}


def _process(**more: Any) -> dict[str, Any]:
    graph = {"a": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
    return {"summary": "Adds", "process_graph": graph, **more}


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client(FakeDriver())


def _links(document: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


def test_put_describe_delete(client: Client) -> None:
    answer = client.request("PUT", "/process_graphs/three", headers=ALICE, json=_process(id="other"))
    assert (answer.status_code, answer.content) == (200, b"")
    described = client.get("/process_graphs/three", headers=ALICE).json()
    assert described["id"] == "three"
    assert described["process_graph"] == _process()["process_graph"]
    assert _links(described)["self"] == f"http://{HOST}/process_graphs/three"
    assert client.get("/process_graphs/three", headers=BOB).json()["code"] == "ProcessGraphNotFound"
    assert client.request("DELETE", "/process_graphs/three", headers=BOB).status_code == 404
    answer = client.request("DELETE", "/process_graphs/three", headers=ALICE)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.request("DELETE", "/process_graphs/three", headers=ALICE).status_code == 404


def test_links_of_users_are_kept_unless_they_claim_to_be_ours(client: Client) -> None:
    theirs = [
        {"rel": "canonical", "href": "https://evil.example/three"},
        {"rel": "about", "href": "https://docs.example/three"},
    ]
    client.request("PUT", "/process_graphs/three", headers=ALICE, json=_process(links=theirs))
    described = client.get("/process_graphs/three", headers=ALICE).json()
    assert _links(described) == {
        "self": f"http://{HOST}/process_graphs/three",
        "canonical": f"http://{HOST}/shared/processes/alice.three",
        "about": "https://docs.example/three",
    }


def test_whoever_has_the_link_can_read_the_process(client: Client) -> None:
    client.request("PUT", "/process_graphs/three", headers=ALICE, json=_process())
    address = _links(client.get("/process_graphs/three", headers=ALICE).json())["canonical"]
    shared = client.get(urlsplit(address).path).json()
    assert (shared["id"], shared["process_graph"]) == ("three", _process()["process_graph"])
    assert _links(shared)["canonical"] == address
    assert client.get("/shared/processes/alice.four").json()["code"] == "ProcessGraphNotFound"


def test_namespaces_in_shared_processes_are_addresses(client: Client) -> None:
    inner = {
        "x": {"process_id": "b", "namespace": "/shared/processes/alice.b", "arguments": {}, "result": True}
    }
    node = {"process_id": "apply", "arguments": {"process": {"process_graph": inner}}, "result": True}
    client.request("PUT", "/process_graphs/a", headers=ALICE, json=_process(process_graph={"n": node}))
    shared = client.get("/shared/processes/alice.a").json()
    child = shared["process_graph"]["n"]["arguments"]["process"]["process_graph"]["x"]
    assert child["namespace"] == f"http://{HOST}/shared/processes/alice.b"
    assert "namespace" not in shared["process_graph"]["n"]


@pytest.mark.parametrize(
    ("query", "following"),
    [("?limit=2", "2"), ("?limit=2&offset=2", "4"), ("?limit=2&offset=4", None), ("", None)],
)
def test_pages(client: Client, query: str, following: str | None) -> None:
    for number in range(5):
        client.request("PUT", f"/process_graphs/p{number}", headers=BOB, json=_process())
    listed = client.get(f"/process_graphs{query}", headers=BOB).json()
    assert all("process_graph" not in process for process in listed["processes"])
    links = _links(listed)
    assert links["self"] == f"http://{HOST}/process_graphs{query}"
    if following is None:
        assert "next" not in links
    else:
        assert parse_qs(urlsplit(links["next"]).query) == {"limit": ["2"], "offset": [following]}
    theirs = client.get("/process_graphs", headers=ALICE).json()["processes"]
    assert [process["id"] for process in theirs] == ["kept", "old"]


@pytest.mark.parametrize("path", ["/process_graphs", "/process_graphs/three"])
def test_stored_processes_are_for_users(client: Client, path: str) -> None:
    assert client.get(path).json()["code"] == "AuthenticationRequired"
