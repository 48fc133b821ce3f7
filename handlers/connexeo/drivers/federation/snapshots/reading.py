"""What one web worker knows: the states and views of the file, followed as they change."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import orjson

from connexeo.drivers.federation.garbage import give_back_memory, no_search_for_garbage
from connexeo.drivers.federation.snapshots.kinds import CAPABILITIES
from connexeo.drivers.federation.snapshots.state import UpstreamState
from connexeo.drivers.federation.snapshots.store import SnapshotStore

T = TypeVar("T")

QUICK = 0.02
"""Seconds between looks at the file while somebody waits for what is not there yet."""
SLOW = 0.25
"""Seconds between looks at the file else."""
LARGE = 2**20
"""Bytes of a view above which reading it takes memory that should not stay."""


class Snapshots:
    """Follows the file of snapshots; everything that a request needs of it is in memory.

    Args:
        folder: The data folder.
        upstreams: Gives the ids of the back-ends that are configured now.
        load: Makes of the body of a view what requests want of it, by kind.
    """

    def __init__(
        self,
        folder: Path,
        upstreams: Callable[[], Iterable[str]],
        load: Mapping[str, Callable[[bytes], Any]] | None = None,
    ) -> None:
        self._folder = folder
        self._upstreams = upstreams
        self._load = load or {}
        self._store: SnapshotStore | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._task: asyncio.Task[None] | None = None
        self._states: Mapping[str, UpstreamState] = {}
        self._attempts: Mapping[tuple[str, str], tuple[float, str]] = {}
        self._views: dict[str, Any] = {}
        self._digests: dict[str, str] = {}
        self._versions: dict[str, str] = {}
        self._versions_of: tuple[str, ...] = ()
        self._file_version = -1
        self._started = time.monotonic()

    @property
    def states(self) -> Mapping[str, UpstreamState]:
        """What is known of each back-end that is configured."""
        return {each: self._states.get(each, UpstreamState(each)) for each in self._upstreams()}

    def version(self, kind: str) -> str:
        """Another text whenever a view is another one, or others are missing from it."""
        ids = tuple(self._upstreams())
        if ids != self._versions_of:
            self._versions, self._versions_of = {}, ids
        if kind not in self._versions:
            told: list[Any] = [ids, self._digests.get(kind), self.missing(kind)]
            if kind == CAPABILITIES:
                told += [(each.id, each.online, each.checked) for each in self.states.values()]
            self._versions[kind] = hashlib.blake2b(orjson.dumps(told), digest_size=8).hexdigest()
        return self._versions[kind]

    def view(self, kind: str) -> Any:
        """What was made of all snapshots of a kind; None when there is none yet."""
        return self._views.get(kind)

    def missing(self, kind: str) -> list[str]:
        """Back-ends that had no part in a view as it is, or whose part in it may be out of date."""
        return [each for each in self._upstreams() if not self._is_current(each, kind)]

    def reason(self, upstream: str, kind: str) -> str:
        """Why a back-end is missing."""
        state = self._states.get(upstream)
        if state is not None and state.online is False:
            return state.reason
        return self._attempts.get((upstream, kind), (0.0, "it has not answered yet"))[1]

    async def wait_for(self, kind: str, deadline: float) -> None:
        """Wait until it is known of all back-ends whether they have a part in a view.

        Only the first requests ever wait: the deadline begins when this process starts.

        Args:
            kind: Of the view.
            deadline: Seconds.
        """
        # What has not answered by then is missing, for whoever asks later too.
        left = self._started + deadline - time.monotonic()
        if left <= 0 or self._is_settled(kind):
            return
        try:
            async with asyncio.timeout(left):
                while not self._is_settled(kind):
                    await self._look()
                    if not self._is_settled(kind):
                        await asyncio.sleep(QUICK)
        except TimeoutError:
            return

    async def ask(self, function: Callable[[SnapshotStore], T]) -> T:
        """The value of a function of the store, in the thread that it belongs to."""
        assert self._executor is not None, "start() was not called"
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._within, function)

    async def start(self) -> None:
        """Open the file, and follow it."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="snapshots")
        self._started = time.monotonic()
        await self._look()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Close the file."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.get_running_loop().run_in_executor(executor, self._close)
            executor.shutdown(wait=False)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(SLOW)
            await self._look()

    async def _look(self) -> None:
        """Take over what has changed in the file."""
        changed = await self.ask(self._read)
        if changed is None:
            return
        self._states, self._attempts, digests, views = changed
        self._views |= views
        self._digests = digests
        self._versions = {}

    def _read(
        self, store: SnapshotStore
    ) -> (
        tuple[
            Mapping[str, UpstreamState],
            Mapping[tuple[str, str], tuple[float, str]],
            dict[str, str],
            dict[str, Any],
        ]
        | None
    ):
        version = store.version()
        if version == self._file_version:
            return None
        self._file_version = version
        states, attempts, digests = store.states(), store.attempts(), store.view_digests()
        views = {}
        for kind, digest in digests.items():
            if self._digests.get(kind) != digest:
                view = store.view(kind)
                if view is not None:
                    with no_search_for_garbage():
                        views[kind] = self._load.get(kind, orjson.loads)(view.body)
                    if len(view.body) > LARGE:
                        del view
                        give_back_memory()
        return states, attempts, digests, views

    def _is_current(self, upstream: str, kind: str) -> bool:
        state = self._states.get(upstream)
        if kind == CAPABILITIES:
            return state is not None and state.online is True
        tried = self._attempts.get((upstream, kind))
        offline = state is not None and state.online is False
        # An answer is of no use before it is part of the view.
        told = getattr(self._views.get(kind), "upstreams", None)
        return not offline and tried is not None and not tried[1] and (told is None or upstream in told)

    def _is_settled(self, kind: str) -> bool:
        """Whether each back-end has answered, or is known not to; and the view has what they answered."""
        if kind not in self._views:
            return False
        view = self._views[kind]
        told = getattr(view, "upstreams", None)
        for each in self._upstreams():
            state = self._states.get(each)
            if kind == CAPABILITIES:
                if state is None or state.online is None:
                    return False
                continue
            tried = self._attempts.get((each, kind))
            offline = state is not None and state.online is False
            if tried is None and not offline:
                return False
            if tried is not None and not tried[1] and told is not None and each not in told:
                return False
        return True

    def _within(self, function: Callable[[SnapshotStore], T]) -> T:
        if self._store is None:
            self._store = SnapshotStore(self._folder)
        return function(self._store)

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
