"""Sandboxes that wait for the next block: starting one takes a second, a call takes milliseconds.

A sandbox serves one node of one computation. It ends when the computation does (`close_sandboxes`), or when it has not
been used for a while.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from connexeo.processing.udf.channel import Message, Values
from connexeo.processing.udf.limits import UdfLimits
from connexeo.processing.udf.sandbox import Sandbox

IDLE = 30.0
"""Seconds after which a sandbox that nobody uses ends."""


class Pool:
    """Sandboxes by what they may be used for; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._free: defaultdict[Hashable, list[Sandbox]] = defaultdict(list)
        self._busy: set[Sandbox] = set()
        self._taken: Counter[Hashable] = Counter()
        self._seconds = 0.0
        self._sweeping = False
        self._entries: Counter[Hashable] = Counter()

    def call(
        self,
        key: Hashable,
        limits: UdfLimits,
        header: Mapping[str, Any],
        arrays: Sequence[Values],
        on_log: Callable[[Any], None],
    ) -> Message:
        """What came of a call in any sandbox of the key.

        Raises:
            Stopped: It hit a limit.
        """
        with self._sandbox(key, limits) as sandbox:
            return sandbox.call(header, arrays, on_log)

    def count_entry(self, key: Hashable) -> int:
        """How many log entries there are of a key, with this one."""
        with self._lock:
            self._entries[key] += 1
            return self._entries[key]

    def close(self) -> float:
        """End all of them; gives the seconds of processor time that all have used since it was asked last."""
        with self._lock:
            ended = [sandbox for free in self._free.values() for sandbox in free]
            self._free.clear()
            self._entries.clear()
            for sandbox in self._busy:
                sandbox.kill()
        self._end(ended)
        with self._lock:
            seconds, self._seconds = self._seconds, 0.0
        return seconds

    @contextmanager
    def _sandbox(self, key: Hashable, limits: UdfLimits) -> Iterator[Sandbox]:
        with self._lock:
            # Calls end in time, so this does.
            self._lock.wait_for(lambda: self._taken[limits] < limits.processes)
            self._taken[limits] += 1
            free = self._free[key]
            sandbox = free.pop() if free else None
        try:
            if sandbox is None:
                sandbox = Sandbox(limits)
            with self._lock:
                self._busy.add(sandbox)
            yield sandbox
        finally:
            with self._lock:
                self._taken[limits] -= 1
                if sandbox is not None:
                    self._busy.discard(sandbox)
                    self._put_back(key, sandbox)
                self._lock.notify_all()

    def _put_back(self, key: Hashable, sandbox: Sandbox) -> None:
        if not sandbox.usable:
            self._seconds += sandbox.seconds
            return
        sandbox.idle_since = time.monotonic()
        self._free[key].append(sandbox)
        if not self._sweeping:
            self._sweeping = True
            threading.Thread(target=self._sweep, name="udf-sweep", daemon=True).start()

    def _sweep(self) -> None:
        """End what nobody uses, until there is nothing left."""
        while True:
            time.sleep(IDLE / 2)
            with self._lock:
                old = time.monotonic() - IDLE
                ended = [one for free in self._free.values() for one in free if one.idle_since < old]
                for key, free in list(self._free.items()):
                    self._free[key] = [one for one in free if one not in ended]
                    if not self._free[key]:
                        del self._free[key]
                self._sweeping = bool(self._free or self._busy)
                last = not self._sweeping
            self._end(ended)
            if last:
                return

    def _end(self, sandboxes: Sequence[Sandbox]) -> None:
        for sandbox in sandboxes:
            sandbox.close()
        with self._lock:
            self._seconds += sum(sandbox.seconds for sandbox in sandboxes)


POOL = Pool()
"""That of this process."""


@atexit.register
def close_sandboxes() -> float:
    """End all sandboxes of this process; gives the seconds of processor time that they have used."""
    return POOL.close()
