"""Process graphs without calls of stored processes: each call becomes the nodes of what it calls.

Pure. The graph that comes out computes the same: parameters of callbacks hide those of the same name around them,
arguments that lack have their defaults, and values of nodes are carried into callbacks together with the nodes that
they come from, because callbacks cannot refer to nodes outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connexeo.generated.errors import (
    OpenEOError,
    ProcessGraphComplexity,
    ProcessGraphInvalid,
    ProcessParameterRequired,
)
from connexeo.processing.calls import user_key
from connexeo.processing.definitions import Definitions, Parameter, ProcessDefinition
from connexeo.processing.graph import Node, check_depth, is_child_graph, is_reference, read_graph
from connexeo.processing.signatures import signature_faults
from connexeo.processing.validation import MAX_CALLS, namespace_of, process_graph_of

Json = Any
UserProcesses = Mapping[str, Mapping[str, Json]]

MAX_NODES = 20_000
"""Nodes that a graph may have when it is flattened."""

_NONE = frozenset[str]()


def flattened(process: Json, *, user_processes: UserProcesses, definitions: Definitions) -> Json:
    """A process that calls none of the given processes any longer.

    Args:
        process: A process object with a `process_graph`, or the graph itself.
        user_processes: Definitions by their names among user-defined processes.
        definitions: The predefined processes, which tell what their callbacks get.

    Raises:
        ProcessGraphMissing, ProcessGraphInvalid, ProcessInvalid: The process, or one that it calls, is not sound; also
            when they call each other in a circle.
        ProcessParameterRequired: A call lacks an argument.
        ProcessGraphComplexity: It becomes too large.
    """
    graph = process_graph_of(process)
    if not user_processes:
        return process
    if (fault := check_depth(process)) is not None:
        raise fault
    try:
        flat = _Flattening(user_processes, definitions).outermost(graph)
    except RecursionError:
        raise ProcessGraphComplexity(
            "The process graph becomes too deep when the stored processes that it calls are put in their places."
        ) from None
    return flat if graph is process else {**process, "process_graph": flat}


@dataclass(eq=False, slots=True)
class _Scope:
    """A graph that is being written: the outermost one, or that of a callback."""

    outer: _Scope | None = None
    own: frozenset[str] = _NONE
    """Parameters that the process passes whose callback it is."""
    nodes: dict[str, dict[str, Json]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    carried: dict[tuple[int, str], str] = field(default_factory=dict)
    """Nodes of graphs around it that have been copied, by graph and id."""

    def name(self, wanted: str) -> str:
        """An identifier that no other node has."""
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}_{number}", number + 1
        self.taken.add(name)
        return name


@dataclass(frozen=True, slots=True)
class _Value:
    """A value as it has been written into a graph."""

    json: Json
    scope: _Scope
    bound: frozenset[str] = _NONE
    """Parameters that callbacks in it get from whoever calls them."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a graph is read, and where it is written to."""

    scope: _Scope
    parameters: Mapping[str, _Value] | None
    """Values of the parameters of the stored process that is read; None in the outermost process."""
    process_id: str = ""
    """The stored process that is read."""
    hidden: frozenset[str] = _NONE
    """Parameters of callbacks around."""
    nodes: Mapping[str, str] = field(default_factory=dict)
    """Id in the graph that is read → id in the one that is written."""


