"""OpenAPI 3.0 schemas as JSON Schema, compiled once into jsonschema-rs validators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

# Words of OpenAPI that mean nothing to a validator, and would only make it larger.
_NOT_VALIDATING = {
    "description",
    "example",
    "examples",
    "externalDocs",
    "xml",
    "discriminator",
    "title",
    "default",
}
_NAME_MAPS = {"properties", "patternProperties", "definitions", "schemas"}

Validator = jsonschema_rs.Draft6Validator
"""OpenAPI 3.0 stands on draft 5, where 2.0 is no integer. Clients in languages with one type of number send it all
the same, and an integer of more than 64 bits is read as a float: draft 6 takes both.
"""


def to_json_schema(schema: Any, *, names: bool = False) -> Any:
    """Translate a schema, or a mapping of names to schemas, from OpenAPI 3.0 to JSON Schema draft 6.

    ``nullable: true`` becomes the type ``null``; exclusive limits become numbers; prose and ``x-…`` are left out;
    ``$ref`` stays.
    """
    if isinstance(schema, list):
        return [to_json_schema(entry) for entry in schema]
    if not isinstance(schema, Mapping):
        return schema
    if names:
        return {name: to_json_schema(entry) for name, entry in schema.items()}
    result = {
        key: value if key in ("enum", "required") else to_json_schema(value, names=key in _NAME_MAPS)
        for key, value in schema.items()
        if key not in _NOT_VALIDATING and not key.startswith("x-") and key != "nullable"
    }
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(result.get(exclusive), bool) and result.pop(exclusive) and limit in result:
            result[exclusive] = result.pop(limit)
    return _nullable(result) if schema.get("nullable") is True else result


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if set(schema) <= {"allOf", "anyOf", "oneOf", "$ref"}:
        return {"anyOf": [{"type": "null"}, schema]} if schema else {}
    if "type" in schema and "enum" not in schema and not {"allOf", "anyOf", "oneOf"} & set(schema):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [{"type": "null"}, schema]}


class SchemaCompiler:
    """Compiles schemas of one document; the shared components are translated only once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._components = {
            "schemas": to_json_schema(document.get("components", {}).get("schemas", {}), names=True)
        }

    def compile(self, schema: Mapping[str, Any]) -> Validator:
        """Validator for a schema of the document."""
        translated = to_json_schema(schema)
        if "$ref" in translated:
            translated = {"allOf": [translated]}
        return Validator({**translated, "components": self._components}, validate_formats=True)
