"""Puts the fragments together into one OpenAPI document: the base, before any overlay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.spec.documents import Document, SpecError, json_copy, read_mapping, require_openapi
from connexeo.tools.spec.sources import SpecFolder

MICROSERVICE = "x-connexeo-microservice"
"""Extension of an operation: the microservice, and so the module, that it belongs to."""

METHODS = ("get", "put", "post", "patch", "delete", "head", "options", "trace")


def merge_fragments(spec: SpecFolder) -> Document:
    """Merge the root document, the microservices and the shared schemas.

    Every operation is marked with the microservice whose file it stands in.

    Raises:
        SpecError: when something is declared twice, naming both files, or a fragment holds anything but paths
            and components.
    """
    root = read_mapping(spec.main)
    root.setdefault("paths", {})
    require_openapi(root, spec.label(spec.main))
    merger = _Merger(root, spec.label(spec.main))
    for name, path in spec.microservices:
        fragment = read_mapping(path)
        _mark(fragment, name)
        merger.add(fragment, spec.label(path))
    for path in spec.schemas:
        merger.add(read_mapping(path), spec.label(path))
    document: Document = json_copy(merger.document)
    components = document.pop("components", {})
    return {**document, "components": components}


class _Merger:
    """Adds fragments and remembers which file declared what."""

    def __init__(self, root: Document, label: str) -> None:
        self.document = root
        self._origin: dict[tuple[str, ...], str] = {}
        for path in root["paths"]:
            self._origin["paths", path] = label
        for kind, entries in root.get("components", {}).items():
            for name in entries:
                self._origin["components", kind, name] = label

    def add(self, fragment: Mapping[str, Any], label: str) -> None:
        unknown = sorted(set(fragment) - {"paths", "components"})
        if unknown:
            raise SpecError(f"{label}: a fragment holds paths and components, not {', '.join(unknown)}")
        for path, item in (fragment.get("paths") or {}).items():
            self._claim(("paths", path), label)
            self.document["paths"][path] = item
        components = self.document.setdefault("components", {})
        for kind, entries in (fragment.get("components") or {}).items():
            for name, entry in (entries or {}).items():
                self._claim(("components", kind, name), label)
                components.setdefault(kind, {})[name] = entry

    def _claim(self, place: tuple[str, ...], label: str) -> None:
        if place in self._origin:
            raise SpecError(f"{'/'.join(place)} is declared in {self._origin[place]} and in {label}")
        self._origin[place] = label


def _mark(fragment: Mapping[str, Any], microservice: str) -> None:
    for item in (fragment.get("paths") or {}).values():
        for method in METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                item[method].setdefault(MICROSERVICE, microservice)
