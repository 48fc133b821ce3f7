"""Child process graphs as functions, of plain values and of blocks; `blocks` carries them through data cubes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connexeo.processing.environment import Environment

if TYPE_CHECKING:
    from connexeo.processing.program import Program


@dataclass(frozen=True)
class Callback:
    """A child process graph, compiled once. It has no state that a call changes, and can be pickled."""

    program: Program
    scope: Mapping[str, Any] = field(default_factory=dict)
    """Values of parameters around the child graph that it uses, and defaults of its own."""
    environment: Environment = field(default_factory=Environment)

    def __call__(self, **parameters: Any) -> Any:
        """The value of the graph's result node; parameters are named as in the definition of the calling process."""
        return self.program.run({**self.scope, **parameters}, self.environment)

    def __getstate__(self) -> dict[str, Any]:
        """Another process gets neither the catalogue of this one nor files, so code of users goes with the graph."""
        from connexeo.processing.udf.preparation import prepare

        program = prepare(self).program
        return {"program": program, "scope": self.scope, "environment": self.environment.detached()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
