"""Where tiles lie."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import morecantile
import pytest

from connexeo.drivers.local.services.matrices import (
    MATRIX_SETS,
    WEB_MERCATOR,
    describe,
    place_of,
    set_identifier,
)
from connexeo.generated.errors import NotFound


def test_sets_are_those_that_wmts_can_express() -> None:
    varying = {
        name
        for name in morecantile.tms.list()
        if any(matrix.variableMatrixWidths for matrix in morecantile.tms.get(name).tileMatrices)
    }
    assert varying == {"GNOSISGlobalGrid", "CDB1GlobalGrid"}
    # Later releases may have more.
    assert set(MATRIX_SETS) <= set(morecantile.tms.list()) - varying


@pytest.mark.parametrize("tile", [(0, 0, 0), (8678, 5723, 14), (0, 2**24 - 1, 24), (1, 0, 1)])
def test_web_mercator_is_that_of_morecantile(tile: tuple[int, int, int]) -> None:
    column, row, zoom = tile
    place = place_of(WEB_MERCATOR, zoom, column, row)
    expected = morecantile.tms.get(WEB_MERCATOR)
    assert place.crs == "EPSG:3857"
    assert place.bounds == pytest.approx(expected.xy_bounds(morecantile.Tile(*tile)), abs=1e-6)
    assert place.degrees == pytest.approx(expected.bounds(morecantile.Tile(*tile)), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "bounds", "crs", "degrees"),
    [
        ("WorldCRS84Quad", (-90, 0, 0, 90), "OGC:CRS84", (-90, 0, 0, 90)),
        ("WGS1984Quad", (-90, 0, 0, 90), "EPSG:4326", (-90, 0, 0, 90)),
        ("EuropeanETRS89_LAEAQuad", (4_250_000, 3_250_000, 6_500_000, 5_500_000), "EPSG:3035", None),
    ],
)
def test_other_sets(name: str, bounds: Any, crs: str, degrees: Any) -> None:
    """Bounds are x before y, whatever the reference system says."""
    place = place_of(name, 1, 1, 0)
    assert place.crs == crs
    assert place.bounds == pytest.approx(bounds, abs=1e-6)
    assert place.degrees == (None if degrees is None else pytest.approx(degrees, abs=1e-6))


@pytest.mark.parametrize("name", [WEB_MERCATOR, "WorldCRS84Quad", "UTM31WGS84Quad"])
@pytest.mark.parametrize("tile", [(25, 0, 0), (-1, 0, 0), (3, -1, 0), (3, 0, -1), (3, 16, 0), (3, 0, 16)])
def test_tiles_that_there_are_not(name: str, tile: tuple[int, int, int]) -> None:
    with pytest.raises(NotFound):
        place_of(name, *tile)


def test_description() -> None:
    document = describe("EuropeanETRS89_LAEAQuad", 256, 2, 4)
    assert (document["id"], document["crs"]) == ("EuropeanETRS89_LAEAQuad", "EPSG:3035")
    assert [matrix["id"] for matrix in document["tileMatrices"]] == ["2", "3", "4"]
    # In the order of the axes: northing first.
    assert document["tileMatrices"][0]["pointOfOrigin"] == [5_500_000, 2_000_000]


def test_larger_tiles_have_smaller_pixels() -> None:
    usual, large = (describe(WEB_MERCATOR, size, 0, 30) for size in (256, 512))
    assert (usual["id"], large["id"]) == ("WebMercatorQuad", "WebMercatorQuad_512")
    assert set_identifier(WEB_MERCATOR, 512) == large["id"]
    for one, other in zip(usual["tileMatrices"], large["tileMatrices"], strict=True):
        assert (one["tileWidth"], other["tileWidth"], other["tileHeight"]) == (256, 512, 512)
        assert other["scaleDenominator"] == one["scaleDenominator"] / 2
        assert (one["matrixWidth"], one["id"]) == (other["matrixWidth"], other["id"])


def test_web_mercator_needs_no_library() -> None:
    code = (
        "import sys\n"
        "from connexeo.drivers.local.services import services, matrices\n"
        "matrices.place_of('WebMercatorQuad', 3, 1, 2)\n"
        "print([name for name in ('morecantile', 'rasterio', 'xarray', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
