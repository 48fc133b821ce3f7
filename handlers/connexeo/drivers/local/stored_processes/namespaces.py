"""Definitions of processes as others can use them: what they call must not depend on who calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connexeo.processing.calls import Call

Json = dict[str, Any]


def with_namespaces(definition: Json, namespace_of: Callable[[Call], str | None]) -> Json:
    """A copy of a definition, in which each node has the namespace that a function gives.

    Recursion is bounded by the depth of documents, which the caller has checked.
    """

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        if not isinstance(value, dict):
            return value
        copy = {key: changed(one) for key, one in value.items()}
        process_id, namespace = value.get("process_id"), value.get("namespace")
        if isinstance(process_id, str) and (namespace is None or isinstance(namespace, str)):
            new = namespace_of(Call(process_id, namespace))
            if new != namespace:
                copy["namespace"] = new
        return copy

    names = ("process_graph", "parameters")
    parts: Json = {name: changed(definition[name]) for name in names if name in definition}
    return {**definition, **parts}
