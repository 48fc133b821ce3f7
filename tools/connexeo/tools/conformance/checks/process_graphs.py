"""What process graphs may hold: namespaces, several results, stored processes, parameters, child processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.validating import finds_fault, told, validate
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import Graph, addition, has, node, of, process, workload

_STORE = "PUT /process_graphs/{process_graph_id}"
_NUMBER = {"description": "A number.", "schema": {"type": "number"}}


def _need_addition(backend: BackEnd) -> None:
    if not has(backend, "add"):
        raise NotTestable("there is no process `add`, of which a small graph could be made")


def _accepted(backend: BackEnd, graph: Graph, what: str, **properties: Any) -> Iterator[Violation]:
    faults, answer = validate(backend, graph, **properties)
    if faults:
        yield Violation(f"{what} is refused: {told(faults)}", answer)


def _computed(backend: BackEnd, graph: Graph) -> Exchange:
    answer = backend.user.post("/result", process(graph))
    if answer.status in {402, 429, 501, 503} or answer.code == "NoDataAvailable":
        raise NotTestable(
            f"the back-end does not compute it: HTTP {answer.status} {answer.code or ''}".strip()
        )
    return answer


@requirement(9, layer="processes", mend="Read `namespace` of each node: null, `backend`, or `user`.")
def namespaces(backend: BackEnd) -> Iterator[Violation]:
    """A predefined process may be named with its namespace, and is not one of the user's."""
    backend.need("POST /validation")
    _need_addition(backend)
    for namespace in ("backend", None):
        graph = {name: {**each, "namespace": namespace} for name, each in addition().items()}
        yield from _accepted(backend, graph, f"a predefined process with the namespace {namespace or 'null'}")
    graph = {name: {**each, "namespace": "user"} for name, each in addition().items()}
    found, answer = finds_fault(backend, graph)
    if not found and not _is_stored(backend, "add"):
        yield Violation(
            "`add` in the namespace `user` is accepted, where the user has no such process", answer
        )


def _is_stored(backend: BackEnd, name: str) -> bool:
    """Whether the user has a process of this name; also when nobody can tell."""
    path = "/process_graphs/{process_graph_id}"
    if backend.account is None or not backend.offers(f"GET {path}"):
        return False
    return backend.user.get(path.format(process_graph_id=name)).status != 404


@requirement(
    10, layer="processes", mend="Save the result of each `save_result`, not only of the result node."
)
def several_results(backend: BackEnd) -> Iterator[Violation]:
    """Two nodes that save are a valid graph."""
    backend.need("POST /validation")
    yield from _accepted(backend, _saved_twice(backend), "a graph that saves two results")


@requirement(
    10, id="graphs.several-results", layer="processes", costs=True, operations=("POST /result",),
    title="A graph that saves two results is computed",
)  # fmt: skip
def several_results_computed(backend: BackEnd) -> Iterator[Violation]:
    """Two nodes that save are computed."""
    answer = _computed(backend, _saved_twice(backend))
    if not answer.ok:
        yield Violation(f"a graph that saves two results is answered with HTTP {answer.status}", answer)


def _saved_twice(backend: BackEnd) -> Graph:
    work = backend.once(workload)
    saving = [name for name, each in work.graph.items() if each.get("process_id") == "save_result"]
    if not saving or backend.options.process_graph is not None:
        raise NotTestable("the process graph to run does not save a raster cube")
    (name,) = saving[:1]
    first = {key: value for key, value in work.graph[name].items() if key != "result"}
    return {**work.graph, name: first, "another": {**first, "result": True}}


@requirement(
    11, layer="processes", operations=(_STORE,), writes=True,
    mend="Look for a process among those of the user as well.",
)  # fmt: skip
def stored_process(backend: BackEnd) -> Iterator[Violation]:
    """A graph may use a process that the user has stored."""
    _need_addition(backend)
    backend.need("POST /validation")
    name = _stored(backend, "stored", addition())
    for namespace in ("user", None):
        graph = {"own": {**node(name), "namespace": namespace, "result": True}}
        yield from _accepted(backend, graph, f"a stored process with the namespace {namespace or 'null'}")


