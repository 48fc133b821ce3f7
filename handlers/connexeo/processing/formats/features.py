"""The rows of a table with what belongs to them: labels, and what features have besides their geometries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import dimensions_of_type
from connexeo.processing.formats.images import temporal_dimension, time_labels
from connexeo.processing.formats.interface import WrittenBand, WrittenFile
from connexeo.processing.formats.tables import VALUE, Layout, Table, check_table, distinct, label_columns
from connexeo.processing.kinds import is_cube
from connexeo.processing.vectors import features_of, is_vector

Values = npt.NDArray[Any]
Places = npt.NDArray[np.intp]

ID = "id"
PART = 20_000
"""Rows that are made at once."""

_NOWHERE: Places = np.empty(0, np.intp)


@dataclass(frozen=True, eq=False)
class Rows:
    """A table, part by part."""

    table: Table
    geometry: str | None
    """Name of the geometry dimension, if there is one."""

    def parts(self, size: int = PART) -> Iterator[tuple[dict[str, Values], Places]]:
        """Columns by name (ids, properties of features, labels, values), and which geometry each row has."""
        rows, _ = self.table.shape
        values = self.table.values
        for start in range(0, rows, size):
            stop = min(start + size, rows)
            places = self.table.positions(start, stop)
            where = places.get(self.geometry or "", _NOWHERE)
            columns = {name: known[where] for name, known in self.known.items()}
            for dim, name in self.label_names.items():
                columns[name] = self._labels[dim][places[dim]]
            for index, name in self.value_names.items():
                columns[name] = values[start:stop, index]
            yield columns, where

    def written(self, path: Path, media_type: str, **place: Any) -> WrittenFile:
        """The file that holds the rows.

        Args:
            path: Where it is.
            media_type: What it is.
            place: Further fields of `WrittenFile`, of where it lies.
        """
        cube = self.table.cube
        time = temporal_dimension(cube)
        times = () if time is None else time_labels(cube, time)
        return WrittenFile(path, media_type, times=times, bands=self.described(), **place)

    @cached_property
    def known(self) -> Mapping[str, Values]:
        """What features have besides their geometries and values, by name; one entry for each geometry."""
        if self.geometry is None:
            return {}
        features = features_of(self.table.cube)
        found: dict[str, Values] = {}
        if any(feature.get("id") is not None for feature in features):
            found[ID] = _objects([feature.get("id") for feature in features])
        properties = [feature.get("properties") or {} for feature in features]
        names = dict.fromkeys(str(name) for each in properties for name in each)
        for name in names:
            if name not in {*self.table.columns, *self.table.row_dims, *found}:
                found[name] = _objects([each.get(name) for each in properties])
        return found

    @cached_property
    def label_names(self) -> Mapping[str, str]:
        """Names of the columns with labels, by dimension."""
        dims = [dim for dim in self.table.row_dims if dim != self.geometry]
        return dict(zip(dims, distinct(dims, [*self.known, *filter(None, [self.geometry])]), strict=True))

    @cached_property
    def value_names(self) -> Mapping[int, str]:
        """Names of the columns with values, by their number.

        A single column without a name that holds no data is left out: the cube is nothing but geometries.
        """
        columns = self.table.columns
        if self.geometry is not None and self.table.cube.ndim == 1 and not _some(self.table.values):
            return {}
        taken = [*self.known, *self.label_names.values(), *filter(None, [self.geometry])]
        return dict(enumerate(distinct(columns, taken)))

    @cached_property
    def _labels(self) -> Mapping[str, Values]:
        return dict(label_columns(self.table.cube, list(self.label_names)))

    def described(self) -> tuple[WrittenBand, ...]:
        """The columns of values, as far as they are no texts."""
        dtype = self.table.cube.dtype
        if dtype.kind not in "biuf":
            return ()
        data_type = "uint8" if dtype.kind == "b" else dtype.name
        return tuple(WrittenBand(name, data_type) for name in self.value_names.values() if name != VALUE)


def check_features(data: Any, layout: Layout, format_name: str, *, instead: str) -> Rows:
    """The rows of a vector cube.

    Raises:
        FormatUnsuitable: The data is none, or too large.
    """
    if not is_vector(data):
        if is_cube(data):
            raise FormatUnsuitable(
                f"{format_name} holds vector data cubes, which have geometries; the data cube has none. Choose GTiff, "
                "netCDF or Zarr for pixels, CSV or JSON for series, or use aggregate_spatial before."
            )
        raise FormatUnsuitable(f"{format_name} holds vector data cubes. Choose JSON for other values.")
    if len(dimensions_of_type(data, "geometry")) > 1:
        raise FormatUnsuitable(f"{format_name} holds one geometry for each feature. Choose JSON.")
    return rows_of(check_table(data, layout, format_name, instead=instead))


def rows_of(table: Table) -> Rows:
    """The rows of any table."""
    geometries = dimensions_of_type(table.cube, "geometry")
    return Rows(table, geometries[0].name if geometries else None)


def is_missing(value: Any) -> bool:
    """Whether a value is no-data."""
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or bool(isinstance(value, np.datetime64) and np.isnat(value))


def _objects(items: list[Any]) -> Values:
    values = np.empty(len(items), object)
    values[:] = items
    return values


def _some(values: Values) -> bool:
    """Whether any value is data."""
    if values.dtype.kind == "f":
        return bool((~np.isnan(values)).any())
    if values.dtype.kind == "O":
        return not all(map(is_missing, values.ravel().tolist()))
    return bool(values.size)
