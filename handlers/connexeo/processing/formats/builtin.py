"""The formats that come with connexeo: what is published about them, and which module writes them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from connexeo.processing.formats.interface import GisDataType, Options, WrittenFile
from connexeo.processing.formats.parameters import CSV, GEOJSON, PARQUET, Parameters

_PREFIX: Parameters = {
    "filename_prefix": {
        "description": "What file names begin with.",
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        "default": "openEO",
    },
}

_PACKING: Parameters = {
    "dtype": {
        "description": (
            "Data type of the pixels. Without it, the type of the data is kept. For integers, values are rounded, "
            "those out of range become the nearest number, and no-data becomes `nodata`."
        ),
        "type": "string",
        "enum": ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"],
    },
    "scale": {
        "description": "The file holds (value - offset) / scale, and says so.",
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1,
    },
    "offset": {"description": "See `scale`.", "type": "number", "default": 0},
    "nodata": {
        "description": (
            "Number that stands for no-data in the file. Without it, it is NaN for floating point numbers, the least "
            "number for signed and the greatest for unsigned integers."
        ),
        "type": "number",
    },
}

_GTIFF: Parameters = {
    **_PREFIX,
    "time_as_bands": {
        "description": (
            "Write all time steps as bands of one file rather than one file for each. Where it is not given, "
            "synchronous processing, which answers with one file, does so."
        ),
        "type": "boolean",
    },
    "separate_asset_per_band": {
        "description": "Write one file for each band, named by it.",
        "type": "boolean",
        "default": False,
    },
    "compress": {
        "description": "Compression, without loss.",
        "type": "string",
        "enum": ["DEFLATE", "LZW", "ZSTD", "NONE"],
        "default": "DEFLATE",
    },
    "blocksize": {
        "description": "Width and height of the tiles in pixels.",
        "type": "integer",
        "enum": [128, 256, 512, 1024, 2048],
        "default": 512,
    },
    "overviews": {
        "description": "Whether to add reduced versions of the image for fast display: AUTO adds them where the "
        "image is larger than a tile.",
        "type": "string",
        "enum": ["AUTO", "NONE"],
        "default": "AUTO",
    },
    "overview_resampling": {
        "description": "How overviews are computed: AUTO is AVERAGE for floating point, NEAREST for integers.",
        "type": "string",
        "enum": ["AUTO", "NEAREST", "AVERAGE", "BILINEAR", "CUBIC", "MODE"],
        "default": "AUTO",
    },
    "colormap": {
        "description": (
            "Colours for the values of a single band, as programs for maps show them: an object that gives whole "
            'numbers from 0 to 255 a colour, such as `{"4": "#00a000"}`. Needs pixels of the type uint8 (see `dtype`); '
            "numbers without a colour are black."
        ),
        "type": "object",
        "additionalProperties": {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"},
    },
    **_PACKING,
}

_NETCDF: Parameters = {
    **_PREFIX,
    "compress": {
        "description": "Compression, without loss.",
        "type": "string",
        "enum": ["DEFLATE", "NONE"],
        "default": "DEFLATE",
    },
    "zlevel": {
        "description": "DEFLATE level, 1 is fastest and 9 smallest.",
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "default": 1,
    },
    **_PACKING,
}

_ZARR: Parameters = {
    **_PREFIX,
    "compress": {
        "description": "Compression of the chunks, without loss.",
        "type": "string",
        "enum": ["ZSTD", "BLOSC", "DEFLATE", "NONE"],
        "default": "ZSTD",
    },
    "chunk_size": {
        "description": "Most rows and columns of a chunk, which holds one label of each other dimension.",
        "type": "integer",
        "minimum": 64,
        "maximum": 8192,
        "default": 1024,
    },
    **_PACKING,
}

_LIMIT: Mapping[str, Any] = {
    "oneOf": [
        {"type": "number"},
        {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3},
    ]
}


def _channel(colour: str) -> Mapping[str, Any]:
    return {"description": f"Band shown in {colour}; red, green and blue go together.", "type": "string"}


_PNG: Parameters = {
    **_PREFIX,
    "red": _channel("red"),
    "green": _channel("green"),
    "blue": _channel("blue"),
    "min": {
        "description": "Value that becomes black, or the first colour: a number, or one for each of red, green, blue.",
        **_LIMIT,
    },
    "max": {
        "description": "Value that becomes white, or the last colour: a number, or one for each of red, green, blue.",
        **_LIMIT,
    },
    "percentiles": {
        "description": (
            "Percentiles of all values, taken from a sample of all bands shown and all time steps, that are used where "
            "`min` or `max` is not given. Without any of them, data of the image's own type is not stretched."
        ),
        "type": "array",
        "items": {"type": "number", "minimum": 0, "maximum": 100},
        "minItems": 2,
        "maxItems": 2,
    },
    "colormap": {
        "description": (
            "Colours for a single band: the name of a ramp (viridis, inferno, blues, rdylgn, rdbu), a list of colours "
            'to pass through from `min` to `max`, or an object that gives values a colour (`{"4": "#00a000"}`; all '
            "other values are transparent). Colours are written as #rrggbb."
        ),
        "oneOf": [
            {"type": "string", "enum": ["viridis", "inferno", "blues", "rdylgn", "rdbu"]},
            {
                "type": "array",
                "items": {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"},
                "minItems": 2,
                "maxItems": 255,
            },
            {"type": "object", "additionalProperties": {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}},
        ],
    },
    "sheet": {
        "description": (
            "Put all time steps into one image, row by row, rather than one image for each. Where it is not given, "
            "synchronous processing, which answers with one file, does so."
        ),
        "type": "boolean",
    },
    "nbits": {
        "description": "Bits of each channel.",
        "type": "integer",
        "enum": [8, 16],
        "default": 8,
    },
    "worldfile": {
        "description": "Add a file .wld that tells where the image lies.",
        "type": "boolean",
        "default": False,
    },
}

_JPEG: Parameters = {
    **{name: schema for name, schema in _PNG.items() if name != "nbits"},
    "quality": {
        "description": "From 1, the smallest file, to 100, the best picture.",
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 85,
    },
    "background": {
        "description": "What is drawn where there is no data, and below what is not opaque.",
        "type": "string",
        "enum": ["white", "black"],
        "default": "white",
    },
}


@dataclass(frozen=True)
class BuiltinFormat:
    """A format whose module, with functions `check` and `write` as in `Format`, is imported when it is used."""

    name: str
    title: str
    description: str
    module: str
    gis_data_types: tuple[GisDataType, ...] = ("raster",)
    parameters: Parameters = field(default_factory=dict)

    def check(self, data: Any, options: Options) -> None:
        """See `Format`."""
        self._load().check(data, options)

    def write(self, data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
        """See `Format`."""
        written: list[WrittenFile] = self._load().write(data, folder, stem, options)
        return written

    def _load(self) -> ModuleType:
        return importlib.import_module(f"connexeo.processing.formats.{self.module}")


BUILTIN: tuple[BuiltinFormat, ...] = (
    BuiltinFormat(
        name="GTiff",
        title="GeoTIFF (cloud-optimized)",
        description=(
            "A Cloud-Optimized GeoTIFF with one band for each label of the band dimension. A cube with a temporal "
            "dimension becomes one file for each time step, named by it; otherwise one file results. Labels of further "
            "dimensions are combined with those of the bands. The data type is kept; no-data is NaN in floating point "
            "numbers, and integers have none."
        ),
        module="geotiff",
        parameters=_GTIFF,
    ),
    BuiltinFormat(
        name="netCDF",
        title="netCDF-4 (CF conventions)",
        description=(
            "One file that holds the whole cube by the CF conventions 1.8: a variable for each band over all other "
            "dimensions, or a single variable named `data` if there are no bands. Geometries are well-known text, with "
            "a point in each of them as `lon` and `lat`."
        ),
        module="netcdf",
        gis_data_types=("raster", "vector", "other"),
        parameters=_NETCDF,
    ),
    BuiltinFormat(
        name="PNG",
        title="PNG image",
        description=(
            "A picture to look at: one band in grey or colours, three bands as red, green and blue, four bands with "
            "the last one as opacity. Values are stretched to the range of the image, no-data is transparent. A cube "
            "with a temporal dimension becomes one file for each time step, all stretched alike."
        ),
        module="png",
        parameters=_PNG,
    ),
    BuiltinFormat(
        name="JSON",
        title="JSON",
        description=(
            "Numbers, texts, arrays and objects are written as they are. A data cube becomes an object with "
            "`dimensions` (an array of objects with `name`, `type` and `values`) and `data`, arrays nested "
            "in the order of the dimensions. No-data is `null`, instants are RFC 3339 strings. For small cubes."
        ),
        module="json",
        gis_data_types=("raster", "other"),
        parameters=_PREFIX,
    ),
    BuiltinFormat(
        name="Zarr",
        title="Zarr (zipped store)",
        description=(
            "The whole cube by the CF conventions 1.8 as a Zarr store of version 2 in one zip file: a variable for "
            "each band over all other dimensions, or a single variable named `data` if there are no bands. "
            '`xarray.open_zarr("zip::openEO.zarr.zip")` opens it, also with an address in place of the name; '
            "unpacked into a folder, it is a Zarr store like any other."
        ),
        module="zarr",
        gis_data_types=("raster", "vector", "other"),
        parameters=_ZARR,
    ),
    BuiltinFormat(
        name="JPEG",
        title="JPEG image",
        description=(
            "A picture to look at, smaller than PNG and not exact: one band in grey or colours, three bands as red, "
            "green and blue. Values are stretched to the range of the picture, no-data gets the background's colour. "
            "A cube with a temporal dimension becomes one file for each time step, all stretched alike."
        ),
        module="jpeg",
        parameters=_JPEG,
    ),
    BuiltinFormat(
        name="GeoJSON",
        title="GeoJSON",
        description=(
            "A vector data cube as a FeatureCollection by RFC 7946, in WGS 84: a feature for each geometry. The values "
            "are properties, named by the labels of the other dimensions, such as `B04` or `2024-06-01_B04`, besides "
            "the properties that the features have. No-data is `null`."
        ),
        module="geojson",
        gis_data_types=("vector",),
        parameters={**_PREFIX, **GEOJSON},
    ),
    BuiltinFormat(
        name="Parquet",
        title="GeoParquet",
        description=(
            "A vector data cube as GeoParquet 1.1, in its own reference system: a row for each geometry. The values "
            "are columns, named by the labels of the other dimensions, such as `B04` or `2024-06-01_B04`, besides the "
            "properties that the features have. No-data is NaN for floating point numbers, else missing. What is "
            "nested becomes JSON texts. `GeoParquet` is understood as a name of the format as well."
        ),
        module="parquet",
        gis_data_types=("vector",),
        parameters={**_PREFIX, **PARQUET},
    ),
    BuiltinFormat(
        name="CSV",
        title="CSV (comma-separated values)",
        description=(
            "A data cube as a table in UTF-8 with a header: a row for each combination of labels such as geometry and "
            "date, and a column for each band. For vector data cubes, series and small cubes of pixels. Coordinates "
            "are in the reference system of the data cube, instants are RFC 3339 texts or dates, no-data is empty."
        ),
        module="csv",
        gis_data_types=("table", "vector", "raster"),
        parameters={**_PREFIX, **CSV},
    ),
)

UNLISTED: tuple[BuiltinFormat, ...] = (
    BuiltinFormat(
        name="ML-Model",
        title="Machine learning model",
        description="What `save_ml_model` writes: arrays of numbers in a zip archive.",
        module="models",
        gis_data_types=("other",),
        parameters=_PREFIX,
    ),
)
"""Formats for what `save_result` does not take, so that nobody has to choose them."""
