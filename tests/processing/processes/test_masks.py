"""Masks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, dimensions_of, make_cube

Run = Callable[..., Any]


@pytest.fixture
def mask(cube: xr.DataArray) -> xr.DataArray:
    """A mask (y, x) with values that cover, that do not, and without data."""
    values = np.zeros((6, 8), "float32")
    values[1, 2], values[3, 4], values[5, 6] = 1, -0.5, np.nan
    flat = cube.isel(t=0, bands=0, drop=True).copy(data=values)
    return make_cube(flat, dimensions_of(cube))


def covered(shape: tuple[int, ...]) -> Any:
    where = np.zeros((6, 8), bool)
    where[1, 2] = where[3, 4] = True
    return np.broadcast_to(where, shape)


def test_masked_values_become_no_data(run: Run, cube: xr.DataArray, mask: xr.DataArray) -> None:
    result = run("mask", data=cube, mask=mask)
    assert result.chunks == cube.chunks
    assert dimensions_of(result) == dimensions_of(cube)
    np.testing.assert_array_equal(result, np.where(covered(cube.shape), np.nan, cube))


@pytest.mark.parametrize(
    ("dtype", "expected"), [("uint16", "float32"), ("int32", "float64"), ("bool", "float32")]
)
def test_integers_are_promoted_for_no_data(
    run: Run, cube: xr.DataArray, mask: xr.DataArray, dtype: str, expected: str
) -> None:
    assert run("mask", data=cube.fillna(0).astype(dtype), mask=mask).dtype == expected


@pytest.mark.parametrize(
    ("replacement", "dtype"),
    [
        (7, "uint16"),
        (7.0, "uint16"),
        (-1, "int32"),
        (16_777_217, "uint32"),
        (0.5, "float32"),
        (1e300, "float64"),
        (True, "uint16"),
    ],
)
def test_replacement(
    run: Run, cube: xr.DataArray, mask: xr.DataArray, replacement: float, dtype: str
) -> None:
    whole = cube.fillna(0).astype("uint16")
    result = run("mask", data=whole, mask=mask, replacement=replacement)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.where(covered(cube.shape), float(replacement), whole))


def test_boolean_masks_with_bands(run: Run, cube: xr.DataArray) -> None:
    bands = make_cube((cube > 2500).isel(t=0, drop=True, bands=[2, 1, 0]), dimensions_of(cube))
    result = run("mask", data=cube, mask=bands)
    np.testing.assert_array_equal(result, cube.where(~(cube > 2500).isel(t=0).values[np.newaxis]))


def test_masks_of_a_part_leave_the_rest(run: Run, cube: xr.DataArray, mask: xr.DataArray) -> None:
    part = make_cube(mask.isel(y=slice(0, 2)), dimensions_of(mask))
    result = run("mask", data=cube, mask=part).values
    np.testing.assert_array_equal(result[..., 2:, :], cube.values[..., 2:, :])
    assert np.isnan(result[..., 1, 2]).all()


def test_masks_on_another_grid_are_resampled(run: Run, cube: xr.DataArray) -> None:
    coarse = xr.DataArray(
        np.eye(3, 4),
        dims=("y", "x"),
        coords={"y": 5_000_000 - 20.0 * np.arange(3) - 10, "x": 600_000 + 20.0 * np.arange(4) + 10},
    )
    spatial = [Dimension("y", "spatial", "y", 32632), Dimension("x", "spatial", "x", 32632)]
    result = run("mask", data=cube.fillna(1).compute(), mask=make_cube(coarse, spatial))
    expected = np.kron(np.eye(3, 4), np.ones((2, 2))) == 1
    np.testing.assert_array_equal(np.isnan(result.values), np.broadcast_to(expected, cube.shape))


def test_incompatible_masks(run: Run, cube: xr.DataArray, mask: xr.DataArray) -> None:
    more = run("add_dimension", data=mask, name="other", label="a")
    other = make_cube(cube.isel(t=[0, 1]), dimensions_of(cube))
    for wrong in (more, other):
        with pytest.raises(OpenEOError) as caught:
            run("mask", data=cube, mask=wrong)
        assert caught.value.code == "IncompatibleDataCubes"


def test_text_cannot_replace_pixels(run: Run, cube: xr.DataArray, mask: xr.DataArray) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("mask", data=cube, mask=mask, replacement="none")
    assert caught.value.code == "ProcessParameterInvalid"


def test_masks_in_another_order_have_each_label_once(run: Run, cube: xr.DataArray) -> None:
    twice = cube.assign_coords(t=cube.t.values[[0, 0, 2, 3]])
    same = run("mask", data=twice, mask=twice > 2000, replacement=-1)
    np.testing.assert_array_equal(same, cube.where(~(cube > 2000), -1))
    with pytest.raises(OpenEOError) as caught:
        run("mask", data=twice, mask=twice.isel(t=[2, 0, 1, 3]) > 2000)
    assert caught.value.code == "IncompatibleDataCubes"
