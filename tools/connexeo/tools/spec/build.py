"""Base → corrections → extensions → overlays of driver and deployment: the document that is served."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from connexeo.tools.spec.documents import (
    Document,
    SpecError,
    json_copy,
    load_document,
    read_mapping,
    require_openapi,
)
from connexeo.tools.spec.merge import METHODS, MICROSERVICE, merge_fragments
from connexeo.tools.spec.overlay import Overlay, apply_overlay, load_overlay
from connexeo.tools.spec.references import resolve
from connexeo.tools.spec.sources import MICROSERVICES, SpecFolder, find_spec

APPLIED = "x-connexeo-overlays"
"""Extension of ``info``: which overlays a document has been through, so that none is applied twice."""


def build_document(
    base: Path | str | Mapping[str, Any] | None = None,
    overlays: Sequence[Path | Overlay] = (),
    apply_overlays: bool = True,
    driver: str | None = None,
    *,
    spec: SpecFolder | None = None,
) -> Document:
    """Build the contract that a server serves.

    Args:
        base: another openEO document instead of ours (file, URL, or read already); one that was built before
            is only extended by the overlays it has not been through.
        overlays: further overlays of the deployment, applied last.
        apply_overlays: whether to apply our own overlays.
        driver: name of the driver whose own overlays are added.
        spec: folder of the contract; by default that of the checkout or the package.

    Raises:
        SpecError: when a source is at fault. The result is not validated; see ``check``.
    """
    spec = spec or find_spec()
    document = _base(base, spec)
    # Before, so that overlays find parameters at the operations whichever way the base declares them.
    inline_path_parameters(document)
    sources = spec.overlays(driver) if apply_overlays else []
    chain = [load_overlay(path, spec.label(path)) for path in sources]
    chain += [entry if isinstance(entry, Overlay) else load_overlay(entry) for entry in overlays]
    applied = list(document["info"].get(APPLIED, ()))
    for overlay in chain:
        if overlay.identity not in applied:
            document = apply_overlay(document, overlay)
            inline_path_parameters(document)
            applied.append(overlay.identity)
    if chain:
        document["info"][APPLIED] = applied
        _assign_microservices(document, spec)
        document["paths"] = order_paths(document)
    elif base is None:
        _strip_microservices(document)
    return document


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and node of every operation, in the order of the document."""
    for path, item in document["paths"].items():
        for method, node in item.items():
            if method in METHODS and isinstance(node, dict):
                yield path, method, node


def inline_path_parameters(document: Document) -> None:
    """Give each operation the parameters of its path; its own win over those of the path."""
    for path, item in document["paths"].items():
        shared = item.pop("parameters", None)
        if not shared:
            continue
        for method in METHODS:
            if isinstance(item.get(method), dict):
                node = item[method]
                own = node.get("parameters", [])
                taken = {_parameter_key(document, entry, path) for entry in own}
                inherited = [e for e in shared if _parameter_key(document, e, path) not in taken]
                node["parameters"] = json_copy([*inherited, *own])


def order_paths(document: Mapping[str, Any]) -> dict[str, Any]:
    """Paths such that the first one that matches a URL is the right one.

    ``/collections/{collection_id}`` matches slashes: ``/collections/{collection_id}/queryables`` goes before it.
    """
    ordered: list[str] = []
    patterns: dict[str, re.Pattern[str]] = {}
    for path, item in document["paths"].items():
        patterns[path] = path_pattern(document, path, item)
        sample = re.sub(r"\{[^}]*\}", "\N{BULLET}", path)
        hiding = (i for i, other in enumerate(ordered) if patterns[other].fullmatch(sample))
        ordered.insert(next(hiding, len(ordered)), path)
    return {path: document["paths"][path] for path in ordered}


def path_pattern(document: Mapping[str, Any], path: str, item: Mapping[str, Any]) -> re.Pattern[str]:
    """What the path of a URL looks like; parameters with the format ``path`` match slashes."""
    greedy: set[str] = set()
    for method in METHODS:
        for entry in item.get(method, {}).get("parameters", ()):
            parameter = resolve(document, entry)
            if parameter.get("in") == "path":
                schema = resolve(document, parameter.get("schema", {}))
                if schema.get("format") == "path":
                    greedy.add(parameter["name"])
    parts = re.split(r"\{([^}]*)\}", path)
    return re.compile(
        "".join(
            re.escape(part) if index % 2 == 0 else ".+" if part in greedy else "[^/]+"
            for index, part in enumerate(parts)
        )
    )


def _base(base: Path | str | Mapping[str, Any] | None, spec: SpecFolder) -> Document:
    if base is None:
        return merge_fragments(spec)
    if isinstance(base, Mapping):
        require_openapi(base, "the base document")
        document: Document = json_copy(base)
    else:
        document = json_copy(load_document(base))
    if not isinstance(document.get("info"), dict):
        raise SpecError(f"{base if not isinstance(base, Mapping) else 'the base document'} has no info")
    return document


def _parameter_key(document: Mapping[str, Any], entry: Any, path: str) -> tuple[str, str]:
    parameter = resolve(document, entry)
    if not isinstance(parameter, Mapping) or "name" not in parameter or "in" not in parameter:
        raise SpecError(f"{path} has a parameter without name or in")
    return parameter["in"], parameter["name"]


def _strip_microservices(document: Document) -> None:
    for _, _, node in operations(document):
        node.pop(MICROSERVICE, None)


def _assign_microservices(document: Document, spec: SpecFolder) -> None:
    """Mark the operations of another base: by operationId as in our fragments, else by their first tag."""
    if all(MICROSERVICE in node for _, _, node in operations(document)):
        return
    known = _known_microservices(spec)
    for path, method, node in operations(document):
        if MICROSERVICE not in node:
            identifier = node.get("operationId")
            node[MICROSERVICE] = known.get(identifier or "") or microservice_of_tag(
                next(iter(node.get("tags", ())), ""), f"{method.upper()} {path}"
            )


def microservice_of_tag(tag: str, operation: str) -> str:
    """``EO Data Discovery`` → ``data_discovery``; any other tag becomes a name of its own.

    Raises:
        SpecError: for an operation without a tag.
    """
    name = re.sub(r"\W+", "_", tag).strip("_").lower()
    if not name:
        raise SpecError(f"{operation} belongs to no microservice: it has neither a tag nor {MICROSERVICE}")
    return next((known for known in MICROSERVICES if name == known or name.endswith(f"_{known}")), name)


def _known_microservices(spec: SpecFolder) -> dict[str, str]:
    return {
        node["operationId"]: name
        for name, path in spec.microservices
        for _, _, node in operations({"paths": {}, **read_mapping(path)})
        if "operationId" in node
    }
