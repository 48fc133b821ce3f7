"""Nothing that is implemented is without a test: processes, and the exceptions that their definitions name.

The tests are read, not run: a process counts as tested when its definition has an example (``test_examples`` evaluates
all of them) or when a test calls it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from connexeo.generated import load_processes
from connexeo.processing.registry import implemented

HERE = Path(__file__).parent
SOURCES = Path(__file__).parents[2] / "handlers" / "connexeo" / "processing"

PROCESSES = {process["id"]: process for process in load_processes() if process["id"] in implemented()}

NEVER_RAISED = {
    (
        "divide",
        "DivisionByZero",
    ): "For back-ends that cannot give infinity and NaN, as IEEE 754 has it; this one can.",
    ("mod", "DivisionByZero"): "As for divide.",
    (
        "multiply",
        "MultiplicandMissing",
    ): "Both factors are required parameters, so ProcessParameterRequired comes first.",
    (
        "load_stac",
        "PropertiesUnsupported",
    ): "Conditions are evaluated here, on the items that come, whatever the API can do.",
}
"""Exceptions that a definition names and that cannot occur here, and why."""

EXCEPTIONS = [
    (process_id, code)
    for process_id, process in PROCESSES.items()
    for code in process.get("exceptions", {})
    if (process_id, code) not in NEVER_RAISED
]


def called_in(source: str) -> Iterator[str]:
    """What a test module may call: process ids in graphs, calls and tables of cases, and functions of processes."""
    for node in ast.walk(ast.parse(source)):
        candidates: Iterable[ast.expr | None] = ()
        match node:
            case ast.Dict():
                pairs = zip(node.keys, node.values, strict=True)
                candidates = [v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "process_id"]
            case ast.Call():
                candidates = node.args[:2]
            case ast.Tuple():
                candidates = node.elts[:1]
            case ast.Attribute():
                yield node.attr.removesuffix("_")
            case ast.ImportFrom(module=str(module)) if module.startswith("connexeo.processing.processes"):
                yield from (alias.name.removesuffix("_") for alias in node.names)
        for candidate in candidates:
            if isinstance(candidate, ast.Constant) and isinstance(candidate.value, str):
                yield candidate.value


def names_in(source: str) -> Iterator[str]:
    """Names and attributes that code uses, and strings that it holds."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name():
                yield node.id
            case ast.Attribute():
                yield node.attr
            case ast.Constant(value=str(text)):
                yield text


def raised_in(source: str) -> Iterator[str]:
    """Names inside of ``raise``, and of calls, which may make an exception that is raised elsewhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise | ast.Call):
            for part in ast.walk(node):
                if isinstance(part, ast.Name):
                    yield part.id


def read(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in sorted(folder.rglob("*.py")) if path != Path(__file__)]


CALLED = {name for source in read(HERE) for name in called_in(source)}
NAMED = {name for source in read(HERE) for name in names_in(source)}
RAISED = {name for source in read(SOURCES) for name in raised_in(source)}


@pytest.mark.parametrize("process_id", sorted(implemented()))
def test_process_has_a_test(process_id: str) -> None:
    examples = [e for e in PROCESSES[process_id].get("examples", ()) if "returns" in e]
    assert examples or process_id in CALLED


@pytest.mark.parametrize(("process_id", "code"), EXCEPTIONS)
def test_exception_is_raised_and_has_a_test(process_id: str, code: str) -> None:
    assert code in RAISED
    assert code in NAMED


@pytest.mark.parametrize(("process_id", "code"), NEVER_RAISED)
def test_exception_that_is_never_raised_is_really_not(process_id: str, code: str) -> None:
    assert code in PROCESSES[process_id]["exceptions"]
    assert code not in RAISED


@pytest.mark.parametrize(
    "source",
    [
        "graph = {'node': {'process_id': 'tide', 'arguments': {}}}",
        "run('tide', x=1)",
        "evaluate(environment, 'tide')",
        "CASES = [('tide', 1, 2)]",
        "coast.tide(1)",
        "coast.tide_(1)",
        "from connexeo.processing.processes.coast import tide",
    ],
)
def test_call_is_recognised(source: str) -> None:
    assert "tide" in set(called_in(source))


@pytest.mark.parametrize("source", ["# tide", "'''tide'''", "x = 'tide'", "f(a, b, 'tide')", "tide = 1"])
def test_mention_is_no_call(source: str) -> None:
    assert "tide" not in set(called_in(source))


def test_raised_exception_is_recognised() -> None:
    assert set(raised_in("from e import A, B, C\nraise A\nraise B(x)\nraises(C)\n")) >= {"A", "B", "C"}
    assert "A" not in set(raised_in("from e import A\ntry: x()\nexcept A: pass\n"))
