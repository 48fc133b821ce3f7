"""Checks of processes before anything runs: structure, processes, arguments, and the types that flow between nodes."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Literal

from connexeo.generated.errors import (
    OpenEOError,
    ProcessGraphInvalid,
    ProcessGraphMissing,
)
from connexeo.processing.acceptance import is_plainly_valid
from connexeo.processing.arguments import check_value, error_of, expected
from connexeo.processing.calls import user_key
from connexeo.processing.definitions import (
    ANYTHING,
    CallbackSignature,
    Definitions,
    Kinds,
    Parameter,
    ProcessDefinition,
    compatible,
)
from connexeo.processing.faults import (
    no_graph,
    placed,
    reference_faults,
    required,
    unknown_argument,
    unknown_parameters,
    unsupported,
)
from connexeo.processing.graph import (
    MAX_FAULTS,
    Node,
    Reference,
    check_depth,
    form_faults,
    is_child_graph,
    is_reference,
    read_nodes,
    structure_faults,
)
from connexeo.processing.signatures import signature_faults

Json = Any
UserProcesses = Mapping[str, Mapping[str, Json]]


def validate(
    process: Json,
    *,
    definitions: Definitions,
    user_processes: UserProcesses | None = None,
    parameters: Iterable[str] | None = None,
    unlisted: bool = False,
) -> list[OpenEOError]:
    """The faults of a process, in document order: all of them, or the first `MAX_FAULTS`.

    Args:
        process: A process object with a `process_graph`, or the graph itself.
        definitions: The predefined processes that may be called.
        user_processes: Stored user-defined processes by id.
        parameters: Names of parameters that will be supplied besides those that the process declares.
        unlisted: Whether a process that does not say which parameters it has may use any.
    """
    faults = _faults(process, definitions, user_processes or {}, parameters or (), unlisted)
    return list(islice(faults, MAX_FAULTS))


def _faults(
    process: Json,
    definitions: Definitions,
    user_processes: UserProcesses,
    parameters: Iterable[str],
    unlisted: bool,
) -> Iterator[OpenEOError]:
    try:
        graph = process_graph_of(process)
    except OpenEOError as error:
        yield error
        return
    if _has_no_signature(process, graph):
        known = dict.fromkeys(parameters, ANYTHING)
        if is_plainly_valid(graph, known, ANYTHING, definitions, user_processes):
            return
    too_deep = check_depth(process)
    if too_deep is not None:
        yield too_deep
        return
    described = process if graph is not process else {}
    wrong = list(islice(signature_faults(described), MAX_FAULTS))
    if wrong:
        yield from wrong
        return
    own, own_id = ProcessDefinition.from_json(described, user=True), described.get("id")
    scope = {name: parameter.kinds for name, parameter in own.parameters.items()}
    scope |= {name: ANYTHING for name in parameters if name not in scope}
    check = _Check(definitions, user_processes, [own_id] if isinstance(own_id, str) else [])
    yield from check.graph(graph, None if unlisted and own.open else scope, own.returns)


def is_plain(process: Json, *, definitions: Definitions, others: Collection[str] = ()) -> bool:
    """Whether a process certainly has no fault, and calls nothing but predefined processes, as most do.

    Args:
        process: As for `validate`.
        definitions: The predefined processes that may be called.
        others: Ids of predefined processes that user-defined ones may precede.
    """
    try:
        graph = process_graph_of(process)
    except OpenEOError:
        return False
    return _has_no_signature(process, graph) and is_plainly_valid(graph, {}, ANYTHING, definitions, others)


def check(
    process: Json,
    *,
    definitions: Definitions,
    user_processes: UserProcesses | None = None,
    parameters: Iterable[str] | None = None,
    unlisted: bool = False,
) -> None:
    """Raise the first fault that `validate` finds."""
    for fault in _faults(process, definitions, user_processes or {}, parameters or (), unlisted):
        raise fault


def _has_no_signature(process: Json, graph: Json) -> bool:
    return graph is process or not process.keys() & {"parameters", "returns"}


def process_graph_of(process: Json) -> Json:
    """The graph of a process object, or the graph that was given instead of one.

    Raises:
        ProcessGraphMissing: The value is neither.
    """
    if isinstance(process, dict):
        nodes = process.values()
        if "process_graph" not in process and (not process or any(isinstance(n, dict) for n in nodes)):
            return process
        graph = process.get("process_graph")
        if isinstance(graph, dict) and "process_id" in graph and "arguments" in graph:
            return process  # a graph whose node is called "process_graph"
        if graph is not None:
            return graph
    raise ProcessGraphMissing


def namespace_of(
    process_id: str, namespace: Json, definitions: Mapping[str, Json], user_processes: Mapping[str, Json]
) -> Literal["user", "backend"] | None:
    """Where a node's process is defined; without a namespace, user-defined processes precede predefined ones."""
    if namespace != "backend" and user_key(process_id, namespace) in user_processes:
        return "user"
    if namespace in (None, "backend") and process_id in definitions:
        return "backend"
    return None


