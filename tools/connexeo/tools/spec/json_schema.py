"""Schemas of OpenAPI 3.0 as JSON Schema, for judging values; the server has a compiler of its own.

``nullable`` is read as OpenAPI 3.0.3 clarifies it: it adds null to the ``type`` beside it, and to nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs

from connexeo.tools.spec.documents import SpecError

Faults = Callable[[Any], list[str]]
"""Value → what is wrong with it."""

# Examples and defaults may look like schemas, prose only costs time.
_NOT_RULES = {
    "description",
    "title",
    "example",
    "examples",
    "default",
    "externalDocs",
    "xml",
    "discriminator",
}
_LONGEST = 300


def to_json_schema(schema: Any) -> Any:
    """Translate a schema from OpenAPI 3.0 to JSON Schema draft 4; ``$ref`` stays."""
    if isinstance(schema, list):
        return [to_json_schema(entry) for entry in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NOT_RULES or key == "nullable" or key.startswith("x-"):
            continue
        if key == "properties":
            result[key] = {name: to_json_schema(entry) for name, entry in value.items()}
        else:
            result[key] = value if key in ("enum", "required") else to_json_schema(value)
    if schema.get("nullable") is True and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    return result


class SchemaJudge:
    """Judges values by schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        schemas = document.get("components", {}).get("schemas", {})
        self._components = {"schemas": {name: to_json_schema(schema) for name, schema in schemas.items()}}

    def compile(self, schema: Mapping[str, Any]) -> Faults:
        """The function that lists what is wrong with a value.

        Raises:
            SpecError: when a schema of the document is not one.
        """
        validator = self.validator(schema)
        return lambda value: [_describe(error) for error in validator.iter_errors(value)]

    def validator(self, schema: Mapping[str, Any]) -> jsonschema_rs.Draft4Validator:
        """The validator of a schema, for whoever describes faults in another way.

        Raises:
            SpecError: when a schema of the document is not one.
        """
        root = {"allOf": [to_json_schema(schema)], "components": self._components}
        try:
            return jsonschema_rs.Draft4Validator(root, validate_formats=True)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise SpecError(f"a schema is not valid: {' '.join(str(error).split())}") from error


def _describe(error: jsonschema_rs.ValidationError) -> str:
    path = "/".join(map(str, error.instance_path))
    message = error.message if len(error.message) <= _LONGEST else f"{error.message[:_LONGEST]} …"
    return f"{path}: {message}" if path else message
