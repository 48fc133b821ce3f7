"""CSV (RFC 4180, UTF-8) of vector cubes, series and small cubes of any kind."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import dimensions_of_type, rfc3339
from connexeo.processing.formats.features import Rows, is_missing, rows_of
from connexeo.processing.formats.grid import find_grid
from connexeo.processing.formats.interface import Options, WrittenFile
from connexeo.processing.formats.json import to_json
from connexeo.processing.formats.options import invalid_option
from connexeo.processing.formats.storage import storing
from connexeo.processing.formats.tables import Table, check_table, distinct
from connexeo.processing.formats.wgs84 import located
from connexeo.processing.kinds import is_cube
from connexeo.processing.vectors import geometries_of, is_vector

if TYPE_CHECKING:
    import xarray as xr

MEDIA_TYPE = "text/csv"
SEPARATORS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "SPACE": " "}
"""By GDAL's names."""


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    _check(data, options)


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    cube: xr.DataArray = data
    rows = rows_of(_check(cube, options))
    path = folder / f"{stem}.csv"
    separator = str(SEPARATORS.get(options["separator"], options["separator"]))
    lines = _lines(rows, options)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator="\n")
        for line in lines:
            with storing():
                writer.writerow(line)
        with storing():
            file.flush()
    return [rows.written(path, MEDIA_TYPE, **_place(cube))]


def _check(data: Any, options: Options) -> Table:
    if not is_cube(data):
        raise FormatUnsuitable("CSV holds data cubes. Choose JSON for other values.")
    table = check_table(data, options["layout"], "CSV", instead="netCDF or Zarr")
    geometries = dimensions_of_type(data, "geometry")
    if len(geometries) > 1:
        raise FormatUnsuitable("CSV holds one geometry for each row. Choose JSON.")
    if geometries and options["geometry"] == "AS_XY":
        kinds = {shape.geom_type for shape in geometries_of(data).shapes if shape is not None}
        if kinds - {"Point"}:
            raise invalid_option(
                f"option 'geometry': AS_XY is for points; there are geometries of the type {min(kinds - {'Point'})}."
            )
    if options["decimal"] == SEPARATORS.get(options["separator"], options["separator"]):
        raise invalid_option("options 'decimal' and 'separator' must not be the same character.")
    return table


def _lines(rows: Rows, options: Options) -> Iterator[list[str]]:
    """The header, and a line for each row."""
    texts = _Texts(options["decimal"], options["nodata"])
    names = [*rows.known, *rows.label_names.values(), *rows.value_names.values()]
    geometries = _geometries(rows, options["geometry"], texts)
    yield [*names, *distinct(list(geometries), names)]
    for columns, places in rows.parts():
        cells = [texts.of(columns[name]) for name in names]
        cells += [[known[place] for place in places.tolist()] for known in geometries.values()]
        yield from map(list, zip(*cells, strict=True))


def _geometries(rows: Rows, form: str, texts: _Texts) -> dict[str, list[str]]:
    """Columns for the geometries, an entry for each of them."""
    if rows.geometry is None or form == "NONE":
        return {}
    import shapely

    shapes = geometries_of(rows.table.cube).shapes
    if form == "AS_XY":
        points = [None if shape is None or shape.is_empty else shape for shape in shapes]
        return {"x": texts.of(shapely.get_x(points)), "y": texts.of(shapely.get_y(points))}
    found = shapely.to_wkt(shapes, rounding_precision=-1)
    return {rows.geometry: ["" if text is None else str(text) for text in found]}


@dataclass(frozen=True)
class _Texts:
    """How values are written."""

    decimal: str
    nodata: str

    def of(self, values: npt.NDArray[Any]) -> list[str]:
        """A text for each value; single precision has no more digits than it needs."""
        exact = values.dtype.kind in "M" or values.dtype in (np.float16, np.float32)
        return [self._text(value) for value in (values if exact else values.tolist())]

    def _text(self, value: Any) -> str:
        if is_missing(value):
            return self.nodata
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float | np.floating):
            return str(value).replace(".", self.decimal)
        if isinstance(value, np.datetime64):
            return rfc3339(value)
        if isinstance(value, list | dict):
            return orjson.dumps(to_json(value)).decode()
        return str(value)


def _place(cube: xr.DataArray) -> dict[str, Any]:
    if is_vector(cube):
        return located(geometries_of(cube))
    grid = find_grid(cube)
    return {} if grid is None else grid.described()
