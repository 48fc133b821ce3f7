"""Finding items by area, time and CQL2 JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connexeo.processing.reading.extents import parse_instant

Document = Mapping[str, Any]
Box = tuple[float, float, float, float]
Interval = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where and when an item is."""

    boxes: tuple[Box, ...]
    """West, south, east, north in WGS 84; two at the antimeridian, none where the item does not tell."""
    start: datetime | None
    end: datetime | None
    """Both included; None where not told."""


def footprint(item: Document) -> Footprint:
    """Where and when an item is; faulty values count as not told."""
    properties = item.get("properties") or {}
    start = _instant(properties.get("start_datetime")) or _instant(properties.get("datetime"))
    end = _instant(properties.get("end_datetime")) or _instant(properties.get("datetime"))
    return Footprint(_boxes(item.get("bbox")), start, end)


def matches(where: Footprint, bbox: Box | None, interval: Interval | None) -> bool:
    """Whether an item may lie in a box and in a half-open interval; what is not told is no reason to exclude it."""
    if bbox is not None and where.boxes and not any(_touch(box, bbox) for box in where.boxes):
        return False
    if interval is None:
        return True
    start, end = interval
    if start is not None and where.end is not None and where.end < start:
        return False
    return end is None or where.start is None or where.start < end


def satisfies(item: Document, expression: Any) -> bool:
    """Whether an item meets a CQL2 JSON expression.

    Understands and, or, not, comparisons, between, in, like, isNull on properties. A comparison with a property that
    an item lacks is false, as for SQL.

    Raises:
        ValueError: another operator, or a malformed expression.
    """
    if isinstance(expression, bool):
        return expression
    if not isinstance(expression, Mapping) or not isinstance(expression.get("args"), list):
        raise ValueError("A CQL2 JSON expression has op and args.")
    operator, arguments = str(expression.get("op")).lower(), expression["args"]
    if operator in ("and", "or"):
        return (all if operator == "and" else any)(satisfies(item, each) for each in arguments)
    if operator == "not":
        return not satisfies(item, arguments[0])
    if operator not in _OPERATORS:
        raise ValueError(f"The CQL2 operator {operator} is not supported.")
    try:
        return _OPERATORS[operator](*(_value(item, each) for each in arguments))
    except TypeError:
        # Values of different kinds, e.g. text and number, do not compare.
        return False


def _value(item: Document, operand: Any) -> Any:
    """A literal, or the value of a property."""
    if isinstance(operand, Mapping):
        if "property" in operand:
            name = str(operand["property"]).removeprefix("properties.")
            return (
                item.get(name) if name in ("id", "collection") else (item.get("properties") or {}).get(name)
            )
        if "timestamp" in operand or "date" in operand:
            return parse_instant(operand.get("timestamp") or operand["date"])
    if isinstance(operand, list):
        return [_value(item, each) for each in operand]
    return operand


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """Both as instants where one is."""
    if isinstance(one, datetime) and isinstance(other, str):
        return one, parse_instant(other)
    if isinstance(other, datetime) and isinstance(one, str):
        return parse_instant(one), other
    return one, other


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    def check(one: Any, other: Any) -> bool:
        return one is not None and other is not None and compare(*_alike(one, other))

    return check


def _between(value: Any, low: Any, high: Any) -> bool:
    return bool(_OPERATORS[">="](value, low) and _OPERATORS["<="](value, high))


def _like(value: Any, pattern: Any) -> bool:
    """SQL's wildcards: % for any text, _ for one character."""
    parts = {"%": ".*", "_": "."}
    expression = "".join(parts.get(character) or re.escape(character) for character in str(pattern))
    return isinstance(value, str) and re.fullmatch(expression, value, re.DOTALL) is not None


_OPERATORS: dict[str, Callable[..., bool]] = {
    "=": _comparison(lambda one, other: bool(one == other)),
    "<>": _comparison(lambda one, other: bool(one != other)),
    "<": _comparison(lambda one, other: bool(one < other)),
    "<=": _comparison(lambda one, other: bool(one <= other)),
    ">": _comparison(lambda one, other: bool(one > other)),
    ">=": _comparison(lambda one, other: bool(one >= other)),
    "between": _between,
    "in": lambda value, values: value is not None and value in values,
    "like": _like,
    "isnull": lambda value: value is None,
}


def _instant(text: Any) -> datetime | None:
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _boxes(bbox: Any) -> tuple[Box, ...]:
    if not isinstance(bbox, list) or len(bbox) not in (4, 6):
        return ()
    half = len(bbox) // 2
    try:
        west, south, east, north = (float(bbox[i]) for i in (0, 1, half, half + 1))
    except (TypeError, ValueError):
        return ()
    if west > east:
        return (west, south, 180.0, north), (-180.0, south, east, north)
    return ((west, south, east, north),)


def _touch(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
