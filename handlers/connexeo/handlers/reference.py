"""The API reference that people read: ``/api.html``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse

from connexeo.handlers.context import Service
from connexeo.handlers.pages import render_page
from connexeo.handlers.schemas import json_type, resolve

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
OPENAPI_PATH = "/openapi.json"
REFERENCE_PATH = "/api.html"

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one property of a request body."""

    name: str
    place: str
    """``path``, ``query``, ``header``, or ``body``."""
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class OperationEntry:
    """One operation, as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    access: str
    """Who may call it."""
    fields: tuple[Field, ...]
    media_types: tuple[str, ...]
    """Media types of the request body."""
    responses: tuple[tuple[str, str, str], ...]
    """Status, description, media types."""


def reference_page(service: Service, document: Mapping[str, Any]) -> HTMLResponse:
    """All operations of a document with their parameters, on one self-contained page."""
    return render_page(
        "reference.html",
        service,
        info=document["info"],
        groups=list(grouped_operations(document)),
        openapi=service.settings.base_path + OPENAPI_PATH,
        home=service.settings.base_path + "/",
    )


def grouped_operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, list[OperationEntry]]]:
    """Tag, its description, and its operations."""
    groups: dict[str, list[OperationEntry]] = {tag["name"]: [] for tag in document.get("tags", ())}
    texts = {tag["name"]: tag.get("description", "") for tag in document.get("tags", ())}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                node = item[method]
                tag = (node.get("tags") or ["Other"])[0]
                groups.setdefault(tag, []).append(_entry(document, method, path, item))
    for tag, operations in groups.items():
        if operations:
            yield tag, texts.get(tag, ""), operations


def _entry(document: Mapping[str, Any], method: str, path: str, item: Mapping[str, Any]) -> OperationEntry:
    node = item[method]
    body = resolve(document, node.get("requestBody", {}))
    return OperationEntry(
        id=node["operationId"],
        method=method.upper(),
        path=path,
        summary=str(node.get("summary") or ""),
        description=str(node.get("description") or ""),
        access=_access(node.get("security", document.get("security", []))),
        fields=(*_parameters(document, item, node), *_properties(document, body)),
        media_types=tuple(body.get("content", {})),
        responses=tuple(_responses(document, node)),
    )


def _access(security: list[Mapping[str, Any]]) -> str:
    schemes = {name for requirement in security for name in requirement}
    if not schemes:
        return "public"
    if {} in security:
        return "token optional"
    return "token required" if "Bearer" in schemes else "user name and password"


def _parameters(
    document: Mapping[str, Any], item: Mapping[str, Any], node: Mapping[str, Any]
) -> Iterator[Field]:
    entries = (resolve(document, e) for e in (*item.get("parameters", ()), *node.get("parameters", ())))
    merged = {(entry["in"], entry["name"]): entry for entry in entries}
    for (place, name), entry in merged.items():
        yield Field(
            name=name,
            place=place,
            type=json_type(resolve(document, entry.get("schema", {}))),
            required=bool(entry.get("required")),
            description=str(entry.get("description") or ""),
        )


def _properties(document: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Field]:
    schema = body.get("content", {}).get("application/json", {}).get("schema", {})
    properties, required = _object(document, schema)
    for name, entry in properties.items():
        described = resolve(document, entry)
        yield Field(
            name=name,
            place="body",
            type=json_type(entry),
            required=name in required,
            description=str(described.get("description") or described.get("title") or ""),
        )


def _object(document: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Properties of an object and which are required, those of ``allOf`` included."""
    schema = resolve(document, schema)
    properties: dict[str, Any] = {}
    required: set[str] = set()
    for part in schema.get("allOf", ()):
        inherited, needed = _object(document, part)
        properties.update(inherited)
        required |= needed
    properties.update(schema.get("properties", {}))
    return properties, required | set(schema.get("required", ()))


def _responses(document: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for status, response in node["responses"].items():
        resolved = resolve(document, response)
        media_types = ", ".join(resolved.get("content", {}))
        yield str(status), str(resolved.get("description") or ""), media_types
