"""OGC WMTS 1.0.0: the capabilities document, and queries by key-value pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2

from connexeo.drivers.interface import TileSource
from connexeo.generated.errors import RequestInvalid
from connexeo.handlers.templating import make_environment

LAYER = "result"
"""Identifier of the only layer of a service."""
STYLE = "default"
"""Identifier of its only style."""

VERSION = "1.0.0"

_FORMATS = {"image/png": "png", "image/webp": "webp"}
_URNS = {"OGC:CRS84": "urn:ogc:def:crs:OGC:1.3:CRS84"}
_WELL_KNOWN = {"WebMercatorQuad": "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible"}


@dataclass(frozen=True, slots=True)
class TileQuery:
    """`GetTile` by key-value pairs."""

    matrix_set: str
    matrix: int
    row: int
    column: int
    suffix: str | None
    """Of the format that is wanted."""


def read_query(pairs: Mapping[str, str]) -> TileQuery | None:
    """What a query asks for: a tile, or, if None, the capabilities.

    Raises:
        RequestInvalid: when it is neither, or a parameter is missing or wrong.
    """
    given = {key.lower(): value for key, value in pairs.items()}
    if given.get("service", "WMTS").upper() != "WMTS":
        raise _invalid("service", "must be WMTS")
    operation = given.get("request") or "GetCapabilities"
    if operation.lower() == "getcapabilities":
        return None
    if operation.lower() != "gettile":
        raise _invalid("request", "must be GetCapabilities or GetTile")
    if given.get("version", VERSION) != VERSION:
        raise _invalid("version", f"must be {VERSION}")
    if given.get("layer", LAYER) != LAYER:
        raise _invalid("layer", f"must be {LAYER}")
    if (given.get("style") or STYLE) != STYLE:
        raise _invalid("style", f"must be {STYLE}")
    wanted = given.get("format")
    if wanted is not None and wanted.lower() not in _FORMATS:
        raise _invalid("format", "must be the one of the capabilities document")
    return TileQuery(
        matrix_set=_required(given, "tilematrixset"),
        matrix=_number(given, "tilematrix"),
        row=_number(given, "tilerow"),
        column=_number(given, "tilecol"),
        suffix=None if wanted is None else _FORMATS[wanted.lower()],
    )


def capabilities_document(source: TileSource, base: str, suffix: str) -> bytes:
    """The capabilities of a service with one layer.

    Args:
        source: What the service draws.
        base: Address of the service.
        suffix: Suffix of its tiles.
    """
    text = _template().render(
        source=source,
        base=base,
        layer=LAYER,
        style=STYLE,
        template=f"{base}/{VERSION}/{LAYER}/{STYLE}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}/{{TileCol}}.{suffix}",
        sets=list(map(_matrix_set, source.tile_matrix_sets)),
        bounds=source.bounds or (-180.0, -90.0, 180.0, 90.0),
    )
    return text.encode()


def _matrix_set(document: Mapping[str, Any]) -> dict[str, Any]:
    """A set as the template takes it."""
    crs = document["crs"]
    return {
        "id": document["id"],
        "crs": _URNS.get(crs) or f"urn:ogc:def:crs:EPSG::{crs.removeprefix('EPSG:')}",
        "well_known": _WELL_KNOWN.get(document["id"]),
        "matrices": [
            {**matrix, "corner": _numbers(matrix["pointOfOrigin"])} for matrix in document["tileMatrices"]
        ],
    }


def _numbers(values: Iterable[float]) -> str:
    return " ".join(repr(float(value)) for value in values)


@cache
def _template() -> jinja2.Template:
    return make_environment().get_template("wmts.xml")


def _required(given: Mapping[str, str], name: str) -> str:
    if not given.get(name):
        raise _invalid(name, "is required by GetTile")
    return given[name]


def _number(given: Mapping[str, str], name: str) -> int:
    text = _required(given, name)
    if not (text.isascii() and text.isdecimal()) or len(text) > 10:
        raise _invalid(name, "must be a number, 0 or greater")
    return int(text)


def _invalid(name: str, reason: str) -> RequestInvalid:
    return RequestInvalid(reason=f"query parameter '{name}' {reason}")
