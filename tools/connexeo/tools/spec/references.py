"""JSON pointers and ``$ref``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.spec.documents import SpecError


def pointer(*parts: str | int) -> str:
    """JSON pointer as URI fragment: ``#/paths/~1jobs/get``."""
    return "#" + "".join(f"/{escape(part)}" for part in parts)


def escape(part: str | int) -> str:
    """One reference token of a JSON pointer."""
    return str(part).replace("~", "~0").replace("/", "~1")


def find(document: Mapping[str, Any], reference: str) -> Any:
    """The node that a local reference names.

    Raises:
        SpecError: when it is not local or there is no such node.
    """
    if not reference.startswith("#/"):
        raise SpecError(f"$ref '{reference}' does not point into the merged document")
    node: Any = document
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            raise SpecError(f"$ref '{reference}' points at nothing")
    return node


def resolve(document: Mapping[str, Any], node: Any) -> Any:
    """Follow ``$ref`` until there is none.

    Raises:
        SpecError: when a reference points at nothing or in a circle.
    """
    seen: set[str] = set()
    while isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
        reference = node["$ref"]
        if reference in seen:
            raise SpecError(f"$ref '{reference}' points at itself")
        seen.add(reference)
        node = find(document, reference)
    return node


def reference_name(node: Any) -> str | None:
    """Name of the component that a node refers to."""
    if isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
        return str(node["$ref"]).rsplit("/", 1)[-1]
    return None
