"""Process graphs as flat lists of nodes in the order of execution.

Reading is linear in the size of the graph and does not recurse; only the nesting of the JSON document is bounded, by
`MAX_DEPTH`. Child process graphs (`{"process_graph": …}` in an argument) are left unread: they have scopes of their
own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from connexeo.generated.errors import OpenEOError, ProcessGraphInvalid

Json = Any
Path = tuple[str | int, ...]

_CONTAINERS = frozenset({dict, list, tuple})

MAX_FAULTS = 100
"""Faults that are told of one process; whoever has more knows enough, and answers stay small."""

MAX_DEPTH = 128
"""Levels of nested objects and arrays in a process graph, child process graphs included."""


class Reference(NamedTuple):
    """A `from_node` or `from_parameter` and where it stands."""

    kind: str
    """`from_node` or `from_parameter`."""
    target: str
    path: Path
    """Place in the node's arguments, argument name first."""


class Node(NamedTuple):
    """A process with its arguments."""

    id: str
    process_id: str
    namespace: str | None
    arguments: Mapping[str, Json]
    references: tuple[Reference, ...]
    """All references in the arguments, outside of child process graphs."""
    result: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """A process graph that can be executed."""

    nodes: tuple[Node, ...]
    """Every node after all nodes that it refers to, otherwise in document order."""
    result: str
    """Id of the node whose value is the value of the graph."""


def read_graph(process_graph: Json) -> Graph:
    """Read a process graph.

    Raises:
        ProcessGraphInvalid: The first fault of its structure.
    """
    faults = form_faults(process_graph)
    nodes: list[Node] = []
    if not faults:
        for node, node_faults in read_nodes(process_graph):
            faults.extend(node_faults)
            if node is not None:
                nodes.append(node)
    faults.extend([] if faults else structure_faults(nodes))
    if faults:
        raise faults[0]
    order = _topological_order({node.id: node for node in nodes})
    return Graph(order, next(node.id for node in order if node.result))


def form_faults(process_graph: Json) -> list[OpenEOError]:
    """Why a value is no process graph at all."""
    if not isinstance(process_graph, dict):
        return [ProcessGraphInvalid(f"A process graph must be an object, not {describe(process_graph)}.")]
    if not process_graph:
        return [ProcessGraphInvalid("The process graph has no nodes. At least one node is required.")]
    return []


def read_nodes(process_graph: Mapping[Any, Json]) -> Iterator[tuple[Node | None, list[OpenEOError]]]:
    """Each node in document order with the faults of its form and of its references; no node where it has none."""
    for node_id, raw in process_graph.items():
        faults: list[OpenEOError] = []
        node = _read_node(node_id, raw, faults)
        if node is not None:
            faults.extend(islice(_dangling(node, process_graph), MAX_FAULTS))
        yield node, faults


def structure_faults(nodes: Sequence[Node], *, complete: bool = True) -> list[OpenEOError]:
    """Faults of the graph as a whole: result nodes that lack or abound, circles.

    Args:
        nodes: The nodes that could be read.
        complete: Whether these are all; if not, the result node may be among the others.
    """
    faults = list(_result_faults(nodes)) if complete else []
    by_id = {node.id: node for node in nodes}
    ordered = _topological_order(by_id)
    if len(ordered) < len(by_id):
        faults.append(_cycle_fault(by_id, {node.id for node in ordered}))
    return faults


def check_depth(value: Json) -> OpenEOError | None:
    """The fault of a document that is nested too deeply to be processed; found without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Json] = []
        for parent in level:
            children = parent.values() if isinstance(parent, dict) else parent
            deeper += [child for child in children if type(child) in _CONTAINERS]
        if not deeper:
            return None
        level = deeper
    return ProcessGraphInvalid(
        f"The process graph has more than {MAX_DEPTH} levels of nested objects and arrays."
    )


def is_child_graph(value: Json) -> bool:
    """Whether a value has the form of a child process graph."""
    return isinstance(value, dict) and isinstance(value.get("process_graph"), dict)


def is_reference(value: Json) -> bool:
    """Whether a value is a reference to a node or parameter."""
    return isinstance(value, dict) and len(value) == 1 and ("from_node" in value or "from_parameter" in value)


def describe(value: Json) -> str:
    """A JSON value for use in a message."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    return names.get(type(value), f"a {type(value).__name__}")


