"""One process that several upstreams define under the same identifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.merging.equality import same
from connexeo.drivers.federation.merging.links import merge_links
from connexeo.drivers.federation.merging.parameters import preferring, process_parameters
from connexeo.drivers.federation.merging.parts import Context, Merged, Part, Said, canonical
from connexeo.drivers.federation.merging.presence import BACKENDS, MISSING
from connexeo.drivers.federation.merging.rules import (
    Rule,
    first,
    first_text,
    merge_fields,
    true_if_all,
    union,
)
from connexeo.drivers.federation.merging.schemas import alternatives, structure

_TEXTS = ("summary", "description")


def merge_process(
    parts: Iterable[Part], order: Sequence[str], standard: Mapping[str, Any] | None = None
) -> Merged:
    """The process as the federation offers it, always with ``federation:backends``.

    Args:
        parts: what the upstreams say, in any order; at least one.
        order: the configured upstreams. Where no better rule is known, the first of them decides.
        standard: the definition of the openEO processes. When every upstream defines the same parameters and result,
            texts that differ are taken from it.
    """
    heard = canonical(parts, order)
    upstreams = tuple(part.upstream for part in heard)
    context = Context(upstreams)
    said = [(part.upstream, part.document) for part in heard]
    texts = standard if standard is not None and len(heard) > 1 and _all_define(said, standard) else {}
    document = merge_fields(said, context, _rules(texts), leave=frozenset({"links", MISSING}))
    if any("links" in part.document for part in heard):
        document["links"] = merge_links([_sourceless(part) for part in heard], context)
    document[BACKENDS] = list(upstreams)
    return Merged(document, upstreams, context.conflicts)


def signature(process: Mapping[str, Any]) -> dict[str, Any]:
    """What decides whether two definitions are of the same process: parameters and result without prose."""
    parameters = process.get("parameters")
    returns = process.get("returns")
    return {
        "parameters": {
            str(each.get("name")): {
                "schema": _list(structure(each.get("schema"))),
                "optional": each.get("optional") is True,
                "default": each.get("default"),
            }
            for each in (parameters if isinstance(parameters, list) else ())
            if isinstance(each, Mapping)
        },
        "returns": _list(structure(returns.get("schema"))) if isinstance(returns, Mapping) else None,
    }


def _list(schema: Any) -> list[Any]:
    return schema if isinstance(schema, list) else [schema]


def _all_define(said: Said, standard: Mapping[str, Any]) -> bool:
    expected = signature(standard)
    return all(same(signature(document), expected) for _, document in said)


def _sourceless(part: Part) -> Part:
    """A process has no document of its own at an upstream that could be linked."""
    links = part.document.get("links")
    kept = (
        [each for each in links if not (isinstance(each, Mapping) and each.get("rel") == "self")]
        if isinstance(links, list)
        else []
    )
    return Part(part.upstream, {"links": kept})


def _rules(texts: Mapping[str, Any]) -> dict[str, Rule]:
    listed = texts.get("parameters") or ()
    by_name = {str(each.get("name")): each for each in listed if isinstance(each, Mapping)}

    def parameters(said: Said, context: Context) -> Any:
        return process_parameters(said, context, lambda name: by_name.get(name, {}))

    def returns(said: Said, context: Context) -> Any:
        result = texts.get("returns")
        text = result.get("description") if isinstance(result, Mapping) else None
        return merge_returns(said, context, text)

    return {
        **_RULES,
        **{key: preferring(texts.get(key)) for key in _TEXTS},
        "parameters": parameters,
        "returns": returns,
    }


def merge_returns(said: Said, context: Context, text: Any = None) -> Any:
    """The result of a process: different types are alternatives, each marked when not all return it."""
    objects = [(upstream, value) for upstream, value in said if isinstance(value, Mapping)]
    if not objects:
        return first(said, context)
    here = context.within(tuple(upstream for upstream, _ in objects))
    return merge_fields(objects, here, {"schema": alternatives, "description": preferring(text)})


def _exceptions(said: Said, context: Context) -> Any:
    codes = {code: _exception for _, value in said if isinstance(value, Mapping) for code in value}
    return merge_fields(said, context.within(tuple(upstream for upstream, _ in said)), codes)


def _exception(said: Said, context: Context) -> Any:
    here = context.within(tuple(upstream for upstream, _ in said))
    rules: dict[str, Rule] = {"message": first_text, "description": first_text, "http": first}
    return merge_fields(said, here, rules)


_RULES: dict[str, Rule] = {
    "categories": union,
    "deprecated": true_if_all,
    "experimental": true_if_all,
    "exceptions": _exceptions,
    "examples": union,
    # Halves of two graphs are no graph.
    "process_graph": first,
}
