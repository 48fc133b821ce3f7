"""Entries of upstreams' lists: which can be served, which after a repair, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from connexeo.drivers.federation.merging.contract import Contract, Kind, our_contract
from connexeo.drivers.federation.merging.presence import BACKENDS, MISSING
from connexeo.drivers.federation.merging.repairs import repair, without_foreign_marks

_SHOWN = 60

LARGEST_DESCRIBED = 5_000_000
"""Bytes times levels of nesting of an entry up to which its faults are looked for.

The validator explains a fault by copying the value at each level that has alternatives: what somebody makes deep and
long on purpose would take minutes.
"""
MOST_FAULTS = 20
"""Faults of one entry that are told; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with an entry of an upstream."""

    upstream: str
    kind: Kind
    id: str
    """Identifier or name of the entry; its place in the list when it has none."""
    text: str
    repaired: bool
    """Whether the entry is served all the same."""


def valid_items(
    kind: Kind,
    upstream: str,
    items: Any,
    *,
    base: str | None = None,
    contract: Contract | None = None,
) -> tuple[dict[str, Mapping[str, Any]], list[Fault]]:
    """The entries of one list of one upstream that pass the contract, as they are or repaired, by id or name.

    Args:
        kind: what the list is of.
        upstream: whose list it is.
        items: a list of objects with ``id``, or an object with the entries by name; anything else is a fault.
        base: URL that relative links refer to; None when it is not known.
        contract: what to judge by; the one of this package if not given.

    Returns:
        The good entries, and the faults of all entries. Entries are not changed: repaired ones are copies.
    """
    judge = contract or our_contract()
    good: dict[str, Mapping[str, Any]] = {}
    faults: list[Fault] = []
    for name, item in _entries(kind, items):
        checked, texts = _check(kind, item, base, judge)
        if checked is not None and name in good:
            checked, texts = None, ["it is there twice; the first one is used"]
        if checked is not None:
            good[name] = checked
        shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
        faults += [Fault(upstream, kind, shown, text, repaired=checked is not None) for text in _some(texts)]
    if not isinstance(items, list | Mapping):
        faults.append(
            Fault(upstream, kind, "", f"the list is not a list but {_name_of_type(items)}", repaired=False)
        )
    return good, faults


def _entries(kind: Kind, items: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(items, Mapping):
        yield from ((str(name), item) for name, item in items.items() if name not in (BACKENDS, MISSING))
    elif isinstance(items, list):
        for number, item in enumerate(items):
            identifier = item.get("id") if isinstance(item, Mapping) else None
            yield identifier if isinstance(identifier, str) else f"#{number}", item


def _check(
    kind: Kind, item: Any, base: str | None, judge: Contract
) -> tuple[Mapping[str, Any] | None, Sequence[str]]:
    """The entry, or None when it cannot be served; and what is wrong with it, or was repaired."""
    if not isinstance(item, dict):
        return None, [f"it is not an object but {_name_of_type(item)}"]
    try:
        written = orjson.dumps(item)
    except TypeError as error:
        return None, [f"it cannot be written as JSON: {error}"]
    if b'"federation:' in written:
        item = without_foreign_marks(item)
    if judge.passes(kind, item):
        return item, ()
    if len(written) * nesting(item) > LARGEST_DESCRIBED:
        return None, ["it does not conform to the API, and is too large or too deeply nested to say where"]
    try:
        return repair(kind, item, base, judge)
    except RecursionError:
        return None, ["it is nested too deeply"]


def _some(texts: Sequence[str]) -> Sequence[str]:
    if len(texts) <= MOST_FAULTS:
        return texts
    return [*texts[:MOST_FAULTS], f"and {len(texts) - MOST_FAULTS} more"]


def nesting(value: Any) -> int:
    """Levels of objects and lists in a JSON value; 0 for a scalar."""
    depth = 0
    level = [value]
    while level := [entry for entry in level if isinstance(entry, dict | list)]:
        depth += 1
        level = [child for entry in level for child in (entry.values() if isinstance(entry, dict) else entry)]
    return depth


def _name_of_type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)
