"""CSV files of users: a feature for each line, its geometry as well-known text or as coordinates of a point."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import ReferenceSystem
from connexeo.processing.formats.csv import SEPARATORS
from connexeo.processing.reading.features import (
    MAX_COLUMNS,
    Features,
    check_bytes,
    check_size,
    members_of,
    reading,
)

_GEOMETRIES = ("geometry", "wkt", "geom", "the_geom", "_wkt")
_XS = ("x", "lon", "longitude", "long", "lng", "easting")
_YS = ("y", "lat", "latitude", "northing")
_HEADER = 2**20
"""Characters of the first line."""


def read_csv(path: Path, name: str, options: Mapping[str, Any]) -> Features:
    """A CSV file in UTF-8 with a header.

    Raises:
        FormatUnsuitable: it is none, is too large, or has no geometries.
    """
    with reading(name, "CSV"):
        check_bytes(path, name)
        header, separator = _header(path, name, options.get("separator"))
        with path.open("rb") as file:
            lines = sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b""))
        check_size(lines, len(header), f"'{name}'")
        frame = _frame(path, separator, options)
        columns = {str(each): _plain(frame[each]) for each in frame.columns}
        shapes, used = _shapes(columns, name, options)
    properties = {each: values for each, values in columns.items() if each not in used}
    return Features(shapes, _crs(options.get("crs")), members_of(properties, len(shapes)))


def _header(path: Path, name: str, separator: str | None) -> tuple[list[str], str]:
    """Names of the columns, and what separates them: if nobody says, the character that the first line has most of."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline(_HEADER)
    if len(line) >= _HEADER:
        raise FormatUnsuitable(f"The first line of '{name}' is too long to name up to {MAX_COLUMNS} columns.")
    chosen = SEPARATORS.get(separator, separator) if separator else max(",;\t|", key=line.count)
    try:
        names = next(csv.reader([line], delimiter=chosen), [])
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if len(set(names)) < len(names):
        raise FormatUnsuitable(f"'{name}' has several columns of the same name.")
    return names, chosen


def _frame(path: Path, separator: str, options: Mapping[str, Any]) -> Any:
    import pandas as pd

    missing = [options["nodata"]] if options.get("nodata") else []
    try:
        return pd.read_csv(
            path,
            sep=separator,
            decimal=options.get("decimal") or ".",
            na_values=missing,
            encoding="utf-8-sig",
            index_col=False,
            float_precision="round_trip",
            on_bad_lines="error",
            low_memory=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise ValueError(str(error)) from error


def _plain(column: Any) -> list[Any]:
    """Values as JSON has them."""
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def _shapes(
    columns: Mapping[str, Sequence[Any]], name: str, options: Mapping[str, Any]
) -> tuple[list[Any], set[str]]:
    """Geometries, and the columns that they are made of."""
    import shapely
    from shapely import GEOSException

    geometry = _column(columns, options.get("geometry"), _GEOMETRIES, name)
    if geometry is not None and options.get("x") is None:
        try:
            return shapely.from_wkt(list(columns[geometry])).tolist(), {geometry}
        except (GEOSException, TypeError) as error:
            raise FormatUnsuitable(
                f"The column '{geometry}' of '{name}' holds no well-known text."
            ) from error
    x = _column(columns, options.get("x"), _XS, name)
    y = _column(columns, options.get("y"), _YS, name)
    if x is None or y is None:
        raise FormatUnsuitable(
            f"'{name}' has no column of geometries ({', '.join(_GEOMETRIES)}) nor of coordinates (x, lon, … and y, "
            "lat, …). Name the columns by the option 'geometry', or 'x' and 'y'."
        )
    pairs = zip(columns[x], columns[y], strict=True)
    try:
        return [None if None in pair else shapely.Point(*map(float, pair)) for pair in pairs], {x, y}
    except (TypeError, ValueError) as error:
        raise FormatUnsuitable(f"The columns '{x}' and '{y}' of '{name}' are no numbers.") from error


def _column(columns: Iterable[str], told: str | None, usual: Sequence[str], name: str) -> str | None:
    if told is not None:
        if told not in columns:
            raise FormatUnsuitable(f"'{name}' has no column '{told}'.")
        return told
    lower = {each.strip().casefold(): each for each in columns}
    return next((lower[each] for each in usual if each in lower), None)


def _crs(told: int | str | None) -> ReferenceSystem:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        known = CRS.from_user_input(4326 if told is None else told)
    except CRSError as error:
        raise FormatUnsuitable(
            "The option 'crs' names no known reference system; an EPSG code is one."
        ) from error
    return known.to_epsg() or known.to_wkt()
