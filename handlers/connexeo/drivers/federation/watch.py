"""The watch: a process beside the web workers that asks all back-ends, so that no request has to.

It checks each back-end again and again, keeps what it offers, and merges that into views. One runs for each data
folder, as child of the web worker that got the lock; see ``watching``.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import random
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog

from connexeo.drivers.federation.configuration import Configuration
from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.faults import Refused, Unreachable, UpstreamFault
from connexeo.drivers.federation.garbage import give_back_memory
from connexeo.drivers.federation.parents import end_with_parent
from connexeo.drivers.federation.snapshots.fetching import Fetching
from connexeo.drivers.federation.snapshots.kinds import CAPABILITIES, KINDS, Kind
from connexeo.drivers.federation.snapshots.state import UpstreamState
from connexeo.drivers.federation.snapshots.store import Snapshot, SnapshotStore
from connexeo.drivers.federation.views.making import make_views
from connexeo.logs import configure_logging
from connexeo.settings import Federation, Settings, Upstream

logger = structlog.get_logger("connexeo.federation")

SETTLING = 0.05
"""Seconds without news after which merging begins, since back-ends tend to answer at the same time."""
LONGEST_SETTLING = 0.4
"""Seconds that the first news are kept waiting for others at most."""
READY = b"ready\n"
"""What the watch writes to standard output once it asks."""


@dataclass
class _Presence:
    """Whether a back-end is there, to be waited for either way."""

    there: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, *, there: bool) -> None:
        now, before = (self.there, self.gone) if there else (self.gone, self.there)
        before.clear()
        now.set()


@dataclass
class Watch:
    """Asks the back-ends of one configuration until it is stopped.

    Args:
        federation: The configuration.
        store: Where answers are kept.
        now: The time, in seconds since 1970.
        allow_private: See ``Configuration``.
    """

    federation: Federation
    store: SnapshotStore
    now: Callable[[], float] = time.time
    allow_private: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _stale: set[str] = field(default_factory=set)
    """Kinds whose views have to be made anew."""

    async def run(self) -> None:
        """Ask, until cancelled."""
        self.store.forget_others({upstream.id: upstream.url for upstream in self.federation.upstreams})
        self._stale |= {CAPABILITIES, *KINDS}
        self._changed.set()
        # Always the same thread: each has its own memory, which it keeps for its next turn.
        with ThreadPoolExecutor(1, thread_name_prefix="merging") as executor:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._merge(executor))
                for upstream in self.federation.upstreams:
                    group.create_task(self._watch(upstream))

    async def _watch(self, upstream: Upstream) -> None:
        """Everything of one back-end; whatever happens there is no concern of the others."""
        connection = Connection(
            upstream, max_bytes=self.federation.max_document, allow_private=self.allow_private
        )
        fetching = Fetching(connection, upstream, timeout=self.federation.refresh_timeout)
        # The first answers are wanted at once, before it is known whether the back-end is there.
        presence = _Presence()
        presence.note(there=True)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._check_always(upstream, fetching, presence))
                for kind in KINDS.values():
                    group.create_task(self._refresh_always(upstream, fetching, kind, presence))
        finally:
            await connection.close()

    async def _check_always(self, upstream: Upstream, fetching: Fetching, presence: _Presence) -> None:
        state = self.store.states().get(upstream.id, UpstreamState(upstream.id))
        while True:
            started = time.monotonic()
            state = await self._check(state, upstream, fetching)
            presence.note(there=bool(state.online))
            shorter = min(self.federation.probe_interval, self.federation.breaker.pause)
            pause = _about(self.federation.probe_interval if state.online else shorter)
            # From start to start: a check that took its time is no reason to see the next change later.
            await asyncio.sleep(max(started + pause - time.monotonic(), SETTLING))

    async def _check(self, state: UpstreamState, upstream: Upstream, fetching: Fetching) -> UpstreamState:
        """One check; the state after it."""
        started = time.monotonic()
        try:
            snapshot = await fetching.capabilities(self.federation.deadline_of(upstream))
        except UpstreamFault as fault:
            after = state.failed(self.now(), fault.reason)
            if state.online is not False:
                logger.warning("federation.offline", upstream=upstream.id, reason=fault.reason)
        else:
            after = state.answered(self.now(), time.monotonic() - started)
            if state.online is False:
                logger.info("federation.online", upstream=upstream.id)
            if self.store.put(snapshot):
                self._merge_soon(CAPABILITIES)
        self.store.put_state(after)
        return after

    async def _refresh_always(
        self, upstream: Upstream, fetching: Fetching, kind: Kind, presence: _Presence
    ) -> None:
        while True:
            # A back-end that is not there is left alone until a check finds it again, then asked at once.
            await presence.there.wait()
            pause = self.federation.refresh_interval
            if not await self._refresh(upstream, fetching, kind):
                pause = min(self.federation.probe_interval, self.federation.breaker.pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_about(pause)):
                    await presence.gone.wait()

    async def _refresh(self, upstream: Upstream, fetching: Fetching, kind: Kind) -> bool:
        """Ask for one kind; whether it came."""
        try:
            snapshot = await self._fetched(upstream, fetching, kind)
        except UpstreamFault as fault:
            # That a back-end cannot be reached at all is told by its check, once.
            level = logger.info if isinstance(fault, Refused | Unreachable) else logger.warning
            level("federation.not_refreshed", upstream=upstream.id, kind=kind.name, reason=fault.reason)
            self.store.note_failure(upstream.id, kind.name, self.now(), fault.reason)
            return False
        if self.store.put(snapshot):
            self._merge_soon(kind.name)
        return True

    async def _fetched(self, upstream: Upstream, fetching: Fetching, kind: Kind) -> Snapshot:
        """What a back-end has of a kind.

        It may take its time, but a request that hangs must not hide that others are answered again: beside the first
        request, another one is made at each interval of checks.
        """
        known = self.store.snapshot(upstream.id, kind.name)
        first = asyncio.create_task(fetching.all_of(kind, known))
        other: asyncio.Task[Snapshot] | None = None
        try:
            while True:
                waiting = {first} if other is None or other.done() else {first, other}
                done, _ = await asyncio.wait(
                    waiting, timeout=self.federation.probe_interval, return_when=asyncio.FIRST_COMPLETED
                )
                if first in done:
                    return first.result()
                if other in done and other.exception() is None:
                    return other.result()
                if not done:
                    await _end(other)
                    other = asyncio.create_task(fetching.all_of(kind, known))
        finally:
            await _end(first)
            await _end(other)

    def _merge_soon(self, kind: str) -> None:
        self._stale.add(kind)
        self._changed.set()

    async def _merge(self, executor: Executor) -> None:
        while True:
            await self._changed.wait()
            await self._settle()
            stale, self._stale = self._stale, set()
            await asyncio.get_running_loop().run_in_executor(executor, self._make_views, frozenset(stale))

    async def _settle(self) -> None:
        """Wait for more to merge, as long as it keeps coming."""
        end = time.monotonic() + LONGEST_SETTLING
        while self._changed.is_set() and time.monotonic() < end:
            self._changed.clear()
            await asyncio.sleep(SETTLING)
        self._changed.clear()

    def _make_views(self, kinds: frozenset[str]) -> None:
        # A connection of its own: this runs in another thread.
        store = SnapshotStore(self.store.path.parent)
        try:
            for kind in sorted(kinds):
                make_views(kind, store, self.federation)
        finally:
            store.close()
        give_back_memory()


async def watch(settings: Settings) -> None:
    """Watch until the process is told to stop, with the configuration as it is at any time."""
    configuration = Configuration(settings)
    store = await asyncio.to_thread(SnapshotStore, settings.data)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        while not stop.is_set():
            await _watch_until(configuration, store, stop)
    finally:
        store.close()


async def _watch_until(configuration: Configuration, store: SnapshotStore, stop: asyncio.Event) -> None:
    """Watch until the configuration changes, or the process is to stop."""
    asking = Watch(configuration.current, store, allow_private=configuration.allow_private)
    watching = asyncio.create_task(asking.run())
    ends = [asyncio.create_task(configuration.changed()), asyncio.create_task(_is_set(stop))]
    _say_ready()
    await asyncio.wait([watching, *ends], return_when=asyncio.FIRST_COMPLETED)
    failed = watching.done()
    for task in (watching, *ends):
        task.cancel()
    await asyncio.wait([watching, *ends])
    if failed:
        # It never ends by itself but by a fault, and the process is started anew.
        watching.result()


async def _end(task: asyncio.Task[Any] | None) -> None:
    if task is None:
        return
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        # Nobody wants to know any longer.
        task.exception()


async def _is_set(event: asyncio.Event) -> None:
    await event.wait()


def _say_ready() -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()


def _about(seconds: float) -> float:
    """Nearly so long, so that not everything happens at once."""
    return seconds * random.uniform(0.9, 1.0)  # noqa: S311 - no secret


def main() -> int:
    """Watch until told to stop, or until the web worker that started this is gone."""
    end_with_parent()
    # From the parent, which may have settings that are in no file and no variable.
    settings = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent's
    assert isinstance(settings, Settings)
    configure_logging(settings)
    asyncio.run(watch(settings))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
