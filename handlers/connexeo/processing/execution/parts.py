"""Blocks of results divided into parts that can be computed one after the other.

Parts have no task in common, so that nothing is computed twice, with one exception: where neighbouring pixels are
looked at, all blocks hang together. They are divided into windows all the same, which compute anew what lies at their
edges.

Where a whole plane is reduced, a result hangs together with all blocks of it. What is to be known of each of them is a
summary, such as a sum and a number of pixels. Summaries are computed in a stage of their own, in parts like results,
and kept, so that no more blocks are in memory than for results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

if TYPE_CHECKING:
    import dask.array as da

Block = npt.NDArray[Any]
Key = Any
"""Of a task: what dask takes for one."""
Graph = Mapping[Key, Any]
Deliver = Callable[[Key, Block], None]
SUMMARY = "summary-"
"""What names of tasks, and of the layers that they are in, begin with if they make summaries."""
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


def is_summary(key: Key) -> bool:
    """Whether a task makes a summary; the last two numbers in its key are the place of the block."""
    return isinstance(key, tuple) and isinstance(key[0], str) and key[0].startswith(SUMMARY)


class Division:
    """What arrays consist of, in stages that follow upon each other.

    Args:
        arrays: Lazy arrays.
        columns: How many stacks of blocks a part may have where they hang together.

    Attributes:
        stages: The keys to compute in each stage; those of the last one are the blocks of the arrays.
    """

    def __init__(self, arrays: Sequence[da.Array], columns: int) -> None:
        from dask.core import flatten

        self._columns = columns
        self._places: dict[Key, _Place] = {}
        for array in arrays:
            for key in flatten(array.__dask_keys__()):  # type: ignore[no-untyped-call]
                self._places[key] = key[-2:] if array.ndim >= 2 else key[1:]
        self._graph, summaries = _tasks(arrays, list(self._places))
        self.stages = [*_stages(self._graph, summaries), list(self._places)]
        self._places |= {key: key[-2:] for key in summaries}

    def parts(self, stage: Sequence[Key]) -> Iterator[Part]:
        """The parts that compute a stage, once the ones before are computed."""
        # Without what uses them: they would hang together by that.
        graph = _needed(self._graph, stage) if len(self.stages) > 1 else self._graph
        return _parts(graph, {key: self._places[key] for key in stage}, self._columns)

    def keep(self, key: Key, value: Any) -> None:
        """Take the value of a summary, for the stages that follow."""
        from dask._task_spec import DataNode

        self._graph[key] = DataNode(key, value)


def _tasks(arrays: Sequence[da.Array], keys: list[Key]) -> tuple[dict[Key, Any], list[Key]]:
    """All tasks, with chains of them made into one, and those that make summaries."""
    import dask.array as da
    from dask._task_spec import convert_legacy_graph
    from dask.highlevelgraph import HighLevelGraph
    from dask.utils import ensure_dict

    merged = HighLevelGraph.merge(*(array.dask for array in arrays))
    summaries = [
        key
        for name, layer in merged.layers.items()
        if name.startswith(SUMMARY)
        for key in layer.get_output_keys()
        if is_summary(key)
    ]
    optimized = da.optimize(merged, [*keys, *summaries])  # type: ignore[no-untyped-call]
    tasks = dict(convert_legacy_graph(ensure_dict(optimized)))
    if not summaries:
        return tasks, []
    needed = _needed(tasks, keys)
    return needed, [key for key in summaries if key in needed]


def _stages(graph: Graph, summaries: Sequence[Key]) -> list[list[Key]]:
    """Summaries by how many others each is made from, one after the other."""
    if not summaries:
        return []
    made = frozenset(summaries)
    depths: dict[Key, int] = {}
    for key in TopologicalSorter({key: task.dependencies for key, task in graph.items()}).static_order():
        task = graph[key]
        depths[key] = max((depths[each] + (each in made) for each in task.dependencies), default=0)
    stages: dict[int, list[Key]] = {}
    for key in summaries:
        stages.setdefault(depths[key], []).append(key)
    return [stages[depth] for depth in sorted(stages)]


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


def _needed(graph: Graph, keys: Sequence[Key]) -> dict[Key, Any]:
    """The tasks that keys need."""
    needed: dict[Key, Any] = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in needed:
            needed[key] = graph[key]
            waiting += needed[key].dependencies
    return needed
