"""Temporal intervals, and calendar periods with their labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import DimensionNotAvailable, ProcessParameterInvalid, TooManyDimensions
from connexeo.processing.arguments import parse_instant
from connexeo.processing.cube import Dimension, coordinates, dimension_of, dimensions_of_type

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.values import Label

Instants = np.ndarray[Any, np.dtype[np.datetime64]]

_REDUCED = re.compile(r"\d{4}(-\d{2}|-\d{3})?", re.ASCII)


@dataclass(frozen=True)
class Period:
    """A calendar period that starts at an instant and ends where the next one starts."""

    start: datetime
    label: str


def to_datetime64(instant: datetime) -> np.datetime64:
    """An instant as the labels of temporal dimensions hold it: UTC without time zone."""
    return np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "ns")


def temporal_coordinate(labels: Sequence[Label]) -> np.ndarray[Any, np.dtype[Any]]:
    """Labels of a temporal dimension: instants if all of them are, otherwise as they are."""
    instants = [parse_instant(label) for label in labels]
    if instants and all(instant is not None for instant in instants):
        return np.array([to_datetime64(one) for one in instants if one is not None], "datetime64[ns]")
    return label_array(labels)


def label_array(labels: Sequence[Label]) -> np.ndarray[Any, np.dtype[Any]]:
    """Labels of any kind, each of its own type."""
    array = np.empty(len(labels), object)
    array[:] = list(labels)
    if labels and all(isinstance(label, int | float) for label in labels):
        return np.array(list(labels))
    return array


def instants_of(cube: xr.DataArray, dimension: Dimension, process: str) -> Instants:
    """The labels of a temporal dimension as instants: periods count as their start.

    Args:
        cube: The cube.
        dimension: One of its dimensions.
        process: The process that needs the instants, for the message.

    Raises:
        ProcessParameterInvalid: They are neither dates nor times nor periods.
    """
    found = coordinates(cube, dimension.name)
    if found.dtype.kind == "M" or not len(found):
        return found.astype("datetime64[ns]")
    instants = label_instants(found.tolist(), dimension.period)
    for label, instant in zip(found.tolist(), instants, strict=True):
        if instant is None:
            reason = f"the label '{label}' of dimension '{dimension.name}' is no date or time."
            raise ProcessParameterInvalid(process=process, parameter="data", reason=reason)
    return np.array([to_datetime64(one) for one in instants if one is not None], "datetime64[ns]")


def label_instants(labels: Sequence[Label], period: str | None) -> list[datetime | None]:
    """The instants that labels stand for, None for those that stand for none.

    Args:
        labels: Dates and date-times, and periods, which begin at an instant.
        period: The period that "2024-05" and the like name; without it, they are read by ISO 8601: year, month, day of
            the year.
    """
    named = {} if period is None else _named_periods(labels, period)
    return [named.get(label) or parse_instant(label) or _parse_reduced(label) for label in labels]


def _named_periods(labels: Sequence[Label], period: str) -> Mapping[Label, datetime]:
    """All periods of the years that the labels begin with, by label."""
    years = [int(label[:4]) for label in labels if isinstance(label, str) and label[:4].isdecimal()]
    first, last = min(years, default=1), max(years, default=0)
    if first < datetime.min.year or last + 1 > datetime.max.year:
        return {}
    found = periods(_midnight(first), _midnight(last + 1), period) if years else ()
    return {one.label: one.start for one in found}


def _parse_reduced(label: Label) -> datetime | None:
    """A year, month, or day of the year as ISO 8601 writes them."""
    if not isinstance(label, str) or not _REDUCED.fullmatch(label):
        return None
    year, _, rest = label.partition("-")
    try:
        if len(rest) == len("001"):
            day = _midnight(int(year)) + timedelta(days=int(rest) - 1)
            return day if day.year == int(year) else None
        return _midnight(int(year), int(rest or 1))
    except (ValueError, OverflowError):
        return None


def temporal_dimension(cube: xr.DataArray, name: str | None) -> Dimension:
    """The named temporal dimension, or the only one.

    Raises:
        DimensionNotAvailable: There is none.
        TooManyDimensions: There are several and none is named.
    """
    if name is not None:
        found = dimension_of(cube, name)
        if found.type != "temporal":
            raise DimensionNotAvailable(f"The dimension '{name}' is not temporal.")
        return found
    temporal = dimensions_of_type(cube, "temporal")
    if not temporal:
        raise DimensionNotAvailable("The data cube has no temporal dimension.")
    if len(temporal) > 1:
        raise TooManyDimensions
    return temporal[0]


def within(instants: Instants, interval: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which instants lie in an interval that includes its start but not its end.

    Args:
        instants: Instants in UTC.
        interval: Two dates or date-times, of which one may be None, or two times of the day ("18:00:00").
    """
    start, end = interval
    if _is_time(start) or _is_time(end):
        return _within_day(instants, start, end)
    inside, coarse = np.ones(len(instants), bool), instants.astype("datetime64[us]")
    first, second = parse_instant(start), parse_instant(end)
    if first is not None:
        inside &= coarse >= _microseconds(first)
    if second is not None:
        inside &= coarse < _microseconds(second)
    return inside


