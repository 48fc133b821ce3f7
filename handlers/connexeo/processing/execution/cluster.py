"""Parts computed by the workers of a dask cluster.

A part goes to one worker as one task, so that no block of it travels between workers; its blocks come back one by one
and are written by this process. Workers import the same packages as this process, and read files at the same paths.
"""

from __future__ import annotations

import itertools
import logging
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from connexeo.generated.errors import InfrastructureBusy, Internal, OpenEOError, ProcessGraphComplexity
from connexeo.processing.execution.parts import Block, Deliver, Key, Part

CONNECT = 10.0
"""Seconds in which the scheduler has to answer, at first and when it is asked whether it is there; those of large
clusters are busy for seconds."""
SILENCE = 5.0
"""Seconds without a result after which the scheduler is asked whether it is there."""
MOST_PARTS = 512
"""Under way at a time, however large the cluster is."""
PARTS_PER_THREAD = 2
"""So that no thread of a worker waits for the next part."""

_log = logging.getLogger(__name__)

_TIMEOUTS = {
    "distributed.comm.timeouts.connect": f"{CONNECT:.0f}s",
    # Of connections whose other side has vanished without a word.
    "distributed.comm.timeouts.tcp": "15s",
}


class ClusterLost(InfrastructureBusy):
    """The scheduler cannot be reached, or went away in the middle of a computation."""

    def __init__(self) -> None:
        super().__init__(
            "The cluster that computes does not answer, or not any longer. Try again later, or ask our support."
        )


@dataclass
class Cluster:
    """A strategy, with a connection that is made when the first part is to be computed; see `connected`."""

    address: str
    """Of the scheduler."""
    topics: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)
    """Take what workers tell by topic."""
    on_waiting: Callable[[], None] = lambda: None
    """Called when there are no workers, now and then."""
    _client: Any = None

    def __call__(self, parts: Iterator[Part], deliver: Deliver) -> None:
        """See `Strategy`.

        Raises:
            ClusterLost: The scheduler does not answer within seconds.
            Internal: Workers died again and again over a part, or cannot compute it.
        """
        if self._client is None:
            self._client = _connect(self.address, self.topics)
        _Run(self._client, deliver, self.on_waiting).compute(parts)

    def close(self) -> None:
        """Leave the scheduler, and nothing on it."""
        client, self._client = self._client, None
        if client is not None:
            # A scheduler that does not answer any longer drops what is ours by itself.
            with suppress(TimeoutError, OSError):
                client.close(timeout=CONNECT)


@contextmanager
def connected(
    address: str,
    topics: Mapping[str, Callable[[Any], None]] | None = None,
    on_waiting: Callable[[], None] = lambda: None,
) -> Iterator[Cluster]:
    """A cluster that is left at the end."""
    cluster = Cluster(address, topics or {}, on_waiting)
    try:
        yield cluster
    finally:
        cluster.close()


def compute_part(load: bytes, *sources: Any) -> list[Block]:
    """The blocks of a part; runs in a worker.

    Args:
        load: The graph without its sources, the keys of the blocks, and those of the sources.
        sources: What blocks are read from.
    """
    import cloudpickle  # type: ignore[import-untyped]
    from dask import local
    from dask._task_spec import DataNode

    graph, keys, names = cloudpickle.loads(load)
    graph |= {name: DataNode(name, source) for name, source in zip(names, sources, strict=True)}
    try:
        blocks: Sequence[Block] = local.get_sync(graph, list(keys))
        return list(blocks)
    except (OpenEOError, MemoryError) as error:
        _log.warning("A part of a computation failed", exc_info=error)
        told = _sendable(error)
    # Here, where it has no context: causes are errors of libraries, which often cannot be sent.
    raise told


def _sendable(error: BaseException) -> OpenEOError:
    """An error as it is told to another process, with the node, and with what it means that there is no memory."""
    if isinstance(error, OpenEOError) and not isinstance(error.__cause__, MemoryError):
        told = type(error)(error.message)
    else:
        told = ProcessGraphComplexity(
            "The computation needs more memory than workers of the cluster have. Ask for a smaller extent, or fewer "
            "dates."
        )
    if "node" in vars(error):
        vars(told)["node"] = vars(error)["node"]
    return told


def unpack(load: bytes) -> Any:
    """A source; runs in a worker."""
    import cloudpickle

    return cloudpickle.loads(load)


def pick(blocks: Sequence[Block], number: int) -> Block:
    """One of several blocks; runs in a worker."""
    return blocks[number]


@dataclass(eq=False)
class _Pending:
    """A part at the cluster."""

    keys: tuple[Key, ...]
    task: Any
    """The future of all blocks."""


