"""A process for each polygon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr

from connexeo.generated.errors import GeometriesOverlap, ProcessGraphInvalid, ProcessParameterInvalid
from connexeo.processing.cube import dimensions_of
from connexeo.processing.vectors import make_vector_cube

Run = Callable[..., Any]

WEST, NORTH = 600_000, 5_000_000
DATA = {"from_parameter": "data"}


def area(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    return shapely.box(WEST + 10 * left, NORTH - 10 * bottom, WEST + 10 * right, NORTH - 10 * top)


def vectors(*shapes: Any) -> xr.DataArray:
    return make_vector_cube(list(shapes), 32632)


def graph(process_id: str, **arguments: Any) -> dict[str, Any]:
    given = {"data": DATA, **arguments}
    return {"process_graph": {"n": {"process_id": process_id, "arguments": given, "result": True}}}


def inner(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"i": {"process_id": process_id, "arguments": arguments, "result": True}}}


SAME = graph("apply", process=inner("add", x={"from_parameter": "x"}, y=0))
NUMBERED = graph("apply", process=inner("constant", x=1))
POLYGONS = [
    area(0, 0, 5, 5).difference(area(1, 1, 2, 2)),
    area(5, 1, 8, 4),
    area(1, 1, 2, 2),
    shapely.Polygon(),
    None,
]


def inside(*shapes: Any) -> Any:
    x, y = WEST + 10 * np.arange(8) + 5, NORTH - 10 * np.arange(6) - 5
    return shapely.intersects_xy(shapely.union_all(shapes), *np.meshgrid(x, y))


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("ascending", [True, False])
def test_values_of_polygons_are_computed(run: Run, cube: xr.DataArray, lazy: bool, ascending: bool) -> None:
    data = cube if lazy else cube.compute()
    data = data.isel(y=slice(None, None, -1)) if ascending else data
    result = run("apply_polygon", data=data, geometries=vectors(*POLYGONS), process=SAME)
    assert (result.chunks == data.chunks) is lazy or not lazy
    assert dimensions_of(result) == dimensions_of(cube)
    assert (result.name, result.attrs["title"]) == (cube.name, cube.attrs["title"])
    expected = cube.where(xr.DataArray(inside(*POLYGONS[:3]), dims=("y", "x")))
    np.testing.assert_array_equal(result.sortby("y", ascending=False), expected)
    for name in cube.dims:
        np.testing.assert_array_equal(result[name], data[name])


@pytest.mark.parametrize("order", [("t", "bands", "y", "x"), ("x", "bands", "y", "t")])
def test_each_polygon_is_computed_by_itself(run: Run, cube: xr.DataArray, order: Any) -> None:
    deepest = inner("cummax", data=DATA)
    process = graph("apply_dimension", process=deepest, dimension="x")
    shapes = [area(0, 0, 3, 2), area(3, 0, 8, 2)]
    result = run("apply_polygon", data=cube.transpose(*order), geometries=vectors(*shapes), process=process)
    assert result.dims == order
    left, right = (
        run("apply_dimension", data=cube[..., :2, part], process=deepest, dimension="x").values
        for part in (slice(0, 3), slice(3, 8))
    )
    found = result.transpose(*cube.dims).values
    np.testing.assert_array_equal(found[..., :2, :], np.concatenate([left, right], -1))
    assert np.isnan(found[..., 2:, :]).all()


@pytest.mark.parametrize(("mask_value", "count"), [(None, 5), (7, 9)])
def test_pixels_outside_of_the_polygon_have_the_mask_value(
    run: Run, cube: xr.DataArray, mask_value: Any, count: int
) -> None:
    counted = graph(
        "apply_dimension",
        dimension="x",
        process={
            "process_graph": {
                "c": {"process_id": "count", "arguments": {"data": DATA}},
                "a": {
                    "process_id": "array_create",
                    "arguments": {"data": [{"from_node": "c"}], "repeat": 9},
                    "result": True,
                },
            }
        },
    )
    wide = xr.concat([cube.fillna(1), cube.isel(x=[0]).fillna(1).assign_coords(x=[WEST + 85.0])], "x")
    shape = area(2, 0, 7, 6).union(area(0, 5, 9, 6))
    result = run(
        "apply_polygon", data=wide, geometries=vectors(shape), process=counted, mask_value=mask_value
    )
    assert (result.values[..., 0, 2:7] == count).all()
    assert np.isnan(result.values[..., 0, :2]).all()
    assert (result.values[..., 5, :] == 9).all()


def test_context_and_integers(run: Run, cube: xr.DataArray) -> None:
    process = graph("apply", process=inner("add", x={"from_parameter": "x"}, y={"from_parameter": "context"}),
                    context={"from_parameter": "context"})  # fmt: skip
    data = cube.fillna(0).astype("uint8") * 0 + 200
    result = run(
        "apply_polygon",
        data=data.astype("uint8"),
        geometries=vectors(area(0, 0, 2, 2)),
        process=process,
        context=100,
    )
    assert (result.values[..., :2, :2] == 300).all()
    assert np.isnan(result.values[..., 2:, 2:]).all()


def test_polygons_beside_the_data_compute_nothing(run: Run, cube: xr.DataArray) -> None:
    shapes = vectors(area(90, 90, 99, 99), area(2.1, 2.1, 2.4, 2.4), shapely.Polygon())
    result = run("apply_polygon", data=cube, geometries=shapes, process=SAME)
    assert result.shape == cube.shape
    assert np.isnan(result).all()


@pytest.mark.parametrize(
    ("shapes", "overlaps"),
    [
        ((area(0, 0, 3, 3), area(2, 2, 5, 5)), True),
        ((area(0, 0, 3, 3), area(0, 0, 3, 3)), True),
        ((area(0, 0, 2.5, 3), area(2.5, 0, 5, 3)), True),
        ((area(0, 0, 2.3, 3), area(2.1, 0, 5, 3)), False),
        ((area(0, 0, 3, 3), area(3, 0, 5, 3)), False),
        ((shapely.MultiPolygon([area(0, 0, 1, 1), area(4, 4, 6, 6)]), area(2, 2, 3, 3)), False),
    ],
)
def test_no_pixel_belongs_to_two_polygons(run: Run, cube: xr.DataArray, shapes: Any, overlaps: bool) -> None:
    if overlaps:
        with pytest.raises(GeometriesOverlap):
            run("apply_polygon", data=cube, geometries=vectors(*shapes), process=SAME)
    else:
        result = run("apply_polygon", data=cube.fillna(1), geometries=vectors(*shapes), process=NUMBERED)
        assert np.nansum(result.values[0, 0]) == inside(*shapes).sum()


@pytest.mark.parametrize(
    "process",
    [
        graph("reduce_dimension", reducer=inner("mean", data=DATA), dimension="t"),
        graph("add_dimension", name="new", label=1),
        graph("filter_bands", bands=["B04"]),
        graph("rename_dimension", source="t", target="time"),
        graph("dimension_labels", dimension="t"),
    ],
)
def test_dimensions_have_to_stay(run: Run, cube: xr.DataArray, process: Any) -> None:
    with pytest.raises(ProcessGraphInvalid):
        run("apply_polygon", data=cube, geometries=vectors(area(0, 0, 2, 2)), process=process)


def test_polygons_are_needed(run: Run, cube: xr.DataArray) -> None:
    for shapes in ((), (shapely.Point(1, 1),)):
        with pytest.raises(ProcessParameterInvalid):
            run("apply_polygon", data=cube, geometries=vectors(*shapes), process=SAME)
    with pytest.raises(ProcessParameterInvalid, match="replaced by text"):
        run("apply_polygon", data=cube, geometries=vectors(area(0, 0, 2, 2)), process=SAME, mask_value="x")
