"""Gaps: assets that cannot be read and, because the user says so, are no data rather than an error."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from connexeo.generated.errors import Internal
from connexeo.processing.environment import LogEntry
from connexeo.processing.reading.retrying import Fault, fault_of, patiently

T = TypeVar("T")

SILENT_ASSETS = 3
"""Assets of one host without an answer, one after the other, after which the host is left alone for a while."""
PAUSE = 60.0
"""Seconds of that while: with hundreds of assets, each with its own deadline, it would take hours else."""
_RUNS = 16
"""Computations whose gaps a process remembers that reads for others."""
_LEFT_ALONE = Fault("passing", "its server has not answered for other assets either")

Gap = dict[str, str]
"""With href, item, asset and reason."""


@dataclass
class _Host:
    silent: int = 0
    until: float = 0.0


@dataclass(eq=False)
class Gaps:
    """The gaps of one computation; safe to use from several threads.

    Pickled, it finds itself again by its key; in another process it becomes one that tells this one by a dask cluster.
    """

    limit: float
    """The part of all assets, up to 1, that may be missing."""
    log: Callable[[LogEntry], None]
    key: str = field(default_factory=lambda: uuid4().hex)
    send: Callable[[Gap], None] | None = None
    """In other processes: tells who logs and counts."""
    _known: dict[str, Gap] = field(default_factory=dict)
    _expected: set[str] = field(default_factory=set)
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        _remember(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _found, (self.key,)

    @property
    def topic(self) -> str:
        """Of the events by which workers of a cluster tell of gaps."""
        return f"connexeo-gaps-{self.key}"

    def expect(self, hrefs: Iterable[str]) -> None:
        """Count assets that will be read."""
        with self._lock:
            self._expected.update(hrefs)

    def read(self, attempt: Callable[[], T], href: str, asset: str, item: str) -> T | None:
        """What reading an asset gives; None where it is a gap.

        Raises:
            Internal: there are too many gaps.
        """
        if href in self._known:
            return None
        fault = _LEFT_ALONE
        if not self._is_left_alone(href):
            try:
                value = patiently(attempt, href)
            except (Internal, OSError) as error:
                fault = fault_of(error, href)
                self._heard(href, silent=fault.kind == "passing")
            else:
                self._heard(href, silent=False)
                return value
        self.leave({"href": href, "item": item, "asset": asset, "reason": fault.reason})
        self.check()
        return None

    def leave(self, gap: Gap) -> None:
        """Note a gap, and log it, once."""
        with self._lock:
            if gap["href"] in self._known:
                return
            self._known[gap["href"]] = gap
        if self.send is not None:
            self.send(gap)
            return
        message = (
            f"The asset '{gap['asset']}' of the item '{gap['item']}' cannot be read: {gap['reason']}. Its pixels are "
            "no data."
        )
        data = {name: gap[name] for name in ("item", "asset", "reason")}
        self.log(LogEntry("warning", message, code="AssetUnreadable", data=data))

    def check(self) -> None:
        """Find out whether there are too many gaps; elsewhere nobody knows.

        Raises:
            Internal: more than the limit allows.
        """
        if self.send is not None:
            return
        with self._lock:
            missing, expected = len(self._known), len(self._expected | self._known.keys())
        if missing > self.limit * expected:
            raise Internal(
                f"{missing} of {expected} assets cannot be read, which is more than the {self.limit:.0%} that the "
                "option 'soft-errors' allows; the logs name them."
            )

    def _is_left_alone(self, href: str) -> bool:
        host = self._hosts.get(urlsplit(href).netloc)
        return host is not None and host.until > time.monotonic()

    def _heard(self, href: str, *, silent: bool) -> None:
        name = urlsplit(href).netloc
        if not name:
            return
        with self._lock:
            host = self._hosts.setdefault(name, _Host())
            host.silent = host.silent + 1 if silent else 0
            if host.silent >= SILENT_ASSETS:
                host.until = time.monotonic() + PAUSE


_of_runs: OrderedDict[str, Gaps] = OrderedDict()
_of_runs_lock = threading.Lock()


def _remember(gaps: Gaps) -> None:
    with _of_runs_lock:
        _of_runs[gaps.key] = gaps
        while len(_of_runs) > _RUNS:
            _of_runs.popitem(last=False)


def _found(key: str) -> Gaps:
    """The gaps of a computation in this process."""
    known = _of_runs.get(key)
    return known or Gaps(1.0, _nobody, key, send=_Telling(f"connexeo-gaps-{key}"))


def _nobody(entry: LogEntry) -> None:
    """Whoever is told of the gap logs it."""


@dataclass(frozen=True)
class _Telling:
    topic: str

    def __call__(self, gap: Gap) -> None:
        from distributed import get_worker

        get_worker().log_event(self.topic, gap)
