"""User-defined functions in callbacks: blocks become data cubes with the names and labels that the user knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from connexeo.processing.cube import rfc3339
from connexeo.processing.udf.call import Call, failed
from connexeo.processing.udf.place import Place, current_place
from connexeo.processing.udf.values import Data, Labels, labels_for
from connexeo.processing.values import Array, Block, Label

ARRAY = "array"
"""Name of the dimension of an array that is none of the cube."""


def run_on_block(data: Array | Block, call: Call) -> Any:
    """The value of a UDF for a block: an `Array` for an array, unless it is reduced, and a block for a block.

    No UDF is run where there are no values: arrays without elements, such as months without dates, are no-data.

    Raises:
        UdfFailed: The UDF raised something, or has other dimensions or sizes than it may have.
        ProcessGraphComplexity: It hit a limit.
    """
    if isinstance(data, Array):
        return _run_on_array(data, call) if data.values.size else _nothing(data)
    place = current_place()
    values = np.asarray(data)
    if not values.size:
        return values
    dims = _block_dims(values.ndim, place)
    given = Data(values, dims, _coords(dims, values.shape, place))
    answer = call([given])
    if answer.structured:
        return _single(answer.structured)
    result = _renamed(_single(answer.cubes), given.dims)
    _check(result, {name: given.sizes[name] for name in given.dims}, given)
    return result.transposed(given.dims)


def _nothing(data: Array) -> Array | Block:
    place = current_place()
    reduced = not len(data) or (place is not None and place.kind == "reduce")
    return np.full(data.shape, np.nan) if reduced else data


def _run_on_array(data: Array, call: Call) -> Any:
    place = current_place()
    along = ARRAY if place is None or place.dimension is None else place.dimension
    others = _block_dims(data.values.ndim - 1, place, without=along)
    coords = _coords(others, data.shape, place)
    if (labels := _array_labels(data, place)) is not None:
        coords[along] = labels
    dims = (along, *others)
    order = [name for name in (place.dims if place else ()) if name in dims]
    order = [*order, *(name for name in dims if name not in order)]
    given = Data(data.values.transpose([dims.index(name) for name in order]), tuple(order), coords)
    answer = call([given])
    if answer.structured:
        return _single(answer.structured)
    return _read_array(_single(answer.cubes), given, along, others, place)


def _read_array(result: Data, given: Data, along: str, others: tuple[str, ...], place: Place | None) -> Any:
    reduced = tuple(name for name in given.dims if name != along)
    result = _renamed(result, given.dims if result.values.ndim == len(given.dims) else reduced)
    sizes = {name: given.sizes[name] for name in others}
    if along not in result.dims:
        _check(result, sizes, given)
        return result.transposed(others)
    length = result.sizes[along]
    _check(result, {along: length, **sizes}, given)
    values = result.transposed((along, *others))
    if place is not None and place.kind == "reduce":
        if length != 1:
            raise failed(
                f"it must reduce dimension '{along}' to one value, but returned {length} along it. Its result may "
                f"lack the dimension, or have one label in it."
            )
        return values[0]
    return Array(values, _labels(result.coords.get(along)))


def _block_dims(count: int, place: Place | None, without: str | None = None) -> tuple[str, ...]:
    """Names of the axes of a block."""
    if place is not None:
        inner = tuple(name for name in place.dims if name not in (without, place.dimension))
        if without is None and count == len(place.dims):
            return place.dims
        if count == len(inner):
            return inner
    return tuple(f"axis_{number}" for number in range(count))


def _coords(dims: Sequence[str], shape: Sequence[int], place: Place | None) -> dict[str, Labels]:
    coords: dict[str, Labels] = {}
    for name, size in zip(dims, shape, strict=True):
        known = None if place is None else place.coords.get(name)
        labels = labels_for(known) if known is not None and len(known) == size else None
        if labels is not None:
            coords[name] = labels
    return coords


def _array_labels(data: Array, place: Place | None) -> Labels | None:
    """The labels of an array: instants as such, where those of the cube's dimension are instants."""
    if data.labels is None:
        return None
    known = None if place is None or place.dimension is None else place.coords.get(place.dimension)
    if known is not None and known.dtype.kind == "M" and all(isinstance(one, str) for one in data.labels):
        return np.array([str(label).rstrip("Z") for label in data.labels], "datetime64[ns]")
    return labels_for(np.array(data.labels, object if _are_mixed(data.labels) else None))


def _are_mixed(labels: Sequence[Label]) -> bool:
    """Whether numpy would turn numbers into texts."""
    return len({isinstance(label, str) for label in labels}) > 1


def _labels(labels: Labels | None) -> tuple[Label, ...] | None:
    if isinstance(labels, np.ndarray):
        return tuple(map(rfc3339, labels)) if labels.dtype.kind == "M" else tuple(labels.tolist())
    return None if labels is None else tuple(labels)


def _single(found: Sequence[Any]) -> Any:
    if len(found) != 1:
        raise failed(f"it must return one data cube, not {len(found)}.")
    return found[0]


def _renamed(result: Data, dims: tuple[str, ...]) -> Data:
    """The result with names, where its dimensions have none but those that xarray makes up."""
    made_up = tuple(f"dim_{number}" for number in range(result.values.ndim))
    if result.dims != made_up or len(dims) != len(made_up):
        return result
    return Data(result.values, dims)


def _check(result: Data, expected: dict[str, int], given: Data) -> None:
    if result.sizes != expected:
        wanted = ", ".join(f"{name}: {size}" for name, size in expected.items()) or "none"
        raise failed(
            f"it returned a data cube with the dimensions ({result.shown()}) for one with ({given.shown()}); "
            f"({wanted}) is expected."
        )
