"""The examples of the process definitions, of ours and of the published ones, each as a process graph of one node."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.registry import implemented

ROOT = Path(__file__).parents[3]
OURS = ROOT / "spec" / "processes"
PUBLISHED = ROOT.parent / "shared" / "reference" / "processes"

WRONG = {
    ("array_modify", 3): "length is left out, so that it is 0 by default and nothing is removed.",
    ("count", 4): "The condition is no process graph object, and its parameter is called x, not element.",
}
"""Published examples (process and position from 0) that contradict their own definition, and why."""


def read_yaml(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def definitions_in(folder: Path, pattern: str, read: Callable[[Path], Any]) -> Iterator[Any]:
    """Definitions of the processes that are implemented."""
    for path in sorted(folder.rglob(pattern)):
        definition = read(path)
        if definition.get("id") in implemented():
            yield definition


def examples_of(definition: Any) -> Iterator[tuple[int, Any]]:
    """Examples that tell what they give, with their position."""
    for index, example in enumerate(definition.get("examples", ())):
        if "returns" in example:
            yield index, example


def collect() -> list[Any]:
    """A parameter set per example."""
    ours = [
        pytest.param(one["id"], example, id=f"ours-{one['id']}-{index}")
        for one in definitions_in(OURS, "*.yaml", read_yaml)
        for index, example in examples_of(one)
    ]
    published = []
    for one in definitions_in(PUBLISHED, "*.json", read_json):
        for index, example in examples_of(one):
            reason = WRONG.get((one["id"], index))
            marks = [] if reason is None else [pytest.mark.xfail(strict=True, reason=reason)]
            published.append(
                pytest.param(one["id"], example, id=f"published-{one['id']}-{index}", marks=marks)
            )
    return ours + published


def same(actual: Any, expected: Any) -> bool:
    """Whether a value is the one of an example: of its type, numbers to ten decimals."""
    if isinstance(expected, list):
        return isinstance(actual, list) and len(actual) == len(expected) and all(map(same, actual, expected))
    if isinstance(expected, bool) or not isinstance(expected, int | float):
        return type(actual) is type(expected) and bool(actual == expected)
    return type(actual) in (int, float) and math.isclose(actual, expected, rel_tol=0, abs_tol=1e-10)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the reference documents are not beside the project")
def test_all_published_definitions_are_found() -> None:
    assert len(list(definitions_in(PUBLISHED, "*.json", read_json))) > 100


@pytest.mark.parametrize(("process_id", "example"), collect())
def test_example(environment: Environment, process_id: str, example: Any) -> None:
    node = {"process_id": process_id, "arguments": example["arguments"], "result": True}
    actual = evaluate({"node": node}, environment=environment)
    assert same(actual, example["returns"]), f"{actual!r} is not {example['returns']!r}"
