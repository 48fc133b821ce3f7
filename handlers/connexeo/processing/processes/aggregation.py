"""Aggregation of a temporal dimension over intervals and calendar periods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import (
    DistinctDimensionLabelsRequired,
    NoDataAvailable,
    ProcessParameterInvalid,
)
from connexeo.processing.blocks import Bound, reduce_groups
from connexeo.processing.callback import Callback
from connexeo.processing.cube import change_dimension
from connexeo.processing.process import process
from connexeo.processing.temporal import (
    instants_of,
    label_array,
    periods,
    temporal_coordinate,
    temporal_dimension,
    to_datetime64,
    within,
)

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.values import Label


@process
def aggregate_temporal(
    data: xr.DataArray,
    intervals: list[list[str | None]],
    reducer: Callback,
    labels: Sequence[Label] = (),
    dimension: str | None = None,
    context: Any = None,
) -> xr.DataArray:
    """Reduce the values of each interval to one label, by default the start of the interval.

    Raises:
        DimensionNotAvailable: The cube has no such temporal dimension.
        TooManyDimensions: The cube has several temporal dimensions, and none is named.
        DistinctDimensionLabelsRequired: The starts of the intervals make no distinct labels.
    """
    temporal = temporal_dimension(data, dimension)
    coordinate = _interval_coordinate(intervals, labels)
    instants = instants_of(data, temporal, "aggregate_temporal")
    groups = [np.flatnonzero(within(instants, interval)).tolist() for interval in intervals]
    function = Bound(reducer, ("data",), {"context": context})
    return change_dimension(
        reduce_groups(data, temporal.name, groups, function, coordinate), temporal.name, period=None
    )


@process
def aggregate_temporal_period(
    data: xr.DataArray, period: str, reducer: Callback, dimension: str | None = None, context: Any = None
) -> xr.DataArray:
    """Reduce the values of each calendar period to one label such as "2020-djf"; empty periods in between are included.

    Raises:
        DimensionNotAvailable: The cube has no such temporal dimension.
        TooManyDimensions: The cube has several temporal dimensions, and none is named.
        NoDataAvailable: The temporal dimension has no labels.
    """
    temporal = temporal_dimension(data, dimension)
    instants = instants_of(data, temporal, "aggregate_temporal_period")
    if not len(instants):
        raise NoDataAvailable("The temporal dimension has no labels that could be aggregated.")
    first, last = (_to_datetime(instant) for instant in (instants.min(), instants.max()))
    found = list(periods(first, last, period))
    starts = np.array([to_datetime64(one.start) for one in found])
    position = np.searchsorted(starts, instants, side="right") - 1
    groups: list[list[int]] = [[] for _ in found]
    for index, place in enumerate(position.tolist()):
        groups[place].append(index)
    coordinate = label_array([one.label for one in found])
    function = Bound(reducer, ("data",), {"context": context})
    return change_dimension(
        reduce_groups(data, temporal.name, groups, function, coordinate), temporal.name, period=period
    )


def _to_datetime(instant: np.datetime64) -> Any:
    """Rounded down to microseconds, which is finer than any period."""
    return instant.astype("datetime64[us]").item().replace(tzinfo=UTC)


def _interval_coordinate(
    intervals: list[list[str | None]], labels: Sequence[Label]
) -> np.ndarray[Any, np.dtype[Any]]:
    """The labels that are given, or else the starts of the intervals."""
    if labels and len(labels) != len(intervals):
        reason = f"{len(labels)} labels are given for {len(intervals)} intervals."
        raise ProcessParameterInvalid(process="aggregate_temporal", parameter="labels", reason=reason)
    chosen = list(labels) or [interval[0] for interval in intervals if interval[0] is not None]
    coordinate = temporal_coordinate(chosen)
    if len(set(coordinate.tolist())) < len(intervals):
        raise DistinctDimensionLabelsRequired
    return coordinate
