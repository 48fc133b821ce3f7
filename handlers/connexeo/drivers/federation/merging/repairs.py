"""Repairs of slightly broken documents. None of them invents a fact: they say "unknown" or leave things out.

First the document is completed. Then what the contract still refuses is left out piece by piece, as long as that is
optional: properties that are null, links without address, providers without name. Each repair is told.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from connexeo.drivers.federation.merging.completion import COMPLETIONS, Json, Told
from connexeo.drivers.federation.merging.contract import Contract, Kind, describe
from connexeo.drivers.federation.merging.presence import BACKENDS, MISSING

_ROUNDS = 12
_PIECES: dict[Kind, frozenset[str]] = {
    Kind.COLLECTION: frozenset({"links", "providers", "keywords", "stac_extensions", "assets", "summaries"}),
    Kind.PROCESS: frozenset({"links", "examples", "categories", "exceptions"}),
    Kind.FORMAT: frozenset({"links", "gis_data_types"}),
    Kind.RUNTIME: frozenset({"links", "versions", "tags"}),
    Kind.SERVICE_TYPE: frozenset({"links"}),
}
"""Properties whose single entries can be left out."""
_NEEDED = frozenset({"rel", "href", "name", "arguments", "message", "libraries", "version"})
"""Properties without which such an entry is nothing."""
_OPTIONAL = frozenset(
    {
        "title", "summary", "deprecated", "experimental", "version", "type", "item_assets", "optional", "required",
        "keywords", "categories",
    }
)  # fmt: skip
"""Other properties that can be left out, anywhere."""
_URI_CHARACTERS = ":/?#[]@!$&'()*+,;=%~"


def repair(kind: Kind, item: Json, base: str | None, judge: Contract) -> tuple[Json | None, Told]:
    """A copy that passes the contract, and what was done to it; or None, and what could not be repaired."""
    told: Told = []
    copy: Json = _copy(item)
    COMPLETIONS[kind](copy, told)
    _repair_links(copy, base, told)
    for _ in range(_ROUNDS):
        if judge.passes(kind, copy):
            return copy, told
        if not _leave_out(kind, copy, judge, told):
            break
    remaining = judge.faults(kind, copy)
    return None, [describe(remaining[0]) if remaining else "it is nested too deeply, or is no JSON"]


def without_foreign_marks(item: Any) -> Any:
    """A copy without ``federation:backends`` and ``federation:missing``.

    An upstream that is a federation itself names its own back-ends there; here these identifiers mean nothing, or
    somebody else.
    """
    if isinstance(item, dict):
        return {
            key: without_foreign_marks(value) for key, value in item.items() if key not in (BACKENDS, MISSING)
        }
    return [without_foreign_marks(entry) for entry in item] if isinstance(item, list) else item


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(entry) for key, entry in value.items()}
    return [_copy(entry) for entry in value] if isinstance(value, list) else value


def _leave_out(kind: Kind, document: Json, judge: Contract, told: Told) -> bool:
    """Remove what the first faults are about, where it is optional; False when nothing could be removed."""
    removed: set[tuple[Any, ...]] = set()
    for fault in judge.faults(kind, document):
        path = list(fault.instance_path)
        target = _removable(kind, document, path)
        if target and not any(tuple(target[:length]) in removed for length in range(1, len(target) + 1)):
            removed.add(tuple(target))
            told.append(f"left out {describe(fault)}")
    # From the back, so that earlier places in a list stay where they are.
    for place in sorted(removed, key=_rank, reverse=True):
        holder: Any = document
        for step in place[:-1]:
            holder = holder[step]
        del holder[place[-1]]
    return bool(removed)


def _rank(place: tuple[Any, ...]) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, str(step)) for step in place]


def _removable(kind: Kind, document: Json, path: list[Any]) -> list[Any] | None:
    if not path:
        return None
    value: Any = document
    for step in path:
        value = value[step]
    if value is None and isinstance(path[-1], str):
        return path
    if path[0] in _PIECES[kind]:
        # A bad title of a link or provider goes alone, unless it is what makes it one.
        if len(path) > 2 and isinstance(path[2], str) and path[2] not in _NEEDED:
            return path[:3] if not isinstance(path[-1], int) else path
        return path[:2] if len(path) > 1 else path
    return path if path[-1] in _OPTIONAL and not (kind is Kind.RUNTIME and path[-1] == "type") else None


def _repair_links(document: Json, base: str | None, told: Told) -> None:
    links = document.get("links")
    if not isinstance(links, list):
        return
    for link in links:
        href = link.get("href") if isinstance(link, dict) else None
        if not isinstance(href, str):
            continue
        whole = _resolve(href.strip(), base)
        if whole != href:
            told.append(f"the link {href[:100]} is not an absolute URL of allowed characters")
            link["href"] = whole


def _resolve(href: str, base: str | None) -> str:
    try:
        whole = href if urlsplit(href).scheme or base is None else urljoin(base, href)
    except ValueError:
        return href
    return quote(whole, safe=_URI_CHARACTERS)
