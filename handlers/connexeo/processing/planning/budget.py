"""How to compute a process within the memory that there is: decided from plans, before a pixel is read.

Blocks are as large as the memory allows, as many are computed at a time as fit, and only where not even a few pixels of
all dates and bands fit, the process is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.processing.environment import Environment
from connexeo.processing.execution import Execution, Layout
from connexeo.processing.execution.threads import Threads, cores
from connexeo.processing.planning.planner import Plan, plan

MOST_CACHE, LEAST_CACHE = 2**26, 2**24
"""Bytes of decoded tiles: they are read once, unless blocks are smaller than tiles."""

PLANNED = 0.8
"""Part of the memory that plans may use up, as allocators do not give back all at once, and plans are no promises."""

LAYOUTS = (
    *(Layout(edge, together=True) for edge in (1024, 512)),
    *(Layout(edge, together=False) for edge in (1024, 512)),
    *(Layout(edge, together) for edge in (256, 128, 64) for together in (True, False)),
)
"""What is wanted most comes first: whole tiles of files, and few tasks."""


@dataclass(frozen=True)
class Fitted:
    """A plan, and how to carry it out."""

    plan: Plan
    execution: Execution


def fit(
    process: Mapping[str, Any], environment: Environment, memory: int | None, *, threads: int | None = None
) -> Fitted:
    """The first way to compute a process that the memory suffices for; else the one that takes the least.

    Args:
        process: A process object with a `process_graph`, or the graph itself.
        environment: What the processes may use.
        memory: Bytes besides those for libraries; None: no limit.
        threads: Parts to compute at a time, if they fit; by default as many as there are processors.

    Raises:
        OpenEOError: See `planner.plan`.
    """
    count = threads or cores()
    cache = MOST_CACHE if memory is None else min(max(memory // 8, LEAST_CACHE), MOST_CACHE)
    left = None if memory is None else PLANNED * (memory - cache)
    fitted: list[tuple[int, Fitted]] = []
    for layout in LAYOUTS:
        planned = plan(process, environment, layout=layout)
        for at_a_time, columns in _ways(layout, count, planned.reach):
            takes = planned.memory_for(at_a_time, columns)
            execution = Execution(layout, Threads(at_a_time), columns, cache)
            fitted.append((takes, Fitted(planned, execution)))
            if left is None or takes <= left:
                return fitted[-1][1]
    return min(fitted, key=lambda each: each[0])[1]


def _ways(layout: Layout, threads: int, reach: int) -> Iterator[tuple[int, int]]:
    """Threads, and columns of a part; as they are wanted."""
    if reach > 1:
        yield from ((threads, columns) for columns in (16, 4, 1))
        return
    yield threads, 1
    if threads > 1 and layout.edge <= 512:
        yield 1, 1
