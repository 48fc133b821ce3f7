"""What many checks build upon, made once by whoever asks first: ``backend.once(all_collections)``."""

from __future__ import annotations

from typing import Any

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.verdicts import require

LOOKED_AT = 10
"""Collections that are described one by one at most."""


def all_processes(backend: BackEnd) -> list[dict[str, Any]]:
    """The definitions that ``GET /processes`` lists, page by page."""
    return _listed(backend, "GET /processes", "/processes", "processes")


def all_collections(backend: BackEnd) -> list[dict[str, Any]]:
    """What ``GET /collections`` lists, page by page."""
    return _listed(backend, "GET /collections", "/collections", "collections")


def _listed(backend: BackEnd, operation: str, path: str, key: str) -> list[dict[str, Any]]:
    backend.need(operation)
    found: list[dict[str, Any]] = []
    for answer, document in backend.pages(backend.reader, path):
        entries = document.get(key)
        require(isinstance(entries, list), f"there is no array `{key}`", answer)
        found += [entry for entry in entries or () if isinstance(entry, dict)]
    return found


def described_collections(backend: BackEnd) -> list[tuple[dict[str, Any], Exchange]]:
    """``GET /collections/{id}`` of some collections: all when there are few, else a choice by the seed."""
    backend.need("GET /collections/{collection_id}")
    listed = backend.once(all_collections)
    ids = [str(each["id"]) for each in listed if each.get("id")]
    wanted = backend.options.collection
    if len(ids) > LOOKED_AT:
        ids = backend.random("collections").sample(ids, LOOKED_AT)
    if wanted is not None and wanted not in ids:
        ids = [wanted, *ids]
    described = []
    for identifier in ids:
        answer = backend.reader.get(f"/collections/{encoded(identifier)}")
        require(answer.ok, f"the collection {identifier} is listed, but HTTP {answer.status}", answer)
        described.append((answer.object(), answer))
    return described


def file_formats(backend: BackEnd) -> dict[str, dict[str, Any]]:
    """``input`` and ``output`` of ``GET /file_formats``."""
    backend.need("GET /file_formats")
    answer = backend.reader.get("/file_formats")
    require(answer.ok, f"the file formats are answered with HTTP {answer.status}", answer)
    document = answer.object()
    for key in ("input", "output"):
        require(isinstance(document.get(key), dict), f"there is no object `{key}`", answer)
    return document
