"""Resampling to the pixels of another cube."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, crs_of, dimensions_of, labels, make_cube

Run = Callable[..., Any]


def plane(x: Any, y: Any, crs: int | None = 32632, names: tuple[str, str] = ("y", "x")) -> xr.DataArray:
    """A cube (y, x) whose values are x - 7 y, so that each pixel has another one."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    data = xr.DataArray(x[None] - 7 * y[:, None], dims=names, coords=dict(zip(names, (y, x), strict=True)))
    axes = [Dimension(names[0], "spatial", "y", crs), Dimension(names[1], "spatial", "x", crs)]
    return make_cube(data, axes)


X, Y = 600_005 + 10.0 * np.arange(8), 5_000_055 - 10.0 * np.arange(6)


def test_pixels_on_the_same_grid_stay(run: Run, cube: xr.DataArray) -> None:
    target = cube.isel(t=[0], x=slice(2, 5), y=slice(1, 3))
    result = run("resample_cube_spatial", data=cube, target=target, method="cubic")
    assert dimensions_of(result) == dimensions_of(cube)
    xr.testing.assert_equal(result.compute(), cube.isel(x=slice(2, 5), y=slice(1, 3)).compute())
    assert result.chunks is not None


def test_beyond_the_cube_is_no_data(run: Run) -> None:
    data = plane(X, Y).astype("int16")
    target = plane([*X[-2:], X[-1] + 10], Y[:2])
    result = run("resample_cube_spatial", data=data, target=target)
    np.testing.assert_array_equal(result[:, :2], data[:2, -2:])
    assert np.isnan(result[:, 2]).all()


@pytest.mark.parametrize("x", [X, X[::-1]])
@pytest.mark.parametrize("y", [Y, Y[::-1]])
@pytest.mark.parametrize("shift", [0, 4])
def test_directions_are_those_of_the_target(run: Run, x: Any, y: Any, shift: float) -> None:
    data = plane(X, Y)
    result = run("resample_cube_spatial", data=data, target=plane(x + shift, y))
    assert result.x.values.tolist() == (x + shift).tolist()
    assert result.y.values.tolist() == y.tolist()
    np.testing.assert_array_equal(result, data.sel(x=x, y=y))


@pytest.mark.parametrize(
    ("method", "expected"),
    [("average", 2.5), ("min", 1), ("max", 4), ("med", 2), ("sum", 10), ("rms", 7.5**0.5), ("near", None)],
)
def test_methods(run: Run, method: str, expected: float | None) -> None:
    data = plane([605, 615], [5095, 5085]).copy(data=[[1.0, 2.0], [3.0, 4.0]])
    target = plane([610, 630], [5090, 5070])
    result = run("resample_cube_spatial", data=data, target=target, method=method)
    assert np.isnan(result.values.ravel()[1:]).all()
    assert result.values[0, 0] == pytest.approx(expected) or (
        expected is None and result.values[0, 0] in data
    )


def test_squares_have_no_sign(run: Run) -> None:
    data = plane(X, Y)
    np.testing.assert_array_equal(
        run("resample_cube_spatial", data=-abs(data), target=data, method="rms"), abs(data)
    )


def test_another_reference_system(run: Run) -> None:
    from pyproj import Transformer

    data = plane(600_005 + 10.0 * np.arange(80), 5_000_005 - 10.0 * np.arange(60))
    transform = Transformer.from_crs(32632, 4326, always_xy=True).transform
    longitude, latitude = transform(600_403, 4_999_697)
    target = plane(longitude + 1e-4 * np.arange(3), latitude + 1e-4 * np.arange(2), 4326, ("lat", "lon"))
    result = run("resample_cube_spatial", data=data, target=target)
    assert result.dims == ("y", "x")
    assert set(result.coords) == {"x", "y"}
    assert crs_of(result) == 4326
    assert labels(result, "x") == labels(target, "lon")
    assert labels(result, "y") == labels(target, "lat")
    back = Transformer.from_crs(4326, 32632, always_xy=True).transform
    east, north = back(*np.meshgrid(result.x, result.y))
    expected = data.sel(x=xr.DataArray(east), y=xr.DataArray(north), method="nearest")
    np.testing.assert_array_equal(result, expected)


UNEVEN = [600_005.0, 600_015.0, 600_045.0]


@pytest.mark.parametrize("x", [UNEVEN, [600_005.0, 600_005.0, 600_015.0], [600_015.0, 600_005.0, 600_025.0]])
def test_uneven_pixels_are_not_resampled(run: Run, x: list[float]) -> None:
    uneven, even = plane(x, Y), plane(X + 3, Y)
    for data, target in ((uneven, even), (even, uneven)):
        with pytest.raises(OpenEOError) as caught:
            run("resample_cube_spatial", data=data, target=target)
        assert caught.value.code == "IncompatibleDataCubes"


def test_uneven_pixels_that_are_the_same(run: Run) -> None:
    data = plane(X, Y)
    result = run("resample_cube_spatial", data=data, target=plane(UNEVEN, Y))
    np.testing.assert_array_equal(result, data.sel(x=UNEVEN))
    spread = run("resample_cube_spatial", data=data.sel(x=UNEVEN), target=data)
    np.testing.assert_array_equal(spread, data.where(data.x.isin(UNEVEN)))


def test_single_precision_is_even_enough(run: Run) -> None:
    longitude = np.linspace(-180, 180, 3601, dtype="float32")
    data = plane(longitude, [0, 0.1], 4326)
    result = run("resample_cube_spatial", data=data, target=plane(longitude[:50] + 0.02, [0.01, 0.11], 4326))
    assert np.isfinite(result.values).all()


def test_cubes_without_pixels(run: Run) -> None:
    data = plane(X, Y)
    assert np.isnan(run("resample_cube_spatial", data=data.isel(x=[]), target=data).values).all()
    assert run("resample_cube_spatial", data=data, target=data.isel(x=[])).shape == (6, 0)


def test_faults(run: Run) -> None:
    data = plane(X, Y)
    line, unknown = data.isel(x=0, drop=True), plane(X + 3, Y, None)
    cases = [(line, data, "DimensionNotAvailable"), (data, line, "DimensionNotAvailable")]
    cases += [(unknown, data, "IncompatibleDataCubes"), (data, unknown, "IncompatibleDataCubes")]
    for one, target, code in cases:
        with pytest.raises(OpenEOError) as caught:
            run("resample_cube_spatial", data=one, target=target)
        assert caught.value.code == code