class _Run:
    """Computes parts, a bounded number of them at a time."""

    def __init__(self, client: Any, deliver: Deliver, on_waiting: Callable[[], None]) -> None:
        self._client = client
        self._deliver = deliver
        self._on_waiting = on_waiting
        self._finished: queue.SimpleQueue[_Pending] = queue.SimpleQueue()
        self._pending: set[_Pending] = set()
        self._sources: dict[Key, Any] = {}
        """Futures of what blocks are read from: it tells of all files, and is sent to each worker once."""
        self._window = 0
        self._looked = 0.0

    def compute(self, parts: Iterator[Part]) -> None:
        try:
            while True:
                for part in itertools.islice(parts, self._most() - len(self._pending)):
                    self._submit(part)
                if not self._pending:
                    return
                self._collect(self._next())
        finally:
            for future in [*(pending.task for pending in self._pending), *self._sources.values()]:
                future.release()

    def _most(self) -> int:
        """How many parts may be under way: workers come and go."""
        if not self._window or time.monotonic() - self._looked > SILENCE:
            self._looked = time.monotonic()
            self._window = min(max(1, self._threads()) * PARTS_PER_THREAD, MOST_PARTS)
        return max(self._window, len(self._pending))

    def _threads(self) -> int:
        """Of all workers.

        Raises:
            ClusterLost: The scheduler does not tell.
        """
        try:
            ask = self._client.scheduler.ncores
            threads = int(sum(self._client.sync(ask, callback_timeout=CONNECT).values()))
        except (OSError, TimeoutError, AttributeError, RuntimeError) as error:
            raise ClusterLost from error
        if not threads:
            self._on_waiting()
        return threads

    def _submit(self, part: Part) -> None:
        import cloudpickle

        names = [key for key, task in part.graph.items() if _is_source(task)]
        # As bytes, because dask would look for tasks in a graph that is an argument.
        graph = {key: task for key, task in part.graph.items() if key not in names}
        load = cloudpickle.dumps((graph, part.keys, names))
        with _reaching():
            sources = [self._source(name, part.graph[name]) for name in names]
            task = self._client.submit(compute_part, load, *sources, pure=False)
        pending = _Pending(part.keys, task)
        self._pending.add(pending)
        pending.task.add_done_callback(lambda _: self._finished.put(pending))

    def _source(self, name: Key, node: Any) -> Any:
        import cloudpickle

        if name not in self._sources:
            # As a task, which the scheduler repeats when the worker that holds its value dies.
            load = cloudpickle.dumps(node.value)
            self._sources[name] = self._client.submit(unpack, load, pure=False)
        return self._sources[name]

    def _next(self) -> _Pending:
        """The next part that is computed, or has failed."""
        while True:
            try:
                return self._finished.get(timeout=SILENCE)
            except queue.Empty:
                self._threads()

    def _collect(self, pending: _Pending) -> None:
        """Write the blocks of a part, one after the other."""
        with _reaching():
            picks = [
                self._client.submit(pick, pending.task, number, pure=False)
                for number in range(len(pending.keys))
            ]
        for key, future in zip(pending.keys, picks, strict=True):
            self._deliver(key, self._result(future))
            future.release()
        self._pending.discard(pending)
        pending.task.release()

    def _result(self, future: Any) -> Block:
        """What a future becomes; a worker that dies on the way costs the time of another attempt."""
        patience = SILENCE
        while True:
            try:
                with _reaching():
                    block: Block = future.result(timeout=patience)
                    return block
            except TimeoutError:
                if future.status == "error":
                    raise
                self._threads()
                patience *= 2


def _is_source(task: Any) -> bool:
    """Whether it is an object that blocks are taken from, rather than a block that is there already."""
    from dask._task_spec import DataNode

    if not isinstance(task, DataNode):
        return False
    return hasattr(task.value, "shape") and not isinstance(task.value, np.ndarray | np.generic)


def _connect(address: str, topics: Mapping[str, Callable[[Any], None]]) -> Any:
    import dask
    import distributed

    dask.config.set(_TIMEOUTS)
    make: Any = distributed.Client  # which has no types
    try:
        client = make(address, timeout=CONNECT, set_as_default=False, direct_to_workers=True)
    except (OSError, TimeoutError) as error:
        raise ClusterLost from error
    for topic, take in topics.items():
        client.subscribe_topic(topic, lambda event, take=take: take(event[1]))
    return client


@contextmanager
def _reaching() -> Iterator[None]:
    """Errors of the cluster as errors of openEO; those of the tasks stay what they are."""
    from distributed import CancelledError, KilledWorker
    from distributed.client import ClosedClientError
    from distributed.comm.core import CommClosedError

    try:
        yield
    except (CancelledError, ClosedClientError, CommClosedError) as error:
        raise ClusterLost from error
    except KilledWorker as error:
        raise Internal(
            "Workers of the cluster died over the same part of the computation again and again. It may need more "
            "memory than they have: ask for a smaller extent, fewer bands or dates."
        ) from error
    except ImportError as error:
        raise Internal("The workers of the cluster lack a module that the process needs.") from error
