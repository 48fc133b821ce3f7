"""Samples to train a model with: predictors and a target for each geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.cube import dimensions_of_type, labels
from connexeo.processing.vectors import (
    PROPERTIES,
    features_of,
    geometries_of,
    is_vector,
    read_features,
    read_geometries,
)

if TYPE_CHECKING:
    import xarray as xr

TARGET = "target"
"""The property that is the target, where features have several."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Predictors and target, as they are: lazy, and with no-data."""

    names: tuple[str, ...]
    predictors: xr.DataArray
    """Shape (geometries, …)."""
    target: NDArray[np.float64]

    def complete(self, process: str) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The values of the samples without no-data, computed.

        Raises:
            ProcessParameterInvalid: There is none.
        """
        values = np.asarray(self.predictors.values, np.float32).reshape(len(self.target), len(self.names))
        known = np.isfinite(values).all(axis=1) & np.isfinite(self.target)
        if not known.any():
            reason = "no geometry has values for all predictors and a target."
            raise ProcessParameterInvalid(process=process, parameter="predictors", reason=reason)
        return values[known], self.target[known]


def samples(predictors: Any, target: Any, *, process: str) -> Samples:
    """Bring predictors and target together, nothing is computed of the predictors.

    Geometries that both have belong together; where they are not the same, e.g. buffers of the points of the target,
    those at the same position do.

    Raises:
        ProcessParameterInvalid: One of them is no vector cube, or they do not belong together.
    """
    if not is_vector(predictors):
        reason = "a vector data cube is needed, as aggregate_spatial gives."
        raise ProcessParameterInvalid(process=process, parameter="predictors", reason=reason)
    geometry = dimensions_of_type(predictors, "geometry")[0].name
    others = [str(name) for name in predictors.dims if name != geometry]
    values = _target_values(target, process)
    position = _positions(predictors, target, len(values), process)
    names = ["_".join(map(str, one)) for one in product(*(labels(predictors, name) for name in others))]
    return Samples(tuple(names or ["value"]), predictors.transpose(geometry, *others), values[position])


def _positions(predictors: xr.DataArray, target: Any, count: int, process: str) -> NDArray[np.intp]:
    """For each geometry of the predictors, which value of the target is its own."""
    ours = _keys(geometries_of(predictors).shapes)
    theirs = _keys(read_geometries(target, process=process, parameter="target").shapes)
    known = {key: index for index, key in enumerate(theirs)}
    if len(known) == len(theirs) and all(key in known for key in ours):
        return np.array([known[key] for key in ours], np.intp)
    if len(ours) != count:
        reason = f"it has {count} geometries, which are not the {len(ours)} geometries of the predictors."
        raise ProcessParameterInvalid(process=process, parameter="target", reason=reason)
    return np.arange(count)


def _keys(shapes: Any) -> list[Any]:
    import shapely

    return list(shapely.to_wkb(shapes))


def _target_values(target: Any, process: str) -> NDArray[np.float64]:
    if not is_vector(target):
        found = read_features(target, process=process, parameter="target")
        return _of_properties([properties for _, properties in found], process)
    geometry = dimensions_of_type(target, "geometry")[0].name
    if PROPERTIES in target.dims:
        names = labels(target, PROPERTIES)
        name = names[0] if len(names) == 1 else TARGET
        if name not in names:
            raise _no_target(process)
        target = target.isel({PROPERTIES: names.index(name)}, drop=True)
    further = [str(name) for name in target.dims if name != geometry]
    if all(target.sizes[name] == 1 for name in further):
        values = _numbers(list(target.squeeze(further).values.tolist()), process)
        if not np.isnan(values).all():
            return values
    return _of_properties([one.get("properties") or {} for one in features_of(target)], process)


def _of_properties(features: Sequence[Mapping[str, Any]], process: str) -> NDArray[np.float64]:
    """The property `target`, or the only one that all features have a number for."""
    names = dict.fromkeys(name for properties in features for name in properties)
    if TARGET in names:
        return _numbers([properties.get(TARGET) for properties in features], process)
    numeric = [
        name
        for name in names
        if all(isinstance(properties.get(name), int | float) for properties in features)
    ]
    if len(numeric) != 1:
        raise _no_target(process)
    return _numbers([properties[numeric[0]] for properties in features], process)


def _numbers(values: Sequence[Any], process: str) -> NDArray[np.float64]:
    for value in values:
        if not isinstance(value, int | float | np.number | None):
            reason = f"the value to predict must be a number, not {value!r:.50}. Give classes numbers."
            raise ProcessParameterInvalid(process=process, parameter="target", reason=reason)
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _no_target(process: str) -> ProcessParameterInvalid:
    reason = (
        f"one value for each geometry is needed: the property '{TARGET}', or a single property with numbers."
    )
    return ProcessParameterInvalid(process=process, parameter="target", reason=reason)