@dataclass(frozen=True)
class _Check:
    definitions: Definitions
    user_processes: UserProcesses
    calling: list[str]
    """Ids of the user-defined processes that are being checked, outermost first."""
    checked: dict[str, ProcessDefinition] = field(default_factory=dict)
    """User-defined processes that need no second check."""

    def graph(
        self, process_graph: Json, scope: Mapping[str, Kinds] | None, returns: Kinds
    ) -> Iterator[OpenEOError]:
        """Faults of a graph in which the parameters of `scope` can be used (None: any)."""
        faults = form_faults(process_graph)
        if faults:
            yield from faults
            return
        nodes: list[Node] = []
        found = {node_id: self._find(raw) for node_id, raw in process_graph.items()}
        kinds = {node_id: ANYTHING if one is None else one.returns for node_id, one in found.items()}
        complete = True
        for node, node_faults in read_nodes(process_graph):
            yield from node_faults
            if node is None:
                complete = False
                continue
            nodes.append(node)
            yield from self._node(node, found[node.id], scope, kinds)
        yield from structure_faults(nodes, complete=complete)
        for node in nodes:
            if node.result and not compatible(kinds[node.id], returns):
                yield ProcessGraphInvalid(
                    f"The result node '{node.id}' (process '{node.process_id}') returns {expected(kinds[node.id])}, "
                    f"but {expected(returns)} is required here."
                )

    def _find(self, raw: Json) -> ProcessDefinition | None:
        if not isinstance(raw, dict) or not isinstance(raw.get("process_id"), str):
            return None
        process_id = raw["process_id"]
        source = namespace_of(process_id, raw.get("namespace"), self.definitions, self.user_processes)
        if source == "user":
            key = user_key(process_id, raw.get("namespace"))
            return self.checked.get(key) or ProcessDefinition.from_json(
                {**self.user_processes[key], "id": process_id}, user=True
            )
        return self.definitions.read(process_id) if source == "backend" else None

    def _node(
        self,
        node: Node,
        definition: ProcessDefinition | None,
        scope: Mapping[str, Kinds] | None,
        kinds: Mapping[str, Kinds],
    ) -> Iterator[OpenEOError]:
        yield from unknown_parameters(node, scope)
        if definition is None:
            yield unsupported(node)
            return
        if definition.user:
            usable = yield from self._user_process(node, definition)
            if not usable:
                return
        referring: dict[Json, list[Reference]] = {}
        for reference in node.references:
            referring.setdefault(reference.path[0], []).append(reference)
        for name, value in node.arguments.items():
            parameter = definition.parameters.get(name)
            if parameter is None:
                if not definition.open:
                    yield unknown_argument(node, name, definition)
                continue
            yield from self._argument(
                node, definition, parameter, value, referring.get(name, ()), scope, kinds
            )
        for name in definition.required:
            if name not in node.arguments:
                yield required(node, name)

    def _argument(
        self,
        node: Node,
        definition: ProcessDefinition,
        parameter: Parameter,
        value: Json,
        references: Sequence[Reference],
        scope: Mapping[str, Kinds] | None,
        kinds: Mapping[str, Kinds],
    ) -> Iterator[OpenEOError]:
        if is_reference(value):
            if references:
                yield from reference_faults(node, parameter, references[0], scope or {}, kinds)
        elif parameter.callback is not None and is_child_graph(value):
            yield from self._child(node, parameter.name, parameter.callback, value, scope)
        elif parameter.callbacks is not None and isinstance(value, dict):
            for key, child in value.items():
                if is_child_graph(child):
                    yield from self._child(node, f"{parameter.name}.{key}", parameter.callbacks, child, scope)
                elif not is_reference(child):
                    yield no_graph(node, parameter.name, f"'{key}' must be a process graph.")
        elif "process-graph" in parameter.kinds and (len(parameter.kinds) == 1 or isinstance(value, dict)):
            yield no_graph(node, parameter.name, "a process graph ({'process_graph': …}) is expected.")
        else:
            fault = check_value(parameter, value, definition.exceptions, referring=bool(references))
            if fault is not None:
                yield error_of(fault, node.process_id, parameter.name, f" (node '{node.id}')")

    def _child(
        self,
        node: Node,
        name: str,
        signature: CallbackSignature,
        child: Json,
        scope: Mapping[str, Kinds] | None,
    ) -> Iterator[OpenEOError]:
        inner = None
        if scope is not None:
            inner = {**scope, **{key: parameter.kinds for key, parameter in signature.parameters.items()}}
        for fault in self.graph(child["process_graph"], inner, signature.returns):
            yield placed(fault, f"{fault.message} (in the process graph of '{name}' of node '{node.id}')")

    def _user_process(self, node: Node, definition: ProcessDefinition) -> Generator[OpenEOError, None, bool]:
        """Check a stored process the first time that it is called; gives whether calls of it can be checked."""
        key = user_key(node.process_id, node.namespace)
        if key in self.calling:
            circle = " → ".join(f"'{one}'" for one in [*self.calling[self.calling.index(key) :], key])
            yield ProcessGraphInvalid(
                f"User-defined processes call each other in a circle (node '{node.id}'): {circle}."
            )
            return True
        if key in self.checked:
            return True
        raw = self.user_processes[key]
        where = f"(in user-defined process '{node.process_id}', node '{node.id}')"
        for unusable in islice(_unusable(self.calling, raw), MAX_FAULTS):
            yield placed(unusable, f"{unusable.message} {where}")
            return False
        self.calling.append(key)
        scope = {name: parameter.kinds for name, parameter in definition.parameters.items()}
        inner = self.graph(raw.get("process_graph"), None if definition.open else scope, definition.returns)
        for fault in chain(inner, self._default_graphs(definition)):
            yield placed(fault, f"{fault.message} {where}")
        self.calling.pop()
        self.checked[key] = definition
        return True

    def _default_graphs(self, definition: ProcessDefinition) -> Iterator[OpenEOError]:
        """Faults of process graphs that are defaults of parameters, which run wherever nothing else is passed."""
        for name, parameter in definition.parameters.items():
            signature = parameter.callback
            if not parameter.required and signature is not None and is_child_graph(parameter.default):
                graph = parameter.default["process_graph"]
                for fault in self.graph(graph, signature.kinds, signature.returns):
                    yield placed(fault, f"{fault.message} (in the default of parameter '{name}')")


MAX_CALLS = 20
"""How deep user-defined processes may call each other."""


def _unusable(calling: Sequence[str], raw: Mapping[str, Json]) -> Iterator[OpenEOError]:
    """Why a stored process cannot even be looked into."""
    if len(calling) >= MAX_CALLS:
        yield ProcessGraphInvalid(
            f"User-defined processes call each other more than {MAX_CALLS} levels deep."
        )
        return
    too_deep = check_depth(raw)
    if too_deep is not None:
        yield too_deep
        return
    yield from signature_faults(raw)
