"""What file formats, UDF runtimes and service types have in common: a title, a state, links, and a name as key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connexeo.drivers.federation.merging.links import merge_links
from connexeo.drivers.federation.merging.parts import Context, Merged, Part, Said, canonical
from connexeo.drivers.federation.merging.presence import MISSING, marked
from connexeo.drivers.federation.merging.rules import Rule, first_text, merge_fields, true_if_all


def merge_resource(parts: Iterable[Part], order: Sequence[str], rules: Mapping[str, Rule]) -> Merged:
    """One named resource, marked with its back-ends when not all configured upstreams have it."""
    heard = canonical(parts, order)
    upstreams = tuple(part.upstream for part in heard)
    context = Context(upstreams)
    document = merge_fields(_said(heard), context, {**COMMON, **rules}, leave=frozenset({"links", MISSING}))
    if any("links" in part.document for part in heard):
        document["links"] = merge_links([Part(each.upstream, each.document) for each in heard], context)
    names = spellings(heard, context)
    return Merged(marked(document, upstreams, order), upstreams, context.conflicts, names)


def spellings(parts: Sequence[Part], context: Context) -> dict[str, str]:
    """Upstream → its spelling of the name, where it is not that of the first."""
    named = [(part.upstream, part.name) for part in parts if part.name is not None]
    if not named:
        return {}
    kept = named[0][1]
    others = {upstream: name for upstream, name in named if name != kept}
    if others:
        context.note(kept, named, "letter case does not count; the spelling of the first upstream is kept")
    return others


def _said(parts: Sequence[Part]) -> Said:
    return [(part.upstream, part.document) for part in parts]


COMMON: dict[str, Rule] = {
    "title": first_text,
    "description": first_text,
    "deprecated": true_if_all,
    "experimental": true_if_all,
}
