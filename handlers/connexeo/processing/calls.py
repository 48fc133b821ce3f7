"""Which processes a graph calls, child process graphs included; the graph need not be valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class Call(NamedTuple):
    """A process as a node names it."""

    process_id: str
    namespace: str | None


def calls_of(process: Any) -> Iterator[Call]:
    """The processes that anything in a document may call, some of them several times.

    Whatever looks like a node is taken for one: who wants to know what a graph needs may rather get too much. A stack
    of its own instead of recursion walks through documents of any depth.
    """
    stack = [process]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            process_id, namespace = value.get("process_id"), value.get("namespace")
            if isinstance(process_id, str) and (namespace is None or isinstance(namespace, str)):
                yield Call(process_id, namespace)
            stack += value.values()
        elif isinstance(value, list | tuple):
            stack += value
