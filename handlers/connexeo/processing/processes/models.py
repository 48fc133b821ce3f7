"""Machine learning with random forests: training, prediction, and models that are kept in results of batch jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.environment import Environment
from connexeo.processing.forests import Forest, Task, train
from connexeo.processing.process import process
from connexeo.processing.processes.arrays import AnyArray
from connexeo.processing.result import Result
from connexeo.processing.values import Array, Block, labels_of

if TYPE_CHECKING:
    import xarray as xr


@process
def fit_class_random_forest(
    predictors: xr.DataArray,
    target: Any,
    max_variables: int | str | None = None,
    num_trees: int = 100,
    seed: int | None = None,
    *,
    environment: Environment,
) -> Forest:
    """Train a random forest that tells classes; see `fit_regr_random_forest`."""
    return _fit("classification", predictors, target, max_variables, num_trees, seed, environment)


@process
def fit_regr_random_forest(
    predictors: xr.DataArray,
    target: Any,
    max_variables: int | str | None = None,
    num_trees: int = 100,
    seed: int | None = None,
    *,
    environment: Environment,
) -> Forest:
    """Train a random forest that tells numbers. The predictors are computed here: there is no model without them.

    Args:
        predictors: Vector cube; all dimensions but the geometries become predictors, in the order of the cube.
        target: Vector cube or GeoJSON with a number for each geometry, see `training.samples`.
        max_variables: How many predictors each node chooses from.
        num_trees: Number of trees.
        seed: For the same forest every time.
        environment: Where nothing may be computed, there is no model.

    Raises:
        ProcessParameterInvalid: Predictors and target do not belong together, or no geometry has all values.
    """
    return _fit("regression", predictors, target, max_variables, num_trees, seed, environment)


@process
def predict_random_forest(data: AnyArray, model: Forest) -> float | Block | None:
    """The value or the class for an array of predictors; no-data where any of them is no-data.

    Raises:
        ProcessParameterInvalid: It is no model, or was trained with another number of predictors.
    """
    _check_model(model, "predict_random_forest", "model")
    count = len(model.predictors)
    if len(data) != count:
        reason = f"the model was trained with {count} predictors ({_few(model)}), not with {len(data)}."
        raise ProcessParameterInvalid(process="predict_random_forest", parameter="data", reason=reason)
    order = _order(labels_of(data), model)
    if isinstance(data, Array):
        predicted = model.predict(data.values[order].reshape(count, -1))
        return predicted.reshape(data.shape)
    values = [data[index] for index in order]
    if None in values:
        return None
    value = float(model.predict(np.array(values, np.float64).reshape(count, 1))[0])
    return None if np.isnan(value) else value


@process
def load_ml_model(id: str, *, environment: Environment) -> Forest:
    """A model from the results of a batch job of the user, from a file of the user, or from STAC at an address.

    Raises:
        ProcessParameterInvalid: There is no model, more than one, or none that can be used.
        JobNotFound: The user has no such job.
        JobNotFinished: It has no results.
        FileNotFound: The user has no such file.
        FeatureUnsupported: There is no user here, or addresses are not fetched.
    """
    from connexeo.processing.forest_files import NoForest, read_forest
    from connexeo.processing.model_places import find_model

    try:
        return read_forest(find_model(id, environment))
    except NoForest as error:
        reason = f"the model cannot be used: {error}."
        raise ProcessParameterInvalid(process="load_ml_model", parameter="id", reason=reason) from error


@process
def save_ml_model(data: Forest, options: Mapping[str, Any] | None = None) -> Result:
    """Let a model be written to the results, with metadata by which `load_ml_model` finds it.

    Raises:
        ProcessParameterInvalid: It is no model, or one of the options is unknown or not valid.
    """
    from connexeo.processing.formats.options import resolve_options
    from connexeo.processing.formats.registry import find_format

    _check_model(data, "save_ml_model", "data")
    target = find_format("ML-Model")
    try:
        resolved = resolve_options(target, options or {})
    except ProcessParameterInvalid as error:
        raise ProcessParameterInvalid(**{**error.values, "process": "save_ml_model"}) from error
    return Result(data, target.name, resolved)


def _fit(
    task: Task,
    predictors: xr.DataArray,
    target: Any,
    max_variables: int | str | None,
    num_trees: int,
    seed: int | None,
    environment: Environment,
) -> Forest:
    from connexeo.processing.planning.dry_run import PixelsNeeded
    from connexeo.processing.training import samples

    process = "fit_class_random_forest" if task == "classification" else "fit_regr_random_forest"
    found = samples(predictors, target, process=process)
    if environment.dry_run is not None:
        raise PixelsNeeded
    data, values = found.complete(process)
    variables = _variables(max_variables, len(found.names))
    return train(task, data, values, found.names, trees=num_trees, variables=variables, seed=seed)


def _variables(wanted: int | str | None, count: int) -> int:
    numbers = {"all": count, "log2": int(np.log2(count)), "sqrt": int(np.sqrt(count)), "onethird": count // 3}
    chosen = numbers[wanted or "onethird"] if isinstance(wanted, str | None) else int(wanted)
    return min(max(1, chosen), count)


def _order(labels: tuple[Any, ...] | None, model: Forest) -> list[int]:
    """Where the predictors of the model are: by their names where these are the same, else as they come."""
    names = [str(label) for label in labels or ()]
    if sorted(names) == sorted(model.predictors) and len(set(names)) == len(names):
        return [names.index(name) for name in model.predictors]
    return list(range(len(model.predictors)))


def _few(model: Forest) -> str:
    return ", ".join(model.predictors[:20])


def _check_model(value: Any, process: str, parameter: str) -> None:
    if not isinstance(value, Forest):
        reason = "a machine learning model is needed, which load_ml_model or a process that trains gives."
        raise ProcessParameterInvalid(process=process, parameter=parameter, reason=reason)
