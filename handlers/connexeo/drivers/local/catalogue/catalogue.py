"""All sources as one catalogue."""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import orjson

from connexeo.drivers.interface import Page
from connexeo.drivers.local.catalogue.cube_metadata import complete
from connexeo.drivers.local.catalogue.filters import satisfies
from connexeo.drivers.local.catalogue.folders import FolderSource
from connexeo.drivers.local.catalogue.queryables import queryables
from connexeo.drivers.local.catalogue.stac_apis import JsonClient, SourceUnavailable, StacApiSource
from connexeo.fetch import FetchPolicy, GuardedClient
from connexeo.generated.errors import CollectionNotFound, Internal
from connexeo.processing.reading.footprints import Box, Interval, footprint, matches

_log = logging.getLogger(__name__)

_SAMPLE = 1000
"""Items that are looked at to complete a collection's metadata; sets and ranges are told only if these are all."""
_REMOTE_SAMPLE = 20
_REMEMBERED = 512

OPERATOR_POLICY = FetchPolicy(allow_private=True, timeout=20.0, max_bytes=64 * 2**20)
"""For STAC APIs that the operator names: they may be on a private network, and pages of items are large."""


class Source(Protocol):
    """Where collections come from; safe to use from several threads."""

    def entries(self) -> Mapping[str, bytes]:
        """What a list shows of each collection, as JSON, by id."""

    def generation(self) -> object:
        """Another object whenever `entries` would answer otherwise."""

    def document(self, id: str) -> dict[str, Any] | None:
        """A public collection; None where there is none with this id.

        Raises:
            SourceUnavailable: the source cannot tell.
        """

    def items(self, id: str, bbox: Box | None, interval: Interval | None) -> Iterator[dict[str, Any]] | None:
        """Items with absolute asset hrefs; None where there is no such collection."""


@dataclass(frozen=True)
class _Merged:
    generations: tuple[object, ...]
    ids: tuple[str, ...]
    """Sorted."""
    briefs: Mapping[str, bytes]


