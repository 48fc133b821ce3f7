"""What a user of the openEO Python client does first, against the server of the README's first command."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from openeo.rest import OpenEoApiError
from openeo.rest.connection import Connection, connect
from PIL import Image

COLLECTION = "sentinel-2-l2a-demo"
CLOUDS = (3, 8, 9, 10)
"""SCL classes: cloud shadow, medium and high cloud probability, cirrus."""


@pytest.fixture(scope="module")
def connection(demo_server: Any) -> Connection:
    connection = connect(demo_server.url)
    connection.authenticate_basic("demo", "demo")
    return connection


@pytest.fixture(scope="module")
def extent(connection: Connection) -> dict[str, float | str]:
    """300 × 200 pixels inside the tile, in its own projection."""
    dimensions = connection.describe_collection(COLLECTION)["cube:dimensions"]
    west, south = dimensions["x"]["extent"][0], dimensions["y"]["extent"][0]
    return {
        "west": west + 1000.0,
        "south": south + 2000.0,
        "east": west + 4000.0,
        "north": south + 4000.0,
        "crs": "EPSG:32632",
    }


def test_discovery(connection: Connection) -> None:
    assert COLLECTION in connection.list_collection_ids()
    assert {"load_collection", "reduce_dimension", "save_result"} <= {
        p["id"] for p in connection.list_processes()
    }
    assert {"GTiff", "PNG", "netCDF", "JSON"} <= set(connection.list_file_formats()["output"])
    assert connection.describe_account()["user_id"] == "demo"
    metadata = connection.collection_metadata(COLLECTION)
    assert metadata.band_names == ["B02", "B03", "B04", "B08", "SCL"]


def monthly_ndvi(
    connection: Connection, extent: dict[str, Any], interval: tuple[str, str] | None = None
) -> Any:
    cube = connection.load_collection(
        COLLECTION, spatial_extent=extent, temporal_extent=interval, bands=["B04", "B08", "SCL"]
    )
    scl = cube.band("SCL")
    clouds: Any = scl == CLOUDS[0]
    for value in CLOUDS[1:]:
        clouds = clouds | (scl == value)
    masked = cube.mask(clouds)
    red, nir = masked.band("B04"), masked.band("B08")
    return ((nir - red) / (nir + red)).aggregate_temporal_period("month", reducer="median")


def expected_monthly_ndvi(data: Path, extent: dict[str, Any]) -> dict[str, np.ndarray]:
    """The same with numpy on the pixels of the files: month → array (y, x)."""
    months: dict[str, list[np.ndarray]] = {}
    for path in sorted((data / "demo").rglob("*B04*.tif")):
        red, nir, scl = (
            _read(path.with_name(path.name.replace("B04", band)), extent) for band in ("B04", "B08", "SCL")
        )
        ndvi = np.where(red + nir == 0, np.nan, (nir - red) / np.where(red + nir == 0, 1, red + nir))
        ndvi[(red == 0) | (nir == 0) | np.isin(scl, CLOUDS)] = np.nan
        months.setdefault(_month(path), []).append(ndvi)
    with warnings.catch_warnings():
        # Where all dates of a month are clouded there is nothing to take a median of.
        warnings.simplefilter("ignore", RuntimeWarning)
        return {month: np.nanmedian(np.stack(stack), axis=0) for month, stack in months.items()}


def _read(path: Path, extent: dict[str, Any]) -> np.ndarray:
    with rasterio.open(path) as source:
        window = source.window(extent["west"], extent["south"], extent["east"], extent["north"])
        return np.asarray(source.read(1, window=window), dtype="float64")


def _month(path: Path) -> str:
    item = json.loads(next(path.parent.glob("*.json")).read_text())
    return str(item["properties"]["datetime"])[:7]


def test_monthly_ndvi_equals_numpy(
    connection: Connection, demo_server: Any, extent: dict[str, Any], tmp_path: Path
) -> None:
    expected = expected_monthly_ndvi(demo_server.data, extent)
    assert len(expected) >= 6
    monthly_ndvi(connection, extent).download(tmp_path / "ndvi.nc", format="netCDF")
    with xr.open_dataset(tmp_path / "ndvi.nc", decode_coords="all") as result:
        (name,) = result.data_vars
        values = result[name]
        months = [str(month) for month in values["t"].values]
        assert months == sorted(months)
        assert months[0] == min(expected)
        assert months[-1] == max(expected)
        for month in set(months) - set(expected):
            assert np.isnan(values.sel(t=month).values).all(), "a month without scenes holds no data"
        for month, pixels in expected.items():
            np.testing.assert_allclose(values.sel(t=month).values, pixels, rtol=1e-5, equal_nan=True)


def test_geotiff_of_all_months(
    connection: Connection, demo_server: Any, extent: dict[str, Any], tmp_path: Path
) -> None:
    expected = expected_monthly_ndvi(demo_server.data, extent)
    monthly_ndvi(connection, extent).download(tmp_path / "ndvi.tif", format="GTiff")
    with rasterio.open(tmp_path / "ndvi.tif") as result:
        assert result.crs.to_epsg() == 32632
        assert tuple(result.bounds) == (extent["west"], extent["south"], extent["east"], extent["north"])
        assert np.isnan(result.nodata)
        assert result.count == 12
        for month, band in zip(result.descriptions, result.read(), strict=True):
            pixels = expected.get(month, np.full(band.shape, np.nan))
            np.testing.assert_allclose(band, pixels, rtol=1e-5, equal_nan=True)


def test_sheet_of_all_months(connection: Connection, extent: dict[str, Any], tmp_path: Path) -> None:
    monthly_ndvi(connection, extent).download(
        tmp_path / "ndvi.png", format="PNG", options={"colormap": "rdylgn", "min": -0.2, "max": 0.9}
    )
    with Image.open(tmp_path / "ndvi.png") as image:
        assert image.size == (4 * 300 + 3 * 3, 3 * 200 + 2 * 3)


def test_picture(connection: Connection, extent: dict[str, Any], tmp_path: Path) -> None:
    cube = connection.load_collection(COLLECTION, spatial_extent=extent, bands=["B04", "B03", "B02"])
    picture = cube.reduce_dimension(dimension="t", reducer="median")
    picture.download(tmp_path / "picture.png", format="PNG")
    with Image.open(tmp_path / "picture.png") as image:
        assert image.size == (300, 200)
        pixels = np.asarray(image.convert("RGB"), dtype="float64")
    assert pixels.std(axis=(0, 1)).min() > 5, "a landscape is not of one colour"


def test_validation_and_errors(connection: Connection, extent: dict[str, Any]) -> None:
    cube = connection.load_collection(COLLECTION, spatial_extent=extent, bands=["B04"])
    assert cube.save_result("GTiff").validate() == []
    with pytest.raises(OpenEoApiError) as raised:
        connection.load_collection("nowhere", fetch_metadata=False).download("nothing.tif")
    assert raised.value.code == "CollectionNotFound"
    assert raised.value.http_status_code == 404


def test_wrong_password(demo_server: Any) -> None:
    with pytest.raises(OpenEoApiError) as raised:
        connect(demo_server.url).authenticate_basic("demo", "wrong")
    assert raised.value.code == "CredentialsInvalid"
    assert raised.value.http_status_code == 403
