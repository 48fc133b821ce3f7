"""Filters by band, time and place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import dimensions_of, labels, make_cube

Run = Callable[..., Any]


def code_of(run: Run, process_id: str, **arguments: Any) -> str:
    with pytest.raises(OpenEOError) as caught:
        run(process_id, **arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"bands": ["SCL", "B04"]}, ("SCL", "B04")),
        ({"bands": ["nir"]}, ("B08",)),
        ({"bands": ["nir", "B08"]}, ("B08",)),
        ({"wavelengths": [[0.6, 0.7]]}, ("B04",)),
        ({"bands": ["SCL"], "wavelengths": [[0.5, 1], [0.6, 0.7]]}, ("SCL", "B04", "B08")),
        ({"bands": ["B99"]}, ()),
    ],
)
def test_filter_bands(run: Run, cube: xr.DataArray, arguments: Any, expected: tuple[str, ...]) -> None:
    result = run("filter_bands", data=cube, **arguments)
    assert labels(result, "bands") == expected
    assert dimensions_of(result) == dimensions_of(cube)
    np.testing.assert_array_equal(result, cube.sel(bands=list(expected)))


def test_faults_of_filter_bands(run: Run, cube: xr.DataArray) -> None:
    assert code_of(run, "filter_bands", data=cube) == "BandFilterParameterMissing"
    assert (
        code_of(run, "filter_bands", data=cube.isel(bands=0, drop=True), bands=["B04"]) == "DimensionMissing"
    )
    assert code_of(run, "filter_bands", data=cube, wavelengths=[[0.7, 0.6]]) == "ProcessParameterInvalid"


@pytest.mark.parametrize(
    ("extent", "kept"),
    [
        (["2020-01-05", "2020-01-20"], [0]),
        (["2020-01-05", "2020-01-20T00:00:01Z"], [0, 1]),
        (["2020-01-20", None], [1, 2, 3]),
        ([None, "2020-04-20T10:30:00Z"], [0, 1, 2]),
        ([None, "2020-04-20T12:30:00.5+02:00"], [0, 1, 2, 3]),
        (["0001-01-01", "9999-01-01"], [0, 1, 2, 3]),
        (["2021-01-01", None], []),
    ],
)
def test_filter_temporal(run: Run, cube: xr.DataArray, extent: list[str | None], kept: list[int]) -> None:
    result = run("filter_temporal", data=cube, extent=extent)
    assert labels(result, "t") == labels(cube.isel(t=kept), "t")
    assert dimensions_of(result) == dimensions_of(cube)
    assert labels(run("filter_temporal", data=cube, extent=extent, dimension="t"), "t") == labels(result, "t")


def test_faults_of_filter_temporal(run: Run, cube: xr.DataArray) -> None:
    extent = ["2020-01-01", "2021-01-01"]
    assert (
        code_of(run, "filter_temporal", data=cube, extent=extent, dimension="time") == "DimensionNotAvailable"
    )
    assert code_of(run, "filter_temporal", data=cube, extent=extent, dimension="x") == "DimensionNotAvailable"
    assert code_of(run, "filter_temporal", data=cube, extent=extent[::-1]) == "TemporalExtentEmpty"
    without = cube.isel(t=0, drop=True)
    assert code_of(run, "filter_temporal", data=without, extent=extent) == "DimensionNotAvailable"


@pytest.mark.parametrize(
    ("west", "east", "kept"),
    [
        (600_005, 600_025, [0, 1, 2]),
        (600_006, 600_024, [1]),
        (0, 600_005, [0]),
        (0, 1_000_000, list(range(8))),
        (600_006, 600_014, []),
    ],
)
def test_pixels_are_kept_if_their_centre_is_inside(
    run: Run, cube: xr.DataArray, west: float, east: float, kept: list[int]
) -> None:
    extent = {"west": west, "east": east, "south": 4_999_970, "north": 5_000_000, "crs": 32632}
    result = run("filter_bbox", data=cube, extent=extent)
    assert labels(result, "x") == labels(cube.isel(x=kept), "x")
    assert labels(result, "y") == labels(cube, "y")[:3]
    assert dimensions_of(result) == dimensions_of(cube)
    assert result.shape == (4, 3, 3, len(kept))
    assert result.compute().shape == result.shape


def test_bounding_boxes_are_projected(run: Run, cube: xr.DataArray) -> None:
    from pyproj import Transformer

    project = Transformer.from_crs(32632, 4326, always_xy=True).transform
    west, south = project(600_020, 4_999_960)
    east, north = project(600_060, 4_999_990)
    result = run(
        "filter_bbox", data=cube, extent={"west": west, "east": east, "south": south, "north": north}
    )
    assert labels(result, "x") == labels(cube, "x")[2:6]
    assert labels(result, "y") == labels(cube, "y")[1:4]


def test_boxes_may_be_larger_than_what_can_be_projected(run: Run, cube: xr.DataArray) -> None:
    world = {"west": -180, "east": 180, "south": -90, "north": 90}
    assert run("filter_bbox", data=cube, extent=world).shape == cube.shape
    elsewhere = {"west": -180, "east": -90, "south": -90, "north": 90}
    assert run("filter_bbox", data=cube, extent=elsewhere).sizes["x"] == 0


def test_cubes_without_reference_system_take_the_box_as_it_is(run: Run) -> None:
    plain = xr.DataArray(np.zeros((3, 3)), dims=("y", "x"), coords={"y": [0, 1, 2], "x": [0, 1, 2]})
    result = run("filter_bbox", data=plain, extent={"west": 1, "east": 5, "south": 0, "north": 1})
    assert result.shape == (2, 2)


def test_faults_of_filter_bbox(run: Run, cube: xr.DataArray) -> None:
    extent = {"west": 0, "east": 1, "south": 0, "north": 1}
    assert (
        code_of(run, "filter_bbox", data=cube.isel(x=0, drop=True), extent=extent) == "DimensionNotAvailable"
    )
    assert (
        code_of(run, "filter_bbox", data=cube, extent=extent | {"crs": 999_999}) == "ProcessParameterInvalid"
    )
    assert (
        code_of(run, "filter_bbox", data=cube, extent=extent | {"crs": "nonsense"})
        == "ProcessParameterInvalid"
    )


def test_height_is_filtered_where_there_is_one(run: Run, cube: xr.DataArray) -> None:
    high = run("add_dimension", data=cube, name="z", label=100, type="spatial")
    extent = {"west": 0, "east": 1e6, "south": 0, "north": 1e7, "crs": 32632}
    assert run("filter_bbox", data=high, extent=extent | {"base": 50}).sizes["z"] == 1
    assert run("filter_bbox", data=high, extent=extent | {"height": 50}).sizes["z"] == 0


def test_callbacks_run_on_what_filters_leave_empty(run: Run, cube: xr.DataArray) -> None:
    nothing = make_cube(cube.isel(x=[]), dimensions_of(cube))
    inner = {"n": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
    result = run("reduce_dimension", data=nothing, reducer={"process_graph": inner}, dimension="t")
    assert result.compute().shape == (3, 6, 0)


PERIODS = {
    "year": (["2019", "2020"], [False, True]),
    "month": (["2019-12", "2020-01"], [False, True]),
    "day": (["2019-365", "2020-001"], [False, True]),
    "date": (["2019-12-31", "2020-01-01"], [False, True]),
    "other time zone": (["2020-01-01T00:30:00+01:00", "2019-12-31T23:30:00-01:00"], [False, True]),
}


@pytest.mark.parametrize("name", PERIODS)
def test_labels_may_be_reduced_dates(run: Run, cube: xr.DataArray, name: str) -> None:
    given, kept = PERIODS[name]
    textual = make_cube(cube.isel(t=[0, 1]).assign_coords(t=given), dimensions_of(cube))
    result = run("filter_temporal", data=textual, extent=["2020-01-01", "2021-01-01"])
    assert labels(result, "t") == tuple(label for label, keep in zip(given, kept, strict=True) if keep)
    assert dimensions_of(result) == dimensions_of(cube)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("month", ("2020-03",)),
        ("week", ("2020-10", "2020-11", "2020-12", "2020-13", "2020-14")),
        ("dekad", ("2020-07", "2020-08", "2020-09")),
        ("season", ("2020-mam",)),
    ],
)
def test_periods_are_filtered_by_their_start(
    run: Run, cube: xr.DataArray, period: str, expected: tuple[str, ...]
) -> None:
    mean = {"n": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
    periods = run("aggregate_temporal_period", data=cube, period=period, reducer={"process_graph": mean})
    result = run("filter_temporal", data=periods, extent=["2020-03-01", "2020-04-01"])
    assert labels(result, "t") == expected


@pytest.mark.parametrize("label", ["2020-13", "2020-366x", "2021-366", "0000", "wet", "2020-W05"])
def test_labels_that_are_no_dates(run: Run, cube: xr.DataArray, label: str) -> None:
    textual = make_cube(cube.isel(t=[0]).assign_coords(t=[label]), dimensions_of(cube))
    with pytest.raises(
        OpenEOError, match=f"'filter_temporal'.*'{label}'.*no date or time.*node 'node'"
    ) as caught:
        run("filter_temporal", data=textual, extent=["2020-01-01", None])
    assert caught.value.code == "ProcessParameterInvalid"


@pytest.mark.parametrize("crs", [32632, "EPSG:32632", "wkt"])
def test_boxes_in_reference_systems_of_any_spelling(run: Run, cube: xr.DataArray, crs: int | str) -> None:
    from pyproj import CRS

    system = CRS.from_epsg(32632).to_wkt() if crs == "wkt" else crs
    extent = {"west": 600_005, "east": 600_025, "south": 4_999_975, "north": 4_999_995, "crs": system}
    result = run("filter_bbox", data=cube, extent=extent | {"base": None, "height": None})
    assert (labels(result, "x"), labels(result, "y")) == (labels(cube, "x")[:3], labels(cube, "y")[:3])


@pytest.mark.parametrize("lost", ["x", "y", "t", "bands"])
def test_filters_of_empty_cubes(run: Run, cube: xr.DataArray, lost: str) -> None:
    nothing = make_cube(cube.isel({lost: []}), dimensions_of(cube))
    extent = {"west": 600_000, "east": 600_080, "south": 4_999_940, "north": 5_000_000, "crs": 32632}
    assert run("filter_bbox", data=nothing, extent=extent).shape == nothing.shape
    assert run("filter_temporal", data=nothing, extent=["2020-01-01", None]).shape == nothing.shape


BOX = {"west": 0, "south": 0, "east": 2, "north": 1}


@pytest.mark.parametrize(
    ("extent", "kept"),
    [
        (BOX, [0, 1]),
        ({**BOX, "east": 2.5}, [0, 1, 2]),
        ({**BOX, "east": 1.9}, [0]),
        ({**BOX, "east": 2.5, "base": 1, "height": 5}, [0, 1, 2]),
        ({**BOX, "east": 2.5, "base": 4.5, "height": 6}, [0, 1]),
        ({**BOX, "east": 2.5, "base": 3, "height": 4}, [0, 1]),
        ({"west": -1, "south": -1, "east": 250_000, "north": 120_000, "crs": 3857}, [0, 1]),
        ({"west": 50, "south": 50, "east": 60, "north": 60}, []),
    ],
)
def test_geometries_within_a_box(run: Run, extent: dict[str, Any], kept: list[int]) -> None:
    from shapely import LineString, Point, Polygon, box

    from connexeo.processing.vectors import make_vector_cube

    shapes = [box(0, 0, 1, 1), LineString([(1, 0.5), (2, 1)]), Point(2.5, 0.5, 4.2), Polygon(), None]
    data = make_vector_cube(shapes, data=np.arange(5.0))
    result = run("filter_bbox", data=data, extent=extent)
    assert result.values.tolist() == kept
    assert dimensions_of(result) == dimensions_of(data)


def test_boxes_need_pixels_or_geometries(run: Run, cube: xr.DataArray) -> None:
    line = cube.isel(x=0, drop=True)
    assert code_of(run, "filter_bbox", data=line, extent=BOX) == "DimensionNotAvailable"


def test_a_box_over_the_antimeridian_is_refused(run: Run, cube: xr.DataArray) -> None:
    extent = {"west": 170, "south": 0, "east": -170, "north": 1}
    assert code_of(run, "filter_bbox", data=cube, extent=extent) == "ProcessParameterInvalid"
