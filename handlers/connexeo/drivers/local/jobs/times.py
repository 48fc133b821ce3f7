"""Instants as the contract writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def rfc3339(instant: datetime) -> str:
    """An aware instant in UTC, to the second."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def iso_duration(seconds: float) -> str:
    """A duration by ISO 8601, rounded up to whole seconds."""
    whole = timedelta(seconds=max(1, -int(-seconds // 1)))
    hours, rest = divmod(int(whole.total_seconds()), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "H"), (minutes, "M"), (left, "S"))
    return "PT" + "".join(f"{value}{unit}" for value, unit in parts if value)
