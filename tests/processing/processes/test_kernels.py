"""Convolution: direction and borders of kernels, in chunks as in one piece."""

from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, dimensions_of, make_cube

Run = Callable[..., Any]

NORTH = [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
"""Takes the pixel in the north."""
WEST = [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
BORDERS = {
    "replicate": "aaaaaa|abcdefgh|hhhhhh",
    "reflect": "fedcba|abcdefgh|hgfedc",
    "reflect_pixel": "gfedcb|abcdefgh|gfedcb",
    "wrap": "cdefgh|abcdefgh|abcdef",
}


@pytest.fixture
def plane() -> xr.DataArray:
    """A cube (y, x) of integers, north up."""
    data = xr.DataArray(
        np.arange(12, dtype="uint8").reshape(3, 4),
        dims=("y", "x"),
        coords={"y": [30.0, 20.0, 10.0], "x": [1.0, 2.0, 3.0, 4.0]},
    )
    return make_cube(data, [Dimension("y", "spatial", "y", 32632), Dimension("x", "spatial", "x", 32632)])


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (NORTH, [[0, 0, 0, 0], [0, 1, 2, 3], [4, 5, 6, 7]]),
        (WEST, [[0, 0, 1, 2], [0, 4, 5, 6], [0, 8, 9, 10]]),
        ([[0, 0, 2]], [[2, 4, 6, 0], [10, 12, 14, 0], [18, 20, 22, 0]]),
        ([[3]], [[0, 3, 6, 9], [12, 15, 18, 21], [24, 27, 30, 33]]),
    ],
)
def test_direction_of_kernels(run: Run, plane: xr.DataArray, kernel: Any, expected: Any) -> None:
    result = run("apply_kernel", data=plane, kernel=kernel)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == "float32"
    assert dimensions_of(result) == dimensions_of(plane)


@pytest.mark.parametrize("kernel", [NORTH, WEST])
def test_directions_are_those_of_the_world(run: Run, plane: xr.DataArray, kernel: Any) -> None:
    expected = run("apply_kernel", data=plane, kernel=kernel)
    turned = make_cube(plane.isel(y=slice(None, None, -1), x=slice(None, None, -1)).T, dimensions_of(plane))
    result = run("apply_kernel", data=turned, kernel=kernel)
    assert result.dims == ("x", "y")
    xr.testing.assert_equal(result.sortby("x").sortby("y", ascending=False).T, expected)


@pytest.mark.parametrize("border", BORDERS)
def test_borders(run: Run, border: str) -> None:
    row = xr.DataArray(np.arange(8.0)[None], dims=("y", "x"), coords={"x": np.arange(8.0)})
    extended = BORDERS[border].replace("|", "")
    for place, letter in enumerate(extended[:8]):
        kernel = np.zeros((1, 13))
        kernel[0, place] = 1
        result = run("apply_kernel", data=row, kernel=kernel.tolist(), border=border)
        expected = [ord(one) - ord("a") for one in extended[place : place + 8]]
        assert result.values[0].tolist() == expected, letter


@pytest.mark.parametrize("border", [*BORDERS, 7])
def test_kernels_larger_than_the_data(run: Run, border: str | float) -> None:
    small = xr.DataArray(np.array([[1.0, 2.0]]), dims=("y", "x"))
    result = run("apply_kernel", data=small, kernel=np.ones((5, 7)).tolist(), border=border)
    mode = {"replicate": "edge", "reflect": "symmetric", "reflect_pixel": "reflect", "wrap": "wrap", 7: ""}[
        border
    ]
    padded = (
        np.pad(small.values, ((2, 2), (3, 3)), mode=mode)  # type: ignore[call-overload]
        if mode
        else np.pad(small.values, ((2, 2), (3, 3)), constant_values=7)
    )
    assert result.values.tolist() == [[padded[:, :7].sum(), padded[:, 1:].sum()]]


def test_what_is_no_finite_number_is_replaced_before_the_border(run: Run) -> None:
    row = xr.DataArray(np.array([[np.nan, 1.0, np.inf]]), dims=("y", "x"))
    box = [[1, 1, 1]]
    assert run("apply_kernel", data=row, kernel=box).values.tolist() == [[1, 1, 1]]
    result = run("apply_kernel", data=row, kernel=box, replace_invalid=5, border="replicate", factor=0.5)
    assert result.values.tolist() == [[5.5, 5.5, 5.5]]
    flags = xr.DataArray(np.array([[True, False, True]]), dims=("y", "x"))
    assert run("apply_kernel", data=flags, kernel=box, border=10).values.tolist() == [[11, 2, 11]]


@pytest.mark.parametrize("border", [*BORDERS, 3])
def test_chunks_do_not_matter(run: Run, cube: xr.DataArray, border: str | float) -> None:
    kernel = np.random.default_rng(1).random((5, 3)).tolist()
    whole = run("apply_kernel", data=cube.compute(), kernel=kernel, border=border)
    with dask.config.set(scheduler=_refuse):
        lazy = run("apply_kernel", data=cube.chunk(y=3, x=1), kernel=kernel, border=border)
    assert lazy.dtype == "float32"
    assert lazy.attrs["title"] == "A test"
    assert lazy.chunks[2:] == ((3, 3), (1,) * 8)
    np.testing.assert_allclose(lazy, whole, rtol=1e-6)
    assert np.isfinite(whole.values).all()


def _refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("something was computed")


def test_cubes_without_pixels(run: Run, cube: xr.DataArray) -> None:
    assert run("apply_kernel", data=cube.isel(x=slice(0, 0)), kernel=NORTH, border="wrap").shape == (
        4,
        3,
        6,
        0,
    )


@pytest.mark.parametrize(
    ("kernel", "code"),
    [
        ([[1, 2], [3, 4]], "KernelDimensionsUneven"),
        ([[1, 2, 3], [3, 4, 5]], "KernelDimensionsUneven"),
        ([[1, 2]], "KernelDimensionsUneven"),
        ([], "KernelDimensionsUneven"),
        ([[]], "KernelDimensionsUneven"),
        ([[1], [1, 2, 3], [1]], "ProcessParameterInvalid"),
    ],
)
def test_faults_of_kernels(run: Run, cube: xr.DataArray, kernel: Any, code: str) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("apply_kernel", data=cube, kernel=kernel)
    assert caught.value.code == code


def test_kernels_need_x_and_y(run: Run, cube: xr.DataArray) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("apply_kernel", data=cube.isel(x=0, drop=True), kernel=[[1]])
    assert caught.value.code == "DimensionNotAvailable"
