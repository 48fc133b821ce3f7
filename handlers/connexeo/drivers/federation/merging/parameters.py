"""Parameters: of processes (an ordered list), and of file formats and service types (JSON schemas by name)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connexeo.drivers.federation.merging.equality import all_same
from connexeo.drivers.federation.merging.parts import Context, Said
from connexeo.drivers.federation.merging.presence import BACKENDS, marked
from connexeo.drivers.federation.merging.rules import Rule, first, first_text, merge_fields, true_if_all
from connexeo.drivers.federation.merging.schemas import alternatives, widen

Texts = Callable[[str], Mapping[str, Any]]
"""Name of a parameter → texts to prefer when the upstreams' differ; often empty."""

LEFT_OUT = "optional, for not every back-end asks for it; those that do refuse a process without it"


def process_parameters(said: Said, context: Context, texts: Texts = lambda name: {}) -> list[Any]:
    """Parameters of a process in the order of the first upstream, then those that only others know.

    A parameter is required only where every upstream of the process requires it; one that not all know is optional
    and marked with its back-ends. Different types are alternatives.
    """
    lists = [(upstream, value) for upstream, value in said if isinstance(value, list)]
    around = context.within(tuple(upstream for upstream, _ in lists))
    named: dict[str, dict[str, Mapping[str, Any]]] = {}
    for upstream, parameters in lists:
        for parameter in parameters:
            if isinstance(parameter, Mapping) and isinstance(parameter.get("name"), str):
                named.setdefault(parameter["name"], {}).setdefault(upstream, parameter)
    return [
        _process_parameter(list(entries.items()), around.below(name), texts(name))
        for name, entries in named.items()
    ]


def _process_parameter(said: Said, context: Context, texts: Mapping[str, Any]) -> dict[str, Any]:
    having = tuple(upstream for upstream, _ in said)
    if all_same(value for _, value in said):
        merged = {key: value for key, value in said[0][1].items() if key != BACKENDS}
    else:
        rules: dict[str, Rule] = {**_PROCESS_PARAMETER, "description": preferring(texts.get("description"))}
        merged = merge_fields(said, context.within(having), rules, leave=frozenset({"optional"}))
    if _optional(said, context, required=lambda parameter: parameter.get("optional") is not True):
        merged["optional"] = True
    elif any("optional" in value for _, value in said):
        merged["optional"] = False
    return marked(merged, having, context.upstreams)


def resource_parameters(said: Said, context: Context) -> dict[str, Any]:
    """Parameters of a file format or service type by name, by the same rules; types are widened."""
    maps = [(upstream, value) for upstream, value in said if isinstance(value, Mapping)]
    around = context.within(tuple(upstream for upstream, _ in maps))
    named: dict[str, list[tuple[str, Any]]] = {}
    for upstream, parameters in maps:
        for name, parameter in parameters.items():
            if isinstance(parameter, Mapping):
                named.setdefault(name, []).append((upstream, parameter))
    return {name: _resource_parameter(entries, around.below(name)) for name, entries in named.items()}


def _resource_parameter(said: Said, context: Context) -> dict[str, Any]:
    having = tuple(upstream for upstream, _ in said)
    if all_same(value for _, value in said):
        merged = {key: value for key, value in said[0][1].items() if key != BACKENDS}
    else:
        merged = widen(said, context.within(having), _RESOURCE_PARAMETER)
    if _optional(said, context, required=lambda parameter: parameter.get("required") is True):
        if any("required" in value for _, value in said):
            merged["required"] = False
    else:
        merged["required"] = True
    return marked(merged, having, context.upstreams)


def _optional(said: Said, context: Context, required: Callable[[Mapping[str, Any]], bool]) -> bool:
    requiring = [(upstream, value) for upstream, value in said if required(value)]
    if len(requiring) == len(context.upstreams):
        return False
    if requiring:
        context.note(None, [(upstream, "required") for upstream, _ in requiring], LEFT_OUT)
    return True


def preferring(text: Any) -> Rule:
    """The rule for texts that keeps a given one, such as that of the standard, when the upstreams' differ."""
    if not isinstance(text, str) or not text:
        return first_text

    def merge(said: Said, context: Context) -> Any:
        if all_same(value for _, value in said):
            return said[0][1]
        context.note(text, said, "all define what the standard does; its words are kept")
        return text

    return merge


def _ignored(said: Said, context: Context) -> Any:
    return said[0][1]


_PROCESS_PARAMETER: dict[str, Rule] = {
    "schema": alternatives,
    "deprecated": true_if_all,
    "experimental": true_if_all,
    "default": first,
}
_RESOURCE_PARAMETER: dict[str, Rule] = {
    "deprecated": true_if_all,
    "experimental": true_if_all,
    # Settled afterwards, together with those that do not know the parameter.
    "required": _ignored,
}
