"""Walks an OpenAPI document by its meaning: where schemas stand, and where examples of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.tools.spec.build import operations
from connexeo.tools.spec.references import escape, pointer, resolve

Place = str


@dataclass(frozen=True, slots=True)
class Sample:
    """A value that the document says is an instance of a schema."""

    place: Place
    value: Any
    schema: Mapping[str, Any]


def references(node: Any, place: Place = "#") -> Iterator[tuple[Place, str]]:
    """Every ``$ref`` with the place where it stands, except within examples."""
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield place, reference
            return
        for key, value in node.items():
            if key not in ("example", "default", "enum"):
                yield from references(value, f"{place}/{escape(key)}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from references(value, f"{place}/{index}")


def samples(document: Mapping[str, Any]) -> Iterator[Sample]:
    """Every example and default, each with the schema that it has to fit."""
    for place, holder in _holders(document):
        schema = holder.get("schema", {})
        yield from _examples(document, place, holder, schema)
    for place, schema in schemas(document):
        for key in ("example", "default"):
            if key in schema:
                yield Sample(f"{place}/{key}", schema[key], schema)


def schemas(document: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every schema that is declared, at whatever depth; references are not followed."""
    for place, holder in _holders(document):
        if "schema" in holder:
            yield from subschemas(holder["schema"], f"{place}/schema")
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield from subschemas(schema, pointer("components", "schemas", name))


def subschemas(schema: Any, place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """A schema and the schemas within it."""
    if not isinstance(schema, Mapping) or "$ref" in schema:
        return
    yield place, schema
    for name, entry in schema.get("properties", {}).items():
        yield from subschemas(entry, f"{place}/properties/{escape(name)}")
    for key in ("items", "additionalProperties", "not"):
        yield from subschemas(schema.get(key), f"{place}/{key}")
    for key in ("allOf", "anyOf", "oneOf"):
        for index, entry in enumerate(schema.get(key, ())):
            yield from subschemas(entry, f"{place}/{key}/{index}")


def _holders(document: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Everything that has a ``schema``: parameters, headers and media types."""
    components = document.get("components", {})
    for name, parameter in components.get("parameters", {}).items():
        yield from _parameter(parameter, pointer("components", "parameters", name))
    for name, header in components.get("headers", {}).items():
        yield from _parameter(header, pointer("components", "headers", name))
    for name, body in components.get("requestBodies", {}).items():
        yield from _content(body, pointer("components", "requestBodies", name))
    for name, response in components.get("responses", {}).items():
        yield from _response(response, pointer("components", "responses", name))
    for path, item in document["paths"].items():
        for index, parameter in enumerate(item.get("parameters", ())):
            yield from _parameter(parameter, pointer("paths", path, "parameters", index))
    for path, method, node in operations(document):
        place = pointer("paths", path, method)
        for index, parameter in enumerate(node.get("parameters", ())):
            yield from _parameter(parameter, f"{place}/parameters/{index}")
        yield from _content(node.get("requestBody", {}), f"{place}/requestBody")
        for status, response in node.get("responses", {}).items():
            yield from _response(response, f"{place}/responses/{escape(status)}")


def _parameter(parameter: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if "$ref" not in parameter:
        yield place, parameter
        yield from _content(parameter, place)


def _response(response: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if "$ref" not in response:
        yield from _content(response, place)
        for name, header in response.get("headers", {}).items():
            yield from _parameter(header, f"{place}/headers/{escape(name)}")


def _content(holder: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if "$ref" not in holder:
        for media_type, media in holder.get("content", {}).items():
            yield f"{place}/content/{escape(media_type)}", media


def _examples(
    document: Mapping[str, Any], place: Place, holder: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[Sample]:
    if "example" in holder:
        yield Sample(f"{place}/example", holder["example"], schema)
    for name, entry in holder.get("examples", {}).items():
        example = resolve(document, entry)
        if "value" in example:
            yield Sample(f"{place}/examples/{escape(name)}", example["value"], schema)
