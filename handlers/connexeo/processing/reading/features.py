"""Files of users with features as vector cubes: GeoJSON, GeoParquet and CSV.

Anybody may have written such a file, so what it can take of the machine is limited before it is read, and nothing in
it is run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import FormatUnsuitable, ProcessParameterInvalid
from connexeo.processing.cube import Dimension, ReferenceSystem
from connexeo.processing.vectors import (
    GEOMETRY,
    PROPERTIES,
    crs_of_geojson,
    geometry_labels,
    make_vector_cube,
    read_feature_members,
    read_features,
)

if TYPE_CHECKING:
    import xarray as xr

MAX_TEXT = 64 * 2**20
"""Bytes of a file of text, whose objects take several times as much memory."""
MAX_FEATURES = 1_000_000
MAX_COLUMNS = 1000
MAX_CELLS = 10_000_000
"""Features times columns."""

Options = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Features:
    """What a file holds."""

    shapes: Sequence[Any]
    """Shapely geometries; None where a feature has none."""
    crs: ReferenceSystem | None
    members: Sequence[Mapping[str, Any]]
    """`id` and `properties` of each feature."""


Reader = Callable[[Path, str, Options], Features]


def read_cube(
    files: Sequence[tuple[Path, str]], read: Reader, options: Options, *, process: str
) -> xr.DataArray:
    """Files as one vector cube, feature by feature.

    It has the dimension `geometry`, and `properties` if features have values.

    Args:
        files: Where each lies, and what the user knows it as.
        read: Reads one of them.
        options: Of the format. `properties` are those whose values become those of the cube.
        process: Which loads the files.

    Raises:
        FormatUnsuitable: a file cannot be read, is too large, or has another reference system than the first.
        ProcessParameterInvalid: no feature has a property that is asked for.
    """
    parts = [read(path, name, options) for path, name in files]
    for part, (_, name) in zip(parts, files, strict=True):
        if part.crs != parts[0].crs:
            raise FormatUnsuitable(
                f"'{name}' has another reference system than '{files[0][1]}'. Load it by itself."
            )
    shapes = [shape for part in parts for shape in part.shapes]
    members = [each for part in parts for each in part.members]
    check_size(len(shapes), 1, "The files")
    names = _values(members, options.get("properties"), process)
    if not names:
        return make_vector_cube(shapes, parts[0].crs, features=members)
    rows = [[(each.get("properties") or {}).get(name) for name in names] for each in members]
    return make_vector_cube(
        shapes,
        parts[0].crs,
        data=_array(rows, (len(shapes), len(names))),
        dims=(GEOMETRY, PROPERTIES),
        coords={PROPERTIES: names},
        dimensions=[Dimension(PROPERTIES, "other")],
        features=members,
    )


def read_geojson(path: Path, name: str, options: Options) -> Features:
    """A GeoJSON file."""
    import orjson

    with reading(name, "GeoJSON"):
        check_bytes(path, name)
        try:
            document = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise FormatUnsuitable(f"'{name}' is no JSON: {str(error)[:200]}.") from error
        where: Any = {"process": "load_uploaded_files", "parameter": "paths"}
        found = read_features(document, **where)
        check_size(len(found), max((len(properties) for _, properties in found), default=0), f"'{name}'")
        return Features(
            [shape for shape, _ in found], crs_of_geojson(document, **where), read_feature_members(document)
        )


def check_bytes(path: Path, name: str) -> None:
    """Refuse texts that would take too much memory.

    Raises:
        FormatUnsuitable: it is one.
    """
    size = path.stat().st_size
    if size > MAX_TEXT:
        raise FormatUnsuitable(
            f"'{name}' has {size / 2**20:.0f} MB; texts of up to {MAX_TEXT // 2**20} MB can be loaded. Choose Parquet."
        )


def check_size(rows: int, columns: int, what: str) -> None:
    """Refuse what has too many features or columns.

    Raises:
        FormatUnsuitable: it has.
    """
    if columns > MAX_COLUMNS:
        raise FormatUnsuitable(f"{what} has {columns} columns or properties, more than {MAX_COLUMNS}.")
    if rows > MAX_FEATURES or rows * columns > MAX_CELLS:
        raise FormatUnsuitable(
            f"{what} has {rows} features with up to {columns} properties; up to {MAX_FEATURES} features and "
            f"{MAX_CELLS} values can be loaded."
        )


def members_of(columns: Mapping[str, Sequence[Any]], count: int) -> list[dict[str, Any]]:
    """`properties` of each feature from columns."""
    if not columns:
        return [{} for _ in range(count)]
    return [
        {"properties": dict(zip(columns, row, strict=True))} for row in zip(*columns.values(), strict=True)
    ]


@contextmanager
def reading(name: str, format_name: str) -> Iterator[None]:
    """Whatever is wrong with a file as an error that says so."""
    try:
        yield
    except ProcessParameterInvalid as error:
        reason = str(error.values.get("reason", ""))
        raise FormatUnsuitable(f"'{name}' cannot be read as {format_name}: {reason}") from error
    except (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise FormatUnsuitable(f"'{name}' cannot be read as {format_name}.") from error


def _values(members: Sequence[Mapping[str, Any]], wanted: Sequence[str] | None, process: str) -> list[str]:
    """Names of the properties that are values of the cube."""
    properties = [each.get("properties") or {} for each in members]
    names = dict.fromkeys(str(name) for each in properties for name in each)
    if wanted is None:
        return [name for name in names if _numeric([each.get(name) for each in properties])]
    for name in wanted:
        if name not in names:
            told = ", ".join(f"'{each}'" for each in list(names)[:50]) or "none"
            reason = f"no feature has the property '{name}'. There are: {told}."
            raise ProcessParameterInvalid(process=process, parameter="options", reason=reason)
    return list(wanted)


def _numeric(values: Sequence[Any]) -> bool:
    present = [value for value in values if value is not None]
    return bool(present) and all(isinstance(value, bool | int | float) for value in present)


def _array(rows: Sequence[Sequence[Any]], shape: tuple[int, int]) -> np.ndarray[Any, Any]:
    """Numbers with NaN for no-data; objects with None where anything is no number."""
    flat = [value for row in rows for value in row]
    if all(value is None or isinstance(value, bool | int | float) for value in flat):
        numbers = [math.nan if value is None else float(value) for value in flat]
        return np.array(numbers, np.float64).reshape(shape)
    return geometry_labels(flat).reshape(shape)
