"""Catalogue and workspace for a dry run and the run after it: both ask the same, and it is answered once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from connexeo.processing.environment import BoundingBox, Catalogue, Environment, Interval, Workspace

Item = dict[str, Any]
_Key = tuple[str, BoundingBox | None, Interval | None]


def remembering(environment: Environment) -> Environment:
    """The environment with a memory; for one evaluation, as nothing is looked up anew."""
    catalogue, workspace = environment.catalogue, environment.workspace
    return replace(
        environment,
        catalogue=None if catalogue is None else RememberingCatalogue(catalogue),
        workspace=None if workspace is None else RememberingWorkspace(workspace),
    )


class RememberingCatalogue:
    """A catalogue for one evaluation: what has been found is kept, and what nobody wants is not searched for.

    Args:
        catalogue: Where collections and items come from.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._collections: dict[str, dict[str, Any]] = {}
        self._searches: dict[_Key, _Found] = {}

    def collection(self, id: str) -> dict[str, Any]:
        """The STAC Collection.

        Raises:
            CollectionNotFound: There is none with this id.
        """
        if id not in self._collections:
            self._collections[id] = self._catalogue.collection(id)
        return self._collections[id]

    def items(
        self,
        id: str,
        *,
        bbox: BoundingBox | None = None,
        interval: Interval | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Iterator[Item]:
        """STAC Items; see `Catalogue.items`."""
        if filter is not None:
            return self._catalogue.items(id, bbox=bbox, interval=interval, filter=filter)
        key = (id, bbox, interval)
        if key not in self._searches:
            self._searches[key] = _Found(self._catalogue.items(id, bbox=bbox, interval=interval))
        return iter(self._searches[key])


class RememberingWorkspace:
    """A workspace for one evaluation: files are fetched once.

    Args:
        workspace: What belongs to the user.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files: dict[str, Path] = {}
        self._results: dict[str, list[Item]] = {}

    def file(self, path: str) -> Path:
        """A local copy of an uploaded file; see `Workspace.file`."""
        if path not in self._files:
            self._files[path] = self._workspace.file(path)
        return self._files[path]

    def results(self, job_id: str) -> list[Item]:
        """STAC Items of the results of a batch job; see `Workspace.results`."""
        if job_id not in self._results:
            self._results[job_id] = self._workspace.results(job_id)
        return self._results[job_id]

    def save(self, path: str, source: Path) -> None:
        """Store a local file; see `Workspace.save`."""
        self._workspace.save(path, source)


class _Found:
    """What an iterator gave so far, and the iterator for what comes next."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._kept: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        position = 0
        while True:
            if position == len(self._kept):
                item = next(self._items, None)
                if item is None:
                    return
                self._kept.append(item)
            yield self._kept[position]
            position += 1
