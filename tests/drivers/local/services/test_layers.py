"""From what a process gives to numbers on the pixels of a window."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from connexeo.drivers.local.services.layers import Layers, layers_of, shown_cube
from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import Dimension, make_cube
from connexeo.processing.environment import Window
from connexeo.processing.evaluation import Evaluation
from connexeo.processing.result import Result

WINDOW = Window((0.0, 0.0, 40.0, 30.0), "EPSG:32632", 4, 3)
"""Pixels of 10 m."""


def cube_of(
    values: Any, *, crs: int = 32632, left: float = 0.0, top: float = 30.0, size: float = 10.0, **labels: Any
) -> xr.DataArray:
    """A cube whose last dimensions are y and x; the others are given by their labels."""
    values = np.asarray(values)
    rows, columns = values.shape[-2:]
    coords = {
        **labels,
        "y": top - size * (np.arange(rows) + 0.5),
        "x": left + size * (np.arange(columns) + 0.5),
    }
    spatial = [Dimension(axis, "spatial", axis, crs) for axis in ("y", "x")]
    return make_cube(xr.DataArray(values, coords=coords, dims=list(coords)), spatial)


def days(*numbers: int) -> list[np.datetime64]:
    return [np.datetime64(f"2024-01-{number:02}", "ns") for number in numbers]


GRID = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_pixels_of_the_window_are_kept() -> None:
    layers = layers_of(cube_of(GRID), WINDOW, None)
    assert layers.values.shape == (1, 3, 4)
    np.testing.assert_array_equal(layers.values[0], GRID)
    assert layers.bands == ()
    assert layers.valid.all()


def test_rows_from_south_to_north_are_turned() -> None:
    layers = layers_of(cube_of(GRID).isel(y=slice(None, None, -1)), WINDOW, None)
    np.testing.assert_array_equal(layers.values[0], GRID)


@pytest.mark.parametrize("lazy", [True, False])
def test_other_pixels_are_warped(lazy: bool) -> None:
    """Pixels of 20 m, of which the window shows a part and more than there is."""
    cube = cube_of(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), left=-20.0, top=30.0, size=20.0)
    if lazy:
        cube = cube.copy(data=da.from_array(cube.values))  # type: ignore[no-untyped-call]
    values = layers_of(cube, WINDOW, None).values[0]
    np.testing.assert_array_equal(
        values, [[2, 2, np.nan, np.nan], [2, 2, np.nan, np.nan], [4, 4, np.nan, np.nan]]
    )


def test_other_reference_systems_are_warped() -> None:
    window = Window((9.0, 45.0, 9.004, 45.003), "OGC:CRS84", 4, 3)
    cube = cube_of(np.full((100, 100), 7.0), left=500_000 - 500, top=4_983_400 + 500)
    assert (layers_of(cube, window, None).values == 7).any()


def test_single_pixel() -> None:
    values = layers_of(cube_of([[5.0]], left=10.0, top=20.0), WINDOW, None).values[0]
    expected = np.full((3, 4), np.nan)
    expected[1, 1] = 5
    np.testing.assert_array_equal(values, expected)


def test_latest_date_that_has_data() -> None:
    nan = np.nan
    stack = np.array(
        [
            [[1, 1, 1, nan]] * 3,
            [[3, nan, nan, nan]] * 3,  # the latest one is not the last
            [[2, 2, nan, nan]] * 3,
        ]
    )
    layers = layers_of(cube_of(stack, t=days(1, 9, 5)), WINDOW, None)
    np.testing.assert_array_equal(layers.values[0], [[3, 2, 1, nan]] * 3)
    np.testing.assert_array_equal(layers.valid, [[True, True, True, False]] * 3)


def test_colours_are_of_one_date() -> None:
    """A date counts where it has all bands."""
    nan = np.nan
    early = np.stack([np.full((3, 4), band) for band in (1.0, 2.0, 3.0)])
    late = early + 10
    late[1, :, 0] = nan
    layers = layers_of(cube_of([early, late], t=days(1, 2), bands=["r", "g", "b"]), WINDOW, None)
    np.testing.assert_array_equal(layers.values[:, 0, 0], [1, 2, 3])
    np.testing.assert_array_equal(layers.values[:, 0, 1], [11, 12, 13])


def test_dates_that_are_hidden_are_not_computed() -> None:
    def fail(block: Any) -> Any:
        raise AssertionError("this date is hidden")

    hidden = da.ones((3, 4)).map_blocks(fail, meta=np.empty((0, 0)))
    stack = da.stack([hidden, da.zeros((3, 4))])  # type: ignore[no-untyped-call]
    cube = cube_of(np.zeros((2, 3, 4)), t=days(1, 2)).copy(data=stack)
    assert (layers_of(cube, WINDOW, None).values == 0).all()


def test_bands_are_chosen_in_order() -> None:
    stack = np.stack([np.full((3, 4), number) for number in range(5)])
    cube = cube_of(stack, bands=["a", "b", "c", "d", "e"])
    layers = layers_of(cube, WINDOW, ["d", "a", "b"])
    assert layers.bands == ("d", "a", "b")
    assert layers.values[:, 0, 0].tolist() == [3, 0, 1]


@pytest.mark.parametrize(
    ("cube", "bands", "says"),
    [
        (cube_of(np.zeros((2, 3, 4)), bands=["a", "b"]), None, "has 2. Choose some by 'bands'.*: a, b"),
        (cube_of(np.zeros((2, 3, 4)), bands=["a", "b"]), ["c"], "no band 'c'.*a, b"),
        (cube_of(GRID), ["c"], "no band 'c'.*none"),
        (cube_of(np.zeros((2, 3, 4)), season=["dry", "wet"]), None, "Reduce the dimension 'season'"),
        (cube_of(np.zeros((1, 1, 3, 4)), t=days(1), time=days(1)), None, "Reduce 'time'"),
    ],
)
def test_cubes_that_cannot_be_shown(cube: xr.DataArray, bands: list[str] | None, says: str) -> None:
    with pytest.raises(FormatUnsuitable, match=says):
        layers_of(cube, WINDOW, bands)


@pytest.mark.parametrize(("dtype", "source"), [("uint8", "uint8"), ("bool", "bool"), ("float64", "float32")])
def test_data_type_is_told(dtype: str, source: str) -> None:
    layers = layers_of(cube_of(GRID.astype(dtype)), WINDOW, None)
    assert layers.source == np.dtype(source)
    assert layers.values.dtype.kind == "f"


def test_what_is_shown() -> None:
    one, other = cube_of(GRID), cube_of(GRID + 1)
    saved = Result(one, "PNG")
    assert shown_cube(Evaluation(one, ())) is one
    assert shown_cube(Evaluation(saved, (saved,))) is one
    assert shown_cube(Evaluation(other, (saved,))) is other
    assert shown_cube(Evaluation(True, (Result(other, "PNG"), saved))) is one


@pytest.mark.parametrize("value", [3, "text", cube_of(GRID).isel(x=0), cube_of(GRID).astype(str)])
def test_what_cannot_be_shown(value: Any) -> None:
    with pytest.raises(FormatUnsuitable, match="A map shows"):
        shown_cube(Evaluation(value, ()))


def test_valid_pixels_have_all_bands() -> None:
    layers = Layers(np.array([[[1.0, np.nan]], [[1.0, 1.0]], [[np.inf, 1.0]]]), np.dtype("f4"), ())
    assert layers.valid.tolist() == [[False, False]]
