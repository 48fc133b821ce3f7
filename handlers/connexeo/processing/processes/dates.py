"""Dates and times as strings: compared, subtracted, and moved.

There is no daylight saving time: dates are midnight in UTC, times have a numerical offset or are UTC. Years are those
from 1 to 9999, of the proleptic Gregorian calendar.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.process import PerPixel, process
from connexeo.processing.processes.elementwise import Number
from connexeo.processing.values import is_block, refuse_blocks

_DURATIONS = {
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_MONTHS = {"month": 1, "year": 12}
_CLOCK = frozenset({"millisecond", "second", "minute", "hour"})
"""Units that change the time of the day."""

_TIME = re.compile(r"(?P<hours>[01]\d|2[0-4]):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d|60)", re.ASCII)
_LEAP_SECOND = re.compile(r"(?<=:\d\d:)60")


@process
def date_between(x: str | None, min: str | None, max: str | None, exclude_max: bool = False) -> bool | None:
    """Whether a date or time lies in the range from `min` to `max`; no-data in any of them gives no-data.

    Args:
        x: A date or date-time, or a time of the day.
        min: The lower bound, which is included.
        max: The upper bound.
        exclude_max: Whether the upper bound is excluded.

    Raises:
        ProcessParameterInvalid: Times of the day are mixed with dates, or a string is neither.
    """
    refuse_blocks(exclude_max)
    if x is None or min is None or max is None:
        return None
    given = {"x": x, "min": min, "max": max}
    times = [name for name, text in given.items() if _TIME.fullmatch(text)]
    if not times:
        value, low, high = (_instant(text, name, "date_between") for name, text in given.items())
        return low <= value and (value < high if exclude_max else value <= high)
    if len(times) < len(given):
        reason = "a time of the day can only be compared with other times of the day."
        raise ProcessParameterInvalid(process="date_between", parameter=times[0], reason=reason)
    second, first, last = map(_second_of_day, given.values())
    return first <= second and (second < last if exclude_max else second <= last)


@process
def date_difference(date1: str, date2: str, unit: str = "second") -> float:
    """How much time passes from one date to another one, negative if the second one comes first.

    Months and years are those of the calendar: complete ones are counted from the earlier date on as `date_shift`
    counts, the rest is its share of the month or year that it lies in.

    Raises:
        ProcessParameterInvalid: One of them is no date.
    """
    first, second = (
        _instant(text, name, "date_difference") for name, text in (("date1", date1), ("date2", date2))
    )
    if unit in _DURATIONS:
        return (second - first) / _DURATIONS[unit]
    if second < first:
        return -_calendar_units(second, first, _MONTHS[unit])
    return _calendar_units(first, second, _MONTHS[unit])


@process
def date_shift(date: str, value: Number, unit: str) -> str:
    """A date or date-time, moved by a number of units; the time zone stays, and a date stays a date.

    Args:
        date: The date. A leap second counts as the second after it, or before it where the time of the day stays.
        value: How many units to add, or to subtract if it is negative.
        unit: With `day` and longer ones, the time of the day stays, and what does not exist is lowered, such as
            February 30.

    Raises:
        ProcessParameterInvalid: It is no date, or the result is out of the range of years.
    """
    if is_block(value):
        raise PerPixel
    assert isinstance(value, int | float)
    start, steps = _parse(date, "date", "date_shift", later=unit in _CLOCK), int(value)
    try:
        calendar = unit in _MONTHS
        moved = _months_later(start, steps * _MONTHS[unit]) if calendar else start + steps * _DURATIONS[unit]
    except (OverflowError, ValueError) as error:
        reason = f"{steps} times a {unit} from '{date}' is beyond the years 1 to 9999."
        raise ProcessParameterInvalid(process="date_shift", parameter="value", reason=reason) from error
    return _format(moved, date)


def _instant(text: str, parameter: str, process_id: str) -> datetime:
    moment = _parse(text, parameter, process_id, later=True)
    # Not astimezone: in UTC, the first and the last hours of the calendar may be out of range.
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _parse(text: str, parameter: str, process_id: str, *, later: bool) -> datetime:
    """A date or date-time with the offset that it has; a leap second is the one after it, or the one before."""
    whole, leaps = _LEAP_SECOND.subn("59", text, count=1)
    try:
        moment = datetime.fromisoformat(whole.upper())
        return moment + timedelta(seconds=1) if leaps and later else moment
    except (OverflowError, ValueError) as error:
        reason = f"'{text}' is no date or time; write it as 2024-07-01 or 2024-07-01T12:00:00Z."
        raise ProcessParameterInvalid(process=process_id, parameter=parameter, reason=reason) from error


def _second_of_day(text: str) -> int:
    found = _TIME.fullmatch(text)
    assert found is not None
    return int(found["hours"]) * 3600 + int(found["minutes"]) * 60 + int(found["seconds"])


def _months_later(start: datetime, months: int) -> datetime:
    index = start.year * 12 + start.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if not datetime.min.year <= year <= datetime.max.year:
        raise OverflowError(year)
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))


def _calendar_units(first: datetime, second: datetime, length: int) -> float:
    """How many units of so many months lie between two instants that are in order."""
    first, second = (one.replace(tzinfo=None) - (one.utcoffset() or timedelta()) for one in (first, second))
    complete = ((second.year - first.year) * 12 + second.month - first.month) // length
    if _months_later(first, complete * length) > second:
        complete -= 1
    start = _months_later(first, complete * length)
    try:
        unit = _months_later(first, (complete + 1) * length) - start
    except OverflowError:  # in the last year or month of the calendar, which are as long as those before it
        unit = start - _months_later(first, (complete - 1) * length)
    return complete + (second - start) / unit


def _format(moment: datetime, like: str) -> str:
    """The moment as a string of the same form, with a fraction of a second only where there is one."""
    day = f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    if len(like) == len("0000-00-00"):
        return day
    fraction = f"{moment.microsecond:06}"
    fraction = fraction[:3] if fraction.endswith("000") else fraction
    offset = re.search(r"(Z|[+-]\d\d:\d\d)?$", like, re.IGNORECASE)
    zone = offset[0].upper() if offset is not None else ""
    return f"{day}T{moment:%H:%M:%S}{'' if fraction == '000' else f'.{fraction}'}{zone}"
