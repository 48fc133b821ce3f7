"""Writes ``protocols.py``: one Protocol per operation, for mypy to check handlers against the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.generate.models import ModelNames
from connexeo.tools.generate.operations import OperationFacts
from connexeo.tools.generate.source import BANNER, class_name, docstring
from connexeo.tools.spec.references import resolve

_HEAD = '''"""What the handler of each operation takes and gives.

{banner}

A handler is called with the context of the server and, as keywords, the path and query parameters; query
parameters that are not given are left out, so they have defaults. A JSON body comes as ``body``; other bodies
are streamed from the context. It returns the JSON body of success, or None where there is none, or a response.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeVar

from starlette.responses import Response

from {package} import models

ContextT_contra = TypeVar("ContextT_contra", contravariant=True)
'''

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list[Any]"}


def protocols_source(
    document: Mapping[str, Any],
    facts: list[OperationFacts],
    names: ModelNames,
    *,
    models: str = "connexeo.generated",
) -> str:
    """Source of the module; ``models`` is the package that has the models."""
    head = _HEAD.format(banner=BANNER, package=models)
    return "\n\n".join([head, *(_protocol(document, operation, names) for operation in facts)])


def signature(
    document: Mapping[str, Any], operation: OperationFacts, names: ModelNames
) -> tuple[list[str], str]:
    """Keyword arguments of a handler, those without a default first, and what it returns."""
    keywords = []
    for parameter in operation.parameters:
        annotation = _annotation(document, parameter.schema)
        default = "" if parameter.required else _default(document, parameter.schema)
        keywords.append(f"{parameter.keyword}: {annotation}{default}")
    body = names.request(operation)
    if body is not None:
        default = "" if (operation.body or {}).get("required", False) else " | None = None"
        keywords.append(f"body: models.{body}{default}")
    keywords.sort(key=lambda keyword: "=" in keyword)
    answer = names.response(operation)
    return keywords, f"models.{answer} | Response" if answer else _without_body(operation)


def _protocol(document: Mapping[str, Any], operation: OperationFacts, names: ModelNames) -> str:
    keywords, returns = signature(document, operation, names)
    parts = ["self", "context: ContextT_contra", *(["*", *keywords] if keywords else [])]
    call = f"    async def __call__({', '.join(parts)}) -> {returns}: ..."
    if len(call) > 100:
        lines = "".join(f"        {argument},\n" for argument in parts)
        call = f"    async def __call__(\n{lines}    ) -> {returns}: ..."
    summary = operation.node.get("summary", operation.id)
    text = f"{summary}: ``{operation.method.upper()} {operation.path}``."
    return f"class {class_name(operation.id)}(Protocol[ContextT_contra]):\n{docstring(text)}\n{call}\n"


def _without_body(operation: OperationFacts) -> str:
    """What has content, or headers that only the handler knows, cannot be left to the server."""
    response = operation.responses[str(operation.success[0])]
    return "Response" if response.get("content") or response.get("headers") else "Response | None"


def _default(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What stands for a parameter that is not given: the handler has the default of the contract, or None."""
    default = resolve(document, schema).get("default")
    return f" = {default!r}" if isinstance(default, str | int | float) else " | None = None"


def _annotation(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    schema = resolve(document, schema)
    if "enum" in schema and all(isinstance(value, str) for value in schema["enum"]):
        return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]"
    return _TYPES.get(schema.get("type", ""), "Any")
