"""Writes ``models.py``: a TypedDict for each object of the contract, by datamodel-code-generator.

TypedDicts keep keys such as ``cube:dimensions`` and, unlike pydantic models, also properties that the contract
does not know. Bodies that are declared in place get a name of their own here: the title of their schema where
that is unique, else the operationId.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.generate.operations import OperationFacts
from connexeo.tools.generate.source import BANNER, class_name
from connexeo.tools.spec.documents import Document, SpecError, dump_document, json_copy
from connexeo.tools.spec.flatten import flatten_object
from connexeo.tools.spec.references import reference_name

GENERATOR = "datamodel-code-generator"

# Examples may look like schemas; formats of openEO are unknown to the generator; a discriminator would make
# the alternatives subclasses of what refers to them.
_NOT_TYPES = ("example", "examples", "default", "format", "discriminator")

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json")


class ModelNames:
    """Which model stands for which body of which operation."""

    def __init__(self, document: Mapping[str, Any], facts: list[OperationFacts]) -> None:
        schemas = document.get("components", {}).get("schemas", {})
        self.components = {name: class_name(name) for name in schemas}
        taken = Counter(self.components.values())
        clash = [name for name, count in taken.items() if count > 1]
        if clash:
            raise SpecError(f"schemas that differ only in case or punctuation: {', '.join(clash)}")
        inline = {
            (operation.id, kind): schema
            for operation in facts
            for kind, schema in _bodies(operation)
            if reference_name(schema) is None
        }
        titles = Counter(class_name(schema.get("title", "")) for schema in inline.values())
        self.inline: dict[str, Mapping[str, Any]] = {}
        self._names: dict[tuple[str, str], str] = {}
        for (identifier, kind), schema in inline.items():
            title = class_name(schema.get("title", ""))
            unique = title and titles[title] == 1 and title not in taken
            name = title if unique else class_name(identifier) + kind.capitalize()
            self._names[identifier, kind] = name
            self.inline[name] = schema
        for operation in facts:
            for kind, schema in _bodies(operation):
                component = reference_name(schema)
                if component is not None:
                    self._names[operation.id, kind] = self.components[component]

    def request(self, operation: OperationFacts) -> str | None:
        """Model of the JSON request body."""
        return self._names.get((operation.id, "request"))

    def response(self, operation: OperationFacts) -> str | None:
        """Model of the JSON body of success."""
        return self._names.get((operation.id, "response"))


def json_schema_of(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Schema of the first JSON media type."""
    for media_type, media in content.items():
        if _JSON.fullmatch(media_type):
            schema: Mapping[str, Any] = media.get("schema", {})
            return schema
    return None


def _bodies(operation: OperationFacts) -> Iterator[tuple[str, Mapping[str, Any]]]:
    request = json_schema_of((operation.body or {}).get("content", {}))
    if request is not None:
        yield "request", request
    for status in operation.success:
        response = json_schema_of(operation.responses[str(status)].get("content", {}))
        if response is not None:
            yield "response", response
            return


def models_source(document: Mapping[str, Any], names: ModelNames) -> str:
    """Source of the module.

    Raises:
        SpecError: when the generator is not installed.
    """
    try:
        from datamodel_code_generator import Formatter, GenerateConfig, PythonVersion, generate
        from datamodel_code_generator.enums import DataModelType, InputFileType
    except ModuleNotFoundError as error:
        raise SpecError(
            f"{GENERATOR} is not installed; it comes with the dependency group 'generate'"
        ) from error
    config = GenerateConfig(
        input_file_type=InputFileType.OpenAPI,
        output_model_type=DataModelType.TypingTypedDict,
        target_python_version=PythonVersion.PY_311,
        disable_timestamp=True,
        use_double_quotes=True,
        use_schema_description=True,
        use_standard_collections=True,
        use_union_operator=True,
        custom_file_header=f'"""The objects of the contract.\n\n{BANNER}\n"""',
        # black would be one more package whose version changes the bytes.
        formatters=[Formatter.BUILTIN],
        # PEP 728 is not there yet for the type checkers.
        use_closed_typed_dict=False,
    )
    source = generate(dump_document(_document_of_models(document, names)).decode(), config=config)
    return str(source)


def _document_of_models(document: Mapping[str, Any], names: ModelNames) -> Document:
    """A document of schemas only, under the names that the models are to have."""
    components = document.get("components", {}).get("schemas", {})
    schemas = {names.components[name]: schema for name, schema in components.items()}
    schemas |= names.inline
    flat = {name: _flatten(document, schema) for name, schema in schemas.items()}
    return {
        "openapi": document["openapi"],
        "info": {"title": "models", "version": "1"},
        "paths": {},
        "components": {"schemas": _rename(json_copy(flat), names.components)},
    }


def _flatten(document: Mapping[str, Any], node: Any) -> Any:
    """Merge the objects of ``allOf`` into one.

    Else they would become base classes, and a TypedDict may not require what its base leaves optional.
    """
    if isinstance(node, list):
        return [_flatten(document, entry) for entry in node]
    if not isinstance(node, Mapping):
        return node
    node = flatten_object(document, node) or node
    return {
        key: {name: _flatten(document, _tightest(schema)) for name, schema in value.items()}
        if key == "properties"
        else _flatten(document, value)
        for key, value in node.items()
        if key not in _NOT_TYPES and not _only_requires(key, value)
    }


def _only_requires(keyword: str, alternatives: Any) -> bool:
    """Alternatives that differ in what they require are one type, with everything optional."""
    return (
        keyword in ("anyOf", "oneOf")
        and all(
            isinstance(entry, Mapping) and set(entry) <= {"required", "title", "description"}
            for entry in alternatives
        )
        and any("required" in entry for entry in alternatives)
    )


def _tightest(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a property that several parts declare, the last declaration that says a type."""
    parts = schema.get("allOf", ())
    if len(parts) < 2 or set(schema) != {"allOf"}:
        return schema
    typed = [part for part in parts if {"type", "$ref", "allOf", "anyOf", "oneOf"} & set(part)]
    return typed[-1] if typed else schema


def _rename(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_rename(entry, names) for entry in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        prefix, _, name = node["$ref"].rpartition("/")
        return {"$ref": f"{prefix}/{names.get(name, name)}"}
    return {key: _rename(value, names) for key, value in node.items()}
