"""Every operation of the contract: what is offered answers as the contract says, the rest refuses properly."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from asgi_client import TOKEN, Client, connected
from connexeo.generated import load_openapi
from connexeo.handlers.schemas import resolve
from connexeo.server.app import create_app
from connexeo.server.contract import Operation, make_contract
from connexeo.server.resolver import OUR_HANDLERS, resolve_handlers
from connexeo.server.schema import SchemaCompiler
from connexeo.settings import Settings
from fake_driver import FakeDriver, without_jobs
from fake_jobs import PERMISSION

CONTRACT = make_contract(load_openapi())
OPERATIONS = list(CONTRACT.operations.values())
OFFERED = resolve_handlers(CONTRACT, (), FakeDriver())
LACKING = sorted(OFFERED.keys() - resolve_handlers(CONTRACT, (), without_jobs()).keys())
GRAPH = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
BASIC = {"Authorization": "Basic " + base64.b64encode(b"alice:secret").decode()}

REQUESTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "capabilities": ("/", {}),
    "connect": ("/.well-known/openeo", {}),
    "conformance": ("/conformance", {}),
    "list-file-types": ("/file_formats", {}),
    "list-udf-runtimes": ("/udf_runtimes", {}),
    "list-collections": ("/collections", {}),
    "describe-collection": ("/collections/alpha", {}),
    "list-collection-queryables": ("/collections/alpha/queryables", {}),
    "list-processes": ("/processes", {}),
    "validate-custom-process": ("/validation", {"json": {"process_graph": GRAPH}}),
    "compute-result": ("/result", {"json": {"process": {"process_graph": GRAPH}}, "headers": TOKEN}),
    "debug-result": ("/logs/abc123", {"headers": TOKEN}),
    "list-jobs": ("/jobs", {"headers": TOKEN}),
    "create-job": ("/jobs", {"json": {"process": {"process_graph": GRAPH}}, "headers": TOKEN}),
    "describe-job": ("/jobs/j-done", {"headers": TOKEN}),
    "update-job": ("/jobs/j-new", {"json": {"title": "New"}, "headers": TOKEN}),
    "estimate-job": ("/jobs/j-done/estimate", {"headers": TOKEN}),
    "debug-job": ("/jobs/j-done/logs", {"headers": TOKEN}),
    "list-results": ("/jobs/j-done/results", {"headers": TOKEN}),
    "list-shared-results": (f"/results/j-done/{PERMISSION}", {}),
    "describe-shared-item": (f"/results/j-done/{PERMISSION}/items/data", {}),
    "download-result": (f"/results/j-done/{PERMISSION}/data.txt", {}),
    "start-job": ("/jobs/j-new/results", {"headers": TOKEN}),
    "stop-job": ("/jobs/j-new/results", {"headers": TOKEN}),
    "delete-job": ("/jobs/j-new", {"headers": TOKEN}),
    "list-files": ("/files", {"headers": TOKEN}),
    "upload-file": ("/files/deep/new.txt", {"content": b"new", "headers": TOKEN}),
    "download-file": ("/files/read.txt", {"headers": TOKEN}),
    "delete-file": ("/files/deep/old.txt", {"headers": TOKEN}),
    "list-custom-processes": ("/process_graphs", {"headers": TOKEN}),
    "store-custom-process": ("/process_graphs/new", {"json": {"process_graph": GRAPH}, "headers": TOKEN}),
    "describe-custom-process": ("/process_graphs/kept", {"headers": TOKEN}),
    "describe-shared-process": ("/shared/processes/alice.kept", {}),
    "delete-custom-process": ("/process_graphs/old", {"headers": TOKEN}),
    "list-service-types": ("/service_types", {}),
    "list-services": ("/services", {"headers": TOKEN}),
    "create-service": (
        "/services",
        {"json": {"type": "xyz", "process": {"process_graph": GRAPH}}, "headers": TOKEN},
    ),
    "describe-service": ("/services/s-map", {"headers": TOKEN}),
    "update-service": ("/services/s-map", {"json": {"title": "New"}, "headers": TOKEN}),
    "debug-service": ("/services/s-map/logs", {"headers": TOKEN}),
    "draw-xyz-tile": ("/services/s-map/xyz/14/8677/5725", {}),
    "describe-xyz-tiles": ("/services/s-map/tilejson", {}),
    "query-wmts": ("/services/s-wmts/wmts", {}),
    "describe-wmts": ("/services/s-wmts/wmts/1.0.0/WMTSCapabilities.xml", {}),
    "draw-wmts-tile": ("/services/s-wmts/wmts/1.0.0/result/default/WebMercatorQuad/3/2/7.png", {}),
    "delete-service": ("/services/s-off", {"headers": TOKEN}),
    "authenticate-oidc": ("/credentials/oidc", {}),
    "authenticate-basic": ("/credentials/basic", {"headers": BASIC}),
    "describe-account": ("/me", {"headers": TOKEN}),
}


def example_path(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", "any", operation.path)


def example_body(operation: Operation) -> dict[str, Any]:
    return (
        {}
        if operation.body is None
        else {"content": b"{}", "headers": {"Content-Type": next(iter(operation.body["content"]))}}
    )


def test_every_offered_operation_has_a_request_here() -> None:
    assert set(REQUESTS) == set(OFFERED)


def test_every_handler_of_ours_has_a_request_here() -> None:
    """Those as well that the fake driver does not support yet."""
    found = set()
    for operation in OPERATIONS:
        name = f"{OUR_HANDLERS}.{operation.microservice}"
        module = importlib.import_module(name) if importlib.util.find_spec(name) is not None else None
        if hasattr(module, operation.function):
            found.add(operation.id)
    assert found == set(REQUESTS)


@pytest.mark.parametrize("identifier", REQUESTS)
def test_offered_operation_answers_as_the_contract_says(client: Client, identifier: str) -> None:
    operation = CONTRACT.operations[identifier]
    path, options = REQUESTS[identifier]
    response = client.request(operation.method, path, **options)
    assert response.status_code == operation.success, response.text
    node = CONTRACT.document["paths"][operation.path][operation.method]
    declared = resolve(CONTRACT.document, node["responses"][str(operation.success)])
    media = declared.get("content", {}).get("application/json")
    if media is not None:
        faults = SchemaCompiler(CONTRACT.document).compile(media["schema"]).iter_errors(response.json())
        assert [f"{list(fault.instance_path)}: {fault.message}" for fault in faults] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_operation_without_credentials(client: Client, operation: Operation) -> None:
    response = client.request(operation.method, example_path(operation), **example_body(operation))
    if operation.needs_token:
        assert response.status_code == 401
        assert response.json()["code"] == "AuthenticationRequired"
        scheme = "Bearer" if operation.accepts_token else "Basic"
        assert response.headers["www-authenticate"].split()[0] == scheme
    elif operation.id in OFFERED:
        assert response.status_code in (200, 400, 404, 410)
    else:
        assert response.status_code == 501
        assert response.json()["code"] == "FeatureUnsupported"


@pytest.fixture(scope="module")
def smaller() -> Iterator[Client]:
    """A client of a server whose driver lacks something."""
    with connected(create_app(Settings(access_log=False), driver=without_jobs())) as connection:
        yield connection


@pytest.mark.parametrize("operation", [CONTRACT.operations[id] for id in LACKING], ids=lambda o: o.id)
def test_operation_that_is_not_offered(smaller: Client, operation: Operation) -> None:
    body = example_body(operation)
    headers = {**body.pop("headers", {}), **TOKEN}
    response = smaller.request(operation.method, example_path(operation), headers=headers, **body)
    assert response.status_code == 501
    assert response.json()["code"] == "FeatureUnsupported"


def test_what_is_lacking() -> None:
    assert {"create-job", "list-udf-runtimes"} <= set(LACKING)
    assert not {"list-files", "compute-result"} & set(LACKING)


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.accepts_token], ids=lambda o: o.id)
@pytest.mark.parametrize("token", ["Bearer basic//wrong", "Bearer nonsense", "Bearer"])
def test_bad_token_is_refused_even_where_none_is_needed(
    client: Client, operation: Operation, token: str
) -> None:
    body = example_body(operation)
    headers = {**body.pop("headers", {}), "Authorization": token}
    response = client.request(operation.method, example_path(operation), headers=headers, **body)
    assert response.status_code == 403
    assert response.json()["code"] == "TokenInvalid"


@pytest.mark.parametrize("path", CONTRACT.document["paths"])
def test_options_names_the_methods_of_the_path(client: Client, path: str) -> None:
    methods = {o.method.upper() for o in OPERATIONS if o.path == path}
    response = client.request(
        "OPTIONS", re.sub(r"\{\w+\}", "any", path), headers={"Origin": "https://editor.example"}
    )
    assert response.status_code == 204
    assert response.content == b""
    assert set(response.headers["access-control-allow-methods"].split(", ")) == {"OPTIONS", *methods}
    assert response.headers["allow"] == response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-origin"] == "*"
    assert "authorization" in response.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("path", CONTRACT.document["paths"])
def test_other_methods_are_not_allowed(client: Client, path: str) -> None:
    methods = {o.method.upper() for o in OPERATIONS if o.path == path}
    other = next(method for method in ("DELETE", "PATCH", "PUT") if method not in methods)
    response = client.request(other, re.sub(r"\{\w+\}", "any", path))
    assert response.status_code == 405
    assert response.json()["code"] == "MethodNotAllowed"
    assert set(response.headers["allow"].split(", ")) == {"OPTIONS", *methods}


def test_capabilities_list_exactly_what_is_offered(client: Client) -> None:
    listed = {(e["path"], method) for e in client.get("/").json()["endpoints"] for method in e["methods"]}
    assert listed == {(CONTRACT.operations[i].path, CONTRACT.operations[i].method.upper()) for i in OFFERED}
