"""GeoParquet 1.1."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import rfc3339
from connexeo.processing.formats.features import Rows, check_features
from connexeo.processing.formats.interface import Options, WrittenFile
from connexeo.processing.formats.json import to_json
from connexeo.processing.formats.storage import storing
from connexeo.processing.formats.wgs84 import located
from connexeo.processing.vectors import geometries_of

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

MEDIA_TYPE = "application/vnd.apache.parquet"
MAX_BYTES = 2**31
"""Of all geometries, repeated for each row."""

_PLAIN = frozenset({"boolean", "floating", "integer", "mixed-integer-float", "string", "empty"})


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    rows = check_features(data, options["layout"], "Parquet", instead="netCDF")
    _check_size(rows)


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    from pyarrow import ArrowException

    cube: xr.DataArray = data
    rows = check_features(cube, options["layout"], "Parquet", instead="netCDF")
    frame = _frame(rows)
    path = folder / f"{stem}.parquet"
    compression = None if options["compress"] == "NONE" else options["compress"].lower()
    with storing(ArrowException):
        frame.to_parquet(
            path,
            index=False,
            compression=compression,
            schema_version="1.1.0",
            write_covering_bbox=bool(options["write_covering_bbox"]),
        )
    return [rows.written(path, MEDIA_TYPE, **located(geometries_of(cube)))]


def _check_size(rows: Rows) -> None:
    import shapely

    shapes = geometries_of(rows.table.cube).shapes
    repeated = rows.table.shape[0] // max(len(shapes), 1)
    if repeated > 1:
        # 16 bytes for each pair of coordinates.
        size = 16 * int(shapely.get_num_coordinates(shapes).sum()) * repeated
        if size > MAX_BYTES:
            raise FormatUnsuitable(
                f"Parquet would repeat the geometries {repeated} times, which makes {size / 2**30:.0f} GiB. Choose "
                "'features' for the option 'layout'."
            )


def _frame(rows: Rows) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    geometries = geometries_of(rows.table.cube)
    parts = list(rows.parts())
    names = list(parts[0][0]) if parts else []
    columns = {name: _column(np.concatenate([part[name] for part, _ in parts])) for name in names}
    places = np.concatenate([places for _, places in parts]) if parts else np.empty(0, np.intp)
    shapes = gpd.GeoSeries(geometries.shapes[places], crs=_crs(geometries.crs))
    frame = pd.DataFrame({**columns, str(rows.geometry): shapes})
    return gpd.GeoDataFrame(frame, geometry=str(rows.geometry), crs=shapes.crs)


def _crs(system: Any) -> Any:
    from pyproj import CRS

    return None if system is None else CRS.from_user_input(system)


def _column(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Values of one type: what is mixed or nested becomes JSON texts."""
    if values.dtype.kind == "M":
        return np.array([rfc3339(value) for value in values], object)
    if values.dtype.kind != "O":
        return values.astype(np.float32) if values.dtype == np.float16 else values
    import pandas as pd

    if pd.api.types.infer_dtype(values, skipna=True) in _PLAIN:
        return values
    return np.array([None if value is None else _text(value) for value in values] or [], object)


def _text(value: Any) -> str:
    import orjson

    if isinstance(value, str):
        return value
    return orjson.dumps(to_json(value), option=orjson.OPT_SERIALIZE_NUMPY).decode()
