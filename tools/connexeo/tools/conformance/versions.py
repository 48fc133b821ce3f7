"""The openEO document of each version of the API, as any back-end of that version has to keep it.

Ours is the newest; an overlay for each older version (``spec/versions``) takes away what came later. Mistakes of the
standard are corrected, and what the federation extension adds is known; our own extensions are not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from connexeo.tools.spec.build import inline_path_parameters, operations
from connexeo.tools.spec.documents import Document, SpecError, fetch_mapping, require_openapi
from connexeo.tools.spec.merge import MICROSERVICE, merge_fragments
from connexeo.tools.spec.overlay import apply_overlay, load_overlay, parse_overlay
from connexeo.tools.spec.sources import SpecFolder, find_spec

VERSIONS = ("1.0", "1.1", "1.2", "1.3")
"""Versions of the API that can be judged, the newest last."""

_NUMBER = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?([-+.].*)?$")

_FOR_ALL = ("10-corrections.yaml", "15-links.yaml", "20-federation.yaml")
"""Our overlays that hold for every back-end: the others describe what only ours does."""

_FEDERATION = Path("federation", "federation-required.yaml")


def version_number(version: str) -> tuple[int, int, int, bool] | None:
    """Major, minor and patch number, and whether it is a release; None for anything that is no version.

    Compared, a pre-release comes before its release.
    """
    match = _NUMBER.match(version.strip())
    if match is None:
        return None
    rest = match[4] or ""
    return int(match[1]), int(match[2]), int(match[3] or 0), not rest.startswith("-")


def nearest_version(version: str) -> tuple[str, str | None]:
    """The version of the contract to judge a back-end by, with a note when it is not quite its own.

    Raises:
        SpecError: when there is no such version, or it is older than all of them.
    """
    number = version_number(version)
    if number is None:
        raise SpecError(f"'{version}' is no version of the openEO API; versions look like 1.2.0")
    major, minor, _, released = number
    if major < 1:
        raise SpecError(
            f"openEO {version} is too old: the versions from {VERSIONS[0]} to {VERSIONS[-1]} are known"
        )
    own = f"{major}.{minor}"
    if own not in VERSIONS:
        return VERSIONS[-1], f"openEO {version} is not known; it is judged as {VERSIONS[-1]}"
    note = None if released else f"{version} is a pre-release; it is judged as {own}"
    return own, note


def version_document(version: str, *, federation: bool = False, spec: SpecFolder | None = None) -> Document:
    """The document that back-ends of a version have to keep.

    Args:
        version: one of ``VERSIONS``.
        federation: whether the back-end says that it is a federation.
        spec: folder of the contract; by default that of the checkout or the package.

    Raises:
        SpecError: when a source is at fault.
    """
    spec = spec or find_spec()
    document = bare_document(version, spec=spec)
    folder = spec.root / "overlays"
    paths = [folder / name for name in _FOR_ALL] + ([folder / _FEDERATION] if federation else [])
    for path in paths:
        document = apply_overlay(document, load_overlay(path, spec.label(path)))
    _forget_links(document)
    return document


def bare_document(version: str, *, spec: SpecFolder | None = None) -> Document:
    """The document of a version as published, without corrections.

    Raises:
        SpecError: when a source is at fault.
    """
    spec = spec or find_spec()
    document = merge_fragments(spec)
    for _, _, node in operations(document):
        node.pop(MICROSERVICE, None)
    inline_path_parameters(document)
    for older in reversed(VERSIONS[VERSIONS.index(version) : -1]):
        path = spec.root / "versions" / f"{older}.yaml"
        document = apply_overlay(document, load_overlay(path, spec.label(path)))
    return document


def extended(document: Document, sources: Iterable[str]) -> Document:
    """The document with what a user gives: overlays upon it, or an OpenAPI document instead of it.

    Raises:
        SpecError: when a source cannot be read or is neither.
    """
    for source in sources:
        content = fetch_mapping(source)
        if "overlay" in content:
            document = apply_overlay(document, parse_overlay(content, source))
        elif "openapi" in content:
            require_openapi(content, source)
            document = content
        else:
            raise SpecError(f"{source} is neither an OpenAPI document nor an overlay: it has neither key")
        inline_path_parameters(document)
    return document


def _forget_links(document: Mapping[str, Any]) -> None:
    """Remove links to operations that the version does not have."""
    known = {node.get("operationId") for _, _, node in operations(document)}
    for _, _, node in operations(document):
        for response in node["responses"].values():
            links = response.get("links")
            if links:
                response["links"] = {
                    name: link for name, link in links.items() if link.get("operationId") in known
                }
