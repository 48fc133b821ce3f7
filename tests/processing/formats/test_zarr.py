"""Zarr, read again by xarray and rasterio."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr

from connexeo.generated.errors import FormatUnsuitable, StorageFailure
from connexeo.processing.formats import WrittenFile, write_result
from connexeo.processing.result import Result
from vector_cubes import FIELDS, fields

Make = Callable[..., xr.DataArray]


def write(cube: Any, folder: Path, **options: Any) -> WrittenFile:
    (file,) = write_result(Result(cube, "Zarr", options), folder)
    assert file.path.name == "openEO.zarr.zip"
    assert [path.name for path in folder.iterdir()] == ["openEO.zarr.zip"]
    return file


def read(file: WrittenFile) -> xr.Dataset:
    dataset: xr.Dataset = xr.open_zarr(f"zip::{file.path}", decode_coords="all").load()
    return dataset


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8", "bool"])
@pytest.mark.parametrize("lazy", [True, False])
def test_cubes_come_back(make: Make, tmp_path: Path, dtype: str, lazy: bool) -> None:
    cube = make(dtype, lazy=lazy)
    dataset = read(write(cube, tmp_path))
    assert list(dataset.data_vars) == ["B02", "B03", "B04"]
    for band in dataset.data_vars:
        assert dataset[band].dtype == dtype
        xr.testing.assert_equal(dataset[band].drop_vars("crs").variable, cube.sel(bands=band).variable)
    np.testing.assert_array_equal(dataset.t, cube.t)
    assert dataset.crs.attrs["crs_wkt"].startswith("PROJCRS")
    assert dataset.crs.attrs["GeoTransform"] == "500000.0 10.0 0.0 5100000.0 0.0 -10.0"


def test_the_asset(make: Make, tmp_path: Path) -> None:
    cube = make()
    asset = write(cube, tmp_path).asset("a")
    assert asset["type"] == "application/vnd.zarr+zip"
    assert asset["proj:code"] == "EPSG:32632"
    assert asset["proj:shape"] == [37, 53]
    assert asset["bands"][1]["name"] == "B03"
    assert asset["bands"][1]["statistics"]["maximum"] == pytest.approx(float(cube.sel(bands="B03").max()))


def test_gdal_finds_the_pixels(make: Make, tmp_path: Path) -> None:
    cube = make("int16", ("y", "x"))
    with zipfile.ZipFile(write(cube, tmp_path).path) as packed:
        packed.extractall(tmp_path / "unpacked.zarr")
    with rasterio.open(f'ZARR:"{tmp_path}/unpacked.zarr":/data') as image:
        np.testing.assert_array_equal(image.read(1), cube)
        assert image.transform[:6] == (10, 0, 500000, 0, -10, 5100000)


def test_packing_and_chunks(make: Make, tmp_path: Path) -> None:
    cube = make(rows=100, columns=100, chunk=100)
    file = write(cube, tmp_path, dtype="int16", scale=0.1, nodata=-1, compress="none", chunk_size=64)
    with zipfile.ZipFile(file.path) as packed:
        sizes = {entry.filename: entry.file_size for entry in packed.infolist()}
        assert packed.infolist()[0].filename.startswith(".z")
    assert sizes["B02/1.1.1"] == 64 * 64 * 2
    raw = xr.open_zarr(f"zip::{file.path}", mask_and_scale=False)
    assert raw.B02.dtype == np.int16
    assert raw.B02.attrs["_FillValue"] == -1
    np.testing.assert_allclose(read(file).B02, cube.sel(bands="B02"), atol=0.051)


def test_odd_names_and_empty_cubes(make: Make, tmp_path: Path) -> None:
    cube = make(bands=2).assign_coords(bands=["ä/b", "ä b"])
    dataset = read(write(cube, tmp_path))
    assert [dataset[name].attrs["long_name"] for name in dataset.data_vars] == ["ä/b", "ä b"]
    assert read(write(make(times=0, lazy=False), tmp_path)).sizes["t"] == 0
    assert read(write(xr.DataArray(3.5), tmp_path)).data == 3.5


@pytest.mark.parametrize("format_name", ["Zarr", "netCDF"])
def test_vector_cubes(tmp_path: Path, format_name: str) -> None:
    (file,) = write_result(Result(fields(), format_name, {}), tmp_path)
    dataset = read(file) if format_name == "Zarr" else xr.load_dataset(file.path, decode_coords="all")
    assert dataset["B04"].dims == ("geometry", "t")
    np.testing.assert_array_equal(dataset["B04"], np.array([[np.nan, 0.2], [0.4, 0.6]], np.float32))
    assert shapely.from_wkt(dataset["geometry"].values.tolist()).tolist() == list(FIELDS)
    assert dataset.lon.values.tolist() == pytest.approx([9.00065, 9.00323], abs=1e-4)
    assert dataset.lat.values.tolist() == pytest.approx([46.054, 46.054], abs=1e-3)
    assert dataset.feature_id.values.tolist() == ["a", ""]
    assert dataset.crs.attrs["crs_wkt"].startswith("PROJCRS")
    assert file.asset("a")["proj:code"] == "EPSG:32632"


def test_other_data_are_refused(tmp_path: Path) -> None:
    for data, reason in ((1, "Choose JSON"), (xr.DataArray(np.array(["a"])), "Choose JSON or CSV")):
        with pytest.raises(FormatUnsuitable, match=reason):
            write(data, tmp_path)


def test_full_disk(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("connexeo.processing.formats.zarr._pack", full)
    with pytest.raises(StorageFailure):
        write(make(), tmp_path)
    assert not list(tmp_path.iterdir())
