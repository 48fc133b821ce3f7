"""Ctrl-C, the end of a container, the end of a terminal: a run stops, but never without tidying up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import current_thread, main_thread
from typing import Any

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


@dataclass(slots=True)
class Interruption:
    """Turns signals into ``KeyboardInterrupt``, the first one only where nothing is lost by it.

    While the main thread is ``undisturbed`` the first signal waits until that ends; the second never waits.
    """

    tell: Callable[[str], None] = lambda text: None
    received: int = 0
    """Signals so far."""
    _undisturbed: int = 0
    _waiting: bool = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look after signals, where it is the main thread that runs."""
        before: dict[int, Any] = {}
        try:
            for number in _SIGNALS:
                before[number] = signal.signal(number, self._receive)
        except ValueError:
            # Not the main thread: whoever runs it decides about signals.
            before = {}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def undisturbed(self, *, and_after: bool = False) -> Iterator[None]:
        """Let the first signal wait.

        Args:
            and_after: whether it is forgotten in the end, because there is nothing left to interrupt.
        """
        if current_thread() is not main_thread():
            # No signal arrives here; whoever started this thread waits for its end.
            yield
            return
        self._undisturbed += 1
        try:
            yield
        finally:
            self._undisturbed -= 1
            waiting = self._waiting and self._undisturbed == 0
            if waiting:
                self._waiting = False
        if waiting and not and_after:
            raise KeyboardInterrupt

    def _receive(self, number: int, frame: object) -> None:
        self.received += 1
        if self.received == 1 and self._undisturbed:
            self._waiting = True
            self.tell("interrupted: finishing what must not be lost; once more ends at once")
            return
        raise KeyboardInterrupt
