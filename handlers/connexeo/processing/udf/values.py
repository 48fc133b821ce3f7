"""Data for a sandbox, and what came back of it as data; see `channel` for how it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.processing.udf.channel import Garbled, Values

Labels = npt.NDArray[Any] | list[Any]


@dataclass(frozen=True, eq=False)
class Data:
    """A data cube without what only we know about it."""

    values: Values
    dims: tuple[str, ...]
    coords: Mapping[str, Labels] = field(default_factory=dict)
    """Labels: an array of numbers or instants, or a list of texts."""
    name: str | None = None

    @property
    def sizes(self) -> dict[str, int]:
        """Dimension to number of labels, in order."""
        return dict(zip(self.dims, self.values.shape, strict=True))

    def transposed(self, dims: Sequence[str]) -> Values:
        """The values with the axes in another order."""
        return self.values.transpose([self.dims.index(name) for name in dims])

    def shown(self) -> str:
        """The dimensions for use in a message."""
        return ", ".join(f"{name}: {size}" for name, size in self.sizes.items()) or "none"


@dataclass(frozen=True)
class Answer:
    """What a UDF gave."""

    cubes: tuple[Data, ...]
    features: tuple[Mapping[str, Any], ...]
    """Feature collections: `shapes` (WKB, hexadecimal), `columns`, `crs`."""
    structured: tuple[Any, ...]
    """JSON values."""


def describe(cubes: Sequence[Data]) -> tuple[list[dict[str, Any]], list[Values]]:
    """Cubes for the header of a message, and its arrays."""
    arrays: list[Values] = []

    def added(values: Values) -> int:
        arrays.append(plain_type(values))
        return len(arrays) - 1

    described = []
    for cube in cubes:
        coords = {name: _described(labels, added) for name, labels in cube.coords.items()}
        described.append(
            {"values": added(cube.values), "dims": cube.dims, "coords": coords, "name": cube.name}
        )
    return described, arrays


def labels_for(values: npt.NDArray[Any]) -> Labels | None:
    """Labels as a UDF can be given them; None where they are nothing that it could be told."""
    if values.dtype.kind in "biufM":
        return values
    labels: list[Any] = values.tolist()
    return labels if all(isinstance(label, str | int | float) for label in labels) else None


def read_answer(answer: Any, arrays: Sequence[Values]) -> Answer:
    """What came back, looked at closely.

    Raises:
        Garbled: It is not what the runner would have sent.
    """
    try:
        cubes = tuple(_read_cube(cube, arrays) for cube in answer["cubes"])
        features = tuple(_read_features(collection) for collection in answer["features"])
        return Answer(cubes, features, tuple(answer["structured"]))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Garbled("no answer") from error


def _described(labels: Labels, added: Any) -> Any:
    return labels if isinstance(labels, list) else added(labels)


def plain_type(values: Values) -> Values:
    """The values in a type that messages have."""
    if values.dtype.kind == "M":
        return values.astype("<M8[ns]", copy=False)
    if values.dtype.kind not in "biuf":
        raise TypeError("a data cube for a UDF must hold numbers")
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        return values.astype("<f4" if values.dtype.itemsize < 4 else "<f8")
    return values.astype(values.dtype.newbyteorder("<"), copy=False)


def _read_cube(cube: Any, arrays: Sequence[Values]) -> Data:
    values = _array(arrays, cube["values"])
    dims = tuple(cube["dims"])
    if values.dtype.kind == "M" or len(dims) != values.ndim or len(set(dims)) != len(dims):
        raise ValueError("no cube")
    sizes = dict(zip(dims, values.shape, strict=True))
    coords = {name: _read_labels(cube["coords"][name], arrays, sizes[name]) for name in cube["coords"]}
    name = cube["name"]
    if not all(isinstance(each, str) for each in (*dims, name or "")):
        raise TypeError("no names")
    return Data(values, dims, coords, name)


def _read_labels(labels: Any, arrays: Sequence[Values], size: int) -> Labels:
    found: Labels = labels if isinstance(labels, list) else _array(arrays, labels)
    if len(found) != size or (isinstance(found, np.ndarray) and found.ndim != 1):
        raise ValueError("other labels than values")
    if isinstance(found, list) and not all(isinstance(label, str | int | float) for label in found):
        raise TypeError("no labels")
    return found


def _array(arrays: Sequence[Values], index: Any) -> Values:
    if type(index) is not int or not 0 <= index < len(arrays):
        raise LookupError("no such array")
    return arrays[index]


def _read_features(collection: Any) -> Mapping[str, Any]:
    shapes, columns, crs = collection["shapes"], collection["columns"], collection["crs"]
    for shape in shapes:
        if shape is not None:
            bytes.fromhex(shape)
    if not all(isinstance(values, list) and len(values) == len(shapes) for values in columns.values()):
        raise ValueError("other values than shapes")
    if not isinstance(crs, int | str | None):
        raise TypeError("no reference system")
    return {"shapes": list(shapes), "columns": dict(columns), "crs": crs}
