"""Which upstream has which band, for marking bands in merged collections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.merging.parts import Part
from connexeo.drivers.federation.merging.presence import BACKENDS

_LISTS = ("eo:bands", "bands", "sar:bands")


def mark_bands(document: dict[str, Any], parts: Sequence[Part]) -> None:
    """Mark the bands that not all upstreams with bands have, wherever the collection describes them.

    A dimension lists bands by name only. When its bands are not everywhere and no summary describes one of them, the
    summaries get an entry with its name, in the list that describes bands already, or in ``bands``.

    Args:
        document: a merged collection; it is changed, its lists and objects are not.
        parts: what it was merged from.
    """
    having = bands_by_upstream(parts)
    telling = {upstream for upstreams in having.values() for upstream in upstreams}
    partial = {name: upstreams for name, upstreams in having.items() if len(upstreams) < len(telling)}
    # Lists may have been marked by who lists a band there; a dimension elsewhere knows better.
    for holder in (document, document.get("summaries")):
        if isinstance(holder, dict):
            for name in _LISTS:
                if isinstance(holder.get(name), list):
                    holder[name] = [_marked(band, partial) for band in holder[name]]
    summaries = document.get("summaries")
    if isinstance(summaries, dict):
        described = {name for holder in (document, summaries) for name in _described(holder)}
        lacking = [{"name": name, BACKENDS: list(partial[name])} for name in partial if name not in described]
        if lacking:
            place = next((name for name in _LISTS if isinstance(summaries.get(name), list)), "bands")
            known = summaries.get(place, [])
            if isinstance(known, list):
                summaries[place] = [*known, *lacking]


def bands_by_upstream(parts: Sequence[Part]) -> dict[str, list[str]]:
    """Band → upstreams that have it, by their band dimensions and their lists of bands."""
    having: dict[str, list[str]] = {}
    for part in parts:
        for name in dict.fromkeys(band_names(part.document)):
            having.setdefault(name, []).append(part.upstream)
    return having


def band_names(document: Mapping[str, Any]) -> Iterator[str]:
    """Names of the bands of a collection, as often as they are mentioned."""
    dimensions = document.get("cube:dimensions")
    for dimension in dimensions.values() if isinstance(dimensions, Mapping) else ():
        if isinstance(dimension, Mapping) and dimension.get("type") == "bands":
            values = dimension.get("values")
            yield from (each for each in values if isinstance(each, str)) if isinstance(values, list) else ()
    yield from _described(document)
    summaries = document.get("summaries")
    if isinstance(summaries, Mapping):
        yield from _described(summaries)


def _described(holder: Mapping[str, Any]) -> Iterator[str]:
    for name in _LISTS:
        bands = holder.get(name)
        for band in bands if isinstance(bands, list) else ():
            if isinstance(band, Mapping) and isinstance(band.get("name"), str):
                yield band["name"]


def _marked(band: Any, partial: Mapping[str, list[str]]) -> Any:
    if not isinstance(band, Mapping) or not isinstance(band.get("name"), str):
        return band
    plain = {key: value for key, value in band.items() if key != BACKENDS}
    upstreams = partial.get(band["name"])
    return {**plain, BACKENDS: list(upstreams)} if upstreams else plain
