"""Compares a process that a back-end lists with its definition in the standard.

Whoever sends a process graph that the standard allows must be understood. So it is a violation when a parameter that
graphs must give is missing, when more must be given, when a default differs, or when types have nothing in common.
Whatever a back-end restricts and documents (types, enums, child processes with less) only costs portability, and
is a recommendation, as are all differences from definitions that the standard itself calls experimental.

Definitions of processes change: back-ends that have those of 1.x lack optional parameters of 2.0, and have some that
were removed since. Neither hinders a client, so further optional parameters are accepted, and missing ones are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from connexeo.tools.conformance.json_types import ALL, alternatives, types_of
from connexeo.tools.conformance.shapes import listed, mapping, objects, text
from connexeo.tools.conformance.verdicts import Severity
from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.sources import find_spec

_UNSET = object()

_OURS = {
    "fit_class_random_forest",
    "fit_regr_random_forest",
    "load_ml_model",
    "load_result",
    "predict_random_forest",
    "save_ml_model",
}
"""What the folder of definitions has beyond the standard: processes 2.0 have left them out."""

_CHANGED = {
    ("aggregate_spatial", "target_dimension"),
    ("apply_polygon", "geometries"),
    ("apply_polygon", "polygons"),
    ("array_interpolate_linear", "returns"),
    ("climatological_normal", "climatology_period"),
    ("save_result", "returns"),
}
"""Process and what of it was otherwise in earlier versions of the standard: no more than a recommendation."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a process differs from the standard."""

    about: str
    """Parameter, or ``parameters``, ``returns``, ``exceptions``."""
    message: str
    severity: Severity = Severity.MINOR


@cache
def standard_processes() -> Mapping[str, Mapping[str, Any]]:
    """Definitions of the standard, by id."""
    paths = {path.stem: path for path in find_spec().processes}
    return {name: read_mapping(path) for name, path in paths.items() if name not in _OURS}


def differences(standard: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Difference]:
    """In what a process differs from its definition, the way clients notice."""
    experimental = standard.get("experimental") is True
    for difference in _all(standard, given):
        lenient = experimental or (standard.get("id"), difference.about) in _CHANGED
        yield replace(difference, severity=Severity.MINOR) if lenient else difference


def _all(standard: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Difference]:
    theirs = {text(each.get("name")): each for each in objects(given.get("parameters"))}
    ours = {text(each.get("name")): each for each in objects(standard.get("parameters"))}
    for name, parameter in ours.items():
        if name in theirs:
            yield from _of_parameter(name, parameter, theirs[name])
        elif _optional(parameter):
            yield Difference(name, f"the optional parameter {name} is missing")
        else:
            yield Difference(name, f"the required parameter {name} is missing", Severity.MAJOR)
    for name, parameter in theirs.items():
        if name not in ours and not _optional(parameter):
            message = f"the parameter {name}, which the standard does not have, is required"
            yield Difference(name, message, Severity.MAJOR)
    common = [name for name in ours if name in theirs]
    if common != [name for name in theirs if name in ours]:
        yield Difference(
            "parameters", f"parameters are in another order; the standard has {listed(common, 20)}"
        )
    yield from _of_return(standard, given)
    yield from _of_exceptions(standard, given)


def _optional(parameter: Mapping[str, Any]) -> bool:
    return parameter.get("optional") is True


def _of_parameter(name: str, standard: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Difference]:
    if _optional(standard) and not _optional(given):
        yield Difference(name, f"the parameter {name} is required, optional in the standard", Severity.MAJOR)
    elif _optional(given) and not _optional(standard):
        yield Difference(name, f"the parameter {name} is optional, required in the standard")
    if _optional(standard) and _optional(given):
        yield from _of_default(name, standard, given)
    expected, accepted = types_of(standard.get("schema")), types_of(given.get("schema"))
    # Null for what is optional is the same as leaving it out.
    missing = expected - accepted - ({"null"} if _optional(given) else set())
    if not expected & accepted - {"null"} and expected - {"null"}:
        message = f"the parameter {name} takes {_said(accepted)}, in the standard {_said(expected)}"
        yield Difference(name, message, Severity.MAJOR)
    elif missing and expected != ALL:
        yield Difference(name, f"the parameter {name} does not take {_said(missing)}, as in the standard")
    yield from _of_child(name, standard, given)


def _of_default(name: str, standard: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Difference]:
    ours, theirs = standard.get("default"), given.get("default", _UNSET)
    if theirs is _UNSET:
        if ours is not None:
            yield Difference(name, f"the parameter {name} has no default, in the standard {ours!r}")
    elif not _equal(ours, theirs):
        yield Difference(
            name, f"the default of {name} is {theirs!r}, in the standard {ours!r}", Severity.MAJOR
        )


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _said(types: frozenset[str]) -> str:
    shown = types - {"integer"} if "number" in types else types
    return "anything" if types == ALL else " or ".join(sorted(shown)) or "nothing"


def _of_child(name: str, standard: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Difference]:
    """Parameters that a child process gets: graphs refer to them by name."""
    ours, theirs = _child(standard.get("schema")), _child(given.get("schema"))
    if ours is None or theirs is None:
        return
    got = {text(each.get("name")) for each in objects(theirs.get("parameters"))}
    for parameter in objects(ours.get("parameters")):
        if got and text(parameter.get("name")) not in got:
            severity = Severity.MINOR if _optional(parameter) else Severity.MAJOR
            message = f"the child process {name} does not get {parameter['name']}, but {listed(sorted(got))}"
            yield Difference(name, message, severity)


def _child(schema: Any) -> Mapping[str, Any] | None:
    found = (each for each in alternatives(schema) if each.get("subtype") == "process-graph")
    return next(found, None)


def _of_return(standard: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Difference]:
    ours, theirs = mapping(standard.get("returns")).get("schema"), mapping(given.get("returns")).get("schema")
    expected, returned = types_of(ours) - {"null"}, types_of(theirs) - {"null"}
    if theirs is not None and expected and returned and not expected & returned:
        yield Difference(
            "returns", f"it returns {_said(returned)}, in the standard {_said(expected)}", Severity.MAJOR
        )


def _of_exceptions(standard: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Difference]:
    """Codes may be left out, as many back-ends do; others instead of those of the standard confuse clients."""
    ours, theirs = mapping(standard.get("exceptions")), mapping(given.get("exceptions"))
    if ours and theirs and not ours.keys() & theirs.keys():
        yield Difference(
            "exceptions", f"it has the exceptions {listed(theirs)}, in the standard {listed(ours)}"
        )