def _microseconds(instant: datetime) -> np.datetime64:
    """For comparisons: nanoseconds hold the years from 1678 to 2262 only, intervals may go beyond."""
    return np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "us")


def _is_time(text: Any) -> bool:
    return isinstance(text, str) and len(text) == len("00:00:00") and text[2] == ":"


def _within_day(instants: Instants, start: Any, end: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Times of the day; an interval that ends before it starts goes past midnight."""
    of_day = instants - instants.astype("datetime64[D]")

    def offset(text: Any, default: int) -> np.timedelta64:
        if text is None:
            return np.timedelta64(default, "s")
        hours, minutes, seconds = map(int, text.split(":"))
        return np.timedelta64(hours * 3600 + minutes * 60 + seconds, "s")

    first, last = offset(start, 0), offset(end, 86400)
    after, before = of_day >= first, of_day < last
    return np.asarray(after & before if first <= last else after | before, bool)


def periods(first: datetime, last: datetime, period: str) -> Iterator[Period]:
    """All periods from the one that holds `first` to the one that holds `last`, in order."""
    start_of, next_of, label_of = _CALENDARS[period]
    start = start_of(first)
    while start <= last:
        yield Period(start, label_of(start))
        start = next_of(start)


def period_labels(instants: Instants, period: str) -> list[str]:
    """The label of the period that each instant lies in."""
    start_of, _, label_of = _CALENDARS[period]
    return [
        label_of(start_of(instant.replace(tzinfo=UTC)))
        for instant in instants.astype("datetime64[us]").tolist()
    ]


def _midnight(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def _day(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _months_later(start: datetime, months: int) -> datetime:
    index = start.year * 12 + start.month - 1 + months
    return _midnight(index // 12, index % 12 + 1, start.day)


def _week_start(instant: datetime) -> datetime:
    return _day(instant) - timedelta(days=instant.weekday())


def _week_label(start: datetime) -> str:
    year, week, _ = start.isocalendar()
    return f"{year:04}-{week:02}"


def _dekad_start(instant: datetime) -> datetime:
    return _midnight(instant.year, instant.month, min((instant.day - 1) // 10, 2) * 10 + 1)


def _next_dekad(start: datetime) -> datetime:
    return start + timedelta(days=10) if start.day < 21 else _months_later(start.replace(day=1), 1)


def _dekad_label(start: datetime) -> str:
    return f"{start.year:04}-{(start.month - 1) * 3 + (start.day - 1) // 10 + 1:02}"


def _months_start(length: int, offset: int) -> Callable[[datetime], datetime]:
    """Start of periods of several months, of which one starts `offset` months after January."""

    def start_of(instant: datetime) -> datetime:
        month = _midnight(instant.year, instant.month)
        return _months_later(month, -((instant.month - 1 - offset) % length))

    return start_of


def _years_start(length: int, offset: int) -> Callable[[datetime], datetime]:
    return lambda instant: _midnight(instant.year - (instant.year - offset) % length)


def _season_label(start: datetime) -> str:
    return f"{start.year:04}-{ {12: 'djf', 3: 'mam', 6: 'jja', 9: 'son'}[start.month] }"


def _tropical_label(start: datetime) -> str:
    return f"{start.year:04}-{'ndjfma' if start.month == 11 else 'mjjaso'}"


_Calendar = tuple[Callable[[datetime], datetime], Callable[[datetime], datetime], Callable[[datetime], str]]

_CALENDARS: dict[str, _Calendar] = {
    "hour": (
        lambda instant: instant.replace(minute=0, second=0, microsecond=0),
        lambda start: start + timedelta(hours=1),
        lambda start: f"{start:%Y-%m-%d-%H}",
    ),
    "day": (_day, lambda start: start + timedelta(days=1), lambda start: f"{start:%Y-%j}"),
    "week": (_week_start, lambda start: start + timedelta(days=7), _week_label),
    "dekad": (_dekad_start, _next_dekad, _dekad_label),
    "month": (_months_start(1, 0), lambda start: _months_later(start, 1), lambda start: f"{start:%Y-%m}"),
    "season": (_months_start(3, 11), lambda start: _months_later(start, 3), _season_label),
    "tropical-season": (_months_start(6, 10), lambda start: _months_later(start, 6), _tropical_label),
    "year": (_years_start(1, 0), lambda start: _midnight(start.year + 1), lambda start: f"{start:%Y}"),
    "decade": (_years_start(10, 0), lambda start: _midnight(start.year + 10), lambda start: f"{start:%Y}"),
    "decade-ad": (_years_start(10, 1), lambda start: _midnight(start.year + 10), lambda start: f"{start:%Y}"),
}
"""Per period: the start of the one that holds an instant, the start of the next one, and the label."""
