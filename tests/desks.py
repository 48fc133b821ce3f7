"""Drivers over a database for tests that do not wait, and what they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyio.from_thread import BlockingPortal

from connexeo.drivers.interface import Json, User
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.state import transaction
from connexeo.generated.errors import ProcessUnsupported

ANA, BOB = User("ana"), User("bob")

PROCESS = {"process_graph": {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}}
BAD = {"process_graph": {"bad": {"process_id": "bad", "arguments": {}, "result": True}}}
"""A process that `check_process` refuses."""


def nowhere(kind: str) -> tuple[str, ...]:
    """Identifiers of nothing; those of things of this kind begin with its letter."""
    zeros = "0" * 31
    return (f"{kind}-{zeros}0", f"{kind}-1", "", "x" * 5000, f"{kind}-\0", "ü", "%", f"{kind}-{zeros}\n")


async def check_process(user: User, process: Json) -> None:
    """Refuse processes without a graph, and `BAD`."""
    if not isinstance(process.get("process_graph"), dict) or "bad" in process["process_graph"]:
        raise ProcessUnsupported(process="bad", namespace="n/a")


class PortalDesk:
    """A driver and its database for code that does not wait."""

    def __init__(self, portal: BlockingPortal, state: State) -> None:
        self.portal = portal
        self.state = state

    def __call__(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """The answer of a method of the driver."""

        async def run() -> Any:
            return await function(*args, **options)

        return self.portal.call(run)

    def write(self, function: Callable[..., Any], *args: Any) -> Any:
        """The value of a function of the database."""
        with transaction(self.state.engine) as connection:
            return function(connection, *args)
