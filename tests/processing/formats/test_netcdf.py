"""netCDF, read again by xarray, by rioxarray and by GDAL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import rioxarray  # noqa: F401 -- adds the accessor
import xarray as xr

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import Dimension, make_cube
from connexeo.processing.formats import WrittenFile, write_result
from connexeo.processing.result import Result

Make = Callable[..., xr.DataArray]


def write(cube: Any, folder: Path, **options: Any) -> WrittenFile:
    (file,) = write_result(Result(cube, "netcdf", options), folder)
    return file


@pytest.mark.parametrize(
    "dtype",
    ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"],
)
@pytest.mark.parametrize("lazy", [True, False])
def test_values_and_type_are_kept(make: Make, tmp_path: Path, dtype: str, lazy: bool) -> None:
    cube = make(dtype, lazy=lazy)
    file = write(cube, tmp_path)
    assert file.path.name == "openEO.nc"
    with xr.open_dataset(file.path) as dataset:
        assert set(dataset.data_vars) == {"B02", "B03", "B04", "crs"}
        for band in ("B02", "B03", "B04"):
            assert dataset[band].dtype == np.dtype(dtype)
            assert dataset[band].dims == ("t", "y", "x")
            np.testing.assert_array_equal(dataset[band], cube.sel(bands=band))
        for dim in ("t", "y", "x"):
            np.testing.assert_array_equal(dataset[dim], cube[dim])


@pytest.mark.parametrize("dims", [("y", "x"), ("t", "y", "x"), ("x", "t", "y"), ("t",), ()])
def test_without_bands_there_is_one_variable(make: Make, tmp_path: Path, dims: tuple[str, ...]) -> None:
    cube = make(dims=dims)
    file = write(cube, tmp_path)
    with xr.open_dataset(file.path) as dataset:
        assert dataset["data"].dims == dims
        np.testing.assert_array_equal(dataset["data"], cube)


def test_odd_shapes(make: Make, tmp_path: Path) -> None:
    for rows, columns in ((1, 1), (1, 7), (1031, 3)):
        cube = make(rows=rows, columns=columns, times=1, bands=1)
        file = write(cube, tmp_path)
        with xr.open_dataset(file.path) as dataset:
            np.testing.assert_array_equal(dataset["B02"], cube[:, 0])


def test_large_lazy_cube(make: Make, tmp_path: Path) -> None:
    cube = make(times=12, bands=4, rows=300, columns=300, chunk=128)
    file = write(cube, tmp_path)
    with xr.open_dataset(file.path) as dataset:
        np.testing.assert_array_equal(dataset["B08"], cube.sel(bands="B08"))
        assert dataset["B08"].encoding["zlib"]


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
@pytest.mark.parametrize("south_up", [True, False])
def test_place(make: Make, tmp_path: Path, south_up: bool) -> None:
    cube = make(bands=1, times=1, south_up=south_up)
    file = write(cube, tmp_path)
    with xr.open_dataset(file.path, decode_coords="all") as dataset:
        assert dataset["B02"].rio.crs.to_epsg() == 32632
        assert dataset["B02"].rio.bounds() == (500000, 5099630, 500530, 5100000)
        assert set(dataset.data_vars) == {"B02"}
    with rasterio.open(f"netcdf:{file.path}:B02") as dataset:
        assert dataset.crs.to_epsg() == 32632
        assert tuple(dataset.transform)[:6] == (10, 0, 500000, 0, -10, 5100000)
        expected = cube.values[0, :, ::-1] if south_up else cube.values[0]
        np.testing.assert_array_equal(dataset.read(), expected)
        assert np.isnan(dataset.nodata)


def test_conventions(make: Make, tmp_path: Path) -> None:
    file = write(make(), tmp_path)
    with xr.open_dataset(file.path, decode_cf=False) as dataset:
        assert dataset.attrs["Conventions"] == "CF-1.8"
        assert dataset["t"].attrs["units"] == "seconds since 1970-01-01 00:00:00"
        assert dataset["t"].attrs["standard_name"] == "time"
        assert dataset["x"].attrs["standard_name"] == "projection_x_coordinate"
        assert dataset["y"].attrs["units"] == "m"
        assert dataset["B02"].attrs["grid_mapping"] == "crs"
        assert "_FillValue" in dataset["B02"].attrs
        crs = dataset["crs"].attrs
    assert crs["grid_mapping_name"] == "transverse_mercator"
    assert pyproj.CRS(crs["crs_wkt"]) == pyproj.CRS(crs["spatial_ref"]) == pyproj.CRS(32632)
    assert crs["GeoTransform"] == "500000.0 10.0 0.0 5100000.0 0.0 -10.0"


def test_longitude_and_latitude(make: Make, tmp_path: Path) -> None:
    cube = make(crs=4326)
    with xr.open_dataset(write(cube, tmp_path).path) as dataset:
        assert dataset["x"].attrs["standard_name"] == "longitude"
        assert dataset["y"].attrs["units"] == "degrees_north"


def test_without_reference_system(make: Make, tmp_path: Path) -> None:
    with xr.open_dataset(write(make(crs=None), tmp_path).path) as dataset:
        assert "crs" not in dataset
        assert "grid_mapping" not in dataset["B02"].attrs


@pytest.mark.parametrize("instant", ["2023-01-05T10:30:21", "2023-01-05T10:30:21.123456789", "1931-02-01"])
def test_instants_are_exact(make: Make, tmp_path: Path, instant: str) -> None:
    cube = make(times=1).assign_coords(t=np.array([instant], "M8[ns]"))
    with xr.open_dataset(write(cube, tmp_path).path) as dataset:
        assert dataset["t"].values[0] == np.datetime64(instant, "ns")


def test_labels_that_are_texts(make: Make, tmp_path: Path) -> None:
    cube = make().assign_coords(t=["2020-djf", "2020-mäm"])
    with xr.open_dataset(write(cube, tmp_path).path) as dataset:
        assert dataset["t"].values.tolist() == ["2020-djf", "2020-mäm"]


def test_names_that_netcdf_cannot_hold(make: Make, tmp_path: Path) -> None:
    cube = make(bands=4).assign_coords(bands=["a/b", "crs", "x", "größe 1"])
    with xr.open_dataset(write(cube, tmp_path).path) as dataset:
        assert set(dataset.data_vars) == {"a_b", "crs_", "x_", "gr__e_1", "crs"}
        assert dataset["a_b"].attrs["long_name"] == "a/b"
        np.testing.assert_array_equal(dataset["x_"], cube.sel(bands="x"))


def test_further_dimensions(make: Make, tmp_path: Path) -> None:
    cube = make(bands=1).expand_dims(depth=[0.5, 2.0])
    cube = make_cube(cube, [Dimension("depth", "spatial", "z", unit="m")])
    with xr.open_dataset(write(cube, tmp_path).path) as dataset:
        assert dataset["B02"].dims == ("depth", "t", "y", "x")
        assert dataset["depth"].attrs["units"] == "m"
        assert dataset["depth"].values.tolist() == [0.5, 2.0]


def test_uneven_pixels_are_held(make: Make, tmp_path: Path) -> None:
    cube = make().isel(x=[0, 1, 3])
    file = write(cube, tmp_path)
    assert file.transform is None
    with xr.open_dataset(file.path) as dataset:
        np.testing.assert_array_equal(dataset["x"], cube["x"])


def test_empty_cubes_are_held(make: Make, tmp_path: Path) -> None:
    file = write(make(times=0), tmp_path)
    with xr.open_dataset(file.path) as dataset:
        assert dataset["B02"].shape == (0, 37, 53)


def test_packed_values(make: Make, tmp_path: Path) -> None:
    cube = make(bands=1) / 200
    file = write(cube, tmp_path, dtype="uint16", scale=0.0001, offset=-0.1)
    with xr.open_dataset(file.path) as dataset:
        np.testing.assert_allclose(dataset["B02"], cube[:, 0], atol=0.00006)
        assert dataset["B02"].encoding["dtype"] == np.uint16
        assert dataset["B02"].encoding["_FillValue"] == 65535


def test_what_stac_wants_to_know(make: Make, tmp_path: Path) -> None:
    cube = make()
    asset = write(cube, tmp_path).asset("x")
    assert asset["type"] == "application/x-netcdf"
    assert asset["proj:code"] == "EPSG:32632"
    assert "datetime" not in asset
    assert [band["name"] for band in asset["bands"]] == ["B02", "B03", "B04"]
    assert asset["bands"][2]["statistics"]["mean"] == pytest.approx(
        np.nanmean(cube[:, 2].values.astype(float))
    )


def test_unsuitable_data(make: Make, tmp_path: Path) -> None:
    with pytest.raises(FormatUnsuitable, match="a single value"):
        write(1, tmp_path)
    with pytest.raises(FormatUnsuitable, match="complex"):
        write(make().astype("complex64"), tmp_path)
