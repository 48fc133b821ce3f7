"""Writes ``operations.py``: what each operation is called, where it lives, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.tools.generate.source import BANNER, literal, snake_case
from connexeo.tools.spec.build import operations
from connexeo.tools.spec.documents import SpecError
from connexeo.tools.spec.merge import MICROSERVICE
from connexeo.tools.spec.references import resolve


@dataclass(frozen=True, slots=True)
class ParameterFacts:
    """What is known about one parameter."""

    name: str
    keyword: str
    location: str
    required: bool
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """What is known about one operation of the merged document."""

    id: str
    method: str
    path: str
    module: str
    function: str
    security: tuple[tuple[str, ...], ...]
    parameters: tuple[ParameterFacts, ...]
    body: Mapping[str, Any] | None
    responses: Mapping[str, Any]
    """Status → response, references resolved."""
    node: Mapping[str, Any]

    @property
    def media_types(self) -> tuple[str, ...]:
        """Media types of the request body."""
        return tuple((self.body or {}).get("content", {}))

    @property
    def success(self) -> tuple[int, ...]:
        """Statuses of success."""
        return tuple(sorted(int(status) for status in self.responses if status.startswith("2")))


def collect_operations(document: Mapping[str, Any]) -> list[OperationFacts]:
    """The operations of a merged document.

    Raises:
        SpecError: when an operation lacks an operationId, shares it, or shares its function name.
    """
    found: list[OperationFacts] = []
    functions: dict[tuple[str, str], str] = {}
    for path, method, node in operations(document):
        identifier = node.get("operationId")
        if not identifier:
            raise SpecError(f"{method.upper()} {path} has no operationId")
        facts = _facts(document, path, method, node)
        key = facts.module, facts.function
        if key in functions:
            raise SpecError(f"{functions[key]} and {identifier} share the function {'.'.join(key)}")
        functions[key] = identifier
        found.append(facts)
    return found


def _facts(document: Mapping[str, Any], path: str, method: str, node: Mapping[str, Any]) -> OperationFacts:
    parameters = []
    for entry in node.get("parameters", ()):
        parameter = resolve(document, entry)
        if parameter["in"] in ("path", "query"):
            parameters.append(
                ParameterFacts(
                    parameter["name"],
                    snake_case(parameter["name"]),
                    parameter["in"],
                    bool(parameter.get("required", False)),
                    parameter.get("schema", {}),
                )
            )
    security = node.get("security", document.get("security", []))
    return OperationFacts(
        id=node["operationId"],
        method=method,
        path=path,
        module=node[MICROSERVICE],
        function=snake_case(node["operationId"]),
        security=tuple(tuple(requirement) for requirement in security),
        parameters=tuple(parameters),
        body=resolve(document, node["requestBody"]) if "requestBody" in node else None,
        responses={status: resolve(document, entry) for status, entry in node["responses"].items()},
        node=node,
    )


_HEAD = f'''"""The operations of the contract.

{BANNER}
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path or query parameter."""

    name: str
    keyword: str
    """Keyword argument of the handler."""
    location: str
    """``path`` or ``query``."""
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    id: str
    """The operationId."""
    method: str
    """In lower case."""
    path: str
    """Template as the document spells it."""
    module: str
    """The microservice; handlers live in the module of this name."""
    function: str
    """Name of the handler."""
    security: tuple[tuple[str, ...], ...]
    """Alternatives, each a set of security schemes; an empty one lets anybody in."""
    parameters: tuple[Parameter, ...]
    has_body: bool
    media_types: tuple[str, ...]
    """Media types of the request body."""
    success: tuple[int, ...]
    """Statuses of success."""

    @property
    def public(self) -> bool:
        """Whether it may be called without credentials."""
        return not self.security or () in self.security


_ALL = (
'''


def operations_source(facts: list[OperationFacts]) -> str:
    """Source of the module."""
    entries = "".join(_entry(operation) for operation in facts)
    return (
        f"{_HEAD}{entries})\n\n"
        "OPERATIONS: dict[str, Operation] = {operation.id: operation for operation in _ALL}\n"
        '"""By operationId, in the order in which paths are matched."""\n'
    )


def _entry(operation: OperationFacts) -> str:
    parameters = "".join(
        f"            Parameter({literal(p.name)}, {literal(p.keyword)}, {literal(p.location)}, {p.required}),\n"
        for p in operation.parameters
    )
    return (
        "    Operation(\n"
        f"        id={literal(operation.id)},\n"
        f"        method={literal(operation.method)},\n"
        f"        path={literal(operation.path)},\n"
        f"        module={literal(operation.module)},\n"
        f"        function={literal(operation.function)},\n"
        f"        security={_tuple(_tuple(map(literal, names)) for names in operation.security)},\n"
        + (f"        parameters=(\n{parameters}        ),\n" if parameters else "        parameters=(),\n")
        + f"        has_body={operation.body is not None},\n"
        f"        media_types={_tuple(map(literal, operation.media_types))},\n"
        f"        success={_tuple(map(str, operation.success))},\n"
        "    ),\n"
    )


def _tuple(entries: Any) -> str:
    items = list(entries)
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
