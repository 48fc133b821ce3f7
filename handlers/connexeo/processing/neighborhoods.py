"""Windows, and margins around them, that a dimension of a cube is divided into."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.alignment import spacing
from connexeo.processing.cube import Dimension, coordinates, crs_of, spatial_dimension
from connexeo.processing.temporal import instants_of, to_datetime64

if TYPE_CHECKING:
    import xarray as xr

PROCESS = "apply_neighborhood"

_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)(?P<unit>[DW]))?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_LONGEST = timedelta(days=4_000_000)
_MOST_MONTHS = 120_000
"""Durations of more than ten thousand years are all the same to dates."""
_METRES_PER_RADIAN = 6_371_008.8


@dataclass(frozen=True)
class Duration:
    """A calendar duration of ISO 8601."""

    months: int
    rest: timedelta

    def after(self, instant: datetime, times: int = 1) -> datetime:
        """The instant so many durations later (or earlier), on the last day of a month that is too short.

        Beyond what dates can express, the first or the last instant of all.
        """
        try:
            index = instant.year * 12 + instant.month - 1 + times * self.months
            year, month = index // 12, index % 12 + 1
            following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)
            moved = instant.replace(year=year, month=month, day=min(instant.day, following.day))
            return moved + times * self.rest
        except (ValueError, OverflowError):
            return (datetime.max if times > 0 else datetime.min).replace(tzinfo=UTC)

    def __bool__(self) -> bool:
        return bool(self.months or self.rest)


@dataclass(frozen=True)
class Span:
    """A window along a dimension, as indices, and the margin around it."""

    start: int
    stop: int
    first: int
    """The first index with the margin; negative where the margin begins before the cube."""
    end: int
    """The index behind the margin; beyond the length of the dimension where the margin ends behind the cube."""

    @property
    def size(self) -> int:
        """Labels with the margin."""
        return self.end - self.first


@dataclass(frozen=True)
class Setting:
    """Size or overlap of one dimension as users give it."""

    value: float | Duration | None
    unit: str | None
    parameter: str
    dimension: str

    def fault(self, reason: str) -> ProcessParameterInvalid:
        """The error for a setting that can't be used."""
        return ProcessParameterInvalid(
            process=PROCESS, parameter=self.parameter, reason=f"dimension '{self.dimension}': {reason}"
        )


def read_setting(given: Mapping[str, Any], parameter: str) -> Setting:
    """An object of the subtype chunk-size.

    Raises:
        ProcessParameterInvalid: The duration is negative or has a unit beside it.
    """
    value, unit, dimension = given.get("value"), given.get("unit"), str(given["dimension"])
    setting = Setting(None, unit, parameter, dimension)
    if isinstance(value, str):
        value = _duration(value, setting)
    return Setting(value, unit, parameter, dimension)


def _duration(text: str, setting: Setting) -> Duration:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise setting.fault(f"'{text}' must be a duration that is not negative, e.g. P10D.")
    if setting.unit is not None:
        raise setting.fault("a duration has its own unit, leave out 'unit'.")
    found = {name: float(number) for name, number in match.groupdict("0").items() if name != "unit"}
    days = found["days"] * (7 if match["unit"] == "W" else 1)
    seconds = days * 86400 + found["hours"] * 3600 + found["minutes"] * 60 + found["seconds"]
    rest = timedelta(seconds=min(seconds, _LONGEST.total_seconds()))
    return Duration(min(int(found["years"] * 12 + found["months"]), _MOST_MONTHS), rest)


def spans(
    cube: xr.DataArray, dimension: Dimension, size: Setting | None, overlap: Setting | None
) -> list[Span]:
    """The windows along a dimension, in order, each with its margin; labels of time must ascend for durations.

    Counts of pixels beyond the cube belong to margins; durations find only labels that exist.

    Raises:
        ProcessParameterInvalid: A setting does not suit the dimension.
    """
    length = cube.sizes[dimension.name]
    if not length:
        return []
    windows = _windows(cube, dimension, size, length)
    if overlap is None or overlap.value is None:
        return [Span(start, stop, start, stop) for start, stop, _, _ in windows]
    if isinstance(overlap.value, Duration):
        return _with_duration(cube, dimension, windows, overlap)
    margin = math.ceil(_pixels(cube, dimension, overlap) - 1e-6)
    return [Span(start, stop, start - margin, stop + margin) for start, stop, _, _ in windows]


_Window = tuple[int, int, datetime | None, datetime | None]
"""Start and stop as indices and, of windows of a duration, as instants."""


def _windows(cube: xr.DataArray, dimension: Dimension, size: Setting | None, length: int) -> list[_Window]:
    if size is None or size.value is None:
        return [(0, length, None, None)]
    if isinstance(size.value, Duration):
        return _lasting(_instants(cube, dimension, size), size)
    pixels = _pixels(cube, dimension, size)
    if pixels <= 0:
        raise size.fault("a size must be greater than 0.")
    step = max(1, round(pixels))
    return [(start, min(start + step, length), None, None) for start in range(0, length, step)]


