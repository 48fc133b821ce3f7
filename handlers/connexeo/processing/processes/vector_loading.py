"""Vector cubes made of GeoJSON: `load_geojson`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.cube import Dimension
from connexeo.processing.process import process
from connexeo.processing.vectors import (
    GEOMETRY,
    PROPERTIES,
    crs_of_geojson,
    make_vector_cube,
    read_feature_members,
    read_features,
)

if TYPE_CHECKING:
    import xarray as xr

_ARGUMENT: Any = {"process": "load_geojson", "parameter": "data"}


@process
def load_geojson(data: Mapping[str, Any], properties: Sequence[str] = ()) -> xr.DataArray:
    """A vector cube with the dims `(geometry)`, or `(geometry, properties)` where features and properties are given.

    Values are numbers where all are, objects otherwise; NaN or None is no-data. `id` and all properties of features are
    kept, whether asked for or not.

    Raises:
        ProcessParameterInvalid: The GeoJSON is not valid, or a property has values that are neither scalars nor
            arrays of a single property.
    """
    found = read_features(data, **_ARGUMENT)
    shapes, crs = [shape for shape, _ in found], crs_of_geojson(data, **_ARGUMENT)
    features = read_feature_members(data)
    names = list(dict.fromkeys(properties))
    if not names or data.get("type") not in ("Feature", "FeatureCollection"):
        return make_vector_cube(shapes, crs, features=features)
    rows = [[one.get(name) for name in names] for _, one in found]
    labels: list[Any] = list(names)
    if len(names) == 1 and any(isinstance(value, list) for (value,) in rows):
        rows = [_elements(value) for (value,) in rows]
        labels = list(range(max(map(len, rows))))
        rows = [row + [None] * (len(labels) - len(row)) for row in rows]
    for row in rows:
        for name, value in zip(labels, row, strict=True):
            _check_scalar(name, value)
    return make_vector_cube(
        shapes,
        crs,
        data=_values(rows, len(labels)),
        dims=(GEOMETRY, PROPERTIES),
        coords={PROPERTIES: labels},
        dimensions=[Dimension(PROPERTIES, "other")],
        features=features,
    )


def _elements(value: Any) -> list[Any]:
    """The array of a feature; one with a scalar instead has it as the first element."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _check_scalar(label: Any, value: Any) -> None:
    if not isinstance(value, bool | int | float | str | None):
        what = f"element {label} of the property is" if isinstance(label, int) else f"property '{label}' has"
        kind = "an array" if isinstance(value, list) else "an object"
        reason = (
            f"{what} {kind}; numbers, strings and booleans can be values, and arrays of a single property."
        )
        raise ProcessParameterInvalid(process="load_geojson", parameter="properties", reason=reason)


def _values(rows: Sequence[Sequence[Any]], width: int) -> NDArray[Any]:
    """Numbers as numbers, with NaN for no-data; everything else as objects."""
    given = [value for row in rows for value in row]
    present = [value for value in given if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        whole = present and len(present) == len(given) and all(isinstance(value, int) for value in present)
        exact = whole and all(-(2**63) <= value < 2**63 for value in present)
        numbers = np.array(
            [np.nan if value is None else value for value in given], np.int64 if exact else float
        )
        return numbers.reshape(len(rows), width)
    objects = np.empty(len(given), object)
    objects[:] = given
    return objects.reshape(len(rows), width)
