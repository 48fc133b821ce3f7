"""What random requests may change: things that were made for them.

In requests they go by an alias that is the same in every run, such as ``own-1``; what it stands for is made when it is
needed first. Whoever deletes one gets another, so that an alias always leads to something.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.batch import create_job
from connexeo.tools.conformance.budget import BudgetExhausted
from connexeo.tools.conformance.caller import NoAnswer
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.fuzzing.document import REMOVED_BY
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Skipped, Violated

ALIASES: Mapping[str, tuple[str, ...]] = {
    "job": ("own-1", "own-2"),
    "service": ("own-1", "own-2"),
    "process": ("own_1", "own_2"),
    "file": ("own-1.txt", "own-2.txt"),
}
"""Kind → names in requests."""

_GONE = {200, 202, 204, 404, 410}

CREATED_BY: Mapping[str, str] = {
    "job": "POST /jobs",
    "service": "POST /services",
    "process": "PUT /process_graphs/{process_graph_id}",
    "file": "PUT /files/{path}",
}
"""Kind → operation that creates it."""

ALIVE = 12
"""Things of one kind that are kept at most, beside those with an alias: the rest goes at once."""


@dataclass(slots=True)
class Belongings:
    """What was made for random requests, or by them."""

    backend: BackEnd
    graph: Mapping[str, Any]
    service_type: str | None
    start: str = ""
    """What the paths of all files begin with, before the names of this run."""
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    """Kind and alias → identifier."""
    made: int = 0
    refused: set[str] = field(default_factory=set)
    """Kinds that cannot be made."""
    stuck: set[str] = field(default_factory=set)
    """Kinds of which something could not be removed."""
    others: dict[str, deque[str]] = field(default_factory=dict)
    """Kind → what random requests have created, the oldest first."""

    def real(self, kind: str, alias: str) -> str | None:
        """What an alias stands for; None when it is none, or there is nothing."""
        if alias not in ALIASES[kind]:
            return None
        if (kind, alias) not in self.named:
            made = self.fresh(kind)
            if made is None:
                return None
            self.named[kind, alias] = made
        return self.named[kind, alias]

    def is_own(self, kind: str, identifier: str) -> bool:
        """Whether this run has created it."""
        return (kind, identifier) in self.backend.ledger.there

    @property
    def folder(self) -> str:
        """Beginning of the paths of all files."""
        return f"{self.start}{self.backend.name('fuzz')}/"

    @property
    def prefix(self) -> str:
        """Beginning of the names of all processes."""
        return self.backend.name("fuzz_")

    def fresh(self, kind: str) -> str | None:
        """A new thing that nobody else uses; None when it cannot be made, which other checks report."""
        if not self.backend.options.write or kind in self.refused | self.stuck:
            return None
        try:
            made = self._make(kind)
        except (NotApplicable, NotTestable, Skipped, Violated, NoAnswer, BudgetExhausted):
            made = None
        if made is None:
            self.refused.add(kind)
        return made

    def _make(self, kind: str) -> str | None:
        self.backend.need(CREATED_BY[kind], REMOVED_BY[CREATED_BY[kind]])
        self.made += 1
        user, ledger = self.backend.user, self.backend.ledger
        if kind == "job":
            return create_job(self.backend, dict(self.graph), title=self.backend.name("fuzz")).id
        if kind == "service":
            if self.service_type is None:
                return None
            body = {"type": self.service_type, "process": {"process_graph": self.graph}, "enabled": False}
            answer = user.post("/services", {**body, "title": self.backend.name("fuzz")})
            identifier = created_identifier(answer)
            if identifier is not None:
                ledger.add("service", identifier, user)
            return identifier
        if kind == "process":
            name = f"{self.prefix}own_{self.made}"
            ledger.add("process", name, user)
            answer = user.put(f"/process_graphs/{encoded(name)}", {"process_graph": self.graph})
        else:
            name = f"{self.folder}own-{self.made}.txt"
            ledger.add("file", name, user)
            answer = user.put(
                f"/files/{name}", content=b"fuzz", headers={"Content-Type": "application/octet-stream"}
            )
        return name if answer.ok else None

    def add(self, kind: str, identifier: str) -> None:
        """Remember what a random request has created, and remove what there is too much of."""
        self.backend.ledger.add(kind, identifier, self.backend.user)
        others = self.others.setdefault(kind, deque())
        if identifier not in others and identifier not in self.named.values():
            others.append(identifier)
        while len(others) > ALIVE:
            self.remove(kind, others.popleft())

    def remove(self, kind: str, identifier: str) -> None:
        """Remove something that this run has created. When that fails, there will be no more of its kind."""
        for key in [key for key, name in self.named.items() if key[0] == kind and name == identifier]:
            del self.named[key]
        created = self.backend.ledger.there.get((kind, identifier))
        if created is None:
            return
        if created.owner.delete(created.path).status in _GONE:
            self.backend.ledger.forget(kind, identifier)
        else:
            self.stuck.add(kind)

    def identifiers(self, readable: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        """Path parameter → values that lead to something: what is our own, else what is there to be read."""
        parameters = {"job": "job_id", "service": "service_id", "process": "process_graph_id", "file": "path"}
        own = {name: ALIASES[kind] for kind, name in parameters.items()} if self.backend.options.write else {}
        return {**readable, **own}


def created_identifier(answer: Exchange) -> str | None:
    """What something new is called, None when the answer does not tell."""
    if not answer.ok:
        return None
    told = (
        answer.headers.get("openeo-identifier")
        or answer.headers.get("location", "").rstrip("/").rpartition("/")[2]
    )
    return told or None
