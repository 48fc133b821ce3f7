"""What child processes can be asked for: functions ``compute(request, world) -> dict`` by name.

The functions are named by text, so that only the child imports what they need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connexeo.drivers.local.computing.world import World

MEMORY_FOR_LIBRARIES = 2**30
"""Bytes that a child may take besides the pixels: for libraries, their caches and threads."""

Compute = Callable[[Mapping[str, Any], "World"], dict[str, Any]]


@dataclass(frozen=True)
class Task:
    """A kind of computation."""

    function: str
    """``module:function``."""
    quick: bool = False
    """Takes moments, and so does not wait behind long computations."""
    too_large: str = (
        "The computation needs more memory than it may take. Ask for a smaller extent, or fewer dates."
    )
    """What the user is told when the memory does not suffice."""

    def load(self) -> Compute:
        """The function, imported."""
        module, _, name = self.function.partition(":")
        compute: Compute = getattr(import_module(module), name)
        return compute


TASKS: dict[str, Task] = {
    "result": Task(
        "connexeo.drivers.local.computing.result:compute",
        too_large=(
            "The computation needs more memory than synchronous processing allows. Ask for a smaller extent, fewer "
            "bands or dates, or a batch job."
        ),
    ),
    "estimate": Task("connexeo.drivers.local.computing.estimate:compute", quick=True),
    "job": Task("connexeo.drivers.local.jobs.computation:compute"),
    "tile": Task("connexeo.drivers.local.services.drawing:compute", quick=True),
    "survey": Task("connexeo.drivers.local.services.drawing:survey", quick=True),
}
