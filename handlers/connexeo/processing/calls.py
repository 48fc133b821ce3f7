"""Which processes a graph calls, child process graphs included; the graph need not be valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

_CONTAINERS = frozenset({dict, list, tuple})


class Call(NamedTuple):
    """A process as a node names it."""

    process_id: str
    namespace: str | None

    @property
    def key(self) -> str:
        """What the process has to be called among user-defined ones to be found."""
        return user_key(self.process_id, self.namespace)


def is_remote(namespace: str | None) -> bool:
    """Whether a namespace is the address of a document that defines processes."""
    return namespace is not None and namespace.startswith(("https://", "http://"))


def user_key(process_id: str, namespace: str | None) -> str:
    """Name of a process among user-defined ones: its id, with the address where the namespace is one.

    Ids have no `@`, so nobody's stored process can be mistaken for one that was fetched.
    """
    return process_id if namespace in (None, "user") else f"{process_id}@{namespace}"


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
            value = value.values()
        elif not isinstance(value, list | tuple):
            continue
        stack += [inner for inner in value if type(inner) in _CONTAINERS]
