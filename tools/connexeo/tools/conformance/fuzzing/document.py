"""The document that requests are made of: what the contract has, the back-end offers, and does no harm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import may_process
from connexeo.tools.conformance.contract import Operation
from connexeo.tools.conformance.fuzzing.outline import outline
from connexeo.tools.spec.documents import Document
from connexeo.tools.spec.references import resolve

READS = ("GET", "HEAD")

HARMLESS = frozenset({"POST /validation"})
"""Changes nothing, though it is no ``GET``."""

NEVER = frozenset(
    {
        # Processing costs, and is tested by requests that mean something.
        "POST /result",
        "POST /jobs/{job_id}/results",
        # Wrong passwords, sent often, lock accounts.
        "GET /credentials/basic",
        # Lives at the host, not below the API's URL.
        "GET /.well-known/openeo",
    }
)
"""Operations that random requests are not for."""

WRITES = frozenset(
    {
        "POST /jobs",
        "PATCH /jobs/{job_id}",
        "DELETE /jobs/{job_id}",
        "DELETE /jobs/{job_id}/results",
        "PUT /files/{path}",
        "DELETE /files/{path}",
        "PUT /process_graphs/{process_graph_id}",
        "DELETE /process_graphs/{process_graph_id}",
        "POST /services",
        "PATCH /services/{service_id}",
        "DELETE /services/{service_id}",
    }
)
"""Operations that change what belongs to the user; none of what an extension adds, whose effects are unknown."""

REMOVED_BY = {
    "POST /jobs": "DELETE /jobs/{job_id}",
    "POST /services": "DELETE /services/{service_id}",
    "PUT /files/{path}": "DELETE /files/{path}",
    "PUT /process_graphs/{process_graph_id}": "DELETE /process_graphs/{process_graph_id}",
}
"""What creates something → what removes it again: nothing is created that would stay."""

MAKES_A_SERVICE = frozenset({"POST /services", "PATCH /services/{service_id}"})
"""A service that is enabled may process, and cost."""


def fuzzed_operations(backend: BackEnd) -> tuple[Operation, ...]:
    """What is tested with random requests."""
    return tuple(
        operation
        for operation in backend.contract.operations
        if operation.name not in NEVER
        and _may_be_sent(backend, operation)
        and (operation.name == "GET /" or backend.offers(operation.name))
    )


def _may_be_sent(backend: BackEnd, operation: Operation) -> bool:
    if operation.secured and backend.account is None:
        return False
    if operation.method in READS or operation.name in HARMLESS:
        return True
    if operation.name in MAKES_A_SERVICE and not may_process(backend):
        return False
    if operation.name in REMOVED_BY and not backend.offers(REMOVED_BY[operation.name]):
        return False
    return backend.options.write and operation.name in WRITES


def fuzzed_document(backend: BackEnd, graph: Mapping[str, Any], service_type: str | None) -> Document:
    """The contract with these operations only.

    Args:
        backend: the back-end under test.
        graph: process graph that it can run, for the examples: those of the contract load what it does not have.
        service_type: a type of services that it has.
    """
    document: Document = deepcopy(dict(backend.contract.document))
    kept = fuzzed_operations(backend)
    ids = {operation.id for operation in kept}
    paths: dict[str, dict[str, Any]] = {}
    for operation in kept:
        node = deepcopy(dict(operation.node))
        node.pop("security", None)
        _give_body(document, node, graph, service_type)
        for response in node.get("responses", {}).values():
            links = response.get("links")
            if links:
                response["links"] = {
                    name: link for name, link in links.items() if link.get("operationId") in ids
                }
        paths.setdefault(operation.path, {})[operation.method.lower()] = node
    document["paths"] = paths
    for unused in ("servers", "security"):
        document.pop(unused, None)
    document.get("components", {}).pop("securitySchemes", None)
    return document


def _give_body(
    document: Document, node: dict[str, Any], graph: Mapping[str, Any], service_type: str | None
) -> None:
    """Let the body be described in outline, with an example that the back-end can fulfil."""
    if "requestBody" not in node:
        return
    body = node["requestBody"] = deepcopy(dict(resolve(document, node["requestBody"])))
    for media_type, media in body.get("content", {}).items():
        if media_type != "application/json":
            continue
        media.pop("examples", None)
        media["schema"] = outline(document, media.get("schema", {}))
        properties = set(_properties(document, media.get("schema", {})))
        if "process_graph" in properties:
            media["example"] = {"process_graph": graph}
        elif "process" in properties:
            media["example"] = {"process": {"process_graph": graph}}
            if "type" in properties and service_type is not None:
                media["example"]["type"] = service_type


def _properties(document: Document, schema: Mapping[str, Any]) -> Iterator[str]:
    """Names of the properties of a schema and of all that it is composed of."""
    schema = resolve(document, schema)
    yield from schema.get("properties", {})
    for part in schema.get("allOf", ()):
        yield from _properties(document, part)
