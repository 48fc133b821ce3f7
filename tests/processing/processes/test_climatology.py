"""Normals and deviations from them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, labels, make_cube

Run = Callable[..., Any]


def months(first: str, count: int) -> xr.DataArray:
    """A cube (t, x) whose values are the month of the year, plus 100 times the number of the year."""
    t = (np.datetime64(first, "M") + np.arange(count)).astype("datetime64[ns]")
    month = t.astype("datetime64[M]").astype(int) % 12 + 1
    year = t.astype("datetime64[Y]").astype(int) - 30
    values = np.repeat((month + 100.0 * year)[:, None], 2, 1)
    data = xr.DataArray(values, dims=("t", "x"), coords={"t": t, "x": [0.5, 1.5]}).chunk({"t": 6})
    return make_cube(data, [Dimension("t", "temporal"), Dimension("x", "spatial", "x", 32632)])


def test_normals_of_months(run: Run) -> None:
    cube = months("2000-01", 60)
    result = run("climatological_normal", data=cube, period="month", climatology_period=[2001, 2003])
    assert result.chunks is not None
    assert labels(result, "t") == tuple(f"{month:02}" for month in range(1, 13))
    np.testing.assert_allclose(result[:, 0], 200 + np.arange(1, 13))


def test_a_season_may_begin_in_the_year_before(run: Run) -> None:
    given = {"period": "season", "climatology_period": [2001, 2002]}
    whole = run("climatological_normal", data=months("2000-01", 60), **given)
    assert labels(whole, "t") == ("djf", "mam", "jja", "son")
    # December of 2000 and 2001, January and February of 2001 and 2002.
    assert whole[0, 0] == np.mean([12, 112, 101, 102, 201, 202])
    np.testing.assert_allclose(whole[1:, 0], [154, 157, 160])
    without = run("climatological_normal", data=months("2001-01", 60), **given)
    assert without[0, 0] == np.mean([112, 201, 202])
    tropical = run(
        "climatological_normal",
        data=months("2000-12", 60),
        period="tropical-season",
        climatology_period=[2001, 2002],
    )
    assert labels(tropical, "t") == ("ndjfma", "mjjaso")
    assert tropical[0, 0] == np.mean([111, 112, 201, 202, 203, 204])


def test_half_years_are_dated_by_their_first_month(run: Run) -> None:
    cube = months("2000-11", 60).isel(t=slice(None, None, 6))
    result = run(
        "climatological_normal", data=cube, period="tropical-season", climatology_period=[2001, 2003]
    )
    np.testing.assert_allclose(result[:, 0], [111.0, 205.0])


def test_normals_of_days_and_of_all(run: Run) -> None:
    t = np.arange("2003-01-01", "2005-01-01", dtype="datetime64[D]").astype("datetime64[ns]")
    cube = xr.DataArray(np.arange(len(t), dtype=float), dims="t", coords={"t": t})
    cube[3] = np.nan
    days = run("climatological_normal", data=cube, period="day", climatology_period=[2003, 2004])
    assert labels(days, "t")[::364] == ("001", "365")
    assert days[0] == 365 / 2
    assert days[3] == 368
    everything = run(
        "climatological_normal", data=cube, period="climatology-period", climatology_period=[2003, 2004]
    )
    assert labels(everything, "t") == ("climatology-period",)
    np.testing.assert_allclose(everything, [np.nanmean(cube)])
    deviation = run("anomaly", data=cube, normals=days, period="day")
    assert deviation[0] == -182.5
    assert np.isnan(deviation[-1]), "the 366th day has no normal"
    np.testing.assert_allclose(
        run("anomaly", data=cube, normals=everything, period="climatology-period"), cube - np.nanmean(cube)
    )


@pytest.mark.parametrize("period", ["hour", "day", "week", "dekad", "month", "season", "tropical-season"])
def test_labels_and_instants_give_the_same(run: Run, period: str) -> None:
    cube = months("2000-03", 30)
    mean = {
        "process_graph": {
            "m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}
        }
    }
    if period == "hour":
        cube = cube.isel(t=slice(2))
    aggregated = run("aggregate_temporal_period", data=cube, period=period, reducer=mean)
    names = sorted(
        {str(label).split("-", 3 if period == "hour" else 1)[-1] for label in labels(aggregated, "t")}
    )
    normals = xr.DataArray(np.arange(len(names)) * 1.0, dims="t", coords={"t": np.array(names, object)})
    normals = make_cube(normals, [Dimension("t", "temporal")])
    result = run("anomaly", data=aggregated, normals=normals, period=period)
    expected = [
        names.index(str(label).split("-", 3 if period == "hour" else 1)[-1])
        for label in labels(aggregated, "t")
    ]
    np.testing.assert_allclose(result, aggregated - np.array(expected)[:, None])
    assert labels(result, "t") == labels(aggregated, "t")
    direct = run("anomaly", data=cube, normals=normals, period=period)
    assert np.isfinite(direct).all()
    assert labels(direct, "t") == labels(cube, "t")


def test_normals_of_years_are_found_by_the_whole_label(run: Run) -> None:
    cube = months("2001-05", 20)
    normals = xr.DataArray([1.0, 2.0], dims="t", coords={"t": np.array(["2001", "2002"], object)})
    result = run(
        "anomaly", data=cube, normals=make_cube(normals, [Dimension("t", "temporal")]), period="year"
    )
    np.testing.assert_allclose(result[:, 0], cube[:, 0] - np.repeat([1.0, 2.0], [8, 12]))


@pytest.mark.parametrize(
    ("process_id", "given", "part"),
    [
        (
            "climatological_normal",
            {"period": "month", "climatology_period": [1999, 2001]},
            "no values of 1999",
        ),
        ("climatological_normal", {"period": "month", "climatology_period": [2002, 2001]}, "is after"),
        ("anomaly", {"period": "month", "labels": ["01"]}, "no label '02'"),
        ("anomaly", {"period": "single-period", "labels": ["a", "b"]}, "a single temporal label"),
    ],
)
def test_what_cannot_be(run: Run, process_id: str, given: dict[str, Any], part: str) -> None:
    given = {"data": months("2000-01", 30), **given}
    if (names := given.pop("labels", None)) is not None:
        data = xr.DataArray(np.zeros(len(names)), dims="t", coords={"t": np.array(names, object)})
        given["normals"] = make_cube(data, [Dimension("t", "temporal")])
    with pytest.raises(OpenEOError, match=part):
        run(process_id, **given)


def test_places_have_to_be_the_same(run: Run) -> None:
    cube = months("2000-01", 24)
    normals = run("climatological_normal", data=cube, period="month", climatology_period=[2000, 2001])
    with pytest.raises(OpenEOError, match="labels of the dimension 'x'"):
        run("anomaly", data=cube.assign_coords(x=[7.0, 8.0]), normals=normals, period="month")
    with pytest.raises(OpenEOError, match="a dimension 'x'"):
        run("anomaly", data=cube.isel(x=0, drop=True), normals=normals, period="month")


def test_normals_with_labels_in_another_order(run: Run) -> None:
    cube = months("2000-01", 24) * [1, 2]
    normals = run("climatological_normal", data=cube, period="month", climatology_period=[2000, 2001])
    result = run("anomaly", data=cube, normals=normals.isel(x=[1, 0]), period="month")
    np.testing.assert_array_equal(result, [[-50, -100]] * 12 + [[50, 100]] * 12)
