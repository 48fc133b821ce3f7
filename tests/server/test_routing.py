"""Which address leads where."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asgi_client import HOST, Client
from connexeo.generated.operations import OPERATIONS
from fake_driver import FakeDriver, make_collection

MakeClient = Callable[..., Client]


def test_collection_ids_with_slashes(client: Client) -> None:
    assert client.get("/collections/deep/er/beta").json()["id"] == "deep/er/beta"


def test_escaped_slashes_are_slashes(client: Client) -> None:
    assert client.get("/collections/deep%2Fer%2Fbeta").json()["id"] == "deep/er/beta"


@pytest.mark.parametrize("identifier", ["alpha", "deep/er/beta"])
def test_queryables_go_before_the_collection_whose_id_ends_so(client: Client, identifier: str) -> None:
    queryables = client.get(f"/collections/{identifier}/queryables").json()
    assert queryables["$id"] == f"http://{HOST}/collections/{identifier}/queryables"
    assert queryables["type"] == "object"


def test_links_of_a_collection_lead_to_it(client: Client) -> None:
    collection = client.get("/collections/deep/er/beta").json()
    links = {link["rel"]: link["href"] for link in collection["links"]}
    assert client.get(links["self"]).json() == collection
    assert client.get(links["http://www.opengis.net/def/rel/ogc/1.0/queryables"]).status_code == 200


def test_collections_can_be_read_page_by_page(make_client: MakeClient) -> None:
    names = [f"c{number}" for number in range(7)]
    client = make_client(FakeDriver([make_collection(name) for name in names]))
    url: str | None = "/collections?limit=3"
    found: list[list[str]] = []
    while url is not None and len(found) < 10:
        page = client.get(url).json()
        found.append([collection["id"] for collection in page["collections"]])
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert found == [names[:3], names[3:6], names[6:]]


def test_collections_come_all_at_once_without_a_limit(make_client: MakeClient) -> None:
    client = make_client(FakeDriver([make_collection(f"c{number}") for number in range(2000)]))
    page = client.get("/collections?limit=&offset=").json()
    assert len(page["collections"]) == 2000
    assert "next" not in {link["rel"] for link in page["links"]}


def test_processes_are_complete_whatever_the_limit(client: Client) -> None:
    assert (
        client.get("/processes?limit=1").json()["processes"] == client.get("/processes").json()["processes"]
    )


@pytest.mark.parametrize(
    "path", ["/nix", "/collectionsx", "/collections/", "/jobs/a/b", "//", "/%00", "/health/x"]
)
def test_unknown_path(client: Client, path: str) -> None:
    response = client.get(f"http://{HOST}{path}")
    assert response.status_code == 404
    assert response.json()["code"] == "NotFound"


def test_unknown_collection_has_its_own_code(client: Client) -> None:
    response = client.get("/collections/nowhere")
    assert response.status_code == 404
    assert response.json()["code"] == "CollectionNotFound"
    assert "nowhere" in response.json()["message"]


def test_collection_id_that_the_contract_refuses(client: Client) -> None:
    response = client.get("/collections/white%20space")
    assert response.status_code == 404
    assert response.json()["code"] == "NotFound"
    assert "collection_id" in response.json()["message"]


@pytest.mark.parametrize("path", ["/", "/collections", "/collections/alpha", "/conformance", "/processes"])
def test_head_is_get_without_the_body(client: Client, path: str) -> None:
    get, head = client.get(path), client.request("HEAD", path)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-type", "etag", "content-length", "cache-control"):
        assert head.headers[name] == get.headers[name]


def test_head_where_there_is_no_get(client: Client) -> None:
    assert client.request("HEAD", "/validation").status_code == 405


def test_a_method_that_nobody_knows(client: Client) -> None:
    response = client.request("BREW", "/collections")
    assert response.status_code == 405
    assert "BREW" in response.json()["message"]


def test_base_path(make_client: MakeClient) -> None:
    client = make_client(base_path="openeo/1.3/")
    base = f"http://{HOST}/openeo/1.3"
    versions = {"versions": [{"url": f"{base}/", "production": True, "api_version": "1.3.0"}]}
    for path in ("/.well-known/openeo", "/openeo/1.3/.well-known/openeo"):
        assert client.get(path).json() == versions
    assert client.get("/openeo/1.3/").json() == client.get("/openeo/1.3").json()
    endpoints = [endpoint["path"] for endpoint in client.get("/openeo/1.3/").json()["endpoints"]]
    assert "/collections/{collection_id}" in endpoints
    collection = client.get("/openeo/1.3/collections/deep/er/beta").json()
    assert {link["rel"]: link["href"] for link in collection["links"]}[
        "self"
    ] == f"{base}/collections/deep/er/beta"
    assert client.get("/collections").status_code == 404
    assert client.get("/").status_code == 404
    assert client.request("OPTIONS", "/.well-known/openeo").status_code == 204
    assert client.request("OPTIONS", "/openeo/1.3/jobs").status_code == 204


def test_public_url_wins_over_the_host(make_client: MakeClient) -> None:
    client = make_client(public_url="https://eo.example/api/", base_path="/internal")
    assert client.get("/.well-known/openeo").json()["versions"][0]["url"] == "https://eo.example/api/"
    links = client.get("/internal/collections").json()["links"]
    assert links[0]["href"] == "https://eo.example/api/collections"


def test_links_follow_the_host(client: Client) -> None:
    url = client.get("/.well-known/openeo", headers={"Host": "other.test:8080"}).json()["versions"][0]["url"]
    assert url == "http://other.test:8080/"


def test_operations_of_the_contract_all_have_a_route(client: Client) -> None:
    unrouted = [
        operation.path
        for operation in OPERATIONS.values()
        if client.request("OPTIONS", operation.path.replace("{", "").replace("}", "")).status_code != 204
    ]
    assert unrouted == []
