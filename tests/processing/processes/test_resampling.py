"""Resampling and warping of the horizontal dimensions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, crs_of, dimensions_of, labels, make_cube, spatial_dimension

Run = Callable[..., Any]


@pytest.fixture
def ramp() -> xr.DataArray:
    """A cube (y, x) whose values are the easting."""
    x, y = 600_005 + 10.0 * np.arange(40), 5_000_000 - 10.0 * np.arange(20) - 5
    data = xr.DataArray(np.broadcast_to(x, (20, 40)).copy(), dims=("y", "x"), coords={"y": y, "x": x}).chunk(
        10
    )
    return make_cube(data, [Dimension("y", "spatial", "y", 32632), Dimension("x", "spatial", "x", 32632)])


def test_average_of_four_pixels(run: Run, cube: xr.DataArray) -> None:
    whole = cube.fillna(1)
    result = run("resample_spatial", data=whole, resolution=20, method="average")
    assert result.chunks is not None
    assert result.shape == (4, 3, 3, 4)
    assert labels(result, "x") == (600_010.0, 600_030.0, 600_050.0, 600_070.0)
    assert labels(result, "y") == (4_999_990.0, 4_999_970.0, 4_999_950.0)
    assert dimensions_of(result) == dimensions_of(cube)
    expected = whole.values.reshape(4, 3, 3, 2, 4, 2).mean((3, 5))
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_order_and_direction_of_dimensions_stay(run: Run, cube: xr.DataArray) -> None:
    whole = cube.fillna(1)
    turned = make_cube(
        whole.transpose("x", "bands", "y", "t").isel(y=slice(None, None, -1)), dimensions_of(cube)
    )
    result = run("resample_spatial", data=turned, resolution=20, method="average")
    assert result.dims == ("x", "bands", "y", "t")
    assert labels(result, "y") == (4_999_950.0, 4_999_970.0, 4_999_990.0)
    expected = run("resample_spatial", data=whole, resolution=20, method="average")
    np.testing.assert_allclose(
        result.transpose(*cube.dims).isel(y=slice(None, None, -1)), expected, rtol=1e-6
    )


def test_integers_get_no_data_outside(run: Run, ramp: xr.DataArray) -> None:
    result = run("resample_spatial", data=ramp.astype("int16"), projection=3857)
    assert result.dtype == "float32"
    assert np.isnan(result).any()


def test_projection(run: Run, ramp: xr.DataArray) -> None:
    from pyproj import Transformer

    result = run(
        "resample_spatial", data=ramp, projection=4326, resolution=0.0001, method="bilinear"
    ).compute()
    assert crs_of(result) == 4326
    assert [one.axis for one in dimensions_of(result)] == ["y", "x"]
    longitude, latitude = np.meshgrid(result.x, result.y)
    easting, _ = Transformer.from_crs(4326, 32632, always_xy=True).transform(longitude, latitude)
    inside = np.isfinite(result.values)
    assert inside.mean() > 0.8
    np.testing.assert_allclose(result.values[inside], easting[inside], atol=5)


@pytest.mark.parametrize(
    ("align", "x", "y"),
    [
        ("upper-left", 600_015, 4_999_985),
        ("lower-left", 600_015, 4_999_995),
        ("upper-right", 599_995, 4_999_985),
        ("lower-right", 599_995, 4_999_995),
    ],
)
def test_alignment(run: Run, ramp: xr.DataArray, align: str, x: float, y: float) -> None:
    result = run("resample_spatial", data=ramp, resolution=[30, 30], align=align)
    assert (labels(result, "x")[0], labels(result, "y")[0]) == (x, y)
    assert result.shape == (7, 14)


def test_faults(run: Run, ramp: xr.DataArray) -> None:
    unknown = xr.DataArray(np.zeros((3, 3)), dims=("y", "x"), coords={"y": [3, 2, 1], "x": [1, 2, 3]})
    assert spatial_dimension(unknown, "x") == Dimension("x", "spatial", "x")
    cases: list[tuple[xr.DataArray, dict[str, Any], str]] = [
        (ramp, {}, "ProcessParameterInvalid"),
        (ramp, {"projection": 999_999}, "ProcessParameterInvalid"),
        (ramp, {"projection": "nonsense"}, "ProcessParameterInvalid"),
        (ramp, {"resolution": 1e-4}, "ProcessParameterInvalid"),
        (ramp.isel(x=[], drop=True), {"resolution": 2}, "IncompatibleDataCubes"),
        (unknown, {"resolution": 2}, "IncompatibleDataCubes"),
        (ramp.isel(x=0, drop=True), {"resolution": 2}, "IncompatibleDataCubes"),
    ]
    for data, arguments, code in cases:
        with pytest.raises(OpenEOError) as caught:
            run("resample_spatial", data=data, **arguments)
        assert caught.value.code == code


def test_resampling_in_many_threads_warns_of_nothing(run: Run, ramp: xr.DataArray) -> None:
    result = run("resample_spatial", data=ramp, resolution=3, projection=3035, method="cubic")
    many = xr.concat([result + number for number in range(50)], "n").chunk(x=20, y=20)
    one = result.compute(scheduler="synchronous")
    np.testing.assert_allclose(many.compute(scheduler="threads", num_workers=8)[7], one + 7)


@pytest.mark.parametrize("projection", [32632, "wkt"])
def test_the_same_projection_changes_nothing(run: Run, ramp: xr.DataArray, projection: int | str) -> None:
    from pyproj import CRS

    wide = make_cube(ramp.isel(x=slice(None, None, 2)), dimensions_of(ramp))
    system = CRS.from_epsg(32632).to_wkt() if projection == "wkt" else projection
    result = run("resample_spatial", data=wide, projection=system)
    assert labels(result, "x") == labels(wide, "x")
    assert labels(result, "y") == labels(wide, "y")
    np.testing.assert_array_equal(result, wide)


def test_coarse_chunks_need_small_parts_of_the_source(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import dask.array as da

    from connexeo.processing import reprojection

    sizes = []
    warp = reprojection._Warp.__call__

    def measured(self: Any, block: Any) -> Any:
        sizes.append(block.shape)
        return warp(self, block)

    monkeypatch.setattr(reprojection._Warp, "__call__", measured)
    pixels = da.ones((5000, 5000), chunks=1000, dtype="float32")
    coords = {"y": -10.0 * np.arange(5000), "x": 10.0 * np.arange(5000)}
    dimensions = [Dimension("y", "spatial", "y", 32632), Dimension("x", "spatial", "x", 32632)]
    cube = make_cube(xr.DataArray(pixels, dims=("y", "x"), coords=coords), dimensions)
    result = run("resample_spatial", data=cube, resolution=400, method="average")
    assert result.chunks == ((125,), (125,))
    assert (result == 1).all()
    assert max(max(shape) for shape in sizes) < 2000


def test_pixels_at_the_edge_count_once(run: Run, ramp: xr.DataArray) -> None:
    """The last pixel has 5 columns and 6 rows of the source only; GDAL alone would repeat the edge."""
    result = run("resample_spatial", data=ramp, resolution=70, method="average")
    assert result.shape == (3, 6)
    expected = [ramp.x.values[start : start + 7].mean() for start in range(0, 40, 7)]
    np.testing.assert_allclose(result, np.broadcast_to(expected, (3, 6)))


@pytest.mark.parametrize("method", ["near", "bilinear", "cubic", "lanczos", "average", "sum", "med"])
def test_chunks_make_no_difference(run: Run, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from connexeo.processing import reprojection

    values = np.random.default_rng(1).random((130, 170))
    coords = {"y": 5_000_000 - 10.0 * np.arange(130) - 5, "x": 600_005 + 10.0 * np.arange(170)}
    dimensions = [Dimension("y", "spatial", "y", 32632), Dimension("x", "spatial", "x", 32632)]
    whole = make_cube(xr.DataArray(values, dims=("y", "x"), coords=coords), dimensions)
    expected = run("resample_spatial", data=whole, resolution=37, method=method)
    monkeypatch.setattr(reprojection, "_CHUNK", 16)
    monkeypatch.setattr(reprojection, "_SMALLEST", 8)
    result = run("resample_spatial", data=whole.chunk(30), resolution=37, method=method)
    assert len(result.chunks[0]) > 1
    np.testing.assert_allclose(result, expected, rtol=1e-9)
