"""Every handler fits the protocol that is generated from its operation, as mypy judges."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from mypy import api

from connexeo.generated.operations import OPERATIONS, Operation
from connexeo.tools.generate.source import class_name

REPOSITORY = Path(__file__).parents[2]
HANDLERS = "connexeo.handlers"

HEAD = """
from starlette.responses import Response
from connexeo.generated import models, protocols
from connexeo.handlers.context import Context
"""

MISFITS = {
    "a parameter less": """
async def handler(context: Context, *, limit: int | None = None) -> models.Collections: ...
""",
    "a parameter of another type": """
async def handler(context: Context, *, limit: str | None = None, offset: str | None = None) -> models.Collections: ...
""",
    "a parameter that must be given": """
async def handler(context: Context, *, limit: int | None, offset: str | None = None) -> models.Collections: ...
""",
    "another answer": """
async def handler(context: Context, *, limit: int | None = None, offset: str | None = None) -> models.Processes: ...
""",
    "not a coroutine function": """
def handler(context: Context, *, limit: int | None = None, offset: str | None = None) -> models.Collections: ...
""",
}
"""What is no handler of ``list-collections``."""


def _implemented() -> Iterator[Operation]:
    for operation in OPERATIONS.values():
        name = f"{HANDLERS}.{operation.module}"
        module = importlib.import_module(name) if importlib.util.find_spec(name) is not None else None
        if hasattr(module, operation.function):
            yield operation


IMPLEMENTED = tuple(_implemented())
"""The operations that one of our handlers answers."""


def module_of(operation: Operation) -> str:
    """A module that mypy accepts only if the handler of the operation fits."""
    module = f"{HANDLERS}.{operation.module}"
    protocol = class_name(operation.id)
    return f"{HEAD}import {module}\nhandler: protocols.{protocol}[Context] = {module}.{operation.function}\n"


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy says of each module, in one run for all: of each handler, and of each misfit."""
    folder = tmp_path_factory.mktemp("signatures")
    sources = {operation.function: module_of(operation) for operation in IMPLEMENTED}
    misfit = "checked: protocols.ListCollections[Context] = handler\n"
    sources |= {name.replace(" ", "_"): f"{HEAD}{text}{misfit}" for name, text in MISFITS.items()}
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    files = [str(folder / f"{name}.py") for name in sources]
    with chdir(REPOSITORY):
        # The modules that are imported are checked by themselves elsewhere.
        options = ["--config-file", "pyproject.toml", "--cache-dir", str(folder / "cache")]
        options += ["--follow-imports=silent", "--no-error-summary", "--hide-error-context"]
        # An empty body is a fault of its own, in the misfits.
        output, errors, _ = api.run([*options, "--disable-error-code=empty-body", *files])
    assert errors == ""
    found: dict[str, list[str]] = {name: [] for name in sources}
    for line in output.splitlines():
        name, kind = re.findall(r"(\w+)\.py:\d+: (\w+):", line)[0]
        if kind == "error":
            found[name].append(line)
    return found


@pytest.mark.parametrize("operation", IMPLEMENTED, ids=lambda operation: operation.id)
def test_handler_fits_its_protocol(complaints: dict[str, list[str]], operation: Operation) -> None:
    assert complaints[operation.function] == []


@pytest.mark.parametrize("misfit", MISFITS)
def test_misfit_is_found(complaints: dict[str, list[str]], misfit: str) -> None:
    (complaint,) = complaints[misfit.replace(" ", "_")]
    assert "Incompatible types in assignment" in complaint


def test_all_handlers_are_looked_at() -> None:
    functions = {operation.function for operation in IMPLEMENTED}
    assert {"capabilities", "list_collections", "compute_result", "authenticate_basic"} <= functions
