"""Checks of argument values: what JSON Schema can say, explained, and what it cannot say.

The meaning of subtypes (a start before an end, a west before an east) is checked here too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connexeo.generated import errors
from connexeo.generated.errors import OpenEOError, ProcessParameterInvalid
from connexeo.processing.definitions import Kinds, Parameter, kinds_of, make_validator
from connexeo.processing.graph import describe

Json = Any

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?", re.IGNORECASE)

_TIME_FORM = re.compile(r"\d{2}:\d{2}:\d{2}")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d|24:00:00")

_NAMES = {
    "null": "null",
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "array": "an array",
    "object": "an object",
    "datacube": "a data cube",
    "ml-model": "a machine learning model",
    "process-graph": "a process graph ({'process_graph': …})",
}


def check_value(
    parameter: Parameter, value: Json, exceptions: Collection[str], *, referring: bool = False
) -> Fault | None:
    """Check an argument against the schema of its parameter and the meaning of its subtypes.

    Args:
        parameter: The parameter.
        value: A JSON value.
        exceptions: Codes of the exceptions that the definition of the process names.
        referring: Whether the value holds references, which are accepted anywhere.

    Returns:
        What is wrong: the code of an openEO error and a reason that says what to change.
    """
    is_valid = parameter.is_valid_with_references if referring else parameter.is_valid
    valid = is_valid(value) or is_valid(_without_specials(value))
    if valid and parameter.subtypes.isdisjoint(_MEANINGS):
        return None
    # What a value would mean explains its fault better than a schema does.
    for subtype in parameter.subtypes & _MEANINGS.keys():
        reason = _MEANINGS[subtype](value)
        if reason is not None:
            empty = reason is _EMPTY and "TemporalExtentEmpty" in exceptions
            return ("TemporalExtentEmpty" if empty else "ProcessParameterInvalid"), reason
    return None if valid else ("ProcessParameterInvalid", explain(parameter.schemas, value))


Fault = tuple[str, str]


def error_of(fault: Fault, process_id: str, parameter: str, where: str = "") -> OpenEOError:
    """The exception of a fault.

    Args:
        fault: Error code and reason.
        process_id: The process that was called.
        parameter: The parameter that the value was given for.
        where: What to say about the place, e.g. " (node 'a')".
    """
    code, reason = fault
    reason = f"{reason}{where}"
    if code == "ProcessParameterInvalid":
        return ProcessParameterInvalid(process=process_id, parameter=parameter, reason=reason)
    named: type[OpenEOError] = getattr(errors, code)
    return named(f"Parameter '{parameter}' of process '{process_id}': {reason}")


def explain(schemas: Sequence[Mapping[str, Json]], value: Json) -> str:
    """Why a value fulfils none of the schemas, by the one that it comes nearest to."""
    nearest: tuple[int, str] | None = None
    for schema in _flat(schemas):
        for error in make_validator(schema).iter_errors(value):
            path = "".join(f"[{step!r}]" for step in error.instance_path)
            text = f"at {path}: {error.message}" if path else error.message
            depth = len(error.instance_path) + (0 if _wrong_type(schema, value) else 1)
            if nearest is None or depth > nearest[0]:
                nearest = depth, text
    if nearest is None or nearest[0] == 0:
        return f"{expected(kinds_of(schemas))} is expected, not {_shorten(value)}."
    return f"{nearest[1][:400].rstrip('.')}."


def expected(kinds: Kinds) -> str:
    """Kinds of values for use in a message."""
    names = [name for kind, name in _NAMES.items() if kind in kinds]
    if len(names) > 1:
        return f"{', '.join(names[:-1])} or {names[-1]}"
    return names[0] if names else "another value"


def parse_instant(text: Json) -> datetime | None:
    """A date or date-time as an instant in UTC; None for anything else."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text.upper())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _flat(schemas: Sequence[Mapping[str, Json]]) -> Iterator[Mapping[str, Json]]:
    for schema in schemas:
        inner = schema.get("anyOf") or schema.get("oneOf")
        yield from _flat(inner) if inner else (schema,)


def _wrong_type(schema: Mapping[str, Json], value: Json) -> bool:
    import jsonschema_rs

    return "type" in schema and not jsonschema_rs.is_valid({"type": schema["type"]}, value)


def _shorten(value: Json) -> str:
    return f"{value!r}"[:80] if isinstance(value, str | int | float) else describe(value)


def _without_specials(value: Json) -> Json:
    """Infinite numbers and NaN, which JSON does not have, replaced by a number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    if isinstance(value, list):
        return [_without_specials(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _without_specials(item) for key, item in value.items()}
    return value


_EMPTY = "the end of the interval must be later than its start."


def _interval_fault(value: Json) -> str | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    start, end = value
    if start is None and end is None:
        return "only one end of the interval may be null, not both."
    texts = [text for text in value if isinstance(text, str)]
    times = [text for text in texts if _TIME_FORM.fullmatch(text)]
    for text in texts:
        if text in times and not _TIME.fullmatch(text):
            return f"'{text}' is no time of the day."
        if text not in times and parse_instant(text) is None:
            return f"'{text}' is no date or time; write it as 2024-07-01 or 2024-07-01T12:00:00Z."
    if times and len(times) < len(texts):
        return "a time of the day and a date make no interval."
    first, second = parse_instant(start), parse_instant(end)
    if first is not None and second is not None and second <= first:
        return _EMPTY
    return None


def _intervals_fault(value: Json) -> str | None:
    if not isinstance(value, list):
        return None
    return next((reason for interval in value if (reason := _interval_fault(interval)) is not None), None)


def _bounding_box_fault(value: Json) -> str | None:
    if not isinstance(value, Mapping):
        return None
    for low, high in (("west", "east"), ("south", "north"), ("base", "height")):
        lower, upper = value.get(low), value.get(high)
        for name, number in ((low, lower), (high, upper)):
            if isinstance(number, float) and not math.isfinite(number):
                return f"'{name}' must be a finite number."
        if isinstance(lower, int | float) and isinstance(upper, int | float) and lower >= upper:
            return f"'{low}' ({lower}) must be less than '{high}' ({upper})."
    return None


_MEANINGS: dict[str, Callable[[Json], str | None]] = {
    "bounding-box": _bounding_box_fault,
    "temporal-interval": _interval_fault,
    "temporal-intervals": _intervals_fault,
}
