"""Values of geometries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import mapping

from connexeo.generated.errors import IncompatibleDataCubes, ProcessParameterInvalid, TargetDimensionExists
from connexeo.processing.cube import Dimension, dimensions_of
from connexeo.processing.definitions import Definitions
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.vectors import features_of, geometries_of, make_vector_cube

Run = Callable[..., Any]

WEST, NORTH = 600_000, 5_000_000


def reducer(process_id: str, **arguments: Any) -> dict[str, Any]:
    given = {"data": {"from_parameter": "data"}, **arguments}
    return {"process_graph": {"r": {"process_id": process_id, "arguments": given, "result": True}}}


MEAN, SUM, COUNT = reducer("mean"), reducer("sum"), reducer("count", condition=True)


def area(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    return shapely.box(WEST + 10 * left, NORTH - 10 * bottom, WEST + 10 * right, NORTH - 10 * top)


def point(column: float, row: float) -> shapely.Point:
    return shapely.Point(WEST + 10 * column, NORTH - 10 * row)


SHAPES = [
    area(0, 0, 8, 6),
    point(3.4, 2.2),
    shapely.Polygon(),
    area(1, 1, 3, 2),
    area(2.1, 2.1, 2.4, 2.4),
    None,
    shapely.LineString([point(0.5, 0.5), point(7.5, 0.6)]),
    shapely.MultiPolygon([area(0, 0, 1, 1), area(7, 5, 8, 6)]),
    area(100, 100, 108, 106),
    point(3.6, 2.9),
]
NONE_SELECTED = [2, 4, 5, 8]


def parts_of(cube: xr.DataArray) -> list[Any]:
    """The values that each of the shapes selects, with pixels as the last axis."""
    values = cube.values
    return [
        values.reshape((4, 3, 48)),
        values[..., 2, 3:4],
        values[..., :0, 0],
        values[..., 1, 1:3],
        values[..., :0, 0],
        values[..., :0, 0],
        values[..., 0, :],
        np.stack([values[..., 0, 0], values[..., 5, 7]], -1),
        values[..., :0, 0],
        values[..., 2, 3:4],
    ]


@pytest.mark.parametrize("lazy", [True, False])
def test_means_of_geometries(run: Run, cube: xr.DataArray, lazy: bool) -> None:
    data = cube if lazy else cube.compute()
    result = run("aggregate_spatial", data=data, geometries=make_vector_cube(SHAPES, 32632), reducer=MEAN)
    assert (result.chunks is not None) is lazy
    assert result.dims == ("t", "bands", "geometry")
    assert dimensions_of(result) == (
        *dimensions_of(cube)[:2], Dimension("geometry", "geometry", reference_system=32632),
    )  # fmt: skip
    assert geometries_of(result).shapes.tolist() == SHAPES
    assert result.dtype == "float32"
    for index, part in enumerate(parts_of(cube)):
        found = result.values[..., index]
        if part.shape[-1]:
            valid = ~np.isnan(part)
            total = np.where(valid, part, 0).sum(-1, dtype=float)
            with np.errstate(invalid="ignore"):
                np.testing.assert_allclose(found, total / valid.sum(-1), rtol=1e-6)
        else:
            assert np.isnan(found).all()


def test_pixels_are_counted(run: Run, cube: xr.DataArray) -> None:
    result = run(
        "aggregate_spatial",
        data=cube,
        geometries=make_vector_cube(SHAPES, 32632),
        reducer=SUM,
        target_dimension="stats",
    )
    assert result.dims == ("t", "bands", "geometry", "stats")
    assert result.stats.values.tolist() == ["value", "total_count", "valid_count"]
    assert dimensions_of(result)[-1] == Dimension("stats", "other")
    values = result.values
    for index, part in enumerate(parts_of(cube)):
        if SHAPES[index] is None or SHAPES[index].is_empty:
            assert np.isnan(values[..., index, :]).all()
            continue
        assert (values[..., index, 1] == part.shape[-1]).all()
        np.testing.assert_array_equal(values[..., index, 2], (~np.isnan(part)).sum(-1))
    assert np.isnan(values[..., NONE_SELECTED, 0]).all()


def test_values_are_passed_with_the_context(run: Run, cube: xr.DataArray) -> None:
    graph = {
        "q": {
            "process_id": "quantiles",
            "arguments": {
                "data": {"from_parameter": "data"},
                "probabilities": {"from_parameter": "context"},
            },
        },
        "e": {
            "process_id": "array_element",
            "arguments": {"data": {"from_node": "q"}, "index": 0},
            "result": True,
        },
    }
    geometries = make_vector_cube(SHAPES[:1], 32632)
    result = run(
        "aggregate_spatial",
        data=cube,
        geometries=geometries,
        reducer={"process_graph": graph},
        context=[0.25],
    )
    flat = cube.values.reshape((4, 3, 48))
    np.testing.assert_allclose(result.values[..., 0], np.nanquantile(flat, 0.25, axis=-1), rtol=1e-6)


def test_integers_do_not_wrap(run: Run, cube: xr.DataArray) -> None:
    data = cube.fillna(0).astype("uint8") * 0 + 255
    result = run(
        "aggregate_spatial",
        data=data.astype("uint8"),
        geometries=make_vector_cube(SHAPES, 32632),
        reducer=SUM,
    )
    assert (result.values[..., 0] == 255 * 48).all()
    assert np.isnan(result.values[..., NONE_SELECTED]).all()


def test_geojson_keeps_features(run: Run, cube: xr.DataArray) -> None:
    from connexeo.processing.vectors import Geometries, geometry_labels

    first, second = (
        Geometries(geometry_labels([area(1.2, 1.2, 2.8, 1.8), point(3.4, 2.2)]), 32632).to_crs(4326).shapes
    )
    document = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": 7, "geometry": mapping(first), "properties": {"crop": "rye"}},
            {"type": "Feature", "geometry": mapping(second), "properties": None},
        ],
    }
    result = run("aggregate_spatial", data=cube, geometries=document, reducer=MEAN)
    direct = run(
        "aggregate_spatial",
        data=cube,
        geometries=make_vector_cube([SHAPES[3], SHAPES[1]], 32632),
        reducer=MEAN,
    )
    np.testing.assert_array_equal(result, direct)
    assert features_of(result) == [{"id": 7, "properties": {"crop": "rye"}}, {}]
    assert geometries_of(result).crs == 4326
    again = run("aggregate_spatial", data=cube, geometries=result, reducer=COUNT)
    assert again.values[0, 0].tolist() == [2, 1]
    assert features_of(again) == features_of(result)
    single = run("aggregate_spatial", data=cube, geometries=mapping(first), reducer=COUNT)
    assert single.values[0, 0].tolist() == [2]


def test_geometry_dimension_takes_the_place_of_x_and_y(run: Run, cube: xr.DataArray) -> None:
    shapes = make_vector_cube(SHAPES, 32632)
    geometries = run("rename_dimension", data=shapes, source="geometry", target="field")
    result = run(
        "aggregate_spatial", data=cube.transpose("y", "t", "x", "bands"), geometries=geometries, reducer=MEAN
    )
    assert result.dims == ("field", "t", "bands")
    usual = run("aggregate_spatial", data=cube, geometries=geometries, reducer=MEAN)
    np.testing.assert_array_equal(result, usual.transpose("field", "t", "bands"))
    flat = run(
        "aggregate_spatial", data=cube.isel(t=0, bands=0, drop=True), geometries=geometries, reducer=MEAN
    )
    np.testing.assert_array_equal(flat, usual[0, 0])


def test_no_geometries_give_no_values(run: Run, cube: xr.DataArray) -> None:
    for data in (cube, cube.compute()):
        result = run("aggregate_spatial", data=data, geometries=make_vector_cube([], 32632), reducer=MEAN)
        assert result.shape == (4, 3, 0)
        assert result.compute().dims == ("t", "bands", "geometry")


def test_only_blocks_that_geometries_touch_are_read(run: Run, cube: xr.DataArray) -> None:
    from connexeo.processing.blocks import dask_array

    seen: list[Any] = []

    def read(block: Any, block_info: Any = None) -> Any:
        seen.append(block_info[0]["chunk-location"][2:])
        return block

    data = cube.copy(
        data=dask_array().map_blocks(read, cube.data, dtype=cube.dtype, meta=np.empty((0,) * 4, cube.dtype))
    )
    geometries = make_vector_cube([area(0, 0, 3, 2), point(1, 1), area(90, 90, 91, 91)], 32632)
    result = run("aggregate_spatial", data=data, geometries=geometries, reducer=MEAN)
    assert not seen
    result.compute(scheduler="synchronous")
    assert set(seen) == {(0, 0)}
    assert len(seen) == 12


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 9)] * 4), min_size=1, max_size=70), st.integers(1, 9))
def test_blocks_do_not_matter(definitions: Definitions, corners: Any, size: int) -> None:
    random = np.random.default_rng(0)
    data = xr.DataArray(
        random.integers(0, 99, (9, 9)).astype("int32"),
        dims=("y", "x"),
        coords={"y": 8.5 - np.arange(9), "x": np.arange(9) + 0.5},
    )
    shapes = [shapely.box(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in corners]
    graph = {
        "a": {
            "process_id": "aggregate_spatial",
            "arguments": {
                "data": {"from_parameter": "data"},
                "geometries": {"from_parameter": "shapes"},
                "reducer": SUM,
            },
            "result": True,
        }
    }
    parameters = {"data": data.chunk(size), "shapes": make_vector_cube(shapes, None)}
    result = evaluate(graph, parameters, environment=Environment(definitions=definitions))
    expected = [
        data.sel(x=slice(*shape.bounds[::2]), y=slice(shape.bounds[3], shape.bounds[1])) for shape in shapes
    ]
    np.testing.assert_array_equal(
        np.nan_to_num(result), [float(each.sum()) if each.size else 0 for each in expected]
    )


def test_what_cannot_be_aggregated(run: Run, cube: xr.DataArray) -> None:
    geometries = make_vector_cube(SHAPES, 32632)
    for name in ("t", "x", "geometry"):
        with pytest.raises(TargetDimensionExists):
            run("aggregate_spatial", data=cube, geometries=geometries, reducer=MEAN, target_dimension=name)
    with pytest.raises(ProcessParameterInvalid, match="dimension 'geometry' already"):
        run("aggregate_spatial", data=cube.rename(t="geometry"), geometries=geometries, reducer=MEAN)
    with pytest.raises(ProcessParameterInvalid, match="GeoJSON is needed"):
        run("aggregate_spatial", data=cube, geometries={"a": 1}, reducer=MEAN)
    with pytest.raises(IncompatibleDataCubes):
        run("aggregate_spatial", data=geometries, geometries=geometries, reducer=MEAN)
