"""Compilation of process graphs: nodes become steps, arguments become functions that give their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connexeo.generated.errors import ProcessGraphComplexity, ProcessUnsupported
from connexeo.processing.calls import user_key
from connexeo.processing.definitions import CallbackSignature, Parameter, ProcessDefinition
from connexeo.processing.environment import Environment
from connexeo.processing.graph import Graph, Node, is_child_graph, is_reference, read_graph
from connexeo.processing.planning.pushdown import push_down
from connexeo.processing.process import ProcessFunction
from connexeo.processing.program import (
    Argument,
    Body,
    Child,
    Constant,
    FromNode,
    FromParameter,
    Items,
    Program,
    Properties,
    Step,
)
from connexeo.processing.registry import Implementation, implementation
from connexeo.processing.validation import namespace_of

MAX_STEPS = 1_000_000
"""Processes that a graph may consist of, when user-defined processes are replaced by their graphs."""


def compile_graph(process_graph: Any, environment: Environment) -> Program:
    """Compile a process graph that has been validated.

    Raises:
        ProcessGraphInvalid: The graph's structure is wrong.
        ProcessGraphComplexity: User-defined processes call each other too many times.
        ProcessUnsupported: A process is not known or not implemented.
    """
    return _Compiler(environment, {}).graph(process_graph)


@dataclass(frozen=True)
class _Compiler:
    environment: Environment
    bodies: dict[str, Program]
    """Graphs of user-defined processes, each compiled once however often it is called."""
    predefined: dict[str, Implementation] = field(default_factory=dict)
    """Functions of predefined processes, each looked for once."""

    def graph(self, process_graph: Any) -> Program:
        graph = read_graph(process_graph)
        position = {node.id: index for index, node in enumerate(graph.nodes)}
        ends = _ends(graph, position)
        steps = tuple(self.step(node, position, ends[node.id]) for node in graph.nodes)
        inner = [program for step in steps for program in _inner(step)]
        size = len(steps) + sum(program.size for program in inner)
        if size > MAX_STEPS:
            raise ProcessGraphComplexity(f"The process graph expands to more than {MAX_STEPS} processes.")
        free = frozenset().union(*(step.parameters() for step in steps))
        return push_down(Program(steps, position[graph.result], free, size))

    def step(self, node: Node, position: Mapping[str, int], ends: tuple[int, ...]) -> Step:
        definition, function, wants_environment = self.find(node)
        parameters = definition.parameters
        arguments = tuple(
            (name, parameters.get(name), self.argument(node, name, parameters.get(name), position))
            for name in node.arguments
        )
        if definition.user:
            arguments += tuple(self.default_graphs(node, definition))
        return Step(
            node.id, node.process_id, arguments, definition.exceptions, function, wants_environment, ends
        )

    def find(self, node: Node) -> tuple[ProcessDefinition, ProcessFunction, bool]:
        world = self.environment
        source = namespace_of(node.process_id, node.namespace, world.definitions, world.user_processes)
        if source == "user":
            key = user_key(node.process_id, node.namespace)
            raw = world.user_processes[key]
            definition = ProcessDefinition.from_json(raw, user=True)
            body = self.bodies.get(key)
            if body is None:
                body = self.bodies[key] = self.graph(raw.get("process_graph"))
            return definition, Body(body, definition.defaults), True
        predefined = world.definitions.read(node.process_id) if source == "backend" else None
        if predefined is None:
            raise ProcessUnsupported(process=node.process_id, namespace=node.namespace or "backend")
        found = self.predefined.get(node.process_id)
        if found is None:
            found = self.predefined[node.process_id] = implementation(node.process_id, world.process_modules)
        return predefined, found.function, found.wants_environment

    def argument(
        self, node: Node, name: str, known: Parameter | None, position: Mapping[str, int]
    ) -> Argument:
        value = node.arguments[name]
        if known is not None and known.callback is not None and is_child_graph(value):
            return self.child(value, known.callback)
        if (
            known is not None
            and known.callbacks is not None
            and isinstance(value, Mapping)
            and not is_reference(value)
        ):
            signature = known.callbacks
            return Properties(
                tuple(
                    (
                        key,
                        self.child(one, signature) if is_child_graph(one) else _argument(one, node, position),
                    )
                    for key, one in value.items()
                )
            )
        return _argument(value, node, position)

    def default_graphs(
        self, node: Node, definition: ProcessDefinition
    ) -> Iterator[tuple[str, Parameter, Argument]]:
        """Process graphs that are defaults: other defaults are values as they are, these have to be compiled."""
        for name, known in definition.parameters.items():
            if name not in node.arguments and known.callback is not None and is_child_graph(known.default):
                yield name, known, self.child(known.default, known.callback)

    def child(self, value: Mapping[str, Any], signature: CallbackSignature) -> Child:
        return Child(self.graph(value["process_graph"]), frozenset(signature.parameters), signature.defaults)


def _argument(value: Any, node: Node, position: Mapping[str, int]) -> Argument:
    """Recursion is bounded by `graph.MAX_DEPTH`, which validation has checked."""
    if is_reference(value):
        if "from_node" in value:
            return FromNode(position[value["from_node"]])
        return FromParameter(value["from_parameter"], node.process_id)
    if isinstance(value, list):
        items = tuple(_argument(item, node, position) for item in value)
        return Constant(value) if all(isinstance(item, Constant) for item in items) else Items(items)
    if isinstance(value, Mapping) and not is_child_graph(value):
        properties = tuple((key, _argument(item, node, position)) for key, item in value.items())
        constant = all(isinstance(item, Constant) for _, item in properties)
        return Constant(value) if constant else Properties(properties)
    return Constant(value)


def _ends(graph: Graph, position: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """For each node, which values it is the last to use."""
    last: dict[str, str] = {}
    for node in graph.nodes:
        last[node.id] = node.id
        for reference in node.references:
            if reference.kind == "from_node":
                last[reference.target] = node.id
    ends: dict[str, list[int]] = {node.id: [] for node in graph.nodes}
    for used, user in last.items():
        ends[user].append(position[used])
    return {node_id: tuple(indices) for node_id, indices in ends.items()}


def _inner(step: Step) -> Iterator[Program]:
    """Programs that a step runs."""
    if isinstance(step.function, Body):
        yield step.function.program
    for _, _, value in step.arguments:
        values = [inner for _, inner in value.properties] if isinstance(value, Properties) else [value]
        yield from (child.program for child in values if isinstance(child, Child))
