"""Dates and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.processes.dates import date_between, date_difference, date_shift

dates = st.dates(datetime(1, 1, 2).date(), datetime(9998, 12, 30).date()).map(str)


@pytest.mark.parametrize(
    ("x", "low", "high", "inside", "inside_open"),
    [
        ("2020-01-01", "2020-01-01", "2020-01-01", True, False),
        ("2020-01-01T00:00:00Z", "2020-01-01", "2020-01-02", True, True),
        ("2020-01-02T00:30:00+01:00", "2020-01-01", "2020-01-02", True, True),
        ("2020-01-01T23:30:00-01:00", "2020-01-01", "2020-01-02", False, False),
        ("2020-01-02T00:00:00Z", "2020-01-01", "2020-01-02", True, False),
        ("2020-01-02T00:00:00.001Z", "2020-01-01", "2020-01-02", False, False),
        ("2016-12-31T23:59:60Z", "2017-01-01", "2017-01-02", True, True),
        ("12:00:00", "06:00:00", "12:00:00", True, False),
        ("05:59:59", "06:00:00", "12:00:00", False, False),
        ("24:00:00", "06:00:00", "24:00:00", True, False),
        ("12:00:00", "18:00:00", "06:00:00", False, False),
        (None, "2020-01-01", "2020-01-02", None, None),
        ("2020-01-01", None, "2020-01-02", None, None),
    ],
)
def test_between(
    x: str | None, low: str | None, high: str | None, inside: object, inside_open: object
) -> None:
    assert date_between(x, low, high) is inside
    assert date_between(x, low, high, exclude_max=True) is inside_open


@pytest.mark.parametrize("x", ["12:00:00", "yesterday", "2020-02-30"])
def test_between_takes_dates_or_times_but_not_both(x: str) -> None:
    with pytest.raises(ProcessParameterInvalid, match=r"time of the day|no date"):
        date_between(x, "2020-01-01", "2021-01-01")


@pytest.mark.parametrize(
    ("first", "second", "unit", "expected"),
    [
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:01.5Z", "millisecond", 1500),
        ("2020-01-01", "2020-01-01T00:01:30Z", "minute", 1.5),
        ("2020-01-01", "2020-01-01T06:30:00+01:00", "hour", 5.5),
        ("2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z", "second", 1),
        ("2016-12-31", "2017-01-01", "second", 86400),
        ("2020-01-15", "2020-01-01", "week", -2),
        ("2020-01-15", "2020-04-15", "month", 3),
        ("2020-01-31", "2020-02-29", "month", 1),
        ("2020-02-01", "2020-02-15T12:00:00Z", "month", 0.5),
        ("2020-03-01", "2020-02-01", "month", -1),
        ("2019-02-01", "2021-02-01", "year", 2),
        ("2020-02-29", "2021-02-28", "year", 1),
        ("2021-01-01", "2021-07-02T12:00:00Z", "year", 0.5),
        ("9999-12-01", "9999-12-31", "year", 30 / 365),
    ],
)
def test_difference(first: str, second: str, unit: str, expected: float) -> None:
    assert date_difference(first, second, unit) == pytest.approx(expected, rel=1e-12)
    assert date_difference(second, first, unit) == -date_difference(first, second, unit)


def test_difference_is_in_seconds_by_default() -> None:
    assert date_difference("2020-01-01", "2020-01-02") == 86400
    with pytest.raises(ProcessParameterInvalid, match="'soon' is no date"):
        date_difference("2020-01-01", "soon")


@pytest.mark.parametrize(
    ("date", "value", "unit", "expected"),
    [
        ("2020-01-31T10:00:00Z", 1, "month", "2020-02-29T10:00:00Z"),
        ("2020-03-31", -13, "month", "2019-02-28"),
        ("2020-02-29", -4, "year", "2016-02-29"),
        ("2020-02-29", -1, "year", "2019-02-28"),
        ("2020-02-28T23:30:00-03:00", 2, "hour", "2020-02-29T01:30:00-03:00"),
        ("2020-01-01T00:00:00Z", -1, "millisecond", "2019-12-31T23:59:59.999Z"),
        ("2020-01-01T00:00:00.5Z", 500, "millisecond", "2020-01-01T00:00:01Z"),
        ("2020-01-01T00:00:00.123456Z", 1, "minute", "2020-01-01T00:01:00.123456Z"),
        ("2020-01-01t00:00:00z", 1, "week", "2020-01-08T00:00:00Z"),
        ("2020-01-01", 1439, "minute", "2020-01-01"),
        ("2020-01-01", 1440, "minute", "2020-01-02"),
        ("0999-12-31", 1, "day", "1000-01-01"),
        ("1000-01-01", -1, "day", "0999-12-31"),
        ("2016-12-31T23:59:60Z", 0, "second", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60Z", 1, "month", "2017-01-31T23:59:59Z"),
        ("2017-01-01T00:59:60+01:00", 1, "second", "2017-01-01T01:00:01+01:00"),
    ],
)
def test_shift(date: str, value: int, unit: str, expected: str) -> None:
    assert date_shift(date, value, unit) == expected


@pytest.mark.parametrize("unit", ["millisecond", "second", "minute", "hour", "day", "week", "month", "year"])
@pytest.mark.parametrize("date", ["2020-01-31", "2020-01-31T12:00:00.250+05:30"])
def test_shift_by_nothing_changes_nothing(date: str, unit: str) -> None:
    assert date_shift(date, 0, unit) == date


@pytest.mark.parametrize(
    ("value", "unit"), [(8000, "year"), (-100_000, "month"), (10**30, "second"), (10**18, "day")]
)
def test_shift_beyond_the_calendar(value: int, unit: str) -> None:
    with pytest.raises(ProcessParameterInvalid, match="beyond the years 1 to 9999"):
        date_shift("2020-01-01", value, unit)


def test_shift_needs_a_date() -> None:
    with pytest.raises(ProcessParameterInvalid, match="no date"):
        date_shift("2020-13-01", 1, "day")


@settings(max_examples=30)
@given(date=dates, days=st.integers(-3000, 3000))
def test_shift_and_difference_agree(date: str, days: int) -> None:
    start = datetime.fromisoformat(date).replace(tzinfo=UTC)
    try:
        end = (start + timedelta(days=days)).date().isoformat()
    except OverflowError:
        return
    assert date_shift(date, days, "day") == end
    assert date_difference(date, end, "day") == days
