"""Files of users, of any input format, as one cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import NoDataAvailable, OpenEOError
from connexeo.processing.environment import Environment
from connexeo.processing.formats.inputs import InputFormat
from connexeo.processing.reading.bands import collection_bands
from connexeo.processing.reading.cubes import Request, open_cube
from connexeo.processing.reading.files import (
    Source,
    cannot_be_read,
    check_together,
    open_array_file,
    open_image_file,
)

if TYPE_CHECKING:
    import xarray as xr

_UNDECLARED: Mapping[str, Any] = {
    "y": {"type": "spatial", "axis": "y"},
    "x": {"type": "spatial", "axis": "x"},
    "bands": {"type": "bands"},
}
_TEMPORAL: Mapping[str, Any] = {"t": {"type": "temporal"}}


def open_files(
    files: Sequence[tuple[Path, str]],
    known: InputFormat,
    options: Mapping[str, Any],
    environment: Environment,
    *,
    process: str,
) -> xr.DataArray:
    """One cube of files: lazy with the dims `(t, bands, y, x)`, or a vector cube of features.

    Args:
        files: Where each lies, and what the user knows it as.
        known: Their format.
        options: Of the format.
        environment: What of images is needed.
        process: Which loads them.

    Raises:
        FormatUnsuitable: they cannot be read with the format, or do not make one cube.
        NoDataAvailable: they hold no data.
    """
    if known.kind == "features":
        from connexeo.processing.reading.csv import read_csv
        from connexeo.processing.reading.features import read_cube, read_geojson
        from connexeo.processing.reading.parquet import read_parquet

        readers = {"GeoJSON": read_geojson, "Parquet": read_parquet, "CSV": read_csv}
        return read_cube(files, readers[known.name], options, process=process)
    sources = [
        open_array_file(path, name) if known.kind == "array" else open_image_file(path, name, known.name)
        for path, name in files
    ]
    check_together(sources)
    return _open(sources, environment)


def _open(sources: Sequence[Source], environment: Environment) -> xr.DataArray:
    items = [source.item for source in sources]
    temporal = _TEMPORAL if sources[0].has_time else {}
    found = {band.name: band for item in items for band in collection_bands({}, [item])}
    request = Request(
        {"cube:dimensions": {**temporal, **_UNDECLARED}},
        items,
        tuple(found.values()),
        None,
        (None, None),
        environment.window,
        environment.needs,
        environment.dry_run,
    )
    try:
        cube = open_cube(request)
    except OpenEOError as error:
        raise cannot_be_read(error) from error
    if cube is None:
        raise NoDataAvailable("The files hold no data.")
    return _unpacked(cube, sources)


def _unpacked(cube: xr.DataArray, sources: Sequence[Source]) -> xr.DataArray:
    """The values that the numbers of the files stand for."""
    values = {band: kept for source in sources for band, kept in source.values.items()}
    labels = [str(label) for label in cube.bands.values]
    scales = [values[label].scale if label in values else 1.0 for label in labels]
    offsets = [values[label].offset if label in values else 0.0 for label in labels]
    if set(scales) == {1.0} and set(offsets) == {0.0}:
        return cube
    floating = (
        cube.dtype if cube.dtype.kind == "f" else np.dtype(np.float32 if cube.dtype.itemsize <= 2 else float)
    )
    shape = [len(labels) if dim == "bands" else 1 for dim in cube.dims]
    scale, offset = (np.asarray(each, floating).reshape(shape) for each in (scales, offsets))
    return cube.copy(data=cube.data.astype(floating) * scale + offset)
