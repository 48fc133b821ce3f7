"""Whole lists: what each upstream lists, checked, repaired, and merged by identifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connexeo.drivers.federation.merging.collections import merge_collection
from connexeo.drivers.federation.merging.contract import Contract, Kind
from connexeo.drivers.federation.merging.formats import merge_format
from connexeo.drivers.federation.merging.items import Fault, valid_items
from connexeo.drivers.federation.merging.parts import Merged, Part
from connexeo.drivers.federation.merging.presence import in_order
from connexeo.drivers.federation.merging.processes import merge_process
from connexeo.drivers.federation.merging.runtimes import merge_runtime
from connexeo.drivers.federation.merging.service_types import merge_service_type

_ANY_CASE = frozenset({Kind.FORMAT, Kind.SERVICE_TYPE})
"""Kinds whose names do not depend on letter case."""

_MERGES: dict[Kind, Callable[[Iterable[Part], Sequence[str]], Merged]] = {
    Kind.COLLECTION: merge_collection,
    Kind.FORMAT: merge_format,
    Kind.RUNTIME: merge_runtime,
    Kind.SERVICE_TYPE: merge_service_type,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the federation."""

    entries: Mapping[str, Merged]
    """By identifier or name, sorted by it, whatever order the upstreams list them in."""
    faults: tuple[Fault, ...]
    """Entries that were repaired, or left out, in the order of the upstreams."""


def merge_lists(
    kind: Kind,
    lists: Mapping[str, Any],
    order: Sequence[str],
    *,
    urls: Mapping[str, str] | None = None,
    standard: Mapping[str, Mapping[str, Any]] | None = None,
    contract: Contract | None = None,
) -> Listing:
    """Merge what several upstreams list. Nothing that they send makes it fail.

    Args:
        kind: what the lists are of.
        lists: upstream → its list, an array of objects with ``id`` or an object by name.
        order: the configured upstreams.
        urls: upstream → URL of its API; documents of collections are linked below it, and relative links refer to it.
        standard: process id → definition of the openEO processes, whose texts are preferred.
        contract: what to judge by; the one of this package if not given.
    """
    faults: list[Fault] = []
    groups: dict[str, list[Part]] = {}
    for upstream in in_order(lists, order):
        url = (urls or {}).get(upstream)
        base = None if url is None else f"{url.rstrip('/')}/"
        good, found = valid_items(kind, upstream, lists[upstream], base=base, contract=contract)
        faults += found
        for name, document in good.items():
            key = name.casefold() if kind in _ANY_CASE else name
            source = f"{base}collections/{quote(name, safe='')}" if base and kind is Kind.COLLECTION else None
            groups.setdefault(key, []).append(Part(upstream, document, source, name))
    merged = (_merge(kind, parts, order, standard or {}) for parts in groups.values())
    named = {parts[0].name or key: each for (key, parts), each in zip(groups.items(), merged, strict=True)}
    return Listing({name: named[name] for name in sorted(named)}, tuple(faults))


def _merge(
    kind: Kind, parts: Sequence[Part], order: Sequence[str], standard: Mapping[str, Mapping[str, Any]]
) -> Merged:
    if kind is Kind.PROCESS:
        return merge_process(parts, order, standard.get(parts[0].name or ""))
    return _MERGES[kind](parts, order)
