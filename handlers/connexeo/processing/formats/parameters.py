"""Options of formats for features and tables, as they are published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Parameters = Mapping[str, Mapping[str, Any]]

_LAYOUTS = {
    "features": "`features`: a row for each geometry, and a column for each combination of the other labels, such as "
    "`2024-06-01_B04`",
    "wide": "`wide`: a row for each combination of labels, and a column for each band or property",
    "long": "`long`: a row for each value",
}


def _layout(default: str) -> Parameters:
    others = [text for name, text in _LAYOUTS.items() if name != default]
    told = "; ".join([f"{_LAYOUTS[default]} (the default)", *others])
    return {
        "layout": {
            "description": f"What the rows are. {told}. `features` is for vector data cubes only.",
            "type": "string",
            "enum": list(_LAYOUTS),
            "default": default,
        }
    }


GEOJSON: Parameters = {
    **_layout("features"),
    "coordinate_precision": {
        "description": "Digits of coordinates behind the decimal point; seven of them are a centimetre.",
        "type": "integer",
        "minimum": 0,
        "maximum": 15,
        "default": 7,
    },
}

PARQUET: Parameters = {
    **_layout("features"),
    "compress": {
        "description": "Compression, without loss.",
        "type": "string",
        "enum": ["SNAPPY", "ZSTD", "GZIP", "LZ4", "BROTLI", "NONE"],
        "default": "SNAPPY",
    },
    "write_covering_bbox": {
        "description": "Add a column `bbox` with the bounding box of each geometry, by which programs find features "
        "faster.",
        "type": "boolean",
        "default": False,
    },
}

CSV: Parameters = {
    **_layout("wide"),
    "separator": {
        "description": "Character between the columns, or its name.",
        "type": "string",
        "enum": [",", ";", "\t", "|", " ", "COMMA", "SEMICOLON", "TAB", "PIPE", "SPACE"],
        "default": ",",
    },
    "decimal": {
        "description": "Decimal mark. With a comma, another separator is needed.",
        "type": "string",
        "enum": [".", ","],
        "default": ".",
    },
    "nodata": {
        "description": "Text that stands for no-data.",
        "type": "string",
        "maxLength": 20,
        "default": "",
    },
    "geometry": {
        "description": (
            "How geometries are written: AS_WKT as a column of well-known text, AS_XY as the columns `x` and `y` for "
            "points, NONE not at all."
        ),
        "type": "string",
        "enum": ["AS_WKT", "AS_XY", "NONE"],
        "default": "AS_WKT",
    },
}
