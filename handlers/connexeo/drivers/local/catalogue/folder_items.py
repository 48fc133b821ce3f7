"""Items of one collection in a folder: footprints in memory, documents read when they match."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from connexeo.drivers.local.catalogue.paths import linked, local_path
from connexeo.drivers.local.catalogue.recheck import Recheck
from connexeo.processing.reading.footprints import Box, Footprint, Interval, footprint, matches

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    changed: int
    """Time of the file's last change in nanoseconds."""
    where: Footprint | None
    """None: no item."""


class FolderItems:
    """The items that a collection's file links to, directly or through catalogues and collections below.

    Without such links, items are all GeoJSON features in JSON files beside and below the collection's file.
    """

    def __init__(self, collection: Path, *, recheck: float) -> None:
        self._collection = str(collection)
        self._recheck = Recheck(recheck)
        self._lock = threading.Lock()
        self._known: Mapping[str, _Known] | None = None

    def find(self, bbox: Box | None, interval: Interval | None) -> Iterator[dict[str, Any]]:
        """Items in a box and a half-open interval, in the order of their paths, with absolute asset hrefs."""
        for path, known in self._current().items():
            if known.where is None or not matches(known.where, bbox, interval):
                continue
            item = _read(path)
            if item is not None:
                yield _with_absolute_hrefs(item, os.path.dirname(path))

    def _current(self) -> Mapping[str, _Known]:
        known = self._known
        if known is not None and not self._recheck.due():
            return known
        if not self._lock.acquire(blocking=known is None):
            return known or {}
        try:
            if self._known is None or self._recheck.due():
                begun = time.monotonic()
                self._known = self._look(self._known or {})
                self._recheck.looked(begun)
            return self._known
        finally:
            self._lock.release()

    def _look(self, known: Mapping[str, _Known]) -> Mapping[str, _Known]:
        """All items; only those that changed are read."""
        found: dict[str, _Known] = {}
        for path in sorted(set(_item_paths(self._collection))):
            try:
                changed = os.stat(path).st_mtime_ns
            except OSError as error:
                _log.warning("An item is left out: %s", error)
                continue
            before = known.get(path)
            if before is not None and before.changed == changed:
                found[path] = before
            else:
                item = _read(path)
                found[path] = _Known(changed, None if item is None else footprint(item))
        return found


def _item_paths(collection: str) -> Iterator[str]:
    waiting, seen, any_link = [collection], set(), False
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        document = _load(path)
        if document is None:
            continue
        for item in linked(document, path, "item"):
            any_link = True
            yield item
        for child in linked(document, path, "child"):
            # What is a collection of its own has items of its own.
            below = _load(child)
            if below is not None and below.get("type") == "Catalog":
                waiting.append(child)
    if not any_link:
        yield from _loose(os.path.dirname(collection))


def _loose(folder: str) -> Iterator[str]:
    """JSON files in and below a folder, without those of STAC catalogues and collections."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if name.endswith((".json", ".geojson")) and name not in ("collection.json", "catalog.json"):
                yield os.path.join(parent, name)


def _read(path: str) -> dict[str, Any] | None:
    """The item in a file; None where there is none."""
    item = _load(path)
    if item is None:
        return None
    usable = (
        item.get("type") == "Feature"
        and isinstance(item.get("id"), str)
        and isinstance(item.get("properties"), dict)
        and isinstance(item.get("assets"), dict)
    )
    return item if usable else None


def _load(path: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(Path(path).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        _log.warning("A document is left out: %s: %s", path, error)
        return None
    return document if isinstance(document, dict) else None


def _with_absolute_hrefs(item: dict[str, Any], folder: str) -> dict[str, Any]:
    for asset in item["assets"].values():
        if isinstance(asset, dict) and isinstance(asset.get("href"), str):
            asset["href"] = local_path(asset["href"], folder) or asset["href"]
    return item
