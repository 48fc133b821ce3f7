"""Finding items by CQL2 JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connexeo.processing.reading.extents import parse_instant

Document = Mapping[str, Any]


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
