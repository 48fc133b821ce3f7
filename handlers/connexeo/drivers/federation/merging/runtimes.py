"""One runtime for user-defined functions that several upstreams have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from connexeo.drivers.federation.merging.equality import all_same, same
from connexeo.drivers.federation.merging.links import merge_links
from connexeo.drivers.federation.merging.parts import Context, Merged, Part, Said, canonical
from connexeo.drivers.federation.merging.presence import MISSING, marked
from connexeo.drivers.federation.merging.resources import COMMON
from connexeo.drivers.federation.merging.rules import Rule, first, merge_fields, true_if_all, union


def merge_runtime(parts: Iterable[Part], order: Sequence[str]) -> Merged:
    """The runtime with the versions of all upstreams, each version marked when not all have it.

    A programming language and a Docker image, or two Docker images, are different things even if they share their
    name: what the first upstream has is kept, and the back-ends are those that have the same.
    """
    heard = canonical(parts, order)
    alike = [part for part in heard if same(_kind(part.document), _kind(heard[0].document))]
    upstreams = tuple(part.upstream for part in alike)
    context = Context(upstreams)
    said = [(part.upstream, part.document) for part in alike]
    document = merge_fields(said, context, _RULES, leave=frozenset({"default", "links", MISSING}))
    defaults = [(part.upstream, part.document["default"]) for part in alike if "default" in part.document]
    if defaults:
        document["default"] = _default(defaults, [part.document for part in alike], context.below("default"))
    if any("links" in part.document for part in alike):
        document["links"] = merge_links([Part(each.upstream, each.document) for each in alike], context)
    if len(alike) < len(heard):
        others = [(part.upstream, _kind(part.document)) for part in heard]
        context.note(
            others[0][1], others, "different runtimes with one name; that of the first upstream is kept"
        )
    return Merged(marked(document, upstreams, order), upstreams, context.conflicts)


def _kind(runtime: Mapping[str, Any]) -> list[Any]:
    return [runtime.get("type"), runtime.get("docker")]


def _default(said: Said, runtimes: Sequence[Mapping[str, Any]], context: Context) -> Any:
    """The default that all agree on; else the highest version that all have; else that of the first upstream."""
    if all_same(value for _, value in said):
        return said[0][1]
    offered = [_offered(runtime) for runtime in runtimes]
    common = [version for version in offered[0] if all(version in each for each in offered[1:])]
    kept = max(common, key=_rank, default=said[0][1])
    context.note(kept, said, "the highest version that all have, else that of the first upstream")
    return kept


def _offered(runtime: Mapping[str, Any]) -> list[str]:
    names = [*_entries(runtime.get("versions")), *_entries(runtime.get("tags"))]
    return [name for name in names if isinstance(name, str)]


def _entries(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Mapping | list) else []


def _rank(version: str) -> tuple[list[tuple[int, int, str]], str]:
    """3.10 is higher than 3.9, 3.9 higher than 3.9rc1."""
    pieces = re.findall(r"\d+|[A-Za-z]+", version)
    # Python reads no more than some thousand digits, so longer numbers count by their length.
    ranks = [
        (1, len(piece.lstrip("0")), piece.lstrip("0")) if piece.isdigit() else (-1, 0, piece)
        for piece in pieces
    ]
    return [*ranks, (0, 0, "")], version


def _versions(said: Said, context: Context) -> Any:
    maps = [(upstream, value) for upstream, value in said if isinstance(value, Mapping)]
    around = tuple(upstream for upstream, _ in maps)
    result: dict[str, Any] = {}
    for name in sorted(set(chain.from_iterable(value for _, value in maps)), key=_rank):
        entries = [(upstream, value[name]) for upstream, value in maps if name in value]
        having = tuple(upstream for upstream, _ in entries)
        here = context.below(name).within(having)
        result[name] = marked(merge_fields(entries, here, _VERSION), having, around)
    return result


def _libraries(said: Said, context: Context) -> Any:
    """Libraries by name; one whose versions differ is shown as the first has it, marked with who has the same."""
    maps = [(upstream, value) for upstream, value in said if isinstance(value, Mapping)]
    around = tuple(upstream for upstream, _ in maps)
    result: dict[str, Any] = {}
    for name in dict.fromkeys(chain.from_iterable(value for _, value in maps)):
        entries = [
            (upstream, value[name]) for upstream, value in maps if isinstance(value.get(name), Mapping)
        ]
        if not entries:
            continue
        version = entries[0][1].get("version")
        equal = [(upstream, value) for upstream, value in entries if same(value.get("version"), version)]
        here = context.below(name)
        if len(equal) < len(entries):
            here.below("version").note(version, [(u, value.get("version")) for u, value in entries], _LIBRARY)
        having = tuple(upstream for upstream, _ in equal)
        result[name] = marked(merge_fields(equal, here.within(having), COMMON), having, around)
    return result


_LIBRARY = "the version at the first upstream; at others the library has another one"
_VERSION: dict[str, Rule] = {
    "libraries": _libraries,
    "deprecated": true_if_all,
    "experimental": true_if_all,
}
_RULES: dict[str, Rule] = {**COMMON, "versions": _versions, "tags": union, "docker": first}
