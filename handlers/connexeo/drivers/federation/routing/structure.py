"""Faults of a process that no back-end could have another opinion of: those of its form, callbacks included."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from connexeo.generated.errors import OpenEOError
from connexeo.processing.faults import placed
from connexeo.processing.graph import (
    MAX_FAULTS,
    Node,
    check_depth,
    form_faults,
    is_child_graph,
    read_nodes,
    structure_faults,
)
from connexeo.processing.signatures import signature_faults
from connexeo.processing.validation import process_graph_of

Json = Any


def faults_of_form(process: Json) -> list[OpenEOError]:
    """All of them, or the first ``MAX_FAULTS``."""
    return list(islice(_faults(process), MAX_FAULTS))


def _faults(process: Json) -> Iterator[OpenEOError]:
    try:
        graph = process_graph_of(process)
    except OpenEOError as error:
        yield error
        return
    too_deep = check_depth(process)
    if too_deep is not None:
        yield too_deep
        return
    if graph is not process:
        yield from signature_faults(process)
    yield from _of_graph(graph)


def _of_graph(graph: Json) -> Iterator[OpenEOError]:
    """Recursion is bounded by the depth of the document."""
    wrong = form_faults(graph)
    yield from wrong
    if wrong:
        return
    nodes: list[Node] = []
    complete = True
    for node, found in read_nodes(graph):
        yield from found
        if node is None:
            complete = False
            continue
        nodes.append(node)
        for name, value in node.arguments.items():
            for child in _children(value):
                for fault in _of_graph(child):
                    where = f"(in the process graph of '{name}' of node '{node.id}')"
                    yield placed(fault, f"{fault.message} {where}")
    yield from structure_faults(nodes, complete=complete)


def _children(value: Json) -> Iterator[Json]:
    """The child process graphs of an argument: it is one, or an object of such; others may be plain values."""
    if isinstance(value, dict) and "from_node" not in value and "from_parameter" not in value:
        for each in [value] if is_child_graph(value) else value.values():
            # What is empty may be a value; of callbacks the definitions tell that it must not be.
            if (
                is_child_graph(each)
                and each["process_graph"]
                and all(
                    isinstance(node, dict) and "process_id" in node for node in each["process_graph"].values()
                )
            ):
                yield each["process_graph"]
