"""The API as it is offered, as an OpenAPI document and as a page."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from openapi_spec_validator import validate

from asgi_client import HOST, Client
from connexeo.generated import load_openapi
from connexeo.server.description import references
from fake_driver import without_jobs

MakeClient = Callable[..., Client]


def test_document_holds_exactly_what_is_offered(make_client: MakeClient) -> None:
    client = make_client(without_jobs())
    document = client.get("/openapi.json").json()
    described = {
        (path, method.upper())
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "put", "post", "patch", "delete")
    }
    offered = {(e["path"], m) for e in client.get("/").json()["endpoints"] for m in e["methods"]}
    assert described == offered
    assert "Batch Jobs" not in {tag["name"] for tag in document["tags"]}


def test_document_is_valid_and_complete(client: Client) -> None:
    document = client.get("/openapi.json").json()
    validate(document)
    targets = set(references(document))
    for target in targets:
        kind, name = target.removeprefix("#/components/").split("/")[:2]
        assert name in document["components"][kind], target
    unused = {
        f"#/components/{kind}/{name}"
        for kind, entries in document["components"].items()
        if kind != "securitySchemes"
        for name in entries
    } - {"/".join(target.split("/")[:4]) for target in targets}
    assert unused == set()


def test_links_between_operations_lead_to_operations_that_are_offered(client: Client) -> None:
    document = client.get("/openapi.json").json()
    operations = [o for item in document["paths"].values() for o in item.values() if isinstance(o, dict)]
    offered = {operation["operationId"] for operation in operations}
    linked = {
        link["operationId"]
        for operation in operations
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
        if "operationId" in link
    }
    assert linked <= offered


def test_document_is_linked_and_cached(client: Client) -> None:
    links = {link["rel"]: link for link in client.get("/").json()["links"]}
    desc, doc = links["service-desc"], links["service-doc"]
    assert desc["href"] == f"http://{HOST}/openapi.json"
    response = client.get(desc["href"])
    assert response.headers["content-type"] == desc["type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert response.headers["access-control-allow-origin"] == "*"
    again = client.get(desc["href"], headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    assert client.get(doc["href"]).headers["content-type"] == "text/html; charset=utf-8"
    assert client.request("OPTIONS", "/openapi.json").headers["allow"] == "OPTIONS, GET"
    assert client.request("HEAD", "/openapi.json").content == b""


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "/"),
        ({"base_path": "/api"}, "/api"),
        ({"base_path": "/api", "public_url": "https://eo.example/v1"}, "https://eo.example/v1"),
    ],
)
def test_server_address(make_client: MakeClient, settings: dict[str, str], url: str) -> None:
    base = settings.get("base_path", "")
    document = make_client(**settings).get(f"{base}/openapi.json").json()
    assert document["servers"] == [{"url": url}]


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "/"),
        ({"base_path": "/api"}, "/"),
        ({"base_path": "/api", "public_url": "https://eo.example:8443/v1"}, "https://eo.example:8443"),
    ],
)
def test_address_of_what_lives_at_the_root(
    make_client: MakeClient, settings: dict[str, str], url: str
) -> None:
    contract = load_openapi()
    contract["paths"]["/conformance"]["servers"] = [{"url": "https://somewhere.example"}]
    base = settings.get("base_path", "")
    response = make_client(document=contract, **settings).get(f"{base}/openapi.json")
    paths = response.json()["paths"]
    assert paths["/.well-known/openeo"]["get"]["servers"] == [{"url": url}]
    assert paths["/conformance"]["servers"] == [{"url": url}]
    assert "servers" not in paths["/collections"]["get"]


def test_disabled_operation_is_not_described(make_client: MakeClient) -> None:
    client = make_client(disabled="compute-result,list-udf-runtimes")
    assert "/result" not in json.loads(client.get("/openapi.json").content)["paths"]
    page = client.get("/api.html").text
    assert 'id="compute-result"' not in page
    assert 'id="list-collections"' in page
