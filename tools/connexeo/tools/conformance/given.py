"""Processes as they were given to a back-end: whether one came back unchanged, and some that cannot be valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.shapes import mapping
from connexeo.tools.conformance.workload import Graph, addition, node, with_result


def faulty_processes() -> dict[str, dict[str, Graph]]:
    """Processes that cannot be valid, by what is wrong with them."""
    return {
        "unknown process": {"process_graph": with_result({"own": node(NOWHERE)})},
        "reference to a node that is not there": {"process_graph": addition({"from_node": "nowhere"})},
    }


def process_fault(found: Any, given: Any, *, arguments: bool = True) -> str | None:
    """Where a process is not what was given; what it has beyond that is not judged.

    Args:
        found: the process in the metadata.
        given: the process that was ordered.
        arguments: whether arguments are compared, or only which nodes there are.
    """
    nodes = mapping(mapping(found).get("process_graph"))
    if not nodes:
        # That is for others to say.
        return None
    for name, each in mapping(mapping(given).get("process_graph")).items():
        kept = mapping(nodes.get(name))
        if kept.get("process_id") != each["process_id"]:
            return f"the node {name} of the process is missing, or another one"
        has = mapping(kept.get("arguments"))
        for key, value in each["arguments"].items() if arguments else ():
            if value is not None and not _is_within(has.get(key), value):
                return f"the argument {key} of the node {name} is not as it was given"
    return None


def _is_within(found: Any, given: Any) -> bool:
    """Whether all that was given is there, with equal values."""
    if isinstance(given, Mapping):
        return isinstance(found, Mapping) and all(
            value is None or _is_within(found.get(key), value) for key, value in given.items()
        )
    if isinstance(given, list):
        same = isinstance(found, list) and len(found) == len(given)
        return same and all(map(_is_within, found, given))
    return bool(found == given)
