"""Which checks can notice a fault at all: those that ask for something which it spoils."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from conformance.mutations import Fault, Proxy, faults
from conformance.mutations.fault import Turn
from conformance.mutations.message import Answer, Request
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.registry import Check
from connexeo.tools.conformance.report import Result

_Name = Any
"""A check's id, or the function that makes what several checks share."""


@dataclass
class Watch:
    """Sees which requests are made for which check, in a run without faults. It is the run's listener, too."""

    requests: dict[_Name, set[str]] = field(default_factory=dict)
    """``METHOD target`` by check, and by what is shared."""
    needs: dict[_Name, set[_Name]] = field(default_factory=dict)
    """What is shared, by what builds on it."""
    _working: list[_Name] = field(default_factory=lambda: [""])

    def started(self, total: int) -> None:
        """The run begins."""

    def running(self, check: Check) -> None:
        """A check begins."""
        self._working[0] = check.id

    def finished(self, result: Result) -> None:
        """A check has ended."""
        self._working[0] = ""

    def said(self, text: str) -> None:
        """Something else happens."""

    def asked(self, request: Request) -> None:
        """A request comes."""
        self.requests.setdefault(self._working[-1], set()).add(f"{request.method} {request.target}")

    def shared(self, make: Callable[..., Any], use: Callable[[], Any]) -> Any:
        """Something that is shared is used, and made if nobody has used it before."""
        self.needs.setdefault(self._working[-1], set()).add(make)
        self._working.append(make)
        try:
            return use()
        finally:
            self._working.pop()

    def concerned(self, fault: Fault) -> frozenset[str] | None:
        """Checks that may notice a fault; None: all, as it spoils what a run begins with."""
        spoiled = {name for name, asked in self.requests.items() if spoiled_by(fault, asked)}
        if "" in spoiled:
            return None
        checks = [name for name in {*self.requests, *self.needs} if isinstance(name, str)]
        return frozenset(name for name in checks if self._built_on(name) & spoiled)

    def _built_on(self, name: _Name) -> set[_Name]:
        found, todo = {name}, [name]
        while todo:
            new = self.needs.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found


@contextmanager
def watching(proxy: Proxy, dress: str = "") -> Iterator[Watch]:
    """Watches a run by the proxy, which changes nothing but what the dress does."""
    watch = Watch()
    once = BackEnd.once

    def seen(backend: BackEnd, make: Callable[[BackEnd], Any]) -> Any:
        return watch.shared(make, lambda: once(backend, make))

    with seeing(proxy, watch.asked, dress), patch.object(BackEnd, "once", seen):
        yield watch


@contextmanager
def seeing(proxy: Proxy, saw: Callable[[Request], None], dress: str = "") -> Iterator[None]:
    """Tells of each request that passes the proxy, which changes nothing but what the dress does."""

    async def see(turn: Turn) -> Answer:
        saw(turn.request)
        return await turn.send(turn.request)

    # Dresses change bodies, so that whoever wears one is asked for them by HEAD, too, and compares no ETags.
    on, raw = (("* /*",), False) if dress else (("* /*", "HEAD /*"), True)
    nothing = replace(faults()[0], id="nothing", on=on, apply=see, dress=dress, raw=raw)
    proxy.switch(dress=dress)
    proxy.switchboard.on = (nothing,)
    try:
        yield
    finally:
        proxy.clear()


def spoiled_by(fault: Fault, asked: set[str]) -> bool:
    """Whether a fault spoils any of these requests, each ``METHOD target``."""
    return any(map(fault.concerns, _read(asked)))


def _read(asked: set[str]) -> Iterator[Request]:
    for each in asked:
        method, _, target = each.partition(" ")
        yield Request([], b"", method, target)
