"""Collections of static STAC catalogues in a folder: an index that knows what changed."""

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

from connexeo.drivers.local.catalogue.documents import (
    BrokenDocument,
    brief,
    check_collection,
    public_collection,
)
from connexeo.drivers.local.catalogue.folder_items import FolderItems
from connexeo.drivers.local.catalogue.paths import linked
from connexeo.drivers.local.catalogue.recheck import Recheck
from connexeo.processing.reading.footprints import Box, Interval

_log = logging.getLogger(__name__)

_DEPTH = 12
"""Folders below each other that are searched."""
_KEPT_ITEMS = 64
"""Collections whose items' footprints are kept in memory."""

Stamp = tuple[int, int]
"""Time of the last change in nanoseconds, size in bytes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A collection in the index."""

    id: str
    path: str
    brief: bytes
    """What a list shows of it, as JSON."""


@dataclass(frozen=True)
class _Index:
    entries: Mapping[str, Entry]
    files: Mapping[str, tuple[Stamp, Entry | None, tuple[str, ...]]]
    """By path: stamp, the collection (None: not one, or broken) and the paths of the children it links to."""


class FolderSource:
    """The collections below a folder; which file they lie in does not matter, only their ids do.

    Catalogues are followed along their links of the relation `child`; folders are searched for `collection.json` and
    `catalog.json` besides. Folders whose names begin with a dot are left out, and so are those below a collection.
    Safe to use from several threads; one of them looks for changes now and then while the others use what is known.
    """

    def __init__(self, folder: Path, *, recheck: float = 3.0) -> None:
        self._folder = folder
        self._seconds = recheck
        self._recheck = Recheck(recheck)
        self._lock = threading.Lock()
        self._index: _Index | None = None
        self._items: dict[str, FolderItems] = {}
        self._items_lock = threading.Lock()

    def entries(self) -> Mapping[str, bytes]:
        """What a list shows of each collection, as JSON, by id."""
        return {id: entry.brief for id, entry in self._current().entries.items()}

    def generation(self) -> object:
        """Something that is another object whenever the collections have changed."""
        return self._current()

    def document(self, id: str) -> dict[str, Any] | None:
        """The public collection; None where there is none with this id."""
        entry = self._current().entries.get(id)
        if entry is None:
            return None
        try:
            document = public_collection(check_collection(orjson.loads(Path(entry.path).read_bytes())), None)
        except (OSError, orjson.JSONDecodeError, BrokenDocument) as error:
            _log.warning("The collection %s has just become unreadable: %s", id, error)
            return None
        # A file may change its id before the next look notices.
        return document if document["id"] == id else None

    def items(self, id: str, bbox: Box | None, interval: Interval | None) -> Iterator[dict[str, Any]] | None:
        """Items whose footprints match, with absolute asset hrefs; None where there is no such collection."""
        entry = self._current().entries.get(id)
        return None if entry is None else self._items_of(entry).find(bbox, interval)

    def _items_of(self, entry: Entry) -> FolderItems:
        with self._items_lock:
            items = self._items.pop(entry.path, None) or FolderItems(Path(entry.path), recheck=self._seconds)
            # Taken out and put in again: the first is the one that was not used for longest.
            self._items[entry.path] = items
            while len(self._items) > _KEPT_ITEMS:
                del self._items[next(iter(self._items))]
        return items

    def _current(self) -> _Index:
        """The index, brought up to date when that is due."""
        index = self._index
        if index is not None and not self._recheck.due():
            return index
        if index is not None and not self._lock.acquire(blocking=False):
            return index
        if index is None:
            self._lock.acquire()
        try:
            if self._index is None or self._recheck.due():
                begun = time.monotonic()
                self._index = _scan(self._folder, self._index)
                self._recheck.looked(begun)
            return self._index
        finally:
            self._lock.release()


def _scan(folder: Path, known: _Index | None) -> _Index:
    """The index of a folder; only files that changed are read. The same object where nothing changed."""
    files: dict[str, tuple[Stamp, Entry | None, tuple[str, ...]]] = {}
    entries: dict[str, Entry] = {}
    waiting = list(_find(str(folder), _DEPTH))
    if not os.path.isdir(folder):
        _log.warning("A catalogue folder does not exist: %s", folder)
    while waiting:
        path = waiting.pop()
        if path in files:
            continue
        try:
            status = os.stat(path)
        except OSError as error:
            _log.warning("A catalogue links to what cannot be read: %s", error)
            continue
        stamp = (status.st_mtime_ns, status.st_size)
        before = known.files.get(path) if known else None
        files[path] = before if before and before[0] == stamp else (stamp, *_read(path))
        waiting.extend(files[path][2])
    for path in sorted(files):
        entry = files[path][1]
        if entry is None:
            continue
        first = entries.setdefault(entry.id, entry)
        if first is not entry and (known is None or path not in known.files):
            _log.warning("Two collections are called %s; %s is left out", entry.id, path)
    if known is not None and known.files == files:
        return known
    return _Index(entries, files)


def _find(folder: str, depth: int) -> Iterator[str]:
    """Paths of `collection.json` and `catalog.json` files; nothing below a collection."""
    try:
        with os.scandir(folder) as listing:
            inside = {each.name: each for each in listing if not each.name.startswith(".")}
    except OSError:
        # Gone or forbidden: there is nothing to offer.
        return
    if "collection.json" in inside:
        yield os.path.join(folder, "collection.json")
        return
    if "catalog.json" in inside:
        yield os.path.join(folder, "catalog.json")
    if depth > 0:
        for name in sorted(inside):
            if inside[name].is_dir():
                yield from _find(os.path.join(folder, name), depth - 1)


def _read(path: str) -> tuple[Entry | None, tuple[str, ...]]:
    """The collection in a file, if it is one, and the files that it links to as children."""
    try:
        document = orjson.loads(Path(path).read_bytes())
        if not isinstance(document, dict):
            raise BrokenDocument("not a JSON object")
        children = tuple(linked(document, path, "child"))
        if document.get("type") == "Catalog":
            return None, children
        public = public_collection(check_collection(document), None)
    except (OSError, orjson.JSONDecodeError, BrokenDocument) as error:
        _log.warning("A collection is left out: %s: %s", path, error)
        return None, ()
    return Entry(public["id"], path, orjson.dumps(brief(public))), children
