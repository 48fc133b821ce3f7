"""Examples of process definitions that can be computed on their own, and whether a result is the expected one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance.json_types import fits
from connexeo.tools.conformance.shapes import mapping, objects, text
from connexeo.tools.conformance.workload import Graph, node, of, with_result

_REFERENCES = ("from_node", "from_parameter", "process_graph")
_TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Example:
    """One call of a process, with what it gives."""

    process: str
    arguments: Mapping[str, Any]
    returns: Any

    @property
    def node(self) -> Graph:
        """The call as a node."""
        return node(self.process, **self.arguments)


def examples(definition: Mapping[str, Any]) -> Iterator[Example]:
    """Examples of a definition that stand for themselves and say what they return."""
    for each in objects(definition.get("examples")):
        arguments = mapping(each.get("arguments"))
        if "returns" in each and not holds_reference(arguments) and not isinstance(each["returns"], Mapping):
            yield Example(str(definition.get("id")), arguments, each["returns"])


def applicable(example: Example, given: Mapping[str, Any]) -> bool:
    """Whether an example of the standard is one for a definition that may be of another version.

    Arguments have to fit what is declared. Times as texts were compared by what they mean in processes 1.x, as texts
    since.
    """
    declared = {text(each.get("name")): each.get("schema") for each in objects(given.get("parameters"))}
    fitting = all(
        name in declared and fits(value, declared[name]) for name, value in example.arguments.items()
    )
    return fitting and (example.process.startswith("date_") or not _TIME.search(repr(example.arguments)))


def holds_reference(value: Any) -> bool:
    """Whether a value is known only when a graph runs."""
    if isinstance(value, Mapping):
        return any(key in value for key in _REFERENCES) or any(map(holds_reference, value.values()))
    return isinstance(value, list) and any(map(holds_reference, value))


def alone(example: Example) -> Graph:
    """The graph that computes one example."""
    return with_result({"n0": example.node})


def together(group: Sequence[Example]) -> Graph:
    """The graph that computes several, and gives an array of what they return."""
    graph: Graph = {f"n{number}": example.node for number, example in enumerate(group)}
    graph["all"] = node("array_create", data=[of(name) for name in graph])
    return with_result(graph)


def same(given: Any, expected: Any) -> bool:
    """Whether a result is the expected one, but for rounding; no-data and NaN have no JSON but null."""
    if isinstance(expected, list):
        return isinstance(given, list) and len(given) == len(expected) and all(map(same, given, expected))
    if isinstance(expected, bool) or isinstance(given, bool):
        return given is expected
    if isinstance(expected, int | float) and isinstance(given, int | float):
        # Some compute with 32 bits.
        return math.isclose(given, expected, rel_tol=1e-5, abs_tol=1e-6)
    if expected is None:
        return given is None or (isinstance(given, str) and given.lower() == "nan")
    return bool(given == expected)
