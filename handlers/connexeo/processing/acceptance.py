"""The short way through validation: graphs that are plainly valid, which most are.

Looking for faults to explain costs five times what it takes to see that there are none. `is_plainly_valid` says yes
only where `validation` would find no fault, and no wherever it is not sure; then `validation` decides. It reads
each node once, in document order, and leaves to `validation` what is rare: user-defined processes, references
inside of objects and arrays, nodes that refer to later ones, deep nesting.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from connexeo.processing.arguments import check_value
from connexeo.processing.definitions import (
    CallbackSignature,
    Definitions,
    Kinds,
    Parameter,
    compatible,
)

Json = Any

MAX_CALLBACKS = 8
"""Levels of child process graphs that are followed here."""

_is_compatible = cache(compatible)
_REFERENCES = frozenset({"from_node", "from_parameter"})
_SCALARS = frozenset({str, int, float, bool, type(None)})


def is_plainly_valid(
    graph: Json, scope: Mapping[str, Kinds], returns: Kinds, definitions: Definitions, others: Collection[str]
) -> bool:
    """Whether a process graph certainly has no fault.

    Args:
        graph: The process graph.
        scope: Kinds of the parameters that can be used.
        returns: Kinds of what it may return.
        definitions: The predefined processes.
        others: Ids of user-defined processes, which precede predefined ones.
    """
    return _graph(graph, scope, returns, definitions, others, MAX_CALLBACKS)


def _graph(
    graph: Json,
    scope: Mapping[str, Kinds],
    returns: Kinds,
    definitions: Definitions,
    others: Collection[str],
    depth: int,
) -> bool:
    if type(graph) is not dict or depth == 0:
        return False
    kinds: dict[str, Kinds] = {}
    result: Kinds | None = None
    for node_id, node in graph.items():
        if type(node) is not dict or not node_id:
            return False
        process_id, arguments = node.get("process_id"), node.get("arguments")
        if type(process_id) is not str or type(arguments) is not dict or process_id in others:
            return False
        definition = definitions.read(process_id) if node.get("namespace") in (None, "backend") else None
        if definition is None or not arguments.keys() >= definition.required_names:
            return False
        parameters = definition.parameters
        for name, value in arguments.items():
            parameter = parameters.get(name)
            if parameter is None:
                return False
            if type(value) is dict and len(value) == 1:
                ((key, target),) = value.items()
                if key in _REFERENCES:
                    source = kinds if key == "from_node" else scope
                    if type(target) is not str or target not in source:
                        return False
                    if not _is_compatible(source[target], parameter.kinds):
                        return False
                    continue
                if key == "process_graph" and parameter.callback is not None:
                    inner = _inner_scope(scope, parameter.callback)
                    if not _graph(target, inner, parameter.callback.returns, definitions, others, depth - 1):
                        return False
                    continue
            if not _literal(parameter, value, definition.exceptions):
                return False
        if node.get("result", False) is not False:
            if node["result"] is not True or result is not None:
                return False
            result = definition.returns
        kinds[node_id] = definition.returns
    return result is not None and _is_compatible(result, returns)


def _inner_scope(scope: Mapping[str, Kinds], signature: CallbackSignature) -> Mapping[str, Kinds]:
    return {**scope, **signature.kinds} if scope else signature.kinds


def _literal(parameter: Parameter, value: Json, exceptions: Collection[str]) -> bool:
    if parameter.callbacks is not None or "process-graph" in parameter.kinds:
        return False
    return _is_plain(value, 3) and check_value(parameter, value, exceptions) is None


def _is_plain(value: Json, depth: int) -> bool:
    """Whether a value certainly holds no reference, no process graph, and no deep nesting."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if depth == 0:
        return False
    if kind is list:
        return all(type(item) in _SCALARS or _is_plain(item, depth - 1) for item in value)
    if kind is not dict or "from_node" in value or "from_parameter" in value or "process_graph" in value:
        return False
    return all(type(item) in _SCALARS or _is_plain(item, depth - 1) for item in value.values())
