"""The contender: as a batch job computes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.engine.cases import graph
from bench.engine.data import Json, collection


class Scenes:
    """A catalogue of one collection."""

    def __init__(self, items: list[Json]) -> None:
        self._items = items

    def collection(self, id: str) -> Json:
        return collection()

    def items(
        self, id: str, *, bbox: Any = None, interval: Any = None, filter: Mapping[str, Any] | None = None
    ) -> Iterator[Json]:
        return iter(self._items)


def run(case: str, items: list[Json], folder: Path, memory: int) -> None:
    """Compute a case and write its files."""
    from connexeo.processing.environment import Environment
    from connexeo.processing.evaluation import execute
    from connexeo.processing.execution import using
    from connexeo.processing.formats import write_results
    from connexeo.processing.planning.budget import fit
    from connexeo.processing.planning.remembering import remembering

    environment = remembering(Environment(catalogue=Scenes(items)))
    process = graph(case, items[0]["properties"]["proj:shape"][0])
    with using(fit(process, environment, memory).execution):
        write_results(execute(process, environment=environment).results, folder)
