"""What a run has created at the back-end, so that all of it is removed again."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from connexeo.tools.conformance.budget import Budget, BudgetExhausted
from connexeo.tools.conformance.caller import Caller, NoAnswer
from connexeo.tools.conformance.exchange import Exchange, NotJson

CLEANUP_SECONDS = 120.0

_GONE = {200, 202, 204, 404, 410}

_SHORT = 5

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
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    """Part of the name of everything that this run creates."""
    nameless: dict[tuple[str, str], Caller] = field(default_factory=dict)
    """Kind and owner of what may be there although no answer has told its identifier."""

    def add(self, kind: str, name: str, owner: Caller) -> None:
        """Remember something that was created, or is about to be."""
        self.there[kind, name] = Created(kind, name, owner)
        own = kind in {"process", "file"} and self.mark not in name
        if name not in self.names and not own:
            # Names that are the same in every run need not be replaced, and may be words.
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.names[name] = f"<{kind} {self.counts[kind]}>"

    def created(self, kind: str, name: str | None, owner: Caller) -> None:
        """Remember what an answer tells to have been created; None when it does not tell the identifier."""
        if name is None:
            self.nameless[kind, owner.name] = owner
        else:
            self.add(kind, name, owner)

    def forget(self, kind: str, name: str) -> None:
        """Something has been removed."""
        self.there.pop((kind, name), None)

    def refused(self, url: str) -> None:
        """A back-end that cannot store something at all has not stored what was remembered for this URL."""
        for key in [key for key, each in self.there.items() if url.partition("?")[0].endswith(each.path)]:
            del self.there[key]

    def mask(self, text: str) -> str:
        """The text with placeholders instead of identifiers of this run."""
        for name in sorted(self.names, key=len, reverse=True):
            if name in text:
                # Short ones stand in other words as well.
                pattern = re.escape(name) if len(name) > _SHORT else rf"(?<=/){re.escape(name)}(?![\w.-])"
                text = re.sub(pattern, self.names[name], text)
        return text.replace(self.mark, "*")

    def clean(self, budget: Budget, tell: Callable[[str], None] = lambda text: None) -> tuple[str, ...]:
        """Remove everything, the latest first; gives what could not be removed.

        Interrupted it gives what is still there.
        """
        if not self.there and not self.nameless:
            return ()
        budget.extend(CLEANUP_SECONDS, 3 * len(self.there) + 10 * len(self.nameless))
        left: list[str] = []
        try:
            for (kind, _), owner in self.nameless.items():
                left += self._find(kind, owner)
            self.nameless.clear()
            tell(f"removing {len(self.there)} things that were created")
            for created in reversed(list(self.there.values())):
                left += self._remove(created)
        except KeyboardInterrupt:
            tell("interrupted while removing")
            left = [f"{each.kind} {each.name}" for each in self.there.values()]
        return tuple(left)

    def _find(self, kind: str, owner: Caller) -> Iterator[str]:
        """Add what bears the mark of this run to what is there; gives what to tell when there is nothing."""
        key = f"{kind}s"
        found = 0
        try:
            listed = owner.get(f"/{key}", params={"limit": 1000}).object().get(key)
        except (NoAnswer, NotJson, BudgetExhausted):
            listed = None
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, Mapping) and self.mark in str(entry.get("title")):
                self.add(kind, str(entry.get("id")), owner)
                found += 1
        if not found:
            yield f"{kind}: a request to create one was not answered with its identifier; look whether it is there"

    def _remove(self, created: Created) -> Iterator[str]:
        try:
            answer = self._deleted(created)
        except (NoAnswer, BudgetExhausted) as error:
            yield f"{created.kind} {created.name}: {error}"
        except Exception as error:  # noqa: BLE001 - whatever it is, the rest has to be removed
            yield f"{created.kind} {created.name}: {type(error).__name__}: {error}"
        else:
            if answer.status in _GONE:
                self.forget(created.kind, created.name)
            else:
                yield f"{created.kind} {created.name}: HTTP {answer.status} {answer.code or ''}".strip()

    def _deleted(self, created: Created) -> Exchange:
        answer = created.owner.delete(created.path)
        if answer.status not in _GONE and created.kind == "job":
            # It may still be running.
            created.owner.delete(f"{created.path}/results")
            answer = created.owner.delete(created.path)
        return answer
