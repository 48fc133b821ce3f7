"""Rules that settle what upstreams say differently about one thing.

A rule is a function `(said, context) -> value`. It is asked whenever some of the upstreams around it are silent or
disagree; where all say the same, that stands. Every rule is told the upstreams in canonical order, which is the order
of the configuration: so "the first" is whom the operator names first, and the result does not depend on who answered
first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

from connexeo.drivers.federation.merging.equality import all_same, distinct, identity
from connexeo.drivers.federation.merging.parts import Context, Said
from connexeo.drivers.federation.merging.presence import BACKENDS, marked

Rule = Callable[[Said, Context], Any]

DEEPEST = 40
"""Levels of objects that are merged property by property; what lies deeper is taken from the first upstream."""

FIRST = "the upstream that the configuration names first decides"


def merge_fields(
    said: Said,
    context: Context,
    rules: Mapping[str, Rule] | None = None,
    *,
    leave: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """One object of several: every property that anybody has, by its rule, or by `general`.

    Args:
        said: objects; what is none is passed over.
        context: the place of the object.
        rules: property → rule.
        leave: properties that the caller settles.
    """
    objects = [(upstream, each) for upstream, each in said if isinstance(each, Mapping)]
    result: dict[str, Any] = {}
    for key in dict.fromkeys(chain.from_iterable(each for _, each in objects)):
        if key in leave or key == BACKENDS:
            continue
        values = [(upstream, each[key]) for upstream, each in objects if key in each]
        if len(values) == len(context.upstreams) and all_same(value for _, value in values):
            result[key] = values[0][1]
            continue
        rule = (rules or {}).get(key, general)
        merged = rule(values, context.below(str(key)))
        if merged is not NOTHING:
            result[key] = merged
    return result


class _Nothing:
    """What a rule returns for a property that is to be left out."""


NOTHING = _Nothing()


def first(said: Said, context: Context, reason: str = FIRST) -> Any:
    """What the first upstream says; the others are noted when they disagree."""
    kept = said[0][1]
    if not all_same(value for _, value in said):
        context.note(kept, said, reason)
    return kept


def first_text(said: Said, context: Context) -> Any:
    """The first text that is not empty."""
    telling = [(upstream, value) for upstream, value in said if value not in ("", None)]
    return first(telling or said, context)


def true_if_all(said: Said, context: Context) -> bool:
    """For ``deprecated`` and ``experimental``: true where all upstreams around say so, false otherwise."""
    agreed = [upstream for upstream, value in said if value is True]
    if len(agreed) == len(context.upstreams):
        return True
    if agreed:
        context.note(False, said, "true only where every back-end says so")
    return False


def union(said: Said, context: Context) -> Any:
    """All distinct entries of lists, those of the first upstream first; other values as `first` has it."""
    lists = [(upstream, value) for upstream, value in said if isinstance(value, list)]
    if not lists:
        return first(said, context)
    merged = lists[0][1] if len(lists) == 1 else distinct(chain.from_iterable(value for _, value in lists))
    if len(lists) < len(said):
        context.note(merged, said, "only lists can be united")
    return merged


def general(said: Said, context: Context) -> Any:
    """For what has no rule of its own: objects by property, lists of texts or objects as union, else the first.

    Lists with numbers or lists in them are vectors, whose entries mean nothing one by one.
    """
    values = [value for _, value in said]
    if len(values) == 1 or context.depth > DEEPEST:
        return first(said, context)
    if all(isinstance(value, Mapping) for value in values):
        return merge_fields(said, context.within(tuple(upstream for upstream, _ in said)))
    if all(
        isinstance(value, list) and all(isinstance(each, str | Mapping) for each in value) for value in values
    ):
        return union(said, context)
    return first(said, context)


def by_name(said: Said, context: Context, rules: Mapping[str, Rule] | None = None) -> dict[str, Any]:
    """Objects by name (assets, parameters, versions, …), each marked with its back-ends when not all have it.

    All are those that list such objects: who lists none has not said that it lacks one.
    """
    maps = [(upstream, value) for upstream, value in said if isinstance(value, Mapping)]
    context = context.within(tuple(upstream for upstream, _ in maps))
    result: dict[str, Any] = {}
    for name in dict.fromkeys(chain.from_iterable(value for _, value in maps)):
        entries = [(upstream, value[name]) for upstream, value in maps if name in value]
        result[name] = merge_entry(entries, context.below(str(name)), rules)
    return result


def merge_entry(said: Said, context: Context, rules: Mapping[str, Rule] | None = None) -> Any:
    """One named object, marked with its back-ends when not all around it have it."""
    having = tuple(upstream for upstream, _ in said)
    if not all(isinstance(value, Mapping) for _, value in said):
        return first(said, context)
    if len(said) == 1 or all_same(value for _, value in said):
        merged = {key: value for key, value in said[0][1].items() if key != BACKENDS}
    else:
        merged = merge_fields(said, context.within(having), rules)
    return marked(merged, having, context.upstreams)


def list_by(key: str, rules: Mapping[str, Rule] | None = None, *, mark: bool = False) -> Rule:
    """The rule for lists of objects that a property tells apart; entries without it are united as they are."""

    def merge(said: Said, context: Context) -> list[Any]:
        context = context.within(tuple(upstream for upstream, _ in said))
        named: dict[Any, list[tuple[str, Any]]] = {}
        for upstream, entries in said:
            seen: set[Any] = set()
            for entry in entries if isinstance(entries, list) else []:
                name = entry.get(key) if isinstance(entry, Mapping) else None
                place = ("name", name) if isinstance(name, str) else ("value", identity(entry))
                # Of two entries with one name at one upstream, the second stays an entry of its own.
                if place in seen:
                    place = ("value", identity(entry))
                if place not in seen:
                    seen.add(place)
                    named.setdefault(place, []).append((upstream, entry))
        return [_one(place, entries, context) for place, entries in named.items()]

    def _one(place: tuple[str, Any], entries: Said, context: Context) -> Any:
        if place[0] == "value":
            return entries[0][1]
        here = context.below(place[1])
        if mark:
            return merge_entry(entries, here, rules)
        if all_same(value for _, value in entries):
            return entries[0][1]
        return merge_fields(entries, here.within(tuple(upstream for upstream, _ in entries)), rules)

    return merge


def ascending(values: Sequence[Any]) -> bool:
    """Whether values stand in rising order."""
    return all(one <= other for one, other in pairwise(values))