@requirement(
    11, id="graphs.stored-process", layer="processes", operations=(_STORE, "POST /result"), writes=True, costs=True,
    title="A graph with a stored process is computed",
)  # fmt: skip
def stored_process_computed(backend: BackEnd) -> Iterator[Violation]:
    """A graph with a stored process is computed."""
    _need_addition(backend)
    name = _stored(backend, "computed", addition(8, 9))
    alone = _computed(backend, addition(17, 0))
    if not alone.ok or _number(alone) != 17:
        raise NotTestable("plain numbers cannot be computed")
    answer = _computed(backend, {"own": {**node(name), "result": True}})
    if not answer.ok:
        yield Violation(f"a graph with a stored process is answered with HTTP {answer.status}", answer)
    elif _number(answer) != 17:
        yield Violation(
            "a stored process that adds 8 and 9 does not give 17", answer, severity=Severity.MAJOR
        )


def _number(answer: Exchange) -> Any:
    try:
        return answer.json()
    except NotJson:
        return None


def _stored(backend: BackEnd, what: str, graph: Graph, **properties: Any) -> str:
    name = backend.name(what)
    backend.ledger.add("process", name, backend.user)
    answer = backend.user.put(f"/process_graphs/{name}", {"process_graph": graph, **properties})
    if not answer.ok:
        raise NotTestable(
            f"the process could not be stored: HTTP {answer.status} {answer.code or ''}".strip()
        )
    return name


@requirement(
    12, layer="processes", mend="Accept `from_parameter` wherever the process declares the parameter."
)
def parameters(backend: BackEnd) -> Iterator[Violation]:
    """Arguments may refer to parameters of the process."""
    backend.need("POST /validation")
    _need_addition(backend)
    declared = [{"name": "low", **_NUMBER}, {"name": "high", **_NUMBER, "optional": True, "default": 100}]
    graph = addition({"from_parameter": "low"}, {"from_parameter": "high"})
    yield from _accepted(backend, graph, "a reference to a parameter", parameters=declared)


@requirement(
    13, layer="processes", mend='Accept `{"process_graph": …}` as an argument, with its own parameters.'
)
def child_processes(backend: BackEnd) -> Iterator[Violation]:
    """Processes such as reducers are given as graphs."""
    backend.need("POST /validation")
    graph = _reduced(backend)
    yield from _accepted(backend, graph, "a reducer that is given as a graph")


@requirement(
    13, id="graphs.child-process", layer="processes", costs=True, operations=("POST /result",),
    title="A graph with a reducer is computed",
)  # fmt: skip
def child_process_computed(backend: BackEnd) -> Iterator[Violation]:
    """A graph with a reducer is computed."""
    answer = _computed(backend, _reduced(backend))
    if not answer.ok:
        yield Violation(f"a graph with a reducer is answered with HTTP {answer.status}", answer)


def _reduced(backend: BackEnd) -> Graph:
    work = backend.once(workload)
    if not any("process_graph" in str(each.get("arguments")) for each in work.graph.values()):
        raise NotTestable("there is no reduce_dimension with a reducer, or no temporal dimension to reduce")
    return work.graph


@check(
    "graphs.no-result",
    "A graph needs exactly one result node",
    layer="processes",
    source="openEO API, Process Graphs",
    operations=("POST /validation",),
    severity=Severity.MINOR,
    mend="Report graphs in which no node, or several, have `result: true`.",
)
def one_result(backend: BackEnd) -> Iterator[Violation]:
    """Graphs with no result node, or two, are invalid."""
    _need_addition(backend)
    none = {"sum": node("add", x=1, y=2)}
    two = {
        "a": {**node("add", x=1, y=2), "result": True},
        "b": {**node("add", x=of("a"), y=2), "result": True},
    }
    for graph, what in ((none, "no result node"), (two, "two result nodes")):
        found, answer = finds_fault(backend, graph)
        if not found:
            yield Violation(f"a graph with {what} is found valid", answer)
