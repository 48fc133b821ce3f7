"""The formats of files that users upload and load: what is published about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.formats.interface import GisDataType
from connexeo.processing.formats.options import resolve_options

_TOGETHER = (
    "Several files become one cube. Files have an instant if their names tell a date (`20240601`, `2024-06-01`, also "
    "with a time: `20240601T103021`): then the cube gets a temporal dimension `t`. Either all files must have one or "
    "none. Pixels are copied where the grids of the files coincide, else the nearest ones are taken, on the finest "
    "grid; where no file has a value is no-data."
)
_IMAGE = (
    "Bands are called by their descriptions in the file. Without them, the band of a file with a single one is called "
    "like the file, without date and suffix: `B04_2024-06-01.tif` is the band `B04`. Those of a file with several are "
    "`B1`, `B2`, …. Scale and offset are applied. "
)
_FEATURES = (
    "A vector data cube with the dimension `geometry`, and `properties` if there are values. All properties stay with "
    "the geometries; the features of several files, which must have one reference system, follow each other. "
)
_VALUES: Mapping[str, Mapping[str, Any]] = {
    "properties": {
        "description": "Names of properties whose values become those of the data cube, labels of the dimension "
        "`properties`. Without it, these are all properties that are numbers or truth values; with an empty list none.",
        "type": "array",
        "items": {"type": "string"},
        "uniqueItems": True,
    },
}
_NAMED = "Without it, a column is taken that is called"
_CSV: Mapping[str, Mapping[str, Any]] = {
    **_VALUES,
    "geometry": {
        "description": f"Column of geometries as well-known text. {_NAMED} geometry, wkt, geom or the_geom.",
        "type": "string",
    },
    "x": {
        "description": f"Column of x coordinates of points. {_NAMED} x, lon, longitude, long, lng or easting.",
        "type": "string",
    },
    "y": {
        "description": f"Column of y coordinates of points. {_NAMED} y, lat, latitude or northing.",
        "type": "string",
    },
    "crs": {
        "description": "Reference system of the geometries, e.g. an EPSG code. Without it, longitude and latitude.",
        "oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 10000}],
        "default": 4326,
    },
    "separator": {
        "description": "Character between columns, or its name. Without it, the one that is most often in the header.",
        "type": "string",
        "enum": [",", ";", "\t", "|", " ", "COMMA", "SEMICOLON", "TAB", "PIPE", "SPACE"],
    },
    "decimal": {"description": "Decimal mark.", "type": "string", "enum": [".", ","], "default": "."},
    "nodata": {
        "description": "Text that stands for no-data, besides an empty one, NA and NaN.",
        "type": "string",
        "maxLength": 20,
    },
}


@dataclass(frozen=True)
class InputFormat:
    """A format that files can be loaded with."""

    name: str
    title: str
    description: str
    kind: Literal["image", "array", "features"]
    gis_data_types: tuple[GisDataType, ...] = ("raster",)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """As in `GET /file_formats`."""
        return {
            "title": self.title,
            "description": self.description,
            "gis_data_types": list(self.gis_data_types),
            "parameters": {name: dict(schema) for name, schema in self.parameters.items()},
        }


INPUTS = (
    InputFormat(
        "GTiff",
        "GeoTIFF",
        f"{_IMAGE}Instead of a date in the name, the TIFF tag DateTime counts. {_TOGETHER}",
        "image",
    ),
    InputFormat("JP2OpenJPEG", "JPEG 2000", f"{_IMAGE}{_TOGETHER}", "image"),
    InputFormat(
        "netCDF",
        "netCDF (CF conventions)",
        "Each variable over x and y, and perhaps time, is a band; files with further dimensions cannot be loaded. "
        "Values that are packed by the CF conventions are unpacked. Files that take values from other files, as HDF5 "
        f"allows it, are refused. Where a file has no time of its own: {_TOGETHER}",
        "array",
    ),
    InputFormat(
        "GeoJSON",
        "GeoJSON",
        f"{_FEATURES}Coordinates are longitudes and latitudes, unless the file has the old member `crs`.",
        "features",
        ("vector",),
        _VALUES,
    ),
    InputFormat(
        "Parquet",
        "GeoParquet",
        f"{_FEATURES}Geometries are encoded as WKB. `GeoParquet` is understood as a name of the format as well.",
        "features",
        ("vector",),
        _VALUES,
    ),
    InputFormat(
        "CSV",
        "CSV (comma-separated values)",
        f"{_FEATURES}The file is in UTF-8 and begins with the names of the columns. Each line is a feature, whose "
        "geometry is a column of well-known text, or two columns with the coordinates of a point.",
        "features",
        ("vector", "table"),
        _CSV,
    ),
)

_ALIASES = {"geotiff": "gtiff", "cog": "gtiff", "tiff": "gtiff", "nc": "netcdf", "geoparquet": "parquet"}


def find_input(
    name: str, options: Mapping[str, Any], process: str = "load_uploaded_files"
) -> tuple[InputFormat, dict[str, Any]]:
    """The input format of a name, in any case, and its options.

    Raises:
        ProcessParameterInvalid: there is none, or it has no such options.
    """
    key = _ALIASES.get(name.casefold(), name.casefold())
    found = next((known for known in INPUTS if known.name.casefold() == key), None)
    if found is None:
        known = ", ".join(known.name for known in INPUTS)
        reason = f"'{name}' is not supported. Choose one of: {known}."
        raise ProcessParameterInvalid(parameter="format", process=process, reason=reason)
    try:
        return found, resolve_options(found, options)
    except ProcessParameterInvalid as error:
        reason = str(error.values["reason"])
        raise ProcessParameterInvalid(parameter="options", process=process, reason=reason) from error
