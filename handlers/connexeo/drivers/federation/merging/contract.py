"""What the contract asks of the documents in lists, as compiled validators."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

import jsonschema_rs

from connexeo.generated import load_openapi

_LONGEST = 300
_NOT_RULES = frozenset(
    {
        "description",
        "title",
        "example",
        "examples",
        "default",
        "externalDocs",
        "xml",
        "discriminator",
        "nullable",
    }
)
_NAME_MAPS = frozenset({"properties", "patternProperties", "schemas"})


class Kind(StrEnum):
    """What is merged; the values are words for messages."""

    COLLECTION = "collection"
    PROCESS = "process"
    FORMAT = "file format"
    RUNTIME = "UDF runtime"
    SERVICE_TYPE = "service type"


_LISTED: dict[Kind, tuple[str, ...]] = {
    Kind.COLLECTION: ("/collections", "properties", "collections", "items"),
    Kind.PROCESS: ("/processes", "properties", "processes", "items"),
    Kind.FORMAT: ("/file_formats", "properties", "output", "additionalProperties"),
    Kind.RUNTIME: ("/udf_runtimes", "additionalProperties"),
    Kind.SERVICE_TYPE: ("/service_types", "additionalProperties"),
}
"""Kind → path, and where the schema of one entry is in that of the answer."""


class Contract:
    """Judges documents by one merged OpenAPI document."""

    def __init__(self, openapi: Mapping[str, Any]) -> None:
        schemas = openapi["components"]["schemas"]
        components = {"schemas": _translate(schemas, names=True)}
        self._schema = _compiled([{"$ref": "#/components/schemas/json_schema"}], components)
        self._capabilities = {
            name: _compiled([_translate(schema)], components)
            for name, schema in _answer(openapi, "/")["properties"].items()
        }
        self._validators: dict[Kind, jsonschema_rs.Draft7Validator] = {}
        for kind, (path, *steps) in _LISTED.items():
            schema = _answer(openapi, path)
            for step in steps:
                schema = schema[step]
            judged = [_translate(schema)]
            if kind is Kind.RUNTIME:
                # Only this discriminator is followed: without versions or tags clients offer nothing at all.
                judged += _by_type(schemas["udf_runtime"]["discriminator"]["mapping"])
            self._validators[kind] = _compiled(judged, components)

    def passes(self, kind: Kind, document: Any) -> bool:
        """Whether a document is what the contract asks for."""
        try:
            return self._validators[kind].is_valid(document)
        except ValueError:
            # What is no JSON, or nested too deeply to be judged.
            return False

    def is_schema(self, value: Any) -> bool:
        """Whether a value is a JSON schema, as the contract has them."""
        try:
            return isinstance(value, Mapping) and self._schema.is_valid(value)
        except ValueError:
            return False

    def is_capability(self, name: str, value: Any) -> bool:
        """Whether the capabilities may have this value for a property."""
        try:
            return self._capabilities[name].is_valid(value)
        except ValueError:
            return False

    def faults(self, kind: Kind, document: Any) -> list[jsonschema_rs.ValidationError]:
        """What is wrong with a document."""
        try:
            return list(self._validators[kind].iter_errors(document))
        except ValueError:
            return []


@cache
def our_contract() -> Contract:
    """The contract that comes with this package."""
    return Contract(load_openapi())


def compiled_schema(reference: str) -> jsonschema_rs.Draft7Validator:
    """Judges documents by one schema of the contract of this package, such as ``#/components/schemas/file``."""
    components = {"schemas": _translate(load_openapi()["components"]["schemas"], names=True)}
    return _compiled([{"$ref": reference}], components)


def describe(fault: jsonschema_rs.ValidationError) -> str:
    """A fault as text that is short enough to read."""
    place = "/".join(map(str, fault.instance_path))
    message = fault.message
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
    return f"{place}: {message}" if place else message


def _answer(openapi: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    content = openapi["paths"][path]["get"]["responses"]["200"]["content"]
    schema: Mapping[str, Any] = content["application/json"]["schema"]
    return schema


def _compiled(schemas: list[Any], components: Mapping[str, Any]) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator({"allOf": schemas, "components": components}, validate_formats=True)


def _by_type(mapping: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": {"$ref": reference}}
        for name, reference in mapping.items()
    ]


def _translate(schema: Any, *, names: bool = False) -> Any:
    """OpenAPI 3.0 to JSON Schema draft 7, without what does not judge; ``$ref`` stays."""
    if isinstance(schema, list):
        return [_translate(entry) for entry in schema]
    if not isinstance(schema, Mapping):
        return schema
    if names:
        return {name: _translate(entry) for name, entry in schema.items()}
    result = {
        key: value if key in ("enum", "required") else _translate(value, names=key in _NAME_MAPS)
        for key, value in schema.items()
        if key not in _NOT_RULES and not key.startswith("x-")
    }
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(result.get(exclusive), bool) and result.pop(exclusive) and limit in result:
            result[exclusive] = result.pop(limit)
    if schema.get("nullable") is not True:
        return result
    if isinstance(result.get("type"), str) and not {"enum", "allOf", "anyOf", "oneOf"} & set(result):
        return {**result, "type": [result["type"], "null"]}
    return {"anyOf": [{"type": "null"}, result]} if result else result
