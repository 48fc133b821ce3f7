"""Limits of ranges: which of two numbers or times is the lower one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: Any) -> timedelta | None:
    """The time that an RFC 3339 text or a date means, times without a zone as UTC; None for other things."""
    if not isinstance(text, str) or len(text) < 10:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that can be compared."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def keys(values: Sequence[Any]) -> list[Any] | None:
    """What to compare values by: numbers, times, or else texts; None when they cannot be compared."""
    if all(map(is_number, values)):
        return list(values)
    if not all(isinstance(value, str) for value in values):
        return None
    times = [instant(value) for value in values]
    return list(values) if None in times else times


def least(values: Sequence[Any]) -> Any:
    """The lowest of comparable values, as it was written first."""
    return _extreme(values, min)


def greatest(values: Sequence[Any]) -> Any:
    """The highest of comparable values, as it was written first."""
    return _extreme(values, max)


def _extreme(values: Sequence[Any], choose: Any) -> Any:
    by = keys(values)
    if by is None:
        raise TypeError("values that cannot be compared")
    return values[by.index(choose(by))]
