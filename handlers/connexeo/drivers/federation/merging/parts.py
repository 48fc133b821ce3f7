"""What goes into a merge and what comes out: parts, the merged document, and where upstreams disagreed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

Document = Mapping[str, Any]

Said = Sequence[tuple[str, Any]]
"""What upstreams say about one thing, as (upstream, value), in canonical order."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one upstream says about one resource."""

    upstream: str
    """Identifier of the upstream in the federation."""
    document: Document
    """As `valid_items` passed it."""
    source: str | None = None
    """URL of the document at the upstream; None: that of its ``self`` link, if it has one."""
    name: str | None = None
    """What the upstream calls the resource, when names may differ by letter case."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place where upstreams say different things, and what became of it."""

    pointer: str
    """JSON pointer into the merged document; entries of lists go by their name or relation, not by their number."""
    kept: Any
    """What the merged document says there; None where it says nothing."""
    values: Mapping[str, Any]
    """Upstream → what it says."""
    reason: str
    """The rule that decided, as a sentence for people."""


@dataclass(frozen=True, slots=True)
class Merged:
    """One resource of the federation."""

    document: dict[str, Any]
    """It may share objects with what the upstreams said, so nobody changes it."""
    upstreams: tuple[str, ...]
    """Those that have it, in canonical order: the ``federation:backends``."""
    conflicts: tuple[Conflict, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """Upstream → what it calls the resource, where that differs from the merged name."""


class Context:
    """Where a merge is: the place in the document, the upstreams around it, and the conflicts found so far."""

    __slots__ = ("_found", "depth", "pointer", "upstreams")

    def __init__(
        self,
        upstreams: tuple[str, ...],
        pointer: str = "",
        found: list[Conflict] | None = None,
        depth: int = 0,
    ) -> None:
        self.upstreams = upstreams
        """Those that have the enclosing object; what all of these have needs no mark."""
        self.pointer = pointer
        self.depth = depth
        self._found: list[Conflict] = [] if found is None else found

    def below(self, key: str) -> Context:
        """The place of a property or of a named entry."""
        if "~" in key or "/" in key:
            key = key.replace("~", "~0").replace("/", "~1")
        return Context(self.upstreams, f"{self.pointer}/{key}", self._found, self.depth + 1)

    def within(self, upstreams: tuple[str, ...]) -> Context:
        """The same place, inside an object that only these upstreams have."""
        return Context(upstreams, self.pointer, self._found, self.depth)

    def note(self, kept: Any, said: Said, reason: str) -> None:
        """Record a conflict here."""
        self._found.append(Conflict(self.pointer, kept, dict(said), reason))

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """All that were recorded, in the order of the document."""
        return tuple(self._found)


def canonical(parts: Iterable[Part], order: Sequence[str]) -> list[Part]:
    """The parts in the order of the configured upstreams, unknown ones last, one part for each.

    An upstream that speaks twice is heard once: the document that sorts first as text, whatever came first.
    """
    by_upstream: dict[str, list[Part]] = {}
    for part in parts:
        by_upstream.setdefault(part.upstream, []).append(part)
    rank = {upstream: number for number, upstream in reversed(list(enumerate(order)))}
    return [
        min(by_upstream[upstream], key=_text) if len(by_upstream[upstream]) > 1 else by_upstream[upstream][0]
        for upstream in sorted(by_upstream, key=lambda each: (rank.get(each, len(rank)), each))
    ]


def origins(parts: Iterable[Part], order: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """JSON pointers of the first two levels → the upstreams that say something there.

    For explaining a merged document: together with its conflicts it says which upstream gave what, and why.
    """
    found: dict[str, list[str]] = {}
    for part in canonical(parts, order):
        here = Context(())
        for key, value in part.document.items():
            found.setdefault(here.below(key).pointer, []).append(part.upstream)
            if isinstance(value, Mapping):
                for name in value:
                    found.setdefault(here.below(key).below(str(name)).pointer, []).append(part.upstream)
    return {pointer: tuple(upstreams) for pointer, upstreams in found.items()}


def _text(part: Part) -> tuple[bytes, str, str]:
    try:
        text = orjson.dumps(part.document, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        text = repr(part.document).encode("utf-8", "replace")
    return text, part.source or "", part.name or ""
