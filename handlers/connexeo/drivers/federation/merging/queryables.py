"""What the items of a collection can be filtered by at any of the upstreams that have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.merging.contract import Contract, our_contract
from connexeo.drivers.federation.merging.parts import Context, Merged, Part, Said, canonical
from connexeo.drivers.federation.merging.presence import BACKENDS, MISSING, marked
from connexeo.drivers.federation.merging.rules import Rule, first_text, merge_fields
from connexeo.drivers.federation.merging.schemas import widen

SCHEMA = "https://json-schema.org/draft/2019-09/schema"
_OURS = frozenset({"$schema", "$id", "type", "properties", "additionalProperties", "required", MISSING})


def merge_queryables(
    parts: Iterable[Part], order: Sequence[str], *, contract: Contract | None = None
) -> Merged:
    """JSON Schema with the properties of all upstreams, each marked when not all of them have it.

    A property allows whatever it allows at one of them. Properties whose schemas are none are left out, and told.

    Args:
        parts: the schemas of upstreams, of any shape.
        order: the configured upstreams.
        contract: what to judge by; the one of this package if not given.
    """
    judge = contract or our_contract()
    heard = canonical(parts, order)
    upstreams = tuple(part.upstream for part in heard)
    context = Context(upstreams)
    said = [(part.upstream, part.document) for part in heard]
    named: dict[str, list[tuple[str, Any]]] = {}
    for upstream, document in said:
        properties = document.get("properties")
        for name, schema in properties.items() if isinstance(properties, Mapping) else ():
            if judge.is_schema(schema):
                named.setdefault(name, []).append((upstream, schema))
            else:
                context.below("properties").below(str(name)).note(
                    None, [(upstream, schema)], "not a JSON schema"
                )
    rest = merge_fields(said, context, {"title": first_text, "description": first_text}, leave=_OURS)
    document = {
        "$schema": SCHEMA,
        "type": "object",
        **{k: v for k, v in rest.items() if judge.is_schema({k: v})},
    }
    place = context.below("properties")
    document["properties"] = {name: _property(entries, place.below(name)) for name, entries in named.items()}
    document["additionalProperties"] = any(each.get("additionalProperties") is not False for _, each in said)
    return Merged(document, upstreams, context.conflicts)


def _property(said: Said, context: Context) -> dict[str, Any]:
    having = tuple(upstream for upstream, _ in said)
    merged = said[0][1] if len(said) == 1 else widen(said, context.within(having), _WORDS)
    return marked({key: value for key, value in merged.items() if key != BACKENDS}, having, context.upstreams)


_WORDS: dict[str, Rule] = {"title": first_text, "description": first_text}
