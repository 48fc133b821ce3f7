"""Logs to which other processes that work at the same computation write as well."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

from connexeo.processing.environment import LogEntry

Log = Callable[[LogEntry], None]


@dataclass(eq=False)
class SharedLog:
    """A log that finds itself again when it is pickled; in a worker of a dask cluster, it sends entries here."""

    log: Log
    key: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        with _lock:
            _here[self.key] = self

    def __reduce__(self) -> tuple[Any, ...]:
        return _found, (self.key,)

    @property
    def topic(self) -> str:
        """Of the events by which entries arrive."""
        return _topic(self.key)

    def __call__(self, entry: LogEntry) -> None:
        """Write an entry."""
        self.log(entry)

    def receive(self, message: bytes) -> None:
        """Write an entry of another process."""
        import orjson

        self.log(LogEntry(**orjson.loads(message)))


_here: WeakValueDictionary[str, SharedLog] = WeakValueDictionary()
_lock = threading.Lock()


def _topic(key: str) -> str:
    return f"connexeo-log-{key}"


def _found(key: str) -> Log:
    """The log, in whichever process this is."""
    with _lock:
        known = _here.get(key)
    return known or _Sent(key)


@dataclass(frozen=True)
class _Sent:
    """Writes to the log of another process."""

    key: str

    def __reduce__(self) -> tuple[Any, ...]:
        return _found, (self.key,)

    def __call__(self, entry: LogEntry) -> None:
        import orjson
        from distributed import get_worker

        message = orjson.dumps(asdict(entry), default=str, option=orjson.OPT_SERIALIZE_NUMPY)
        get_worker().log_event(_topic(self.key), message)
