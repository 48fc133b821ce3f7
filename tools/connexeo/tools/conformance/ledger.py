"""What a run has created at the back-end, so that all of it is removed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from connexeo.tools.conformance.budget import Budget, BudgetExhausted
from connexeo.tools.conformance.caller import Caller, NoAnswer

CLEANUP_SECONDS = 120.0

_GONE = {200, 202, 204, 404, 410}

_PATHS = {
    "job": "/jobs/{}",
    "service": "/services/{}",
    "process": "/process_graphs/{}",
    "file": "/files/{}",
}


@dataclass(frozen=True, slots=True)
class Created:
    """One thing."""

    kind: str
    """``job``, ``service``, ``process`` or ``file``."""
    name: str
    """Its identifier, or its path for a file."""
    owner: Caller

    @property
    def path(self) -> str:
        """Where it is in the API, encoded."""
        return _PATHS[self.kind].format(quote(self.name, safe="/" if self.kind == "file" else ""))


@dataclass(slots=True)
class Ledger:
    """What was created and is still there."""

    there: dict[tuple[str, str], Created] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Identifier → what stands for it in reports, which must not differ from run to run."""
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, name: str, owner: Caller) -> None:
        """Remember something that was created, or is about to be."""
        self.there[kind, name] = Created(kind, name, owner)
        if name not in self.names:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.names[name] = f"<{kind} {self.counts[kind]}>"

    def forget(self, kind: str, name: str) -> None:
        """Something has been removed."""
        self.there.pop((kind, name), None)

    def mask(self, text: str) -> str:
        """The text with placeholders instead of identifiers of this run."""
        for name in sorted(self.names, key=len, reverse=True):
            if len(name) > 5 and name in text:
                text = text.replace(name, self.names[name])
        return text

    def clean(self, budget: Budget, tell: Callable[[str], None] = lambda text: None) -> tuple[str, ...]:
        """Remove everything, the latest first; gives what could not be removed.

        Interrupted once more, it stops.
        """
        if self.there:
            tell(f"removing {len(self.there)} things that were created")
            budget.extend(CLEANUP_SECONDS, 3 * len(self.there))
        return tuple(self._clean())

    def _clean(self) -> Iterator[str]:
        for created in reversed(list(self.there.values())):
            try:
                answer = created.owner.delete(created.path)
                if answer.status not in _GONE and created.kind == "job":
                    # It may still be running.
                    created.owner.delete(f"{created.path}/results")
                    answer = created.owner.delete(created.path)
            except (NoAnswer, BudgetExhausted) as error:
                yield f"{created.kind} {created.name}: {error}"
                continue
            if answer.status in _GONE:
                self.forget(created.kind, created.name)
            else:
                yield f"{created.kind} {created.name}: HTTP {answer.status} {answer.code or ''}".strip()
