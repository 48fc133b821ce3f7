"""Parts computed by threads of this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from connexeo.processing.execution.parts import Deliver, Key, Part


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Threads:
    """A strategy: each thread computes a part of its own, so that no more parts are in memory than there are threads.

    A part that consists of several stacks of blocks is computed by all threads together.
    """

    count: int = field(default_factory=cores)

    def __call__(self, parts: Iterator[Part], deliver: Deliver) -> None:
        """See `Strategy`."""
        if self.count == 1:
            for part in parts:
                _compute(part, deliver)
            return
        with ThreadPoolExecutor(self.count, thread_name_prefix="blocks") as pool:
            running: set[Future[None]] = set()
            try:
                for part in parts:
                    if part.columns > 1:
                        self._finish(running)
                        _compute(part, deliver, pool)
                        continue
                    running.add(pool.submit(_compute, part, deliver))
                    if len(running) >= self.count:
                        done, running = wait(running, return_when=FIRST_COMPLETED)
                        for each in done:
                            each.result()
                self._finish(running)
            except BaseException:
                for each in running:
                    each.cancel()
                raise

    def _finish(self, running: set[Future[None]]) -> None:
        while running:
            running.pop().result()


def _compute(part: Part, deliver: Deliver, pool: Any = None) -> None:
    """Compute a part, in this thread unless there is a pool."""
    from dask import local, threaded
    from dask._task_spec import Task, TaskRef

    def hand_over(key: Key, block: Any) -> None:
        deliver(key, block)

    # As tasks, so that blocks are let go one by one.
    graph = dict(part.graph)
    delivered = [("delivered", *key) for key in part.keys]
    for name, key in zip(delivered, part.keys, strict=True):
        graph[name] = Task(name, hand_over, key, TaskRef(key))
    if pool is None:
        local.get_sync(graph, delivered)
    else:
        threaded.get(graph, delivered, pool=pool)
