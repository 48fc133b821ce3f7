"""What a fault is, and how it comes between a request and the server."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from conformance.mutations.message import Answer, Request
from conformance.mutations.users import Users
from connexeo.tools.conformance.verdicts import Severity

Send = Callable[[Request], Awaitable[Answer]]
"""Passes a request on to the server, or to the next fault."""


@dataclass(frozen=True)
class Turn:
    """One request that a fault may spoil."""

    request: Request
    send: Send
    users: Users
    memory: dict[str, Any] = field(default_factory=dict)
    """What the fault remembers since it was switched on."""


Apply = Callable[[Turn], Awaitable[Answer]]
"""A mutation: gives the answer in place of ``turn.send(turn.request)``."""


@dataclass(frozen=True)
class Fault:
    """A single rule that is broken."""

    id: str
    title: str
    """What is wrong, as a developer of the back-end would say it."""
    on: tuple[str, ...]
    """Operations that it spoils: ``GET /jobs/{job_id}``; ``*`` is any method, ``/*`` any path."""
    layers: tuple[str, ...]
    """Layers of the conformance test that ought to find it."""
    rule: str
    """What it breaks, with the source."""
    severity: Severity
    apply: Apply
    shown_by: tuple[str, ...]
    """Requests whose answers differ by it: ``[who] METHOD path [<body>] [| Header: value]``."""
    dress: str = ""
    """What the answers have to look like before, see ``DRESSES``."""
    raw: bool = False
    """Whether it sees conditional requests itself. Otherwise ETags follow the bodies that faults have changed."""

    def concerns(self, request: Request) -> bool:
        """Whether a request may show it. What is spoiled for GET is for HEAD, too."""
        return any(matches(operation, request) for operation in self.on)


def matches(operation: str, request: Request) -> bool:
    """Whether a request is one of an operation."""
    method, _, path = operation.partition(" ")
    return _same_method(method, request.method) and bool(_pattern(path).fullmatch(request.path))


def _same_method(wanted: str, method: str) -> bool:
    return wanted in {"*", method} or (wanted == "GET" and method == "HEAD")


@cache
def _pattern(path: str) -> re.Pattern[str]:
    escaped = re.escape(path).replace(r"/\*", "/.*").replace(r"\{path\}", ".+")
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", escaped))
