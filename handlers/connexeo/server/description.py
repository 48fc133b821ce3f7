"""The API described as it is offered: ``/openapi.json`` for programs, ``/api.html`` for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from connexeo.handlers.context import Service
from connexeo.handlers.reference import OPENAPI, OPENAPI_PATH, REFERENCE_PATH, reference_page
from connexeo.server.contract import METHODS, Contract
from connexeo.server.documents import Document, html_document


def description_documents(contract: Contract, service: Service) -> dict[str, Callable[[], Document]]:
    """Path → document. Each is made at its first request, and then stays: it is the same for everybody."""
    base = service.settings.base_path
    offered = cache(partial(offered_document, contract, service))
    return {
        f"{base}{OPENAPI_PATH}": cache(lambda: Document.of(offered(), media_type=OPENAPI, public=True)),
        f"{base}{REFERENCE_PATH}": cache(
            lambda: html_document(reference_page(service, offered()), public=True)
        ),
    }


def offered_document(contract: Contract, service: Service) -> dict[str, Any]:
    """The merged document without what is not offered: operations, tags, components that nothing refers to.

    The server's address is relative to that of the document, unless the settings know the public one. Where paths
    or operations have addresses of their own (``/.well-known/openeo`` does), it is the root of the host.
    """
    settings = service.settings
    root = [{"url": _root(settings.public_url)}]
    paths: dict[str, dict[str, Any]] = {}
    for operation in contract.operations.values():
        if operation.id in service.handlers:
            item = contract.document["paths"][operation.path]
            shared = {key: value for key, value in item.items() if key not in METHODS}
            kept = paths.setdefault(operation.path, _served_from(root, shared))
            node = _without_dead_links(item[operation.method], service.handlers)
            kept[operation.method] = _served_from(root, node)
    tags = {
        tag for item in paths.values() for method in METHODS for tag in item.get(method, {}).get("tags", ())
    }
    return {
        **contract.document,
        "servers": [{"url": settings.public_url or settings.base_path or "/"}],
        "tags": [tag for tag in contract.document.get("tags", ()) if tag["name"] in tags],
        "paths": paths,
        "components": _referenced(contract.document.get("components", {}), paths),
    }


def _root(public_url: str | None) -> str:
    if public_url is None:
        return "/"
    parts = urlsplit(public_url)
    return f"{parts.scheme}://{parts.netloc}"


def _served_from(servers: list[dict[str, str]], node: dict[str, Any]) -> dict[str, Any]:
    """A path or an operation with these servers, if it has any; those of the contract are examples."""
    return {**node, "servers": servers} if "servers" in node else node


def _without_dead_links(operation: Mapping[str, Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """An operation whose responses link only to operations that are offered."""
    responses = {}
    for status, response in operation["responses"].items():
        links = {
            name: link
            for name, link in response.get("links", {}).items()
            if link.get("operationId", None) is None or link["operationId"] in offered
        }
        kept = {key: value for key, value in response.items() if key != "links"}
        responses[str(status)] = {**kept, "links": links} if links else kept
    return {**operation, "responses": responses}


def _referenced(components: Mapping[str, Any], paths: Mapping[str, Any]) -> dict[str, Any]:
    """The components that paths refer to, directly or through others; security schemes stay as they are."""
    wanted: set[tuple[str, str]] = set()
    pending = list(references(paths))
    while pending:
        kind, _, name = pending.pop().removeprefix("#/components/").partition("/")
        name = name.split("/")[0]
        if (kind, name) not in wanted and name in components.get(kind, {}):
            wanted.add((kind, name))
            pending.extend(references(components[kind][name]))
    kept = {
        kind: {
            name: entry
            for name, entry in entries.items()
            if kind == "securitySchemes" or (kind, name) in wanted
        }
        for kind, entries in components.items()
    }
    return {kind: entries for kind, entries in kept.items() if entries}


def references(node: Any) -> Iterator[str]:
    """Every ``$ref`` and every ``mapping`` of a discriminator inside a value."""
    pending = [node]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            target = value.get("$ref")
            if isinstance(target, str):
                yield target
            discriminator = value.get("discriminator")
            if isinstance(discriminator, Mapping):
                yield from discriminator.get("mapping", {}).values()
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
