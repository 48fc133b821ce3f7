"""The contract at run time: the merged document, its operations, and the copy that connexion routes by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from connexeo.generated import load_openapi
from connexeo.generated.operations import OPERATIONS
from connexeo.handlers.schemas import resolve

METHODS = ("get", "put", "post", "patch", "delete")

OPTIONAL_BEARER = "OptionalBearer"
"""Scheme of operations that work without a token but must look at one that is there."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path or query parameter of an operation."""

    name: str
    keyword: str
    location: str
    required: bool
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract in force."""

    id: str
    method: str
    """Lower case."""
    path: str
    """Template as the document spells it."""
    microservice: str
    """Module that the handler lives in."""
    function: str
    parameters: tuple[Parameter, ...]
    body: Mapping[str, Any] | None
    """The request body object; None when there is none."""
    success: int
    """Status of the first declared success."""
    media_type: str
    """Media type of its JSON body, such as ``application/schema+json``."""
    needs_token: bool
    accepts_token: bool

    @property
    def json_body(self) -> Mapping[str, Any] | None:
        """Schema of the JSON body, or None when the operation takes none."""
        media = (self.body or {}).get("content", {}).get("application/json")
        return media.get("schema", {}) if media is not None else None


@dataclass(frozen=True, slots=True)
class Contract:
    """A merged OpenAPI document and what follows from it."""

    document: Mapping[str, Any]
    operations: Mapping[str, Operation]

    @property
    def api_version(self) -> str:
        """Version of the openEO API."""
        return str(self.document["info"]["version"])

    @property
    def conformance(self) -> tuple[str, ...]:
        """Conformance classes that overlays declared (``info.x-connexeo-conformance``)."""
        return tuple(self.document["info"].get("x-connexeo-conformance", ()))


def load_contract(path: Path | None) -> Contract:
    """Read the merged document: ours, or another one from a JSON or YAML file.

    Raises:
        ValueError: when the file is not an OpenAPI 3.0 document.
    """
    if path is None:
        return make_contract(load_openapi())
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ValueError(f"the contract {path} cannot be read: {error.strerror}") from error
    document = _parse(path, text)
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3.0"):
        raise ValueError(f"the contract {path} is not an OpenAPI 3.0 document")
    return make_contract(document)


def _parse(path: Path, text: bytes) -> Any:
    try:
        if path.suffix == ".json":
            return orjson.loads(text)
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(error) from error
    except ValueError as error:
        raise ValueError(f"the contract {path} cannot be read: {error}") from error


def make_contract(document: Mapping[str, Any]) -> Contract:
    """Collect the operations of a merged document."""
    operations: dict[str, Operation] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = _make_operation(document, path, method, item)
                if operation.id in operations:
                    raise ValueError(f"the operationId {operation.id} is used twice")
                operations[operation.id] = operation
    return Contract(document, operations)


def snake_case(name: str) -> str:
    """``list-collections``, ``listCollections`` → ``list_collections``."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _make_operation(
    document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any]
) -> Operation:
    node = item[method]
    identifier = node.get("operationId")
    if not identifier:
        raise ValueError(f"{method.upper()} {path} has no operationId")
    security = node.get("security", document.get("security", []))
    body = node.get("requestBody")
    success = min((int(s) for s in map(str, node["responses"]) if re.fullmatch(r"2\d\d", s)), default=200)
    return Operation(
        id=identifier,
        method=method,
        path=path,
        microservice=_microservice(identifier, node),
        function=snake_case(identifier),
        parameters=tuple(_parameters(document, item, node)),
        body=resolve(document, body) if body is not None else None,
        success=success,
        media_type=_media_type(document, node["responses"].get(str(success), {})),
        needs_token=bool(security) and {} not in security,
        accepts_token=any("Bearer" in requirement for requirement in security),
    )


def _media_type(document: Mapping[str, Any], response: Mapping[str, Any]) -> str:
    content = resolve(document, response).get("content", {})
    return next((str(name) for name in content if name.endswith("json")), "application/json")


def _microservice(identifier: str, node: Mapping[str, Any]) -> str:
    named = node.get("x-connexeo-microservice")
    if named:
        return str(named)
    known = OPERATIONS.get(identifier)
    if known is not None:
        return known.module
    return snake_case((node.get("tags") or ["default"])[0])


def _parameters(
    document: Mapping[str, Any], item: Mapping[str, Any], node: Mapping[str, Any]
) -> Iterator[Parameter]:
    declared: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in (*item.get("parameters", ()), *node.get("parameters", ())):
        resolved = resolve(document, entry)
        declared[resolved["in"], resolved["name"]] = resolved
    for (location, name), parameter in declared.items():
        if location in ("path", "query"):
            yield Parameter(
                name=name,
                keyword=snake_case(name),
                location=location,
                required=bool(parameter.get("required", False)),
                schema=resolve(document, parameter.get("schema", {})),
            )


def routing_document(contract: Contract) -> dict[str, Any]:
    """The copy that connexion gets: paths, path parameters and security, without schemas.

    connexion checks and resolves what it loads in Python; bodies are validated elsewhere, so it is spared them.
    An operation that may be called with or without a token gets one scheme of its own, because connexion
    never looks at the token when an empty requirement stands first.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in contract.operations.values():
        if operation.needs_token:
            scheme = "Bearer" if operation.accepts_token else "Basic"
            security: list[dict[str, list[str]]] = [{scheme: []}]
        else:
            security = [{OPTIONAL_BEARER: []}] if operation.accepts_token else []
        paths.setdefault(operation.path, {})[operation.method] = {
            "operationId": operation.id,
            "parameters": [
                {"name": p.name, "in": "path", "required": True, "schema": _path_schema(p)}
                for p in operation.parameters
                if p.location == "path"
            ],
            "security": security,
            "responses": {"200": {"description": ""}},
        }
    schemes = {
        "Bearer": {"type": "http", "scheme": "bearer"},
        OPTIONAL_BEARER: {"type": "http", "scheme": OPTIONAL_BEARER.lower()},
        "Basic": {"type": "http", "scheme": "basic"},
    }
    return {
        "openapi": "3.0.2",
        "info": {"title": "routes", "version": contract.api_version},
        "paths": dict(sorted(paths.items(), key=lambda entry: _specificity(entry[0], entry[1]))),
        "components": {"securitySchemes": schemes},
    }


def _path_schema(parameter: Parameter) -> dict[str, str]:
    # Only a whole-path parameter needs a converter; anything else is checked by its own schema.
    if parameter.schema.get("format") == "path":
        return {"type": "string", "format": "path"}
    return {"type": "string"}


def _specificity(path: str, item: Mapping[str, Any]) -> tuple[bool, int]:
    """Routes are tried in order: literal paths, then longer templates, those that swallow slashes last."""
    greedy = any(p["schema"].get("format") == "path" for op in item.values() for p in op["parameters"])
    return greedy, -path.count("/") - (0 if "{" in path else 100)
