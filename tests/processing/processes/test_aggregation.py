"""Aggregation over intervals and calendar periods."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import dimensions_of, labels, make_cube

Run = Callable[..., Any]


def reducer(process_id: str = "mean", **arguments: Any) -> dict[str, Any]:
    node = {
        "process_id": process_id,
        "arguments": {"data": {"from_parameter": "data"}} | arguments,
        "result": True,
    }
    return {"process_graph": {"node": node}}


def at(cube: xr.DataArray, instants: list[str]) -> xr.DataArray:
    """The cube with other instants, as many as are given."""
    part = cube.isel(t=slice(0, len(instants)))
    moved = part.assign_coords(t=np.array(instants, "datetime64[ns]"))
    return make_cube(moved, dimensions_of(cube))


def code_of(run: Run, process_id: str, **arguments: Any) -> str:
    with pytest.raises(OpenEOError) as caught:
        run(process_id, **arguments)
    return caught.value.code


INTERVALS = [["2020-01-01", "2020-02-01"], ["2020-02-01", "2020-03-01"], ["2020-03-01", "2020-05-01"]]


def test_intervals_may_be_empty(run: Run, cube: xr.DataArray) -> None:
    result = run("aggregate_temporal", data=cube, intervals=INTERVALS, reducer=reducer("max"))
    assert result.chunks is not None
    assert result.dims == cube.dims
    assert dimensions_of(result) == dimensions_of(cube)
    assert labels(result, "t") == ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z", "2020-03-01T00:00:00Z")
    np.testing.assert_array_equal(result[0], np.fmax(cube[0], cube[1]))
    assert np.isnan(result[1]).all()
    np.testing.assert_array_equal(result[2], np.fmax(cube[2], cube[3]))


def test_reducers_of_empty_intervals_are_asked(run: Run, cube: xr.DataArray) -> None:
    result = run("aggregate_temporal", data=cube, intervals=INTERVALS, reducer=reducer("count"))
    assert (result[1] == 0).all()
    np.testing.assert_array_equal(result[0], np.isfinite(cube.values[:2]).sum(0))


def test_intervals_may_overlap_and_have_labels(run: Run, cube: xr.DataArray) -> None:
    intervals = [[None, "2020-02-01"], [None, "2020-05-01"]]
    result = run(
        "aggregate_temporal", data=cube, intervals=intervals, reducer=reducer("min"), labels=["a", "b"]
    )
    assert labels(result, "t") == ("a", "b")
    np.testing.assert_array_equal(result[1], np.nanmin(cube.values, axis=0))


def test_times_of_the_day(run: Run, cube: xr.DataArray) -> None:
    intervals = [["06:00:00", "18:00:00"], ["18:00:00", "06:00:00"]]
    result = run(
        "aggregate_temporal", data=cube, intervals=intervals, reducer=reducer("first", ignore_nodata=False)
    )
    assert labels(result, "t") == ("06:00:00", "18:00:00")
    np.testing.assert_array_equal(result, cube.isel(t=[3, 0]))


@pytest.mark.parametrize(
    ("intervals", "options", "code"),
    [
        ([["2020-01-01", "2020-02-01"], ["2020-01-01", "2020-03-01"]], {}, "DistinctDimensionLabelsRequired"),
        (
            [["2020-01-01", "2020-02-01"], ["2020-01-01T00:00:00Z", None]],
            {},
            "DistinctDimensionLabelsRequired",
        ),
        ([[None, "2020-02-01"]], {}, "DistinctDimensionLabelsRequired"),
        ([["2020-03-01", "2020-02-01"]], {}, "TemporalExtentEmpty"),
        ([["2020-01-01", "2020-02-01"]], {"labels": ["a", "b"]}, "ProcessParameterInvalid"),
        (
            [["2020-01-01", "2020-02-01"], ["2020-01-01", "2020-03-01"]],
            {"labels": ["2020-01-01", "2020-01-01T01:00:00+01:00"]},
            "DistinctDimensionLabelsRequired",
        ),
        ([["25:00:00", "26:00:00"]], {}, "ProcessParameterInvalid"),
        ([["2020-01-01", "12:00:00"]], {}, "ProcessParameterInvalid"),
        ([["2020-01-01", "2020-02-01"]], {"dimension": "x"}, "DimensionNotAvailable"),
        ([["2020-01-01", "2020-02-01"]], {"dimension": "time"}, "DimensionNotAvailable"),
    ],
)
def test_faults(run: Run, cube: xr.DataArray, intervals: Any, options: dict[str, Any], code: str) -> None:
    found = code_of(run, "aggregate_temporal", data=cube, intervals=intervals, reducer=reducer(), **options)
    assert found == code


def test_several_temporal_dimensions(run: Run, cube: xr.DataArray) -> None:
    more = run("add_dimension", data=cube, name="t2", label="2020-01-01", type="temporal")
    assert (
        code_of(run, "aggregate_temporal_period", data=more, period="year", reducer=reducer())
        == "TooManyDimensions"
    )
    result = run("aggregate_temporal_period", data=more, period="year", reducer=reducer(), dimension="t2")
    assert labels(result, "t2") == ("2020",)
    assert labels(result, "t") == labels(cube, "t")


@pytest.mark.parametrize(
    ("period", "instants", "expected"),
    [
        (
            "hour",
            ["2020-06-01T22:59:59", "2020-06-02T01:00"],
            "2020-06-01-22 2020-06-01-23 2020-06-02-00 2020-06-02-01",
        ),
        ("day", ["2020-12-30", "2021-01-01T23:59"], "2020-365 2020-366 2021-001"),
        ("week", ["2020-12-27", "2021-01-04"], "2020-52 2020-53 2021-01"),
        ("dekad", ["2020-02-10", "2020-02-29", "2020-03-01"], "2020-04 2020-05 2020-06 2020-07"),
        ("dekad", ["2020-12-31T23:00", "2021-01-01"], "2020-36 2021-01"),
        ("month", ["2020-11-30", "2021-01-01"], "2020-11 2020-12 2021-01"),
        ("season", ["2020-02-29", "2020-12-01"], "2019-djf 2020-mam 2020-jja 2020-son 2020-djf"),
        ("tropical-season", ["2020-04-30", "2020-11-01"], "2019-ndjfma 2020-mjjaso 2020-ndjfma"),
        ("year", ["2018-12-31", "2020-01-01"], "2018 2019 2020"),
        ("decade", ["2009-12-31", "2020-01-01"], "2000 2010 2020"),
        ("decade-ad", ["2010-12-31", "2021-01-01"], "2001 2011 2021"),
    ],
)
def test_labels_of_periods_are_complete(
    run: Run, cube: xr.DataArray, period: str, instants: list[str], expected: str
) -> None:
    result = run("aggregate_temporal_period", data=at(cube, instants), period=period, reducer=reducer())
    assert labels(result, "t") == tuple(expected.split())
    assert dimensions_of(result) == dimensions_of(cube)


def test_values_of_periods(run: Run, cube: xr.DataArray) -> None:
    result = run("aggregate_temporal_period", data=cube, period="month", reducer=reducer("max"))
    assert labels(result, "t") == ("2020-01", "2020-02", "2020-03", "2020-04")
    np.testing.assert_array_equal(result[0], np.fmax(cube[0], cube[1]))
    assert np.isnan(result[1]).all()
    np.testing.assert_array_equal(result[2:], cube[2:])


def test_labels_need_not_be_sorted(run: Run, cube: xr.DataArray) -> None:
    shuffled = make_cube(cube.isel(t=[3, 1, 0, 2]), dimensions_of(cube))
    result = run("aggregate_temporal_period", data=shuffled, period="month", reducer=reducer("max"))
    expected = run("aggregate_temporal_period", data=cube, period="month", reducer=reducer("max"))
    xr.testing.assert_equal(result.compute(), expected.compute())


@pytest.mark.parametrize(
    ("period", "next_period", "expected"),
    [
        ("hour", "day", "2020-005 2020-006"),
        ("day", "month", "2020-01 2020-02"),
        ("week", "month", "2019-12 2020-01"),
        ("dekad", "month", "2020-01 2020-02"),
        ("month", "season", "2019-djf 2020-mam 2020-jja"),
        ("season", "year", "2019 2020"),
        ("tropical-season", "year", "2019 2020"),
        ("year", "decade", "2020 2030"),
        ("decade", "decade-ad", "2011 2021"),
    ],
)
def test_periods_begin_at_an_instant(
    run: Run, cube: xr.DataArray, period: str, next_period: str, expected: str
) -> None:
    ends = {"hour": "2020-01-06T01:30", "day": "2020-02-01", "week": "2020-01-13", "dekad": "2020-02-01"}
    ends |= {"month": "2020-06-30", "year": "2030-05-01", "decade": "2030-05-01"}
    cube = at(
        cube, ["2020-01-05T23:00" if period == "hour" else "2020-01-03", ends.get(period, "2020-12-31")]
    )
    first = run("aggregate_temporal_period", data=cube, period=period, reducer=reducer("max"))
    second = run("aggregate_temporal_period", data=first, period=next_period, reducer=reducer("max"))
    assert labels(second, "t") == tuple(expected.split())
    np.testing.assert_array_equal(second.max("t"), cube.max("t"))


def test_periods_without_values_are_computed_once(run: Run, cube: xr.DataArray) -> None:
    result = run("aggregate_temporal_period", data=cube, period="hour", reducer=reducer("count"))
    assert result.sizes["t"] == 2555
    assert len(result.isel(t=slice(1, -1)).data.__dask_graph__().layers) < 30
    assert (result.isel(t=1) == 0).all()


def test_nothing_to_aggregate(run: Run, cube: xr.DataArray) -> None:
    nothing = make_cube(cube.isel(t=[]), dimensions_of(cube))
    assert (
        code_of(run, "aggregate_temporal_period", data=nothing, period="year", reducer=reducer())
        == "NoDataAvailable"
    )
    result = run("aggregate_temporal", data=nothing, intervals=INTERVALS, reducer=reducer())
    assert result.shape == (3, 3, 6, 8)
    assert np.isnan(result).all()
