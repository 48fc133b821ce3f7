"""Merging of vector cubes, and processes that do not care what the dimensions are."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import xarray as xr
from shapely import LineString, MultiPoint, Point, Polygon, box

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, dimensions_of, labels
from connexeo.processing.vectors import features_of, geometries_of, make_vector_cube

Run = Callable[..., Any]
DATA, X = {"from_parameter": "data"}, {"from_parameter": "x"}


def child(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"it": {"process_id": process_id, "arguments": arguments, "result": True}}}


ADD = child("add", x=X, y={"from_parameter": "y"})


def vector(
    shapes: Sequence[Any],
    times: Sequence[str] = ("2024-01-01", "2024-01-02"),
    crs: int = 4326,
    first: float = 1,
) -> xr.DataArray:
    """A cube (geometry, t) with values that count from `first`."""
    data = first + np.arange(len(shapes) * len(times), dtype=float).reshape(len(shapes), len(times))
    return make_vector_cube(
        shapes,
        crs,
        data=data,
        dims=("geometry", "t"),
        coords={"t": np.array(times, "datetime64[ns]")},
        dimensions=[Dimension("t", "temporal")],
        features=[{"id": str(number)} for number in range(len(shapes))],
    )


A, B, C = box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 0, 3, 1)
A_AGAIN = Polygon([(1, 1), (1, 0), (0.5, 0), (0, 0), (0, 1), (1, 1)])
"""The same points, written in another way."""


def test_further_geometries(run: Run) -> None:
    result = run("merge_cubes", cube1=vector([C, A]), cube2=vector([B], first=9))
    assert list(geometries_of(result).shapes) == [C, A, B]
    assert [one["id"] for one in features_of(result)] == ["0", "1", "0"]
    assert dimensions_of(result) == dimensions_of(vector([A]))
    assert result.values.tolist() == [[1, 2], [3, 4], [9, 10]]


def test_equal_geometries_overlap(run: Run) -> None:
    first, second = vector([A, B]), vector([C, A_AGAIN], first=10)
    with pytest.raises(OpenEOError) as caught:
        run("merge_cubes", cube1=first, cube2=second)
    assert caught.value.code == "OverlapResolverMissing"
    result = run("merge_cubes", cube1=first, cube2=second, overlap_resolver=ADD)
    assert list(geometries_of(result).shapes) == [A, B, C]
    assert result.values.tolist() == [[13, 15], [3, 4], [10, 11]]
    later = vector([A_AGAIN], times=["2024-01-03"], first=7)
    joined = run("merge_cubes", cube1=vector([A]), cube2=later)
    assert joined.values.tolist() == [[1, 2, 7]]


def test_geometries_that_are_missing_are_not_equal(run: Run) -> None:
    result = run("merge_cubes", cube1=vector([None, A]), cube2=vector([None], first=5))
    assert result.values.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_values_that_are_no_numbers(run: Run) -> None:
    first, second = vector([A, B]).astype(object), vector([B, C], ["2024-01-03"]).astype(object)
    first[:], second[:] = [["a", "b"], ["c", None]], [["d"], ["e"]]
    result = run("merge_cubes", cube1=first, cube2=second)
    assert result.values.tolist() == [["a", "b", None], ["c", None, "d"], [None, None, "e"]]


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (Point(0, 0), MultiPoint([(1, 1)]), None),
        (Point(0, 0), A, "IncompatibleGeometryTypes"),
        (LineString([(0, 0), (1, 1)]), A, "IncompatibleGeometryTypes"),
    ],
)
def test_types_of_geometries(run: Run, first: Any, second: Any, code: str | None) -> None:
    if code is None:
        assert run("merge_cubes", cube1=vector([first]), cube2=vector([second])).sizes["geometry"] == 2
        return
    with pytest.raises(OpenEOError) as caught:
        run("merge_cubes", cube1=vector([first]), cube2=vector([second]))
    assert caught.value.code == code


def test_cubes_that_can_not_be_merged(run: Run, cube: xr.DataArray) -> None:
    for other in (cube, vector([B], crs=32632)):
        with pytest.raises(OpenEOError) as caught:
            run("merge_cubes", cube1=vector([A]), cube2=other)
        assert caught.value.code == "IncompatibleDataCubes"


def test_processes_that_know_no_geometries(run: Run) -> None:
    data = vector([A, B])
    assert run("apply", data=data, process=child("multiply", x=X, y=2)).values.tolist() == [[2, 4], [6, 8]]
    sums = run("reduce_dimension", data=data, dimension="t", reducer=child("sum", data=DATA))
    assert sums.values.tolist() == [3, 7]
    assert [one["id"] for one in features_of(sums)] == ["0", "1"]
    across = run("reduce_dimension", data=data, dimension="geometry", reducer=child("sum", data=DATA))
    assert across.values.tolist() == [4, 6]
    assert "geometry" not in across.coords
    along = run("apply_dimension", data=data, dimension="geometry", process=child("cumsum", data=DATA))
    assert along.values.tolist() == [[1, 2], [4, 6]]
    assert list(geometries_of(along).shapes) == [A, B]
    later = run("filter_temporal", data=data, extent=["2024-01-02", None])
    assert later.values.tolist() == [[2], [4]]
    more = run("add_dimension", data=data, name="bands", label="B1", type="bands")
    assert [one.type for one in dimensions_of(more)] == ["bands", "geometry", "temporal"]
    less = run("drop_dimension", data=more, name="bands")
    assert dimensions_of(less) == dimensions_of(data)
    named = run("rename_dimension", data=data, source="geometry", target="fields")
    assert list(geometries_of(named).shapes) == [A, B]
    text = run("rename_labels", data=data, dimension="t", source=["2024-01-01"], target=["dry"])
    assert labels(text, "t") == ("dry", "2024-01-02T00:00:00Z")
    assert list(geometries_of(text).shapes) == [A, B]
    months = run("aggregate_temporal_period", data=data, period="month", reducer=child("max", data=DATA))
    assert months.values.tolist() == [[2], [4]]
    nearest = run("resample_cube_temporal", data=data, target=later)
    assert list(geometries_of(nearest).shapes) == [A, B]


def test_labels_that_are_geometries_can_not_be_renamed(run: Run) -> None:
    data = vector([A])
    with pytest.raises(OpenEOError) as caught:
        run("rename_labels", data=data, dimension="geometry", source=[A.wkt], target=["field"])
    assert caught.value.code == "ProcessParameterInvalid"
