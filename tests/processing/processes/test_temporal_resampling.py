"""Resampling of temporal dimensions: the nearest labels, and the nearest valid values."""

from collections.abc import Callable, Sequence
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, dimensions_of, labels, make_cube

Run = Callable[..., Any]


def series(*times: str, values: Sequence[float] | None = None, name: str = "t") -> xr.DataArray:
    """A cube (t, x) of one pixel whose values are 1, 2, 3, … unless told otherwise."""
    data = np.array(values or range(1, len(times) + 1))[:, None]
    return xr.DataArray(data, dims=(name, "x"), coords={name: np.array(times, "datetime64[ns]"), "x": [5.0]})


DAYS = ("2024-01-10", "2024-01-20", "2024-01-30")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (DAYS, [1, 2, 3]),
        (("1700-01-01", "2024-01-14", "2024-01-16", "2261-01-01"), [1, 1, 2, 3]),
        (("2024-01-15", "2024-01-25"), [1, 2]),  # of two labels that are equally near, the earlier one
        (("2024-01-25T00:00:00.000000001", "2024-01-15"), [3, 1]),
        ((), []),
    ],
)
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_nearest_label(run: Run, target: Sequence[str], expected: list[int], order: list[int]) -> None:
    data, wanted = series(*DAYS).isel(t=order), series(*target)
    result = run("resample_cube_temporal", data=data, target=wanted)
    assert result.values[:, 0].tolist() == expected
    assert result.t.values.tolist() == wanted.t.values.tolist()
    assert result.dtype == data.dtype


def test_the_first_of_equal_labels(run: Run) -> None:
    data = series("2024-01-20", "2024-01-10", "2024-01-10")
    result = run("resample_cube_temporal", data=data, target=series("2024-01-09", "2024-01-11"))
    assert result.values[:, 0].tolist() == [2, 2]


def test_no_data_counts_unless_told_otherwise(run: Run) -> None:
    data = series(*DAYS, values=[1, np.nan, np.inf])
    result = run("resample_cube_temporal", data=data, target=series("2024-01-21", "2024-02-01"))
    np.testing.assert_array_equal(result[:, 0], [np.nan, np.inf])


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, [np.nan, np.nan, 4]),
        (5, [1, np.nan, 4]),
        (6, [1, 1, 4]),
        (10.5, [1, 1, 4]),
        (1e6, [1, 1, 4]),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_nearest_valid_value(run: Run, days: float, expected: list[float], lazy: bool) -> None:
    data = series(*DAYS, "2024-02-09", values=[1, np.nan, -np.inf, 4])
    target = series("2024-01-14", "2024-01-15T12:00", "2024-02-09")
    target = target.assign_coords(t=target.t)
    with dask.config.set(scheduler=_refuse):
        result = run(
            "resample_cube_temporal", data=data.chunk() if lazy else data, target=target, valid_within=days
        )
    np.testing.assert_array_equal(result[:, 0], expected)


def _refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("something was computed")


def test_exactly_so_many_days_away_is_too_far(run: Run) -> None:
    data, target = series("2022-05-07T06:00", "2022-05-13T06:00"), series("2022-05-10T06:00")
    result = run("resample_cube_temporal", data=data, target=target, valid_within=3)
    assert np.isnan(result.values).all()
    near = run("resample_cube_temporal", data=data, target=target, valid_within=3.01)
    assert near.values.tolist() == [[1]]


def test_each_pixel_has_its_own_nearest_value(run: Run, cube: xr.DataArray) -> None:
    target = series("2020-01-06", "2020-02-20")
    result = run("resample_cube_temporal", data=cube, target=target, valid_within=100)
    assert result.dims == cube.dims
    assert result.dtype == "float32"
    assert dimensions_of(result) == dimensions_of(cube)
    expected = cube[2].combine_first(cube[1]).combine_first(cube[0]).combine_first(cube[3])
    np.testing.assert_array_equal(result[1], expected)


def test_periods_begin_at_an_instant(run: Run) -> None:
    months = xr.DataArray(np.array([1, 2]), dims="t", coords={"t": np.array(["2024-01", "2024-02"], object)})
    months = make_cube(months, [Dimension("t", "temporal", period="month")])
    days = series("2024-01-16", "2024-01-18")
    assert run("resample_cube_temporal", data=months, target=days).values.tolist() == [1, 2]
    result = run("resample_cube_temporal", data=days, target=months)
    assert labels(result, "t") == ("2024-01", "2024-02")
    assert dimensions_of(result)[0].period == "month"


def test_all_temporal_dimensions_or_one(run: Run) -> None:
    data = xr.DataArray(
        np.arange(4).reshape(2, 2),
        dims=("t", "reference"),
        coords={
            name: np.array(["2024-01-01", "2024-02-01"], "datetime64[ns]") for name in ("t", "reference")
        },
    )
    target = data.isel(t=[1], reference=[1])
    assert run("resample_cube_temporal", data=data, target=target).values.tolist() == [[3]]
    one = run("resample_cube_temporal", data=data, target=target, dimension="reference")
    assert one.values.tolist() == [[1], [3]]
    part = run("resample_cube_temporal", data=data, target=target.isel(t=0, drop=True))
    assert part.values.tolist() == [[1], [3]]


@pytest.mark.parametrize("valid_within", [None, 5])
def test_cubes_without_dates(run: Run, valid_within: float | None) -> None:
    empty = series(*DAYS).isel(t=[])
    result = run("resample_cube_temporal", data=empty, target=series(*DAYS), valid_within=valid_within)
    assert result.shape == (3, 1)
    assert np.isnan(result.values).all()
    none = run("resample_cube_temporal", data=series(*DAYS), target=empty, valid_within=valid_within)
    assert none.shape == (0, 1)


def test_values_that_are_no_numbers(run: Run) -> None:
    data = series("2024-01-01", "2024-01-02").astype(object)
    data[0], data[1] = "a", None
    result = run("resample_cube_temporal", data=data, target=series("2024-01-03"), valid_within=3)
    assert result.values.tolist() == [["a"]]


def test_faults(run: Run) -> None:
    data, other = series(*DAYS), series(*DAYS, name="time")
    for target, dimension, code in (
        (data, "z", "DimensionNotAvailable"),
        (other, "t", "DimensionNotAvailable"),
        (other, "time", "DimensionNotAvailable"),
        (data, "x", "DimensionMismatch"),
        (make_cube(data, [Dimension("t", "other")]), "t", "DimensionMismatch"),
        (other, None, "DimensionMismatch"),
    ):
        with pytest.raises(OpenEOError) as caught:
            run("resample_cube_temporal", data=data, target=target, dimension=dimension)
        assert caught.value.code == code


def test_nearest_valid_value_without_further_dimensions(run: Run) -> None:
    data = series(*DAYS, values=[1.0, np.nan, 3.0]).isel(x=0, drop=True)
    target = series("2024-01-19", "2024-01-25").isel(x=0, drop=True)
    result = run("resample_cube_temporal", data=data, target=target, valid_within=10)
    np.testing.assert_array_equal(result, [1, 3])
    near = run("resample_cube_temporal", data=data, target=target, valid_within=6)
    np.testing.assert_array_equal(near, [np.nan, 3])
