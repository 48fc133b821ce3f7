"""The outcome of routing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connexeo.drivers.interface import Json

FORCE = "federation:backends"
"""Property of a request by which a user chooses the back-ends that may run it; never passed on."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who can run a process.

    Attributes:
        candidates: Back-ends that can, the best one first.
        refusals: Why each of the others cannot.
        process: The process as it is to be sent, with everything inlined that only the federation knows.
    """

    candidates: Sequence[str]
    refusals: Mapping[str, str]
    process: Json = field(repr=False)
