"""GeoParquet files of users. Metadata of pandas and types of Python that a file may tell of are not looked at."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import ReferenceSystem
from connexeo.processing.reading.features import Features, check_size, members_of, reading
from connexeo.processing.vectors import WGS84

MAX_BYTES = 2**30
"""Of all values when they are decompressed."""
_ROWS = 1024
"""Read at once, so that a file that lies about its size is noticed soon."""


def read_parquet(path: Path, name: str, options: Mapping[str, Any]) -> Features:
    """A GeoParquet file.

    Raises:
        FormatUnsuitable: it is none, or too large.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    import shapely
    from shapely import GEOSException

    with reading(name, "Parquet"):
        try:
            with pq.ParquetFile(path, memory_map=False) as file:
                geometry, crs, hidden = _geometry(file.metadata, name)
                wanted = [each for each in file.schema_arrow.names if each not in hidden]
                check_size(file.metadata.num_rows, len(wanted), f"'{name}'")
                _check_bytes(_declared(file.metadata), name)
                columns = _columns(file, wanted, name)
            shapes = shapely.from_wkb(columns.pop(geometry)).tolist()
        except (pa.ArrowException, GEOSException) as error:
            raise FormatUnsuitable(f"'{name}' cannot be read as Parquet.") from error
    return Features(shapes, crs, members_of(columns, len(shapes)))


def _geometry(metadata: Any, name: str) -> tuple[str, ReferenceSystem | None, set[str]]:
    """The column of geometries, its reference system, and columns that are no properties."""
    import orjson

    told = (metadata.metadata or {}).get(b"geo")
    if told is None:
        raise FormatUnsuitable(f"'{name}' is no GeoParquet: it does not tell which column holds geometries.")
    document = orjson.loads(told)
    geometry = document["primary_column"]
    described = document["columns"][geometry]
    if described["encoding"] != "WKB":
        raise FormatUnsuitable(
            f"'{name}' encodes geometries as {described['encoding']!s:.40}; WKB can be read."
        )
    covering = described.get("covering", {}).get("bbox", {})
    hidden = {path[0] for path in covering.values()} | set(document["columns"]) - {geometry}
    return geometry, _crs(described), hidden


def _crs(described: Mapping[str, Any]) -> ReferenceSystem | None:
    """Longitude and latitude where nothing is told; None where it is told that nobody knows."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if "crs" not in described:
        return WGS84
    if described["crs"] is None:
        return None
    try:
        known = CRS.from_json_dict(described["crs"])
    except CRSError as error:
        raise ValueError(str(error)) from error
    if known.to_authority() == ("OGC", "CRS84"):
        return WGS84
    return known.to_epsg() or known.to_wkt()


def _declared(metadata: Any) -> int:
    return sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))


def _check_bytes(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise FormatUnsuitable(f"'{name}' holds {size / 2**20:.0f} MB, more than {MAX_BYTES // 2**20} MB.")


def _columns(file: Any, wanted: list[str], name: str) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {each: [] for each in wanted}
    size = 0
    for batch in file.iter_batches(batch_size=_ROWS, columns=wanted):
        size += batch.nbytes
        _check_bytes(size, name)
        for each in wanted:
            columns[each] += _plain(batch.column(each).to_pylist())
    return columns


def _plain(values: list[Any]) -> Iterator[Any]:
    """Values as JSON has them, bytes of geometries as they are."""
    for value in values:
        if isinstance(value, datetime.date | datetime.time):
            yield value.isoformat()
        elif isinstance(value, datetime.timedelta):
            yield value.total_seconds()
        elif isinstance(value, Decimal):
            yield float(value)
        else:
            yield value