@dataclass(slots=True)
class _Flattening:
    user_processes: UserProcesses
    definitions: Definitions
    calling: list[str] = field(default_factory=list)
    read: dict[str, ProcessDefinition] = field(default_factory=dict)
    written: int = 0

    def outermost(self, graph: Json) -> dict[str, Json]:
        return self._complete(graph, _Place(_Scope(), None))

    def _complete(self, graph: Json, place: _Place) -> dict[str, Json]:
        """A whole graph, with its result."""
        place.scope.taken |= {each for each in graph if isinstance(each, str)}
        result = self._graph(graph, place, None)
        nodes = place.scope.nodes
        nodes[result] = {**nodes[result], "result": True}
        return nodes

    def _graph(self, graph: Json, place: _Place, prefix: str | None) -> str:
        """Write the nodes of a graph, and give the id of its result."""
        read = read_graph(graph)
        names: dict[str, str] = {}
        inside = replace(place, nodes=names)
        for node in read.nodes:
            definition = self._definition(node)
            if definition is not None and definition.user:
                names[node.id] = self._call(
                    node, definition, inside, node.id if prefix is None else f"{prefix}_{node.id}"
                )
                continue
            name = node.id if prefix is None else place.scope.name(f"{prefix}_{node.id}")
            arguments = self._arguments(node, definition, inside)
            kept = {key: value for key, value in graph[node.id].items() if key != "result"}
            self._write(place.scope, name, {**kept, "arguments": arguments})
            names[node.id] = name
        return names[read.result]

    def _call(self, node: Node, definition: ProcessDefinition, place: _Place, prefix: str) -> str:
        key = user_key(node.process_id, node.namespace)
        if key in self.calling or len(self.calling) >= MAX_CALLS:
            chain = " → ".join(f"'{each}'" for each in [*self.calling, key][-5:])
            raise ProcessGraphInvalid(
                f"User-defined processes call each other in a circle, or more than {MAX_CALLS} levels deep: {chain} "
                f"(node '{node.id}')."
            )
        scope = place.scope
        given = self._arguments(node, definition, place)
        values = {
            name: _Value(value, scope, _bound(definition.parameters.get(name)))
            for name, value in given.items()
        }
        for name, parameter in definition.parameters.items():
            if name not in values and not parameter.required:
                values[name] = self._default(parameter, scope)
        self.calling.append(key)
        graph = self.user_processes[key].get("process_graph")
        result = self._graph(graph, _Place(scope, values, node.process_id), prefix)
        self.calling.pop()
        return result

    def _default(self, parameter: Parameter, scope: _Scope) -> _Value:
        value = parameter.default
        if is_child_graph(value) and parameter.callback is not None:
            value = self._value(value, _Place(scope, {}), _bound(parameter))
        return _Value(value, scope, _bound(parameter))

    def _arguments(self, node: Node, definition: ProcessDefinition | None, place: _Place) -> dict[str, Json]:
        return {
            name: self._value(value, place, self._own(definition, name))
            for name, value in node.arguments.items()
        }

    def _value(self, value: Json, place: _Place, own: frozenset[str] | None) -> Json:
        """A value as it is written; ``own`` are the parameters of callbacks in it, None where it takes none."""
        if is_reference(value):
            if "from_node" in value:
                return {"from_node": place.nodes[value["from_node"]]}
            return self._parameter(value, place, own or _NONE)
        if isinstance(value, list):
            return [self._value(each, place, own) for each in value]
        if not isinstance(value, dict):
            return value
        if is_child_graph(value):
            return value if own is None else self._child(value, place, own)
        return {key: self._value(each, place, own) for key, each in value.items()}

    def _child(self, value: Json, place: _Place, own: frozenset[str]) -> Json:
        inner = _Place(_Scope(place.scope, own), place.parameters, place.process_id, place.hidden | own)
        return {**value, "process_graph": self._complete(value["process_graph"], inner)}

    def _parameter(self, value: Json, place: _Place, own: frozenset[str]) -> Json:
        name = value["from_parameter"]
        if place.parameters is None or name in place.hidden:
            return value
        given = place.parameters.get(name)
        if given is None:
            process_id = place.process_id
            message = f"Process '{process_id}' parameter '{name}' is required: no value was given for it."
            raise ProcessParameterRequired(message, process=process_id, parameter=name)
        return self._put(given.json, given.scope, place.scope, own | given.bound)

    def _put(self, value: Json, source: _Scope, target: _Scope, bound: frozenset[str]) -> Json:
        """A value that was written into one graph, as it has to be written into a callback below."""
        if source is target:
            return value
        if is_reference(value):
            if "from_node" in value:
                return {"from_node": self._carried(value["from_node"], source, target)}
            _check_not_hidden({value["from_parameter"]}, source, target)
            return value
        if isinstance(value, list):
            return [self._put(each, source, target, bound) for each in value]
        if not isinstance(value, dict):
            return value
        if is_child_graph(value):
            _check_not_hidden(self._free(value["process_graph"]) - bound, source, target)
            return value
        return {key: self._put(each, source, target, bound) for key, each in value.items()}

    def _carried(self, name: str, source: _Scope, target: _Scope) -> str:
        """The id of a copy of a node, which is written together with what it refers to."""
        known = target.carried.get((id(source), name))
        if known is not None:
            return known
        node = source.nodes[name]
        definition = self.definitions.read(node["process_id"])
        arguments = {
            key: self._put(value, source, target, self._own(definition, key) or _NONE)
            for key, value in node["arguments"].items()
        }
        copy = target.carried[id(source), name] = target.name(name)
        self._write(target, copy, {**node, "arguments": arguments})
        return copy

    def _write(self, scope: _Scope, name: str, node: dict[str, Json]) -> None:
        self.written += 1
        if self.written > MAX_NODES:
            raise ProcessGraphComplexity(
                f"The process graph has more than {MAX_NODES} nodes when the stored processes that it calls are put "
                "in their places."
            )
        scope.nodes[name] = node

    def _definition(self, node: Node) -> ProcessDefinition | None:
        source = namespace_of(node.process_id, node.namespace, self.definitions, self.user_processes)
        if source != "user":
            return self.definitions.read(node.process_id) if source == "backend" else None
        key = user_key(node.process_id, node.namespace)
        if key not in self.read:
            raw = self.user_processes[key]
            fault: OpenEOError | None = check_depth(raw) or next(signature_faults(raw), None)
            if fault is not None:
                raise fault
            self.read[key] = ProcessDefinition.from_json({**raw, "id": node.process_id}, user=True)
        return self.read[key]

    def _own(self, definition: ProcessDefinition | None, argument: str) -> frozenset[str] | None:
        """Parameters that callbacks in an argument get; None where it takes no callbacks."""
        if definition is None:
            return _NONE
        parameter = definition.parameters.get(argument)
        if parameter is None:
            return _NONE if definition.open else None
        signature = parameter.callback or parameter.callbacks
        return None if signature is None else frozenset(signature.parameters)

    def _free(self, graph: Json) -> set[str]:
        """Parameters that a graph as it has been written takes from around it."""
        found: set[str] = set()
        for node in graph.values():
            definition = self.definitions.read(node["process_id"])
            for name, value in node["arguments"].items():
                found |= self._free_in(value, self._own(definition, name))
        return found

    def _free_in(self, value: Json, own: frozenset[str] | None) -> set[str]:
        if is_reference(value):
            return {value["from_parameter"]} if "from_parameter" in value else set()
        if is_child_graph(value):
            return set() if own is None else self._free(value["process_graph"]) - own
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return {name for each in inner for name in self._free_in(each, own)}


def _bound(parameter: Parameter | None) -> frozenset[str]:
    signature = None if parameter is None else parameter.callback or parameter.callbacks
    return _NONE if signature is None else frozenset(signature.parameters)


def _check_not_hidden(names: set[str] | frozenset[str], source: _Scope, target: _Scope) -> None:
    """Refuse what would mean something else in a callback, because its parameters have the same names."""
    scope: _Scope | None = target
    while scope is not None and scope is not source:
        for name in sorted(names & scope.own):
            raise ProcessGraphInvalid(
                f"A stored process uses, in a callback that has a parameter '{name}' itself, a value that is made of "
                f"the parameter '{name}' around the call. Give the parameter of the process that calls it another name."
            )
        scope = scope.outer
