"""Fitting model functions to series of values, and computing values from the parameters that were found.

The independent variable are the labels of the series: numbers as they are, dates and times as seconds since
1970-01-01T00:00:00Z (in UTC, without leap seconds), periods such as "2020-05" as the seconds of their start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.arguments import parse_instant
from connexeo.processing.blocks import as_block, transform_along
from connexeo.processing.callback import Callback
from connexeo.processing.cube import (
    Dimension,
    dimension_of,
    dimensions_of,
    dimensions_of_type,
    make_cube,
    with_dimensions,
)
from connexeo.processing.cube import (
    labels as labels_of_cube,
)
from connexeo.processing.process import process
from connexeo.processing.processes.arrays import AnyArray
from connexeo.processing.processes.elementwise import is_number
from connexeo.processing.temporal import label_array, label_instants, temporal_coordinate
from connexeo.processing.values import Array, Label, labels_of, refuse_blocks, stack

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@process
def fit_curve(
    data: AnyArray, parameters: AnyArray, function: Callback, ignore_nodata: bool = True
) -> Array | list[float | None]:
    """The parameters of a model function for which it comes closest to labelled values, by least squares.

    Args:
        data: The values of `y`; their labels are `x`.
        parameters: First guesses. In blocks they may differ from pixel to pixel.
        function: The model function of `x` and `parameters`, called for all values at once.
        ignore_nodata: Whether to leave no-data out; if not, any no-data makes all parameters no-data, as no curve
            comes close to it.

    Returns:
        No-data for all parameters where there are fewer values than parameters, where values are not finite, and where
        the search from the first guess ends nowhere.

    Raises:
        ProcessParameterInvalid: The values have no labels, or labels that make no `x`.
    """
    refuse_blocks(ignore_nodata)
    labels = labels_of(data)
    if labels is None:
        reason = "its values need labels, see array_create_labeled."
        raise ProcessParameterInvalid(process="fit_curve", parameter="data", reason=reason)
    x = independent(labels, "fit_curve", "data")
    if isinstance(data, Array) or isinstance(parameters, Array):
        return _fit_blocks(data, parameters, function, x, ignore_nodata)
    return _fit_plain(data, parameters, function, x, ignore_nodata)


@process
def predict_curve(
    parameters: xr.DataArray, function: Callback, dimension: str, labels: Sequence[Label] | None = None
) -> xr.DataArray:
    """Values of a model function for new labels, lazily.

    The parameters lie along `dimension`, where `fit_curve` leaves them in `apply_dimension`, or else along the only
    dimension of type `other` (or `bands`), which `dimension` then replaces.

    Without labels, gaps are filled: then `dimension` holds observations and parameters, as `merge_cubes` makes of a
    cube and of the parameters that were fitted to it. Observations are those labelled with dates or times, parameters
    the others. The result has the observations, and predicted values where these are no-data.

    Raises:
        ProcessParameterInvalid: No dimension holds parameters, labels make no `x`, or there are no observations.
    """
    if labels is None:
        return _fill_gaps(parameters, function, dimension)
    x = independent(labels, "predict_curve", "labels")
    if len(set(x.tolist())) < len(x):
        raise _invalid("labels", "two of the labels are the same instant or number.")
    source = _parameter_dimension(parameters, dimension)
    temporal = bool(labels) and not is_number(labels[0])
    coordinate = temporal_coordinate(labels) if temporal else label_array(labels)
    predicted = _predict(parameters, source, _Prediction(function, x))
    names = [dimension if name == source else str(name) for name in parameters.dims]
    result = with_dimensions(parameters, predicted, names, {dimension: coordinate})
    kept = [one for one in dimensions_of(parameters) if one.name not in (source, dimension)]
    return make_cube(result, [*kept, Dimension(dimension, "temporal" if temporal else "other")])


def independent(labels: Sequence[Label], process: str, parameter: str) -> Floats:
    """The independent variable that labels stand for: numbers, or seconds since 1970.

    Raises:
        ProcessParameterInvalid: They are neither, or both.
    """
    if all(map(is_number, labels)):
        return np.array(labels, np.float64)
    instants = label_instants(list(labels), None)
    for label, instant in zip(labels, instants, strict=True):
        if instant is None:
            reason = f"the label '{label}' is no number, date or time, or is a number among dates."
            raise ProcessParameterInvalid(process=process, parameter=parameter, reason=reason)
    return np.array([(one - _EPOCH).total_seconds() for one in instants if one is not None])


@dataclass(frozen=True)
class _Model:
    """The model function as `least_squares` wants it."""

    function: Callback

    def __call__(self, x: Floats, parameters: Floats) -> Floats:
        shape = np.broadcast_shapes(x.shape, parameters.shape[1:])
        with np.errstate(all="ignore"):
            value = self.function(x=x, parameters=Array(parameters[:, np.newaxis]))
        return as_block(value, shape, np.float64)


def _fit_blocks(
    data: AnyArray, parameters: AnyArray, function: Callback, x: Floats, ignore_nodata: bool
) -> Array:
    from connexeo.processing.least_squares import fit

    observed = _as_floats(data)
    guess = _as_floats(parameters)
    shape = np.broadcast_shapes(observed.shape[1:], guess.shape[1:])
    y, first = (_spread(values, shape).reshape(len(values), -1) for values in (observed, guess))
    found = fit(_Model(function), x, y, first)
    if not ignore_nodata:
        found[:, np.isnan(y).any(axis=0)] = np.nan
    return Array(found.reshape(len(guess), *shape))


def _fit_plain(
    data: Sequence[Any], parameters: Sequence[Any], function: Callback, x: Floats, ignore_nodata: bool
) -> list[float | None]:
    nothing: list[float | None] = [None] * len(parameters)
    known = np.array([value is not None for value in data], bool)
    y = np.array([value for value in data if value is not None], np.float64)
    if None in parameters or len(y) < len(parameters) or (len(y) < len(data) and not ignore_nodata):
        return nothing
    from scipy.optimize import leastsq

    model, places = _Model(function), x[known, np.newaxis]

    def residuals(values: Floats) -> Floats:
        return y - model(places, values[:, np.newaxis])[:, 0]

    first = np.array(parameters, np.float64)
    if not np.isfinite(residuals(first)).all():
        return nothing
    found, _, _, _, outcome = leastsq(
        residuals, first, full_output=True, ftol=1e-13, xtol=1e-13, maxfev=10_000
    )
    # 1 to 4 are ends at a minimum, 6 to 8 say that it cannot be told more precisely.
    sound = outcome in (1, 2, 3, 4, 6, 7, 8) and np.isfinite(found).all()
    return found.tolist() if sound else nothing


def _as_floats(data: AnyArray) -> Floats:
    values = data.values if isinstance(data, Array) else stack(data).values
    return values.astype(np.float64)


def _spread(values: Floats, shape: tuple[int, ...]) -> Floats:
    """An array for every pixel of a block; one that is the same everywhere has no axes for pixels."""
    axes = (1,) * (len(shape) - (values.ndim - 1))
    return np.broadcast_to(values.reshape(len(values), *axes, *values.shape[1:]), (len(values), *shape))


@dataclass(frozen=True)
class _Prediction:
    """Values of the model function for an array of parameters."""

    function: Callback
    x: Floats

    def __call__(self, parameters: Array) -> Array:
        values = parameters.values.astype(np.float64)
        x = self.x.reshape(-1, *(1,) * len(parameters.shape))
        with np.errstate(all="ignore"):
            predicted = self.function(x=x, parameters=Array(values[:, np.newaxis]))
        block = as_block(predicted, (len(self.x), *parameters.shape), np.float64)
        return Array(np.where(np.isnan(values).any(axis=0), np.nan, block))


@dataclass(frozen=True)
class _GapFilling:
    """Observations with what the model function gives where they are no-data."""

    observations: NDArray[np.intp]
    parameters: NDArray[np.intp]
    prediction: _Prediction

    def __call__(self, data: Array) -> Array:
        observed = data.values[self.observations]
        if not np.isnan(observed).any():
            return Array(observed)
        predicted = self.prediction(Array(data.values[self.parameters])).values
        return Array(np.where(np.isnan(observed), predicted, observed))


def _predict(cube: xr.DataArray, source: str, prediction: _Prediction) -> Any:
    """The data of the cube with predicted values along a dimension that holds the parameters."""
    if len(prediction.x):
        return transform_along(cube, source, prediction)[0]
    return cube.isel({source: slice(0, 0)}).astype(np.float64).data


def _fill_gaps(cube: xr.DataArray, function: Callback, dimension: str) -> xr.DataArray:
    known = dimension_of(cube, dimension)
    labels = labels_of_cube(cube, dimension)
    observed = np.array([parse_instant(label) is not None for label in labels], bool)
    if observed.all() or not observed.any():
        reason = (
            f"without labels, the dimension '{dimension}' must have dates or times with observations, and other "
            "labels with the parameters. Merge both cubes, or give labels."
        )
        raise _invalid("labels", reason)
    dates = [label for label, is_date in zip(labels, observed, strict=True) if is_date]
    prediction = _Prediction(function, independent(dates, "predict_curve", "parameters"))
    filling = _GapFilling(np.flatnonzero(observed), np.flatnonzero(~observed), prediction)
    data, _ = transform_along(cube.astype(np.float64), dimension, filling)
    names = [str(name) for name in cube.dims]
    result = with_dimensions(cube, data, names, {dimension: temporal_coordinate(dates)})
    others = [one for one in dimensions_of(cube) if one.name != dimension]
    return make_cube(result, [*others, replace(known, type="temporal", period=None)])


def _parameter_dimension(cube: xr.DataArray, dimension: str) -> str:
    if dimension in cube.dims:
        return dimension
    for kind in ("other", "bands"):
        found = dimensions_of_type(cube, kind)
        if len(found) == 1:
            return found[0].name
    available = ", ".join(str(name) for name in cube.dims) or "none"
    reason = (
        f"the parameters must lie along the dimension '{dimension}', or along the only dimension of type 'other'. "
        f"The cube has: {available}."
    )
    raise _invalid("parameters", reason)


def _invalid(parameter: str, reason: str) -> ProcessParameterInvalid:
    return ProcessParameterInvalid(process="predict_curve", parameter=parameter, reason=reason)
