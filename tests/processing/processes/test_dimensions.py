"""Processes that change dimensions and labels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import dimension_of, dimensions_of, labels, make_cube

Run = Callable[..., Any]


def code_of(run: Run, process_id: str, **arguments: Any) -> str:
    with pytest.raises(OpenEOError) as caught:
        run(process_id, **arguments)
    return caught.value.code


def test_added_dimensions(run: Run, cube: xr.DataArray) -> None:
    result = run("add_dimension", data=cube, name="source", label="S2")
    assert dimension_of(result, "source").type == "other"
    assert labels(result, "source") == ("S2",)
    assert dimensions_of(result)[1:] == dimensions_of(cube)
    np.testing.assert_array_equal(result.isel(source=0), cube)


def test_added_spatial_dimensions_take_the_next_axis(run: Run, cube: xr.DataArray) -> None:
    result = run("add_dimension", data=cube, name="height", label=5, type="spatial")
    assert dimension_of(result, "height").axis == "z"
    assert (
        code_of(run, "add_dimension", data=result, name="fourth", label=5, type="spatial")
        == "DimensionExists"
    )


def test_added_temporal_dimensions_have_instants(run: Run, cube: xr.DataArray) -> None:
    result = run(
        "add_dimension", data=cube.isel(t=0, drop=True), name="t", label="2020-01-01", type="temporal"
    )
    assert labels(result, "t") == ("2020-01-01T00:00:00Z",)
    assert code_of(run, "add_dimension", data=cube, name="t", label="a") == "DimensionExists"


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("bands", ["B04", "B08", "SCL"]),
        (
            "t",
            ["2020-01-05T00:00:00Z", "2020-01-20T00:00:00Z", "2020-03-05T00:00:00Z", "2020-04-20T10:30:00Z"],
        ),
        ("x", [600_005.0, 600_015.0, 600_025.0, 600_035.0, 600_045.0, 600_055.0, 600_065.0, 600_075.0]),
    ],
)
def test_labels(run: Run, cube: xr.DataArray, dimension: str, expected: list[Any]) -> None:
    assert run("dimension_labels", data=cube, dimension=dimension) == expected


def test_dropped_dimensions(run: Run, cube: xr.DataArray) -> None:
    result = run("drop_dimension", data=cube.isel(bands=[1]), name="bands")
    assert result.dims == ("t", "y", "x")
    assert "bands" not in result.coords
    assert dimensions_of(result) == tuple(one for one in dimensions_of(cube) if one.name != "bands")
    assert code_of(run, "drop_dimension", data=cube, name="bands") == "DimensionLabelCountMismatch"
    assert code_of(run, "drop_dimension", data=cube, name="z") == "DimensionNotAvailable"


def test_renamed_dimensions(run: Run, cube: xr.DataArray) -> None:
    result = run("rename_dimension", data=cube, source="bands", target="spectral")
    assert result.dims == ("t", "spectral", "y", "x")
    assert dimension_of(result, "spectral").type == "bands"
    assert dimension_of(result, "spectral").bands == dimension_of(cube, "bands").bands
    assert labels(result, "spectral") == labels(cube, "bands")


def test_renamed_labels(run: Run, cube: xr.DataArray) -> None:
    result = run("rename_labels", data=cube, dimension="bands", target=["nir", "red"], source=["B08", "B04"])
    assert labels(result, "bands") == ("red", "nir", "SCL")
    assert [band.name for band in dimension_of(result, "bands").bands] == ["red", "nir", "SCL"]
    assert run("ndvi", data=result).dims == ("t", "y", "x")


def test_enumerated_labels(run: Run, cube: xr.DataArray) -> None:
    enumerated = make_cube(cube.assign_coords(bands=[0, 1, 2]), dimensions_of(cube))
    result = run("rename_labels", data=enumerated, dimension="bands", target=["a", "b", "c"])
    assert labels(result, "bands") == ("a", "b", "c")
    assert (
        code_of(run, "rename_labels", data=enumerated, dimension="bands", target=list("abcd"))
        == "LabelMismatch"
    )


def test_renamed_instants(run: Run, cube: xr.DataArray) -> None:
    result = run("rename_labels", data=cube, dimension="t", target=["2021-01-01"], source=["2020-01-05"])
    assert labels(result, "t")[0] == "2021-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"dimension": "z", "target": ["a"], "source": ["b"]}, "DimensionNotAvailable"),
        ({"dimension": "bands", "target": ["a", "b", "c"]}, "LabelsNotEnumerated"),
        ({"dimension": "bands", "target": ["a", "b"], "source": ["B04"]}, "LabelMismatch"),
        ({"dimension": "bands", "target": ["a"], "source": ["B05"]}, "LabelNotAvailable"),
        ({"dimension": "bands", "target": ["B08"], "source": ["B04"]}, "LabelExists"),
        ({"dimension": "bands", "target": ["B08", "B04"], "source": ["B04", "B08"]}, "LabelExists"),
        ({"dimension": "bands", "target": ["a", "a"], "source": ["B04", "B08"]}, "ProcessParameterInvalid"),
    ],
)
def test_labels_that_cannot_be_renamed(run: Run, cube: xr.DataArray, arguments: Any, code: str) -> None:
    assert code_of(run, "rename_labels", data=cube, **arguments) == code


@pytest.mark.parametrize("count", [0, 2])
def test_dropping_needs_a_single_label(run: Run, cube: xr.DataArray, count: int) -> None:
    part = make_cube(cube.isel(t=slice(0, count)), dimensions_of(cube))
    with pytest.raises(OpenEOError, match=f"'t' has {count} labels") as caught:
        run("drop_dimension", data=part, name="t")
    assert caught.value.code == "DimensionLabelCountMismatch"


@pytest.mark.parametrize(
    ("target", "source", "expected"),
    [
        (["2021-01-01"], ["2020-01-05"], "2021-01-01T00:00:00Z"),
        (["2021-01-01T00:00:00+02:00"], ["2020-01-05T01:00:00+01:00"], "2020-12-31T22:00:00Z"),
        (["first"], ["2020-01-05T00:00:00Z"], "first"),
    ],
)
def test_instants_are_labels_however_they_are_written(
    run: Run, cube: xr.DataArray, target: list[str], source: list[str], expected: str
) -> None:
    result = run("rename_labels", data=cube, dimension="t", target=target, source=source)
    assert labels(result, "t") == (expected, *labels(cube, "t")[1:])


def test_renamed_periods_are_no_periods_any_more(run: Run, cube: xr.DataArray) -> None:
    mean = {"n": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
    weekly = run("aggregate_temporal_period", data=cube, period="week", reducer={"process_graph": mean})
    assert dimension_of(weekly, "t").period == "week"
    renamed = run("rename_labels", data=weekly, dimension="t", target=["2020-1"], source=["2020-01"])
    assert dimension_of(renamed, "t").period is None


@pytest.mark.parametrize("kind", ["spatial", "temporal", "bands", "geometry", "other"])
@pytest.mark.parametrize("label", ["2020-02-30", "a", 0, 1.5])
def test_labels_of_any_type(run: Run, cube: xr.DataArray, kind: str, label: str | float) -> None:
    result = run("add_dimension", data=cube, name="more", label=label, type=kind)
    assert labels(result, "more") == (label,)
    assert dimension_of(result, "more").type == kind
    dropped = run("drop_dimension", data=result, name="more")
    assert dimensions_of(dropped) == dimensions_of(cube)
    xr.testing.assert_identical(dropped.compute().drop_attrs(), cube.compute().drop_attrs())
