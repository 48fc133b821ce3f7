"""OpenAPI Overlay 1.0: changes to a document, as data.

The JSONPath of the targets is jsonpath-ng's, because a match there knows its parent, which removal needs.
oas-patch applies overlays too but says nothing when a target matches nothing; here that is an error, so that
a correction whose fault is gone, or whose target was renamed, is noticed with the next release of the base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connexeo.tools.spec.documents import Document, SpecError, json_copy, read_mapping

_KNOWN = {"target", "description", "update", "remove"}


@dataclass(frozen=True, slots=True)
class Action:
    """One change."""

    target: str
    """JSONPath of the objects or arrays to change."""
    update: Any = None
    """What is merged into each object, or appended to each array."""
    remove: bool = False
    description: str = ""
    """Why."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """One overlay document."""

    title: str
    version: str
    actions: tuple[Action, ...]
    label: str
    """How messages name it."""

    @property
    def identity(self) -> str:
        """Title and version; a document that lists it has been through the overlay."""
        return f"{self.title} {self.version}"


def load_overlay(path: Path, label: str | None = None) -> Overlay:
    """Read an overlay from YAML or JSON.

    Raises:
        SpecError: when it is not an Overlay 1.0 document.
    """
    return parse_overlay(read_mapping(path), label or str(path))


def parse_overlay(content: Mapping[str, Any], label: str) -> Overlay:
    """Check the structure of an overlay document.

    Raises:
        SpecError: naming the overlay and the action at fault.
    """
    version = str(content.get("overlay", "missing"))
    if not version.startswith("1.0"):
        raise SpecError(f"{label} is not an Overlay 1.0 document (overlay: {version})")
    info = content.get("info")
    if not isinstance(info, Mapping) or not info.get("title") or not info.get("version"):
        raise SpecError(f"{label}: info needs a title and a version")
    actions = content.get("actions")
    if not isinstance(actions, list) or not actions:
        raise SpecError(f"{label}: there are no actions")
    parsed = tuple(_parse_action(entry, f"{label}, action {n}") for n, entry in enumerate(actions, 1))
    return Overlay(str(info["title"]), str(info["version"]), parsed, label)


def _parse_action(content: Any, place: str) -> Action:
    if not isinstance(content, Mapping) or not isinstance(content.get("target"), str):
        raise SpecError(f"{place}: a target is missing")
    unknown = sorted(key for key in set(content) - _KNOWN if not key.startswith("x-"))
    if unknown:
        raise SpecError(f"{place}: unknown keys {', '.join(unknown)}")
    remove = content.get("remove", False)
    if not isinstance(remove, bool):
        raise SpecError(f"{place}: remove is either true or false")
    if not remove and "update" not in content:
        raise SpecError(f"{place}: there is neither update nor remove")
    return Action(content["target"], content.get("update"), remove, str(content.get("description", "")))


def apply_overlay(document: Document, overlay: Overlay) -> Document:
    """Apply the actions one at a time, each to the outcome of the one before; the given document stays.

    Raises:
        SpecError: naming overlay and action, when a target matches nothing or does not fit its update.
    """
    result: Document = json_copy(document)
    for number, action in enumerate(overlay.actions, 1):
        place = f"{overlay.label}, action {number} ({action.target})"
        matches = _find(result, action.target, place)
        if not matches:
            raise SpecError(f"{place}: the target matches nothing")
        if action.remove:
            # From the back, so that the indexes of what is still to be removed from a list stay right.
            for match in reversed(matches):
                _remove(match, place)
        else:
            for match in matches:
                _update(match.value, action.update, place)
    return result


def _find(document: Document, target: str, place: str) -> list[Any]:
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.ext.parser import parse  # as above

    try:
        # jsonpath-ng parses and evaluates filters only by its extended parser.
        return list(parse(target).find(document))
    except JSONPathError as error:
        raise SpecError(f"{place}: not a JSONPath: {' '.join(str(error).split())}") from error


def _remove(match: Any, place: str) -> None:
    if match.context is None:
        raise SpecError(f"{place}: the document itself cannot be removed")
    parent = match.context.value
    index = getattr(match.path, "indices", None)
    if index is not None:
        del parent[index[0]]
    else:
        del parent[match.path.fields[0]]


def _update(target: Any, update: Any, place: str) -> None:
    if isinstance(target, dict):
        if not isinstance(update, Mapping):
            raise SpecError(f"{place}: an object is updated by an object")
        _merge(target, update, place)
    elif isinstance(target, list):
        target.append(json_copy(update))
    else:
        raise SpecError(f"{place}: the target is neither object nor array")


def _merge(target: dict[str, Any], update: Mapping[str, Any], place: str) -> None:
    """Objects are merged, lists concatenated, anything else replaced. The update is copied for every target:
    two targets that shared a list would both grow with the next action on one of them.
    """
    for key, value in update.items():
        present = target.get(key)
        if isinstance(present, dict) and isinstance(value, Mapping):
            _merge(present, value, f"{place}/{key}")
        elif isinstance(present, list) and isinstance(value, list):
            present.extend(json_copy(value))
        elif isinstance(present, dict | list) or (present is not None and isinstance(value, dict | list)):
            raise SpecError(f"{place}: '{key}' is {_kind(present)} there and {_kind(value)} in the update")
        else:
            target[key] = json_copy(value)


def _kind(value: Any) -> str:
    return (
        "an object"
        if isinstance(value, Mapping)
        else "a list"
        if isinstance(value, list)
        else "a plain value"
    )
