"""Cubes as tables: rows and columns, for formats that hold features or texts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import coordinates, dimension_of, dimensions_of_type, labels
from connexeo.processing.execution import values_of
from connexeo.processing.formats.options import invalid_option
from connexeo.processing.vectors import is_vector

if TYPE_CHECKING:
    import xarray as xr

Layout = Literal["features", "wide", "long"]
Values = npt.NDArray[Any]

VALUE = "value"
"""Name of the only column of values where no dimension gives a name."""
MAX_VALUES = 20_000_000
"""More make files that hardly any program opens."""
MAX_COLUMNS = 100_000

_MIDNIGHT = "T00:00:00Z"


@dataclass(frozen=True, eq=False)
class Table:
    """The values of a cube, row by row."""

    cube: xr.DataArray
    row_dims: tuple[str, ...]
    """Dimensions whose combinations of labels are the rows, the last one changing fastest."""
    column_dims: tuple[str, ...]
    """Dimensions whose combinations of labels are the columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of values."""
        return self._count(self.row_dims), self._count(self.column_dims)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of values: labels joined by `_`, the date first, no name twice."""
        if not self.column_dims:
            return (VALUE,)
        parts = [[str(label) for label in short_labels(self.cube, dim)] for dim in self.column_dims]
        return distinct(["_".join(combination) for combination in itertools.product(*parts)])

    @cached_property
    def values(self) -> Values:
        """Rows and columns; the cube is computed."""
        cube = self.cube.transpose(*self.row_dims, *self.column_dims)
        return values_of(cube).reshape(self.shape)

    def positions(self, start: int, stop: int) -> dict[str, npt.NDArray[np.intp]]:
        """Positions in the row dimensions of some of the rows."""
        sizes = [self.cube.sizes[dim] for dim in self.row_dims]
        if not sizes:
            return {}
        places = np.unravel_index(np.arange(start, stop), sizes)
        return dict(zip(self.row_dims, places, strict=True))

    def _count(self, dims: Sequence[str]) -> int:
        return int(np.prod([self.cube.sizes[dim] for dim in dims], dtype=np.int64))


def check_table(cube: xr.DataArray, layout: Layout, format_name: str, *, instead: str) -> Table:
    """The table of a cube.

    Args:
        cube: The data.
        layout: `features`: a row for each geometry. `wide`: a row for each combination of labels, and a column for each
            band or property. `long`: a row for each value.
        format_name: For messages.
        instead: The format to choose where the cube is too large for this one.

    Raises:
        FormatUnsuitable: The cube is too large, or has values that are nothing for a table.
        ProcessParameterInvalid: Features are asked of a cube without geometries.
    """
    if cube.dtype.kind not in "biufMUO":
        raise FormatUnsuitable(f"{format_name} has nothing for data of type {cube.dtype}.")
    if cube.size > MAX_VALUES:
        raise FormatUnsuitable(
            f"{format_name} is for up to {MAX_VALUES} values, the data cube has {cube.size}. Choose {instead}."
        )
    table = _arranged(cube, layout)
    if table.shape[1] > MAX_COLUMNS:
        raise FormatUnsuitable(
            f"{format_name} would get {table.shape[1]} columns, more than {MAX_COLUMNS}. Choose netCDF, or 'long' for "
            "the option 'layout'."
        )
    return table


def _arranged(cube: xr.DataArray, layout: Layout) -> Table:
    dims = [str(dim) for dim in cube.dims]
    temporal = [dimension.name for dimension in dimensions_of_type(cube, "temporal")]
    in_order = [*temporal, *(dim for dim in dims if dim not in temporal)]
    if layout == "features":
        if not is_vector(cube):
            raise invalid_option(
                "option 'layout': 'features' is for vector data cubes, choose 'wide' or 'long'."
            )
        rows = [dimensions_of_type(cube, "geometry")[0].name]
    elif layout == "long":
        rows = in_order
    else:
        named = _named_columns(cube)
        rows = [dim for dim in in_order if dim not in named]
    return Table(cube, tuple(rows), tuple(dim for dim in in_order if dim not in rows))


def _named_columns(cube: xr.DataArray) -> list[str]:
    """The dimension whose labels are names of values: bands, else properties and the like."""
    bands = [dimension.name for dimension in dimensions_of_type(cube, "bands")]
    others = [
        dimension.name
        for dimension in dimensions_of_type(cube, "other")
        if coordinates(cube, dimension.name).dtype.kind in "UO"
    ]
    return (bands or others)[:1]


def short_labels(cube: xr.DataArray, name: str) -> Sequence[Any]:
    """The labels of a dimension; instants are dates where all of them begin a day."""
    found = labels(cube, name)
    if dimension_of(cube, name).type != "temporal":
        return found
    texts = [str(label) for label in found]
    whole = all(text.endswith(_MIDNIGHT) for text in texts)
    return [text.removesuffix(_MIDNIGHT) for text in texts] if whole else texts


def distinct(names: Sequence[str], taken: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of which none occurs twice, nor is taken: others get a number."""
    used = dict.fromkeys(taken, 1)
    found = []
    for name in names:
        unused = name
        while unused in used:
            used[name] += 1
            unused = f"{name}_{used[name]}"
        used[unused] = 1
        found.append(unused)
    return tuple(found)


def label_columns(cube: xr.DataArray, dims: Sequence[str]) -> Iterator[tuple[str, Values]]:
    """What the labels of dimensions are called in a table, and the labels; geometries stay as they are."""
    for dim in dims:
        if dimension_of(cube, dim).type == "geometry":
            yield dim, coordinates(cube, dim)
        else:
            texts = short_labels(cube, dim)
            values = np.empty(len(texts), object)
            values[:] = list(texts)
            kept = coordinates(cube, dim)
            yield dim, kept if kept.dtype.kind in "biuf" else values
