"""User-defined functions on whole data cubes, and on plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import ProcessGraphComplexity
from connexeo.processing.udf.call import Call, failed
from connexeo.processing.udf.results import cube_of, data_of, plain_number, structured
from connexeo.processing.udf.values import Data, Labels
from connexeo.processing.values import LabeledList, labels_of
from connexeo.processing.vectors import is_vector

if TYPE_CHECKING:
    import xarray as xr


def run_on_cube(cube: xr.DataArray, call: Call) -> Any:
    """The value of a UDF for a whole cube, which is computed for it: nothing tells what the result will be like.

    Dimensions that the result shares with the cube keep what is known about them, and their labels where the result
    has none. A vector cube is given as a cube whose geometries are numbered and as a feature collection.

    Raises:
        ProcessGraphComplexity: The cube is larger than a UDF may get, or the UDF hit a limit.
        UdfFailed: The UDF raised something, or gave nothing.
    """
    if cube.nbytes > call.room:
        raise ProcessGraphComplexity(
            f"A UDF that runs on a whole data cube can get {call.room / 2**20:.0f} MB, not the "
            f"{cube.nbytes / 2**20:.0f} MB of this one. Ask for a smaller extent, or let it run block by "
            "block, e.g. in apply or apply_dimension."
        )
    if is_vector(cube):
        from connexeo.processing.udf.on_vectors import run_on_vector

        return run_on_vector(cube, call)
    answer = call([data_of(cube)])
    if answer.structured:
        return structured(answer)
    if len(answer.cubes) != 1:
        raise failed(f"it must return one data cube, not {len(answer.cubes)}.")
    return cube_of(answer.cubes[0], cube)


def run_on_plain(data: Any, call: Call) -> Any:
    """The value of a UDF for a value outside of cubes; numbers and arrays of numbers are cubes for it.

    Raises:
        UdfFailed: The UDF raised something, or gave nothing.
        ProcessGraphComplexity: It hit a limit.
    """
    numbers = _numbers(data)
    answer = call(structured=[data]) if numbers is None else call([numbers])
    if answer.structured:
        return structured(answer)
    if len(answer.cubes) != 1:
        raise failed("it returned nothing.")
    result = answer.cubes[0]
    if result.values.ndim > 1:
        return cube_of(result, None)
    given = result.values.tolist()
    if not isinstance(given, list):
        return plain_number(given)
    values = [plain_number(value) for value in given]
    labels = result.coords.get(result.dims[0])
    return values if labels is None else LabeledList(values, _plain_labels(labels))


def _numbers(data: Any) -> Data | None:
    """A number or an array of numbers as a cube; None for anything else."""
    if data is None or isinstance(data, bool | int | float):
        return Data(np.asarray(np.nan if data is None else data), ())
    if not isinstance(data, list) or not all(
        one is None or isinstance(one, bool | int | float) for one in data
    ):
        return None
    values = np.asarray([np.nan if one is None else one for one in data])
    labels = labels_of(data)
    if values.dtype.kind not in "biuf":  # integers that no type of numpy holds
        return None
    return Data(values, ("array",), {} if labels is None else {"array": list(labels)})


def _plain_labels(labels: Labels) -> list[Any]:
    if isinstance(labels, np.ndarray):
        return [str(one) for one in labels] if labels.dtype.kind == "M" else list(labels.tolist())
    return labels
