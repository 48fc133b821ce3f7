"""Tile matrix sets: where tiles lie.

Web Mercator, which nearly everybody uses, is computed here; for all others morecantile is asked, which is imported
when it is first needed, as it takes a fifth of a second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import NotFound

if TYPE_CHECKING:
    from morecantile import TileMatrixSet

Bounds = tuple[float, float, float, float]

WEB_MERCATOR = "WebMercatorQuad"

MATRIX_SETS = (
    WEB_MERCATOR,
    "WorldCRS84Quad",
    "WGS1984Quad",
    "WorldMercatorWGS84Quad",
    "EuropeanETRS89_LAEAQuad",
    "UTM31WGS84Quad",
    "CanadianNAD83_LCC",
    "NZTM2000Quad",
    "LINZAntarticaMapTilegrid",
    "UPSArcticWGS84Quad",
    "UPSAntarcticWGS84Quad",
)
"""Those of morecantile, but for GNOSISGlobalGrid and CDB1GlobalGrid, whose rows of tiles vary in length: WMTS 1.0.0
cannot say so."""

_STRAIGHT = frozenset({WEB_MERCATOR, "WorldCRS84Quad", "WGS1984Quad", "WorldMercatorWGS84Quad"})
"""Sets with meridians and parallels along the edges of tiles, so that these have exact bounds in degrees."""

_HALF = math.pi * 6378137.0
"""Half the width of the world in Web Mercator."""
_DEEPEST = 24


@dataclass(frozen=True)
class Place:
    """Where a tile lies."""

    bounds: Bounds
    """West, south, east and north, in the reference system."""
    crs: str
    """As pyproj and rasterio understand it, the axes in the order x, y."""
    degrees: Bounds | None
    """In longitude and latitude, where the edges of tiles are meridians and parallels."""


def set_identifier(name: str, tile_size: int) -> str:
    """What a set is called when its tiles have so many pixels: 256 are what the standard has in mind."""
    return name if tile_size == 256 else f"{name}_{tile_size}"


def place_of(matrix_set: str, zoom: int, column: int, row: int) -> Place:
    """Where a tile lies.

    Raises:
        NotFound: when there is no such tile.
    """
    if matrix_set == WEB_MERCATOR:
        return _web_mercator(zoom, column, row)
    known = load(matrix_set)
    matrix = next((each for each in known.tileMatrices if each.id == str(zoom)), None)
    if matrix is None or not (0 <= column < matrix.matrixWidth and 0 <= row < matrix.matrixHeight):
        raise NotFound(f"The tile matrix set {matrix_set} has no tile {zoom}/{column}/{row}.")
    from morecantile import Tile

    tile = Tile(column, row, zoom)
    degrees = tuple(known.bounds(tile)) if matrix_set in _STRAIGHT else None
    west, south, east, north = known.xy_bounds(tile)
    return Place((west, south, east, north), crs_name(known), degrees)  # type: ignore[arg-type]


@lru_cache(maxsize=len(MATRIX_SETS))
def load(matrix_set: str) -> TileMatrixSet:
    """The set as morecantile has it."""
    import morecantile

    return morecantile.tms.get(matrix_set)


def crs_name(matrix_set: TileMatrixSet) -> str:
    """Authority and code of the reference system."""
    code = matrix_set.crs.to_epsg()
    # Longitude before latitude, which no code of EPSG says.
    return "OGC:CRS84" if code is None else f"EPSG:{code}"


def describe(matrix_set: str, tile_size: int, min_zoom: int, max_zoom: int) -> dict[str, Any]:
    """A set with the matrices between two zoom levels, for tiles of so many pixels."""
    document: Mapping[str, Any] = load(matrix_set).model_dump(mode="json", exclude_none=True)
    share = tile_size / 256
    matrices = [
        {
            **matrix,
            "scaleDenominator": matrix["scaleDenominator"] / share,
            "cellSize": matrix["cellSize"] / share,
            "tileWidth": tile_size,
            "tileHeight": tile_size,
        }
        for matrix in document["tileMatrices"]
        if min_zoom <= int(matrix["id"]) <= max_zoom
    ]
    identifier = set_identifier(matrix_set, tile_size)
    return {**document, "id": identifier, "crs": crs_name(load(matrix_set)), "tileMatrices": matrices}


def _web_mercator(zoom: int, column: int, row: int) -> Place:
    if not 0 <= zoom <= _DEEPEST or not (0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise NotFound(f"There is no tile {zoom}/{column}/{row}.")
    size = 2 * _HALF / 2**zoom
    west, north = column * size - _HALF, _HALF - row * size
    bounds = (west, north - size, west + size, north)
    return Place(bounds, "EPSG:3857", to_degrees(bounds))


def to_degrees(bounds: Bounds) -> Bounds:
    """Bounds in Web Mercator as longitudes and latitudes."""
    west, south, east, north = bounds
    return (_longitude(west), _latitude(south), _longitude(east), _latitude(north))


def _longitude(x: float) -> float:
    return x / _HALF * 180


def _latitude(y: float) -> float:
    return math.degrees(math.atan(math.sinh(y / _HALF * math.pi)))
