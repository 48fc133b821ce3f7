"""When two JSON values are the same: 1 and 1.0 are, 1 and true are not, the order of keys does not count."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import orjson


def identity(value: Any) -> Hashable:
    """A key that two JSON values share when, and only when, they are the same."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, dict):
        pairs: list[Hashable] = []
        for key, entry in value.items():
            pairs.append((key, identity(entry)))
        return ("object", frozenset(pairs))
    if isinstance(value, list | tuple):
        return ("array", *map(identity, value))
    if value is None or isinstance(value, str | int | float):
        return value
    return ("other", repr(value))


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same."""
    if one is other:
        return True
    if one != other:
        return False
    # Python takes true for 1. Most values are equal to the byte, which is quicker to see than to walk them.
    if isinstance(one, str):
        return True
    try:
        if orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS):
            return True
    except TypeError:
        pass
    return identity(one) == identity(other)


def all_same(values: Iterable[Any]) -> bool:
    """Whether all values are the same; there is at least one."""
    rest = iter(values)
    first = next(rest)
    return all(same(first, value) for value in rest)


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values without those that came before, in their order."""
    found: dict[Hashable, Any] = {}
    for value in values:
        found.setdefault(identity(value), value)
    return list(found.values())
