"""Options of formats: checked against the schemas that the formats publish, and completed by their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.formats.interface import Options

_ALIASES = {
    "tile_size": "blocksize",
    "overview_method": "overview_resampling",
    "compression": "compress",
    "sep": "separator",
}
"""What clients of other back-ends call options."""

_NO_SCHEMA = frozenset({"required", "default", "description", "experimental"})


class Described(Protocol):
    """What has options: output and input formats."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """See `Format`."""


def resolve_options(target: Described, options: Options) -> dict[str, Any]:
    """All options of a format by their names, with defaults where none is given.

    Names and listed values are matched without regard to case, as GDAL does. `null` stands for the default; an option
    without default that is not given is None.

    Raises:
        ProcessParameterInvalid: An option is unknown or missing, or its value is not allowed.
    """
    known = {name.casefold(): name for name in target.parameters}
    given: dict[str, Any] = {}
    for key, value in options.items():
        lower = key.casefold()
        name = known.get(lower) or known.get(_ALIASES.get(lower, ""))
        if name is None:
            allowed = ", ".join(f"'{option}'" for option in target.parameters) or "none"
            raise invalid_option(f"{target.name} has no option '{key}'. Its options: {allowed}.")
        if name in given:
            raise invalid_option(f"option '{name}' is given twice.")
        if value is not None:
            given[name] = _value(target, name, value)
    for name, schema in target.parameters.items():
        if schema.get("required") and name not in given:
            raise invalid_option(f"{target.name} needs the option '{name}'.")
    return {name: given.get(name, schema.get("default")) for name, schema in target.parameters.items()}


def invalid_option(reason: str) -> ProcessParameterInvalid:
    """The error for an option of `save_result`."""
    return ProcessParameterInvalid(parameter="options", process="save_result", reason=reason)


def _value(target: Described, name: str, value: Any) -> Any:
    import jsonschema_rs

    declared: Mapping[str, Any] = target.parameters[name]
    if isinstance(value, str):
        value = next((v for v in declared.get("enum", ()) if str(v).casefold() == value.casefold()), value)
    schema = {key: part for key, part in declared.items() if key not in _NO_SCHEMA}
    error = next(jsonschema_rs.Draft7Validator(schema).iter_errors(value), None)
    if error is None:
        return value
    if "enum" in declared:
        raise invalid_option(
            f"option '{name}' must be one of {', '.join(map(str, declared['enum']))}, not {value!r}."
        )
    raise invalid_option(
        f"option '{name}': {error.message[:300].rstrip('.')}. It is: {declared['description']}"
    )
