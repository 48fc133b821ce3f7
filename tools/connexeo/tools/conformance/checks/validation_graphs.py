"""Validation: which faults of process graphs are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.checks.validation import VALIDATION, ask, is_clean
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import NOWHERE, all_processes
from connexeo.tools.conformance.shapes import mapping, objects, text
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import Graph, addition, has, loading, node, of, with_result, workload


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that is wrong with a process graph."""

    what: str
    graphs: Callable[[BackEnd], Iterator[Graph]]
    mend: str
    severity: Severity = Severity.MAJOR


def _parameters(backend: BackEnd, name: str) -> Mapping[str, Mapping[str, Any]]:
    """Parameters of a predefined process, by name.

    Raises:
        NotTestable: when it is not there.
    """
    for process in backend.once(all_processes):
        if process.get("id") == name:
            return {text(each.get("name")): each for each in objects(process.get("parameters"))}
    raise NotTestable(f"there is no process `{name}`, of which a small graph could be made")


def _number(backend: BackEnd, name: str, parameter: str) -> None:
    """End the check unless a parameter is there, needed, and a number."""
    about = _parameters(backend, name).get(parameter, {})
    schemas = about.get("schema")
    types: set[str] = set()
    for schema in objects(schemas) or [mapping(schemas)]:
        given = schema.get("type")
        types |= set(given) if isinstance(given, list) else {text(given)}
    if about.get("optional") or not types or not types <= {"number", "integer", "null"}:
        raise NotTestable(f"`{parameter}` of `{name}` is not the number that it is in other back-ends")


def _unknown_process(backend: BackEnd) -> Iterator[Graph]:
    yield with_result({"nothing": node(NOWHERE)})


def _unknown_argument(backend: BackEnd) -> Iterator[Graph]:
    _parameters(backend, "add")
    yield with_result({"sum": node("add", x=1, y=2, conformance_no_such_argument=3)})


def _missing_argument(backend: BackEnd) -> Iterator[Graph]:
    _number(backend, "add", "y")
    yield with_result({"sum": node("add", x=1)})


def _wrong_type(backend: BackEnd) -> Iterator[Graph]:
    _number(backend, "add", "x")
    yield addition("one")
    yield addition([1])


def _dangling(backend: BackEnd) -> Iterator[Graph]:
    _parameters(backend, "add")
    yield addition(of(NOWHERE))


def _cycle(backend: BackEnd) -> Iterator[Graph]:
    _parameters(backend, "add")
    yield {"a": node("add", x=of("b"), y=1), "b": {**node("add", x=of("a"), y=1), "result": True}}
    yield with_result({"a": node("add", x=of("a"), y=1)})


def _malformed(backend: BackEnd) -> Iterator[Graph]:
    _parameters(backend, "add")
    yield {"sum": {"arguments": {"x": 1, "y": 2}, "result": True}}
    yield {"sum": {"process_id": "add", "arguments": [1, 2], "result": True}}


def _empty(backend: BackEnd) -> Iterator[Graph]:
    yield {}


def _in_child(backend: BackEnd) -> Iterator[Graph]:
    graph = backend.once(workload).graph
    if backend.options.process_graph is not None or "reduce" not in graph:
        raise NotTestable("there is no reduce_dimension, or no temporal dimension to reduce")
    mistakes = [node(NOWHERE, data={"from_parameter": "data"}), node("first", data=of(NOWHERE))]
    unknown = list(_unknown_argument(backend)) if has(backend, "add") else []
    if unknown and not any(is_clean(ask(backend, {"process_graph": each})) for each in unknown):
        # Who finds it nowhere makes another mistake than not to look at child processes.
        mistakes.append(node("first", data={"from_parameter": "data"}, conformance_no_such_argument=1))
    for changed in mistakes:
        other = deepcopy(graph)
        other["reduce"]["arguments"]["reducer"] = {"process_graph": with_result({"one": changed})}
        yield other


def _unknown_collection(backend: BackEnd) -> Iterator[Graph]:
    work = backend.once(workload)
    if work.collection is None:
        raise NotTestable("the process graph to run is the user's own")
    yield with_result({"load": loading(work, id=NOWHERE)})


_ARGUMENTS = "Compare the arguments of each node with the parameters of its process."
_REFERENCES = "Follow `from_node` from each node: it has to end at nodes without references."

MISTAKES = {
    "process": Mistake("a process that does not exist", _unknown_process, "Look up each `process_id`."),
    "unknown-argument": Mistake("an argument that the process does not have", _unknown_argument, _ARGUMENTS),
    "missing-argument": Mistake("a node without a required argument", _missing_argument, _ARGUMENTS),
    "argument-type": Mistake(
        "an argument of the wrong type", _wrong_type, "Check arguments against the schemas of parameters."
    ),
    "dangling-reference": Mistake("a reference to a node that is not there", _dangling, _REFERENCES),
    "cycle": Mistake("a graph whose nodes wait for each other", _cycle, _REFERENCES),
    "malformed-node": Mistake(
        "a node without `process_id`, or without object `arguments`", _malformed, "Check each node."
    ),
    "child-process": Mistake("a fault in a child process", _in_child, "Check child processes likewise."),
    "empty-graph": Mistake(
        "a graph without nodes", _empty, "Ask for a result node.", Severity.MINOR
    ),
    "collection": Mistake(
        "a collection that does not exist", _unknown_collection, "Look up collections.", Severity.MINOR
    ),
}  # fmt: skip


def _find(backend: BackEnd, *, mistake: Mistake) -> Iterator[Violation]:
    """Whether a mistake is found, in whichever way that is said."""
    for graph in mistake.graphs(backend):
        answer = ask(backend, {"process_graph": graph})
        if is_clean(answer):
            yield Violation(f"{mistake.what} is found valid", answer)


def _register() -> None:
    for name, mistake in MISTAKES.items():
        requirement(
            497,
            id="profile.497" if name == "process" else f"validation.{name}",
            layer="processes",
            title=f"Validation finds {mistake.what}",
            operations=(VALIDATION,),
            severity=mistake.severity,
            mend=mistake.mend,
        )(partial(_find, mistake=mistake))


_register()
