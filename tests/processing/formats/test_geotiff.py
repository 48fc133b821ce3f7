"""Cloud-Optimized GeoTIFF, read again by GDAL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import xarray as xr
from rio_cogeo.cogeo import cog_validate

from connexeo.generated.errors import DataCubeEmpty, FormatUnsuitable, ProcessParameterInvalid
from connexeo.processing.cube import Dimension, make_cube
from connexeo.processing.formats import WrittenFile, write_result
from connexeo.processing.formats.geotiff import MAX_BANDS
from connexeo.processing.result import Result

Make = Callable[..., xr.DataArray]


def write(cube: Any, folder: Path, **options: Any) -> list[WrittenFile]:
    return write_result(Result(cube, "GTiff", options), folder)


def pixels(path: Path) -> np.ndarray[Any, Any]:
    with rasterio.open(path) as dataset:
        values: np.ndarray[Any, Any] = dataset.read()
    return values


def assert_cog(path: Path) -> None:
    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    assert (valid, errors, warnings) == (True, [], [])


@pytest.mark.parametrize(
    "dtype",
    ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"],
)
@pytest.mark.parametrize(
    ("dims", "shape"), [(("t", "bands", "y", "x"), {}), (("y", "x"), {"rows": 1, "columns": 1})]
)
def test_pixels_and_type_are_kept(
    make: Make, tmp_path: Path, dtype: str, dims: tuple[str, ...], shape: dict[str, int]
) -> None:
    cube = make(dtype, dims, **shape)
    files = write(cube, tmp_path)
    read = np.stack([pixels(file.path) for file in files]).reshape(cube.shape)
    assert read.dtype == np.dtype("uint8" if dtype == "bool" else dtype)
    np.testing.assert_array_equal(read, cube.values)
    for file in files:
        assert_cog(file.path)


@pytest.mark.parametrize(
    "dims", [("bands", "y", "x"), ("y", "x"), ("t", "y", "x"), ("t", "bands", "y", "x"), ("x", "y", "t")]
)
@pytest.mark.parametrize("lazy", [True, False])
def test_all_combinations_of_dimensions(
    make: Make, tmp_path: Path, dims: tuple[str, ...], lazy: bool
) -> None:
    cube = make(dims=dims, lazy=lazy)
    files = write(cube, tmp_path)
    assert len(files) == (2 if "t" in dims else 1)
    order = [dim for dim in ("t", "bands", "y", "x") if dim in dims]
    expected = cube.transpose(*order).values.reshape(len(files), -1, 37, 53)
    np.testing.assert_array_equal(np.stack([pixels(file.path) for file in files]), expected)


def test_large_lazy_cube(make: Make, tmp_path: Path) -> None:
    cube = make(times=12, bands=4, rows=300, columns=300, chunk=128)
    files = write(cube, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.path.name for file in files]
    assert files[0].path.name == "openEO_2023-01-05Z.tif"
    np.testing.assert_array_equal(np.stack([pixels(file.path) for file in files]), cube.values)


def test_overviews(make: Make, tmp_path: Path) -> None:
    cube = make(dims=("y", "x"), rows=1100, columns=700, chunk=256)
    (file,) = write(cube, tmp_path, blocksize=256)
    assert_cog(file.path)
    with rasterio.open(file.path) as dataset:
        assert dataset.overviews(1) == [2, 4, 8]
        assert dataset.block_shapes == [(256, 256)]
    (bare,) = write(cube, tmp_path / "bare", blocksize=256, overviews="none")
    with rasterio.open(bare.path) as dataset:
        assert dataset.overviews(1) == []


def test_classes_are_not_averaged_in_overviews(make: Make, tmp_path: Path) -> None:
    cube = make("uint8", ("y", "x"), rows=600, columns=600, chunk=256)
    cube = cube.where(cube > 100, 3).where(cube <= 100, 200).astype("uint8")
    (file,) = write(cube, tmp_path)
    with rasterio.open(file.path, overview_level=0) as dataset:
        assert set(np.unique(dataset.read())) == {3, 200}


@pytest.mark.parametrize("south_up", [True, False])
def test_place_and_labels(make: Make, tmp_path: Path, south_up: bool) -> None:
    cube = make(times=1, bands=2, south_up=south_up)
    (file,) = write(cube, tmp_path)
    with rasterio.open(file.path) as dataset:
        assert dataset.crs.to_epsg() == 32632
        assert tuple(dataset.transform)[:6] == (10, 0, 500000, 0, -10, 5100000)
        assert dataset.descriptions == ("B02", "B03")
        assert np.isnan(dataset.nodata)
        assert dataset.tags()["TIFFTAG_DATETIME"] == "2023:01:05 00:00:00"
        assert dataset.tags()["AREA_OR_POINT"] == "Area"
        x, y = dataset.xy(3, 4)
        np.testing.assert_array_equal(dataset.read()[:, 3, 4], cube.sel(x=x, y=y).values[0])


@pytest.mark.parametrize(
    "crs", [4326, 3857, pyproj.CRS("+proj=laea +lat_0=52 +lon_0=10 +ellps=GRS80").to_wkt(), None]
)
def test_reference_systems(make: Make, tmp_path: Path, crs: Any) -> None:
    (file,) = write(make(dims=("y", "x"), crs=crs), tmp_path)
    with rasterio.open(file.path) as dataset:
        if crs is None:
            assert dataset.crs is None
        else:
            there = pyproj.Transformer.from_crs(crs, dataset.crs.to_wkt(), always_xy=True)
            assert there.transform(8, 50) == pytest.approx((8, 50))
            assert dataset.crs.is_geographic == pyproj.CRS(crs).is_geographic


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_cube_without_coordinates(tmp_path: Path) -> None:
    cube = xr.DataArray(np.arange(6, dtype="uint8").reshape(2, 3), dims=("y", "x"))
    (file,) = write(cube, tmp_path)
    np.testing.assert_array_equal(pixels(file.path)[0], cube.values)


def test_integers_have_no_nodata(make: Make, tmp_path: Path) -> None:
    (file,) = write(make("uint8", ("y", "x")), tmp_path)
    with rasterio.open(file.path) as dataset:
        assert dataset.nodata is None


def test_time_as_bands(make: Make, tmp_path: Path) -> None:
    cube = make(times=2, bands=2)
    (file,) = write(cube, tmp_path, time_as_bands=True, filename_prefix="stack")
    assert file.path.name == "stack.tif"
    assert file.times == ("2023-01-05T00:00:00Z", "2023-01-10T00:00:00Z")
    with rasterio.open(file.path) as dataset:
        assert dataset.descriptions[2] == "2023-01-10T00:00:00Z_B02"
        assert "TIFFTAG_DATETIME" not in dataset.tags()
        np.testing.assert_array_equal(dataset.read(), cube.values.reshape(4, 37, 53))


@pytest.mark.parametrize("compress", ["DEFLATE", "LZW", "ZSTD", "NONE"])
def test_compression(make: Make, tmp_path: Path, compress: str) -> None:
    cube = make("int16", ("y", "x"))
    (file,) = write(cube, tmp_path, compress=compress)
    with rasterio.open(file.path) as dataset:
        assert dataset.profile.get("compress", "none").upper() == compress
        np.testing.assert_array_equal(dataset.read(1), cube.values)


def test_packed_values(make: Make, tmp_path: Path) -> None:
    cube = make(dims=("y", "x")) / 200
    (file,) = write(cube, tmp_path, dtype="int16", scale=0.0001)
    with rasterio.open(file.path) as dataset:
        assert dataset.dtypes == ("int16",)
        assert dataset.nodata == -32768
        assert (dataset.scales, dataset.offsets) == ((0.0001,), (0.0,))
        unpacked = dataset.read(1, masked=True) * 0.0001
        statistics = dataset.tags(1)
    np.testing.assert_allclose(unpacked.filled(np.nan), cube.values, atol=0.00006)
    assert float(statistics["STATISTICS_MAXIMUM"]) == pytest.approx(np.nanmax(cube.values) / 0.0001)
    described = file.asset("x")["bands"][0]
    assert described["nodata"] == -32768
    assert described["raster:scale"] == 0.0001
    assert described["statistics"]["maximum"] == pytest.approx(np.nanmax(cube.values))


def test_what_stac_wants_to_know(make: Make, tmp_path: Path) -> None:
    cube = make(times=1, bands=2)
    (file,) = write(cube, tmp_path)
    asset = file.asset("https://river.example/a.tif")
    assert asset["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    assert asset["datetime"] == "2023-01-05T00:00:00Z"
    assert asset["proj:code"] == "EPSG:32632"
    assert asset["proj:shape"] == [37, 53]
    assert asset["proj:transform"] == [10, 0, 500000, 0, -10, 5100000]
    assert asset["proj:bbox"] == [500000, 5099630, 500530, 5100000]
    assert asset["bbox"] == pytest.approx([9.0, 46.0502, 9.0069, 46.0536], abs=1e-4)
    band = asset["bands"][1]
    values = cube.values[0, 1].astype(float)
    assert (band["name"], band["data_type"], band["nodata"]) == ("B03", "float32", "nan")
    assert band["statistics"]["mean"] == pytest.approx(np.nanmean(values))
    assert band["statistics"]["stddev"] == pytest.approx(np.nanstd(values))
    assert band["statistics"]["valid_percent"] == pytest.approx(100 * np.isfinite(values).mean())


def test_nothing_but_nodata(make: Make, tmp_path: Path) -> None:
    cube = make(dims=("y", "x")) * np.nan
    (file,) = write(cube, tmp_path)
    assert np.isnan(pixels(file.path)).all()
    assert file.asset("x")["bands"][0]["statistics"] == {"valid_percent": 0.0}


def test_unsuitable_data(make: Make, tmp_path: Path) -> None:
    cube = make(dims=("y", "x"))
    with pytest.raises(FormatUnsuitable, match="'t'"):
        write(make().isel(x=0, y=0), tmp_path)
    with pytest.raises(FormatUnsuitable, match="evenly"):
        write(cube.isel(x=[0, 1, 3]), tmp_path)
    with pytest.raises(FormatUnsuitable, match="complex"):
        write(cube.astype("complex64"), tmp_path)
    with pytest.raises(DataCubeEmpty):
        write(cube.isel(x=[]), tmp_path)
    many = cube.isel(x=[0], y=[0]).expand_dims(n=MAX_BANDS + 1)
    with pytest.raises(FormatUnsuitable, match=str(MAX_BANDS)):
        write(make_cube(many, [Dimension("n", "other")]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_for_each_band(make: Make, tmp_path: Path) -> None:
    cube = make(bands=2).assign_coords(bands=["B0/2", "B0/2"])
    files = write_result(Result(cube, "GTiff", {"separate_asset_per_band": True}), tmp_path)
    assert [file.path.name for file in files] == [
        "openEO_2023-01-05Z_B0-2-1.tif",
        "openEO_2023-01-05Z_B0-2-2.tif",
        "openEO_2023-01-10Z_B0-2-1.tif",
        "openEO_2023-01-10Z_B0-2-2.tif",
    ]
    with rasterio.open(files[3].path) as image:
        assert image.count == 1
        np.testing.assert_array_equal(image.read(1), cube[1, 1])
    files = write_result(Result(make("uint8", bands=2), "GTiff", {"separate_asset_per_band": True}), tmp_path)
    assert files[1].path.name == "openEO_2023-01-05Z_B03.tif"
    assert [band.name for band in files[1].bands] == ["B03"]


COLOURS = {"1": "#00a000", "254": "#ffbb22"}


@pytest.mark.parametrize(("dtype", "options"), [("uint8", {}), ("float32", {"dtype": "uint8"})])
def test_colours_of_values(make: Make, tmp_path: Path, dtype: str, options: dict[str, Any]) -> None:
    cube = make(dtype, ("y", "x"), rows=700, columns=700)
    (file,) = write(cube, tmp_path, colormap=COLOURS, **options)
    with rasterio.open(file.path) as dataset:
        table = dataset.colormap(1)
        assert dataset.colorinterp == (rasterio.enums.ColorInterp.palette,)
        assert dataset.overviews(1)
    assert (table[1], table[254], table[2]) == ((0, 160, 0, 255), (255, 187, 34, 255), (0, 0, 0, 255))
    assert_cog(file.path)


def test_colours_in_a_file_for_each_band(make: Make, tmp_path: Path) -> None:
    files = write(make("uint8", bands=2), tmp_path, colormap=COLOURS, separate_asset_per_band=True)
    assert len(files) > 1
    for file in files:
        with rasterio.open(file.path) as dataset:
            assert dataset.colormap(1)[1] == (0, 160, 0, 255)


@pytest.mark.parametrize(
    ("dtype", "dims", "colormap", "error", "message"),
    [
        ("uint8", ("bands", "y", "x"), COLOURS, FormatUnsuitable, "separate_asset_per_band"),
        ("uint16", ("y", "x"), COLOURS, FormatUnsuitable, "'dtype' to 'uint8'"),
        ("uint8", ("y", "x"), {"256": "#ffffff"}, ProcessParameterInvalid, "'256' is no whole number"),
        ("uint8", ("y", "x"), {"0.5": "#ffffff"}, ProcessParameterInvalid, "'0.5' is no whole number"),
        ("uint8", ("y", "x"), {"1": "green"}, ProcessParameterInvalid, "colormap"),
    ],
)
def test_colours_that_cannot_be(
    make: Make,
    tmp_path: Path,
    dtype: str,
    dims: tuple[str, ...],
    colormap: dict[str, str],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        write(make(dtype, dims), tmp_path, colormap=colormap)
    assert list(tmp_path.iterdir()) == []
