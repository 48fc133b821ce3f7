"""Everything that the author of a handler must know about one operation, on the terminal."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from connexeo.tools.generate.models import ModelNames
from connexeo.tools.generate.operations import OperationFacts, collect_operations
from connexeo.tools.generate.protocols import signature
from connexeo.tools.generate.source import snake_case
from connexeo.tools.spec.documents import SpecError
from connexeo.tools.spec.outline import Outline, outline
from connexeo.tools.spec.references import reference_name, resolve

_INLINE = 2
"""Levels of shared schemas that are shown in place."""

# The standard's list of errors says File Management where its API says File Storage.
_ERROR_TAGS = {"file_management": "file_storage"}


def find_operation(facts: Sequence[OperationFacts], wanted: str) -> OperationFacts:
    """The operation of an operationId (`list-jobs`), a function (`list_jobs`) or a request (`GET /jobs`).

    Raises:
        SpecError: with what was perhaps meant.
    """
    method, _, path = wanted.partition(" ")
    for operation in facts:
        if wanted in (operation.id, operation.function):
            return operation
        if operation.method == method.lower() and operation.path == path.strip():
            return operation
    names = [name for o in facts for name in (o.id, f"{o.method.upper()} {o.path}")]
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise SpecError(f"there is no operation '{wanted}'{hint}")


def show_operation(
    document: Mapping[str, Any],
    wanted: str,
    errors: Mapping[str, Any],
    handler_packages: Sequence[str] = (),
) -> RenderableType:
    """What there is to know about an operation, ready to be printed.

    Raises:
        SpecError: when there is no such operation.
    """
    facts = collect_operations(document)
    operation = find_operation(facts, wanted)
    keywords, returns = signature(document, operation, ModelNames(document, facts))
    arguments = ", ".join(["context: Context", *(["*", *keywords] if keywords else [])])
    head = f"[bold]{operation.method.upper()} {escape(operation.path)}[/bold]"
    parts: list[RenderableType] = [
        Text.from_markup(f"{head}  {escape(str(operation.node.get('summary', '')))}"),
        Text(str(operation.node.get("description", "")).strip()),
        _facts_table(operation, handler_packages),
        *_section("Handler", [Text(f"async def {operation.function}({arguments}) -> {returns}")]),
    ]
    if operation.parameters:
        parts += _section("Parameters", [_parameters(document, operation)])
    for media_type, media in (operation.body or {}).get("content", {}).items():
        parts += _section(f"Request body, {media_type}", [_tree(document, media.get("schema", {}))])
    for status, response in operation.responses.items():
        parts += _section(f"Response {status}", list(_response(document, response)))
    parts += _section("Errors", [_errors(operation, errors)])
    return Group(*parts)


def locate_handler(operation: OperationFacts, packages: Sequence[str]) -> str | None:
    """File and line of the function that would answer, looked up as the server does."""
    for package in (*packages, "connexeo.handlers"):
        names = (f"{package}.{operation.module}", package)
        for name in names if package != "connexeo.handlers" else names[:1]:
            module = _import(name)
            function = getattr(module, operation.function, None)
            if callable(function):
                source = inspect.unwrap(function)
                file = Path(inspect.getsourcefile(source) or name)
                return f"{_relative(file)}:{inspect.getsourcelines(source)[1]}"
    return None


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _facts_table(operation: OperationFacts, packages: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    access = " or ".join(" and ".join(names) if names else "anonymous" for names in operation.security)
    place = locate_handler(operation, packages)
    rows = {
        "operationId": operation.id,
        "microservice": operation.module,
        "access": access or "anonymous",
        "implemented": place or f"not yet; write {operation.function} in handlers/{operation.module}.py",
    }
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return Padding(table, (1, 0, 0, 0))


def _section(title: str, content: list[RenderableType]) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold cyan"), *(Padding(entry, (0, 0, 0, 2)) for entry in content)]


def _parameters(document: Mapping[str, Any], operation: OperationFacts) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    described = {
        entry["name"]: str(entry.get("description", ""))
        for entry in (resolve(document, node) for node in operation.node.get("parameters", ()))
    }
    for parameter in operation.parameters:
        line = outline(document, parameter.schema)
        needed = "required" if parameter.required else "optional"
        table.add_row(
            Text(parameter.name, style="bold"),
            f"{parameter.location}, {needed}",
            Text(", ".join([line.type, *line.rules])),
            Text(first_sentence(described.get(parameter.name) or line.description), style="dim"),
        )
    return table


def _response(document: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text(first_sentence(str(response.get("description", ""))), style="dim")
    for name, header in response.get("headers", {}).items():
        header = resolve(document, header)  # noqa: PLW2901 - the reference is of no interest
        line = outline(document, header.get("schema", {}))
        yield Text(f"{name}: {', '.join([line.type, *line.rules])}")
    for media_type, media in response.get("content", {}).items():
        schema = media.get("schema", {})
        if reference_name(schema) == "error":
            # The same for every operation; the codes are listed below.
            yield Text(f"{media_type}: error object with id, code, message, links")
        else:
            yield Text(media_type)
            yield _tree(document, schema)


def _tree(document: Mapping[str, Any], schema: Mapping[str, Any]) -> RenderableType:
    root = outline(document, schema, inline=_INLINE)
    tree = Tree(_label(root), guide_style="dim")
    _grow(tree, root)
    return tree


def _grow(tree: Tree, node: Outline) -> None:
    for child in node.children:
        _grow(tree.add(_label(child)), child)


def _label(node: Outline) -> Text:
    text = Text()
    if node.name:
        text.append(node.name, style="bold")
        text.append(" " if node.required or node.alternative else "? ")
    text.append(node.type, style="green")
    if node.component:
        text.append(f" {node.component}", style="magenta")
    for rule in node.rules:
        text.append(f"  {rule}", style="yellow")
    if node.description:
        text.append(f"  {first_sentence(node.description)}", style="dim")
    return text


def _errors(operation: OperationFacts, errors: Mapping[str, Any]) -> RenderableType:
    """Codes of the operation's own tags and microservice; general ones may occur everywhere."""
    tags = {snake_case(tag) for tag in operation.node.get("tags", ())} | {operation.module}
    if operation.security and () not in operation.security:
        tags.add("account_management")
    table = Table.grid(padding=(0, 2))
    general = []
    for code, error in errors.items():
        names = {snake_case(tag) for tag in error.get("tags", ())}
        names = {_ERROR_TAGS.get(name, name) for name in names}
        if names & tags or any(tag.endswith(name) for name in names for tag in tags):
            table.add_row(str(error["http"]), Text(code, style="bold"), Text(error["message"], style="dim"))
        elif "general" in names:
            general.append(code)
    table.add_row("", Text("any time", style="italic"), Text(", ".join(general), style="dim"))
    return table


def first_sentence(text: str) -> str:
    """The first sentence of a description, on one line."""
    paragraph = " ".join(text.strip().split("\n\n", 1)[0].split())
    return re.split(r"(?<=\.)(?<!e\.g\.)(?<!i\.e\.) ", paragraph, maxsplit=1)[0]