def place(path: Path) -> str:
    """A path for use in a message, e.g. `extent.west` or `data[2]`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def _read_node(node_id: Json, raw: Json, faults: list[OpenEOError]) -> Node | None:
    def fault(message: str) -> None:
        faults.append(ProcessGraphInvalid(message))

    if not isinstance(node_id, str) or not node_id:
        fault(f"Node identifiers must be non-empty strings, {node_id!r} is not.")
        return None
    if not isinstance(raw, dict):
        fault(f"Node '{node_id}' must be an object, not {describe(raw)}.")
        return None
    process_id, namespace, arguments = raw.get("process_id"), raw.get("namespace"), raw.get("arguments")
    if not isinstance(process_id, str) or not process_id:
        fault(f"Node '{node_id}' has no process: 'process_id' must be a non-empty string.")
        return None
    if not isinstance(arguments, dict):
        fault(f"Node '{node_id}' (process '{process_id}') needs 'arguments', an object that may be empty.")
        return None
    if namespace is not None and not isinstance(namespace, str):
        fault(f"The namespace of node '{node_id}' must be a string or null, not {describe(namespace)}.")
        return None
    if not isinstance(raw.get("result", False), bool):
        fault(f"'result' of node '{node_id}' must be true or false, not {describe(raw['result'])}.")
    references = tuple(_find_references(node_id, arguments, faults))
    return Node(node_id, process_id, namespace, arguments, references, raw.get("result") is True)


def _find_references(
    node_id: str, arguments: dict[str, Json], faults: list[OpenEOError]
) -> Iterator[Reference]:
    """All references in document order, found with a stack of its own instead of recursion."""
    stack: list[tuple[Path, Json]] = [
        ((name,), arguments[name]) for name in reversed(arguments) if type(arguments[name]) in _CONTAINERS
    ]
    while stack and len(faults) < MAX_FAULTS:
        path, value = stack.pop()
        if isinstance(value, dict):
            if "from_node" in value or "from_parameter" in value:
                kind = "from_node" if "from_node" in value else "from_parameter"
                if len(value) == 1 and isinstance(value[kind], str):
                    yield Reference(kind, value[kind], path)
                else:
                    where = f"Argument '{place(path)}' of node '{node_id}'"
                    what = f"'{kind}' must be a string" if len(value) == 1 else f"only '{kind}' may be given"
                    faults.append(ProcessGraphInvalid(f"{where} is no valid reference: {what}."))
            elif not is_child_graph(value):
                stack += [
                    ((*path, key), value[key]) for key in reversed(value) if type(value[key]) in _CONTAINERS
                ]
        else:
            inner = [((*path, index), item) for index, item in enumerate(value) if type(item) in _CONTAINERS]
            stack += reversed(inner)


def _dangling(node: Node, process_graph: Mapping[str, Json]) -> Iterator[OpenEOError]:
    for reference in node.references:
        if reference.kind == "from_node" and reference.target not in process_graph:
            yield ProcessGraphInvalid(
                f"Argument '{place(reference.path)}' of node '{node.id}' refers to node '{reference.target}', "
                "which does not exist in this process graph."
            )


def _result_faults(nodes: Sequence[Node]) -> Iterator[OpenEOError]:
    results = [node.id for node in nodes if node.result]
    if not results:
        yield ProcessGraphInvalid("No node is the result. Set 'result' to true in exactly one node.")
    elif len(results) > 1:
        named = ", ".join(f"'{node_id}'" for node_id in results[:10])
        yield ProcessGraphInvalid(f"More than one node is the result: {named}. Only one may be.")


def _predecessors(node: Node, nodes: Mapping[str, Node]) -> dict[str, None]:
    """Ids of the nodes that a node refers to, each once; those that could not be read are left out."""
    targets = (ref.target for ref in node.references if ref.kind == "from_node")
    return dict.fromkeys(target for target in targets if target in nodes)


def _in_order(nodes: Mapping[str, Node]) -> bool:
    """Whether the document order is an order of execution, as it mostly is."""
    seen: set[str] = set()
    for node in nodes.values():
        for reference in node.references:
            if reference.kind == "from_node" and reference.target not in seen:
                return False
        seen.add(node.id)
    return True


def _topological_order(nodes: Mapping[str, Node]) -> tuple[Node, ...]:
    """Kahn's algorithm; nodes on or behind a circle are left out."""
    if _in_order(nodes):
        return tuple(nodes.values())
    waiting: dict[str, int] = {}
    followers: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for node in nodes.values():
        predecessors = _predecessors(node, nodes)
        waiting[node.id] = len(predecessors)
        for predecessor in predecessors:
            followers[predecessor].append(node.id)
    ready = deque(node_id for node_id, count in waiting.items() if count == 0)
    order: list[Node] = []
    while ready:
        node_id = ready.popleft()
        order.append(nodes[node_id])
        for follower in followers[node_id]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                ready.append(follower)
    return tuple(order)


def _cycle_fault(nodes: Mapping[str, Node], ordered: set[str]) -> OpenEOError:
    """Walk backwards from any node that could not be ordered until a node comes up again: that is a cycle."""
    trail: dict[str, None] = {}
    current = next(node_id for node_id in nodes if node_id not in ordered)
    while current not in trail:
        trail[current] = None
        current = next(before for before in _predecessors(nodes[current], nodes) if before not in ordered)
    walked = list(trail)
    cycle = walked[walked.index(current) :][::-1]
    shown = " → ".join(f"'{node_id}'" for node_id in [*cycle[:10], cycle[0]])
    return ProcessGraphInvalid(f"Nodes refer to each other in a circle: {shown}.")
