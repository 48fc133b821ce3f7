"""Climatology: what is normal for a period of the year, and how far values are from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.blocks import combine_values, reduce_groups
from connexeo.processing.cube import change_dimension, coordinates, labels
from connexeo.processing.process import process
from connexeo.processing.processes.statistics import mean
from connexeo.processing.temporal import (
    instants_of,
    label_array,
    period_labels,
    temporal_dimension,
)
from connexeo.processing.values import Array, Block, as_float

if TYPE_CHECKING:
    import xarray as xr

Months = np.ndarray[Any, np.dtype[np.intp]]

_ANY_LABEL = frozenset({"single-period", "climatology-period"})
_WHOLE_LABEL = frozenset({"year", "decade", "decade-ad"})
"""Periods whose normals have the labels of the data."""
_LEAP_DAY = "366"
"""Of the day of the year: there is no normal for it."""

_SEASONS: dict[str, dict[str, tuple[int, ...]]] = {
    "month": {f"{month:02}": (month,) for month in range(1, 13)},
    "season": {"djf": (12, 1, 2), "mam": (3, 4, 5), "jja": (6, 7, 8), "son": (9, 10, 11)},
    "tropical-season": {"ndjfma": (11, 12, 1, 2, 3, 4), "mjjaso": (5, 6, 7, 8, 9, 10)},
}
"""Periods that consist of months, in their order: those before January belong to the year before."""


@process
def climatological_normal(
    data: xr.DataArray, period: str, climatology_period: Sequence[int] = (1981, 2010)
) -> xr.DataArray:
    """The average of all values of a day, month or season of the year, over the years of the climatology period.

    No-data is left out of the averages.

    Raises:
        DimensionNotAvailable: The cube has no temporal dimension.
        TooManyDimensions: It has several.
        ProcessParameterInvalid: It has no label in the first or the last year of the climatology period, or these are
            in the wrong order.
    """
    temporal = temporal_dimension(data, None)
    instants = instants_of(data, temporal, "climatological_normal")
    first, last = climatology_period
    years = instants.astype("datetime64[Y]").astype(int) + 1970
    if first > last:
        raise _invalid("climatology_period", f"the first year {first} is after the last year {last}.")
    for year in (first, last):
        if year not in years:
            raise _invalid("data", f"it has no values of {year}, which belongs to the climatology period.")
    groups = _groups(instants, period, first, last)
    result = reduce_groups(data, temporal.name, list(groups.values()), _mean, label_array(list(groups)))
    return change_dimension(result, temporal.name, period=None)


@process
def anomaly(data: xr.DataArray, normals: xr.DataArray, period: str) -> xr.DataArray:
    """The difference of each value to the normal of its period; no-data for the 366th day of a year, which has none.

    Raises:
        DimensionNotAvailable: One of the cubes has no temporal dimension.
        TooManyDimensions: One of them has several.
        ProcessParameterInvalid: The normals have no label for a label of the data, or other labels along another
            dimension.
    """
    temporal, other = temporal_dimension(data, None), temporal_dimension(normals, None)
    wanted = _labels_of_normals(data, temporal.name, period)
    known = {str(label): index for index, label in enumerate(labels(normals, other.name))}
    if period in _ANY_LABEL:
        if len(known) != 1:
            raise _refused(f"it must have a single temporal label, not {len(known)}.")
        known = {"": 0}
    missing = [
        label for label in wanted if label not in known and not (period == "day" and label == _LEAP_DAY)
    ]
    if missing:
        raise _refused(f"it has no label '{missing[0]}', which the data need.")
    chosen = normals.isel({other.name: [known.get(label, 0) for label in wanted]})
    chosen = chosen.drop_vars(other.name, errors="ignore").rename({other.name: temporal.name})
    import xarray as xr

    has_normal = xr.DataArray([label in known for label in wanted], dims=temporal.name)
    return combine_values(data, [_like(chosen.where(has_normal), data, temporal.name)], _difference)


def _groups(instants: Any, period: str, first: int, last: int) -> dict[str, list[int]]:
    """Positions of the labels that belong to each period of the year."""
    years = instants.astype("datetime64[Y]").astype(int) + 1970
    inside = (years >= first) & (years <= last)
    if period == "climatology-period":
        return {period: np.flatnonzero(inside).tolist()}
    if period == "day":
        day = (instants.astype("datetime64[D]") - instants.astype("datetime64[Y]")).astype(int) + 1
        return {f"{number:03}": np.flatnonzero(inside & (day == number)).tolist() for number in range(1, 366)}
    months = instants.astype("datetime64[M]").astype(int) % 12 + 1
    return {label: _positions(years, months, each, first, last) for label, each in _SEASONS[period].items()}


def _positions(years: Months, months: Months, season: tuple[int, ...], first: int, last: int) -> list[int]:
    """Of one season, which is of the year that it ends in; only the first of all may lack months."""
    # Months that never occur are none that values are given for: those of half-years are dated November and May.
    before = [month for month in season if month > season[-1] and (months == month).any()]
    year = years + np.isin(months, before)
    member = np.isin(months, season) & (year >= first) & (year <= last)
    if any(not ((years == first - 1) & (months == month)).any() for month in before):
        member &= year > first
    return np.flatnonzero(member).tolist()


def _labels_of_normals(data: xr.DataArray, name: str, period: str) -> list[str]:
    """The label of the normals for each label of the data."""
    found = coordinates(data, name)
    if period in _ANY_LABEL:
        return [""] * len(found)
    instants = found.dtype.kind == "M"
    told = period_labels(found, period) if instants else [str(label) for label in found.tolist()]
    if period in _WHOLE_LABEL:
        return told
    shortened = [re.fullmatch(r"-?\d{4,}-(?:\d{2}-\d{2}-)?([a-z]+|\d{2,3})", label) for label in told]
    for label, match in zip(told, shortened, strict=True):
        if match is None:
            reason = f"the label '{label}' is none of the period '{period}'."
            raise ProcessParameterInvalid(process="anomaly", parameter="data", reason=reason)
    return [match[1] for match in shortened if match is not None]


def _like(normals: xr.DataArray, data: xr.DataArray, temporal: str) -> xr.DataArray:
    """The normals with the dimensions of the data, repeated along those that they lack."""
    for name in map(str, normals.dims):
        if name not in data.dims:
            raise _refused(f"it has a dimension '{name}', which the data lack.")
        if name == temporal:
            continue
        given, wanted = coordinates(normals, name).tolist(), coordinates(data, name).tolist()
        if given != wanted:
            if len(given) != len(wanted) or set(given) != set(wanted):
                raise _refused(f"its labels of the dimension '{name}' are others than those of the data.")
            normals = normals.isel({name: [given.index(label) for label in wanted]})
    lacking = {name: size for name, size in data.sizes.items() if name not in normals.dims}
    bare = normals.drop_vars(list(normals.coords)).expand_dims(lacking)
    return bare.chunk(dict.fromkeys(lacking, -1)) if bare.chunks is not None else bare


def _mean(values: Array) -> Any:
    return mean(values)


def _difference(value: Block, normal: Block) -> Any:
    return as_float(value) - as_float(normal)


def _invalid(parameter: str, reason: str) -> ProcessParameterInvalid:
    return ProcessParameterInvalid(process="climatological_normal", parameter=parameter, reason=reason)


def _refused(reason: str) -> ProcessParameterInvalid:
    return ProcessParameterInvalid(process="anomaly", parameter="normals", reason=reason)