def _lasting(instants: NDArray[np.datetime64], size: Setting) -> list[_Window]:
    """Windows of a duration, the first of which starts at the first label; those without labels are left out."""
    duration = size.value
    assert isinstance(duration, Duration)
    if not duration:
        raise size.fault("a size must be greater than 0.")
    origin = _to_datetime(instants[0])
    windows: list[_Window] = []
    start, count = 0, 0
    while start < len(instants):
        count += max(1, _estimate(duration, origin, count, _to_datetime(instants[start])))
        begin, end = duration.after(origin, count - 1), duration.after(origin, count)
        stop = int(np.searchsorted(instants, to_datetime64(end))) if end.year < 2262 else len(instants)
        if stop > start:
            windows.append((start, stop, begin, end))
            start = stop
    return windows


def _estimate(duration: Duration, origin: datetime, count: int, wanted: datetime) -> int:
    """How many durations can be left out at once, too few rather than too many."""
    longest = duration.months * timedelta(days=31) + duration.rest
    reached = duration.after(origin, count)
    return int((wanted - reached) / longest) if wanted > reached else 0


def _with_duration(
    cube: xr.DataArray, dimension: Dimension, windows: Sequence[_Window], overlap: Setting
) -> list[Span]:
    instants = _instants(cube, dimension, overlap)
    duration = overlap.value
    assert isinstance(duration, Duration)
    result = []
    for start, stop, begin, end in windows:
        earliest = duration.after(begin or _to_datetime(instants[start]), -1)
        latest = duration.after(end or _to_datetime(instants[stop - 1]))
        # The end of a window is not in it, its last label is.
        side = "left" if end else "right"
        first = np.searchsorted(instants, _nanoseconds(earliest))
        behind = np.searchsorted(instants, _nanoseconds(latest), side=side)  # type: ignore[call-overload]
        result.append(Span(start, stop, min(int(first), start), max(int(behind), stop)))
    return result


def _instants(cube: xr.DataArray, dimension: Dimension, setting: Setting) -> NDArray[np.datetime64]:
    if dimension.type != "temporal":
        raise setting.fault("a duration is for temporal dimensions, give a number.")
    return instants_of(cube, dimension, PROCESS)


def _nanoseconds(instant: datetime) -> np.datetime64:
    """As labels have it, at the ends of what they can express if need be."""
    if instant.year < 1678:
        return np.datetime64("1678-01-01", "ns")
    return np.datetime64("2262-01-01", "ns") if instant.year > 2261 else to_datetime64(instant)


def _to_datetime(instant: np.datetime64) -> datetime:
    found: datetime = instant.astype("datetime64[us]").item()
    return found.replace(tzinfo=UTC)


def _pixels(cube: xr.DataArray, dimension: Dimension, setting: Setting) -> float:
    """A number in a unit as a number of labels."""
    assert isinstance(setting.value, int | float)
    if setting.unit == "px" or (setting.unit is None and dimension.type not in ("spatial", "temporal")):
        if setting.value != int(setting.value):
            raise setting.fault("the number of pixels must be an integer.")
        return setting.value
    if dimension.type != "spatial":
        instead = "a duration such as P10D" if dimension.type == "temporal" else "a number of pixels"
        raise setting.fault(f"give {instead}, or the unit 'px'.")
    step = spacing(coordinates(cube, dimension.name))
    if not step:
        raise setting.fault("its resolution is not known, use the unit 'px'.")
    metres = _metres_per_unit(cube, dimension, setting) if setting.unit == "m" else 1.0
    return setting.value / (abs(step) * metres)


def _metres_per_unit(cube: xr.DataArray, dimension: Dimension, setting: Setting) -> float:
    """Of the labels of a spatial dimension; for degrees on a sphere, in the middle of the cube."""
    crs = crs_of(cube)
    if dimension.axis == "z" or crs is None:
        if dimension.unit in (None, "m"):
            return 1.0
        raise setting.fault("its unit is not metres, use the unit 'px'.")
    from pyproj import CRS

    known = CRS.from_user_input(crs)
    factor = known.axis_info[0].unit_conversion_factor if known.axis_info else 1.0
    if not known.is_geographic:
        return factor
    y = spatial_dimension(cube, "y")
    latitude = coordinates(cube, y.name).mean() * factor if y is not None else 0.0
    return factor * _METRES_PER_RADIAN * (math.cos(latitude) if dimension.axis == "x" else 1.0)


def labels_between(labels: NDArray[Any], first: int, end: int, step: float | None = None) -> NDArray[Any]:
    """The labels from an index to another, also beyond both ends, where they go on in the same steps.

    Args:
        labels: All labels of a dimension, at least one.
        first: Index of the first label; negative ones lie before the dimension.
        end: Index behind the last label.
        step: For numbers if there is only a single label, 1 by default.
    """
    length = len(labels)
    inside = labels[max(first, 0) : min(end, length)]
    before, after = np.arange(first, 0), np.arange(length, max(end, length))
    if labels.dtype.kind in "iufM":
        unit: Any = np.timedelta64(1, "D") if labels.dtype.kind == "M" else step or 1
        lower, upper = (labels[1] - labels[0], labels[-1] - labels[-2]) if length > 1 else (unit, unit)
        low, high = labels[0] + before * lower, labels[-1] + (after - length + 1) * upper
        return np.concatenate([low, inside, high])
    numbered = [np.array([f"beyond {place}" for place in places], object) for places in (before, after)]
    return np.concatenate([numbered[0], inside.astype(object), numbered[1]])