class Catalogue:
    """STAC collections from folders and STAC APIs, documents as the public may see them.

    Ids are unique: folders go before APIs, then the source that is named first. Documents carry no links to this API.
    Safe to use from several threads; what is kept in memory is found again in the sources.
    """

    def __init__(
        self,
        sources: Sequence[str | Path],
        *,
        client: JsonClient | None = None,
        recheck: float = 3.0,
        refresh: float = 300.0,
        deadline: float = 30.0,
    ) -> None:
        """Nothing is read yet.

        Args:
            sources: folders with static catalogues and URLs of STAC APIs.
            client: fetches from the APIs; by default one that lets them be on private networks.
            recheck: seconds between looks for changed files, at least.
            refresh: seconds between fetches of an API's collections.
            deadline: seconds for all pages of one request to an API.
        """
        names = [str(source) for source in sources]
        urls = [name for name in names if name.startswith(("http://", "https://"))]
        client = client or GuardedClient(OPERATOR_POLICY)
        folders: list[Source] = [
            FolderSource(Path(name.removeprefix("file://")), recheck=recheck)
            for name in names
            if name not in urls
        ]
        apis: list[Source] = [StacApiSource(url, client, refresh=refresh, deadline=deadline) for url in urls]
        self._folders = len(folders)
        self._sources = (*folders, *apis)
        self._lives = (*[recheck] * len(folders), *[refresh] * len(apis))
        self._merged: _Merged | None = None
        self._made: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
        self._made_lock = threading.Lock()

    def page(self, limit: int | None = None, offset: str | None = None) -> Page:
        """Collections by id, each with what a list shows.

        Args:
            limit: how many at most; None: all.
            offset: what the page before gave as `next_offset`; empty or None: from the first one.
        """
        merged = self._merge()
        first = bisect_right(merged.ids, offset) if offset else 0
        last = len(merged.ids) if limit is None else min(first + limit, len(merged.ids))
        chosen = merged.ids[first:last]
        following = chosen[-1] if chosen and last < len(merged.ids) else None
        return Page([orjson.loads(merged.briefs[id]) for id in chosen], following)

    def collection(self, id: str) -> dict[str, Any]:
        """One collection in full, with `cube:dimensions` and `summaries`, derived where it lacks them.

        Raises:
            CollectionNotFound: there is none with this id.
            Internal: a source that might have it does not answer.
        """
        number, document = self._document(id)
        if not _lacks_metadata(document):
            return complete(document, [], all_items=False)
        return self._remember("collection", number, id, lambda: self._complete(number, document))

    def queryables(self, id: str) -> dict[str, Any]:
        """The JSON Schema of the properties that items can be filtered by.

        Raises:
            CollectionNotFound: there is no such collection.
            Internal: a source that might have it does not answer.
        """
        number, document = self._document(id)
        return self._remember(
            "queryables", number, id, lambda: queryables(document, self._sample(number, id)[0])
        )

    def items(
        self,
        id: str,
        *,
        bbox: Box | None = None,
        interval: Interval | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Items with absolute asset hrefs, which may be paths: nothing to show to the public (see `public_item`).

        Args:
            id: the collection.
            bbox: west, south, east, north in WGS 84.
            interval: start (included) and end (excluded).
            filter: a CQL2 JSON expression.

        Raises:
            CollectionNotFound: there is no such collection.
            Internal: a source does not answer, also while iterating.
            ValueError: the filter is not understood, while iterating.
        """
        number, _ = self._document(id)
        found = self._sources[number].items(id, bbox, interval) or iter(())
        return _matching(found, bbox, interval, filter)

    def _document(self, id: str) -> tuple[int, dict[str, Any]]:
        """The number of the first source that has a collection, and its document."""
        silent: list[str] = []
        for number, source in enumerate(self._sources):
            try:
                document = source.document(id)
            except SourceUnavailable as error:
                silent.append(str(error))
                continue
            if document is not None:
                return number, document
        if silent:
            raise Internal(f"The catalogue {', '.join(silent)} does not answer; '{id}' is in no other.")
        raise CollectionNotFound(identifier=id)

    def _complete(self, number: int, document: dict[str, Any]) -> dict[str, Any]:
        items, are_all = self._sample(number, document["id"])
        return complete(document, items, all_items=are_all)

    def _remember(
        self, kind: str, number: int, id: str, make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """What was made not long ago, else what `make` makes; not to be changed by the caller."""
        now = time.monotonic()
        expires, document = self._made.get((kind, id), (now, {}))
        if expires <= now:
            document = make()
            with self._made_lock:
                self._made[kind, id] = (now + self._lives[number], document)
                while len(self._made) > _REMEMBERED:
                    del self._made[next(iter(self._made))]
        return document

    def _sample(self, number: int, id: str) -> tuple[list[dict[str, Any]], bool]:
        """Some items of a collection, and whether these are all."""
        local = number < self._folders
        size = _SAMPLE if local else _REMOTE_SAMPLE
        found = list(islice(self._sources[number].items(id, None, None) or (), size + 1))
        return found[:size], len(found) <= size

    def _merge(self) -> _Merged:
        generations = tuple(source.generation() for source in self._sources)
        merged = self._merged
        if merged is not None and all(
            one is other for one, other in zip(merged.generations, generations, strict=True)
        ):
            return merged
        briefs: dict[str, bytes] = {}
        for source in self._sources:
            for id, entry in source.entries().items():
                if id in briefs:
                    _log.warning("Two sources have a collection %s; the first one is used", id)
                briefs.setdefault(id, entry)
        merged = _Merged(generations, tuple(sorted(briefs)), briefs)
        self._merged = merged
        return merged


def _lacks_metadata(document: Mapping[str, Any]) -> bool:
    return not document.get("cube:dimensions") or not document.get("summaries")


def _matching(
    items: Iterator[dict[str, Any]],
    bbox: Box | None,
    interval: Interval | None,
    expression: Mapping[str, Any] | None,
) -> Iterator[dict[str, Any]]:
    """What the source found, checked again: APIs take intervals as closed, and know other filters than we do."""
    for item in items:
        if matches(footprint(item), bbox, interval) and (expression is None or satisfies(item, expression)):
            yield item
