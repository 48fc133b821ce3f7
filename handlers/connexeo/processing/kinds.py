"""Checks of the values that flow between nodes while a graph runs."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.arguments import check_value, error_of, expected
from connexeo.processing.callback import Callback
from connexeo.processing.definitions import ANYTHING, Kinds, Parameter, compatible
from connexeo.processing.forests import Forest
from connexeo.processing.values import Array, is_block

_KINDS: dict[type, Kinds] = {
    type(None): frozenset({"null"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"integer"}),
    float: frozenset({"number"}),
    str: frozenset({"string"}),
    list: frozenset({"array"}),
    tuple: frozenset({"array"}),
    dict: frozenset({"object"}),
    Array: frozenset({"array"}),
    Callback: frozenset({"process-graph"}),
    Forest: frozenset({"ml-model"}),
}
_SCALAR_TYPES = frozenset({type(None), bool, int, float, str})
_SCALARS: Kinds = frozenset({"null", "boolean", "integer", "number"})


def kinds_of_value(value: Any) -> Kinds:
    """What a value is; a block can be any of the scalar kinds."""
    known = _KINDS.get(type(value))
    if known is not None:
        return known
    if is_block(value):
        return frozenset({"string"}) if value.dtype.kind in "USM" else _SCALARS
    if is_cube(value):
        return frozenset({"datacube"})
    if isinstance(value, list):
        return frozenset({"array"})
    return ANYTHING


def check_argument(value: Any, parameter: Parameter, process_id: str, exceptions: frozenset[str]) -> Any:
    """A value as the process function expects it, for values that validation could not know.

    Raises:
        ProcessParameterInvalid: The parameter does not accept such a value.
    """
    accepted = parameter.kinds
    if not accepted:
        return value
    if isinstance(value, np.ndarray) and value.ndim and "array" in accepted and not accepted & _SCALARS:
        return Array(value)
    given = kinds_of_value(value)
    if not compatible(given, accepted):
        reason = f"{expected(accepted)} is expected, not {expected(given)}."
        raise ProcessParameterInvalid(process=process_id, parameter=parameter.name, reason=reason)
    if parameter.constrained and _is_json(value):
        fault = check_value(parameter, value, exceptions)
        if fault is not None:
            raise error_of(fault, process_id, parameter.name)
    return value


def _is_json(value: Any) -> bool:
    if type(value) in _SCALAR_TYPES:
        return True
    if type(value) is list:
        return all(map(_is_json, value))
    return type(value) is dict and all(map(_is_json, value.values()))


def is_cube(value: Any) -> bool:
    """Without loading xarray: who has a cube has loaded it."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(value, xarray.DataArray)
