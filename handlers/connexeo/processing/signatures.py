"""Faults in what a user-defined process says of itself: its parameters, and what it returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.generated.errors import OpenEOError, ProcessInvalid
from connexeo.processing.arguments import check_value
from connexeo.processing.definitions import make_validator, read_parameters
from connexeo.processing.faults import placed
from connexeo.processing.graph import describe, is_child_graph

Json = Any


def signature_faults(process: Mapping[str, Json]) -> Iterator[OpenEOError]:
    """Why arguments could not be checked against a process; the process graph is not looked at."""
    sound = True
    for fault in _faults(process):
        sound = False
        yield fault
    if sound:
        yield from _default_faults(process)


def _faults(process: Mapping[str, Json]) -> Iterator[OpenEOError]:
    parameters, returns = process.get("parameters"), process.get("returns")
    if parameters is not None and not isinstance(parameters, list):
        yield ProcessInvalid(f"The parameters of a process must be an array, not {describe(parameters)}.")
        return
    names: set[str] = set()
    for parameter in parameters or ():
        name = parameter.get("name") if isinstance(parameter, dict) else None
        if not isinstance(name, str) or not name:
            yield ProcessInvalid("Each parameter of a process must be an object with a name.")
        elif name in names:
            yield ProcessInvalid(f"The process has two parameters '{name}'. Give them different names.")
        else:
            names.add(name)
            yield from _schema_faults(f"parameter '{name}'", parameter.get("schema"))
    if returns is not None and not isinstance(returns, dict):
        yield ProcessInvalid(f"The return value must be described by an object, not {describe(returns)}.")
    elif returns is not None:
        yield from _schema_faults("the return value", returns.get("schema"))


def _schema_faults(whose: str, schema: Json) -> Iterator[OpenEOError]:
    if schema is None:
        return
    for alternative in schema if isinstance(schema, list) else [schema]:
        if not isinstance(alternative, dict):
            yield ProcessInvalid(f"The schema of {whose} must be an object, or an array of objects.")
        elif _refers(alternative):
            yield ProcessInvalid(
                f"The schema of {whose} has a '$ref'. Write what it refers to in its place: schemas must be complete."
            )
        else:
            yield from _single_schema_faults(whose, alternative)


def _single_schema_faults(whose: str, schema: Mapping[str, Json]) -> Iterator[OpenEOError]:
    subtype = schema.get("subtype")
    if subtype is not None and not isinstance(subtype, str):
        yield ProcessInvalid(
            f"The subtype in the schema of {whose} must be a string, not {describe(subtype)}."
        )
        return
    try:
        make_validator(schema)
    except ValueError as error:
        reason = str(error).partition("\n")[0][:300].rstrip(".")
        yield ProcessInvalid(f"The schema of {whose} is no JSON Schema: {reason}.")
        return
    for fault in _faults(schema) if subtype == "process-graph" else ():
        yield placed(fault, f"{fault.message} This is about the process graph that {whose} takes.")
    for inner in [*(schema.get(key) or () for key in _COMBINERS), [schema.get("additionalProperties")]]:
        for one in inner:
            if isinstance(one, dict):
                yield from _single_schema_faults(whose, one)


def _refers(schema: Json) -> bool:
    """Whether a schema refers to anything, be it to itself, anywhere; values that are listed are no schemas."""
    stack = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                return True
            stack += [inner for key, inner in value.items() if key not in _VALUES]
        elif isinstance(value, list):
            stack += value
    return False


_COMBINERS = ("anyOf", "oneOf", "allOf")
_VALUES = frozenset({"default", "examples", "enum", "const"})


def _default_faults(process: Mapping[str, Json]) -> Iterator[OpenEOError]:
    """Defaults that the parameters themselves do not accept."""
    for parameter in read_parameters(process.get("parameters")).values():
        if parameter.required or parameter.default is None:
            continue
        if is_child_graph(parameter.default) and parameter.callback is not None:
            continue
        fault = check_value(parameter, parameter.default, frozenset())
        if fault is not None:
            yield ProcessInvalid(f"The default of parameter '{parameter.name}' is not acceptable: {fault[1]}")
