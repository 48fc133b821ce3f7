"""A process with all that has to be known to cut it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from connexeo.drivers.federation.splitting.plan import Abilities, Plan, split

Json = Any


@dataclass(frozen=True, slots=True)
class Splittable:
    """Given by routing."""

    process_graph: Json = field(repr=False)
    """With everything inlined that only the federation knows."""
    abilities: Abilities
    localised: Callable[[Json], Json] = lambda process_graph: process_graph
    """Makes of a graph the one to send: with the identifiers that back-ends give to what lies there."""

    def plan(self) -> Plan:
        """How it is cut; see ``split``.

        Raises:
            CannotSplit: when it cannot be.
        """
        plan = split(self.process_graph, self.abilities)
        parts = (replace(part, process_graph=self.localised(part.process_graph)) for part in plan.parts)
        return Plan(tuple(parts))
