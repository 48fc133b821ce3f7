"""Blocks of results divided into parts that can be computed one after the other.

Parts have no task in common, so that nothing is computed twice, with one exception: where neighbouring pixels are
looked at, all blocks hang together. They are divided into windows all the same, which compute anew what lies at their
edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

if TYPE_CHECKING:
    import dask.array as da

Block = npt.NDArray[Any]
Key = Any
"""Of a task: what dask takes for one."""
Graph = Mapping[Key, Any]
Deliver = Callable[[Key, Block], None]
_Place = tuple[int, ...]
"""Of a block among those of its array, along the last two axes."""


@dataclass(frozen=True)
class Part:
    """Blocks that are computed together."""

    graph: Graph
    """The tasks that they need, and no others; it can be pickled if the arrays can."""
    keys: tuple[Key, ...]
    """The blocks."""
    columns: int = 1
    """How many stacks of blocks it consists of."""


class Strategy(Protocol):
    """Where parts are computed."""

    def __call__(self, parts: Iterator[Part], deliver: Deliver) -> None:
        """Compute all parts.

        Args:
            parts: They are made as they are asked for: a strategy takes no more of them than it works at.
            deliver: To be called with each key and its block once, in any thread of this process.

        Raises:
            Exception: Whatever a task raised. Blocks that are computed later need not be delivered.
        """


def divide(arrays: Sequence[da.Array], columns: int) -> tuple[list[Key], Iterator[Part]]:
    """The keys of all blocks, and the parts that compute them.

    Args:
        arrays: Lazy arrays.
        columns: How many stacks of blocks a part may have where they hang together.
    """
    from dask.core import flatten

    places: dict[Key, _Place] = {}
    for array in arrays:
        for key in flatten(array.__dask_keys__()):  # type: ignore[no-untyped-call]
            places[key] = key[-2:] if array.ndim >= 2 else key[1:]
    return list(places), _parts(_tasks(arrays, list(places)), places, columns)


def _tasks(arrays: Sequence[da.Array], keys: list[Key]) -> Graph:
    """All tasks, with chains of them made into one."""
    import dask.array as da
    from dask._task_spec import convert_legacy_graph
    from dask.highlevelgraph import HighLevelGraph
    from dask.utils import ensure_dict

    merged = HighLevelGraph.merge(*(array.dask for array in arrays))
    tasks: Graph = convert_legacy_graph(ensure_dict(da.optimize(merged, keys)))  # type: ignore[no-untyped-call]
    return tasks


def _parts(graph: Graph, places: Mapping[Key, _Place], columns: int) -> Iterator[Part]:
    for keys in _components(graph, places):
        stacks: dict[_Place, list[Key]] = {}
        for key in keys:
            stacks.setdefault(places[key], []).append(key)
        if len(stacks) <= columns:
            yield Part(_needed(graph, keys), tuple(keys), len(stacks))
            continue
        for window in _windows(stacks, columns):
            together = [key for place in window for key in stacks[place]]
            yield Part(_needed(graph, together), tuple(together), len(window))


def _windows(stacks: Mapping[_Place, Any], columns: int) -> list[list[_Place]]:
    """Places in squares of neighbours."""
    edge = max(1, math.isqrt(columns))
    windows: dict[_Place, list[_Place]] = {}
    for place in stacks:
        windows.setdefault(tuple(position // edge for position in place), []).append(place)
    return list(windows.values())


def _components(graph: Graph, places: Mapping[Key, _Place]) -> list[list[Key]]:
    """The blocks that need tasks in common; data that are there already do not count."""
    numbers = {key: number for number, key in enumerate(graph)}
    roots = list(range(len(numbers)))

    def root(number: int) -> int:
        while roots[number] != number:
            roots[number] = roots[roots[number]]
            number = roots[number]
        return number

    for key, task in graph.items():
        mine = root(numbers[key])
        for dependency in task.dependencies:
            if not _is_data(graph[dependency]):
                roots[root(numbers[dependency])] = mine
    components: dict[int, list[Key]] = {}
    for key in places:
        components.setdefault(root(numbers[key]), []).append(key)
    return list(components.values())


def _is_data(task: Any) -> bool:
    from dask._task_spec import DataNode

    return isinstance(task, DataNode)


def _needed(graph: Graph, keys: Sequence[Key]) -> Graph:
    """The tasks that keys need."""
    needed: dict[Key, Any] = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in needed:
            needed[key] = graph[key]
            waiting += needed[key].dependencies
    return needed
