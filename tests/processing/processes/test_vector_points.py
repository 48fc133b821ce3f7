"""Points in geometries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr

from connexeo.generated.errors import CountMismatch, ProcessParameterInvalid
from connexeo.processing.cube import Dimension, dimensions_of
from connexeo.processing.vectors import features_of, make_vector_cube

Run = Callable[..., Any]

RING = shapely.box(0, 0, 100, 100).difference(shapely.box(20, 20, 80, 80))
PARTS = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(500, 0, 510, 10)])
LINE = shapely.MultiLineString([[(0, 0), (30, 0)], [(0, 50), (10, 50)]])
FOUR = shapely.MultiPoint([(1, 1), (2, 2), (3, 3), (4, 4), (4, 4)])
SHAPES = [RING, PARTS, LINE, FOUR, shapely.Point(7, 7), shapely.Polygon(), None]


def fields(*shapes: Any) -> xr.DataArray:
    return make_vector_cube(
        list(shapes),
        32632,
        data=np.arange(2.0 * len(shapes)).reshape(len(shapes), 2),
        dims=("geometry", "properties"),
        coords={"properties": ["a", "b"]},
        dimensions=[Dimension("properties", "other")],
        features=[{"id": index, "properties": {"n": index}} for index in range(len(shapes))],
    )


def counts(cube: xr.DataArray) -> list[int]:
    return [0 if shape is None else len(shapely.get_coordinates(shape)) for shape in cube.geometry.values]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [1, 1, 1, 1, 1, 0, 0]),
        ({"geometry_count": 6}, [6, 6, 6, 4, 1, 0, 0]),
        ({"total_count": 5}, [1, 1, 1, 1, 1, 0, 0]),
        ({"total_count": 17}, [4, 4, 4, 4, 1, 0, 0]),
        ({"total_count": 35}, [10, 10, 10, 4, 1, 0, 0]),
        ({"total_count": 100, "geometry_count": 5}, [5, 5, 5, 4, 1, 0, 0]),
    ],
)
def test_numbers_of_random_points(run: Run, arguments: Any, expected: list[int]) -> None:
    cube = fields(*SHAPES)
    result = run("vector_to_random_points", data=cube, **arguments)
    assert counts(result) == expected
    assert [shape.geom_type for shape in result.geometry.values[:5]] == ["MultiPoint"] * 5
    assert result.geometry.values[5:].tolist() == SHAPES[5:]
    assert features_of(result) == features_of(cube)
    assert dimensions_of(result) == dimensions_of(cube)
    np.testing.assert_array_equal(result, cube)
    for shape, points in zip(SHAPES[:5], result.geometry.values[:5], strict=True):
        assert shapely.dwithin(shape, list(points.geoms), 1e-9).all()
        assert len(np.unique(shapely.get_coordinates(points), axis=0)) == len(points.geoms)


def test_chance_decides_about_the_rest(run: Run) -> None:
    result = run("vector_to_random_points", data=fields(*SHAPES), total_count=18, seed=3)
    assert sorted(counts(result)) == [0, 0, 1, 4, 4, 4, 5]


def test_points_are_everywhere(run: Run) -> None:
    result = run("vector_to_random_points", data=fields(RING, PARTS, LINE), geometry_count=4000, seed=1)
    ring, parts, line = (shapely.get_coordinates(shape) for shape in result.geometry.values)
    assert ring.mean(axis=0) == pytest.approx([50, 50], abs=2)
    assert np.mean(ring[:, 0] < 20) == pytest.approx(2000 / 6400, abs=0.03)
    assert np.mean(parts[:, 0] < 100) == pytest.approx(0.5, abs=0.03)
    assert np.mean(line[:, 1] == 50) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("seed", [0, 7, -7])
def test_seeds_make_points_the_same(run: Run, seed: int) -> None:
    first, second, other = (
        run("vector_to_random_points", data=fields(*SHAPES), geometry_count=3, seed=each)
        for each in (seed, seed, seed + 1)
    )
    assert first.geometry.values.tolist() == second.geometry.values.tolist()
    assert first.geometry.values.tolist() != other.geometry.values.tolist()


@pytest.mark.parametrize(
    ("process_id", "arguments"),
    [("vector_to_random_points", {"geometry_count": 2}), ("vector_to_regular_points", {"distance": 1000})],
)
def test_points_on_their_own(run: Run, process_id: str, arguments: Any) -> None:
    cube = fields(FOUR, None, shapely.Point(7, 7))
    result = run(process_id, data=cube, group=False, **arguments)
    length = len(result.geometry) - 2
    assert [shape and shape.geom_type for shape in result.geometry.values] == ["Point"] * length + [
        None,
        "Point",
    ]
    assert [one.get("id") for one in features_of(result)] == [None] * length + [1, None]
    assert [one["properties"]["n"] for one in features_of(result)] == [0] * length + [1, 2]
    np.testing.assert_array_equal(result, cube[[0] * length + [1, 2]])
    assert dimensions_of(result) == dimensions_of(cube)


def test_every_geometry_needs_a_point(run: Run) -> None:
    with pytest.raises(CountMismatch):
        run("vector_to_random_points", data=fields(*SHAPES), total_count=4)


@pytest.mark.parametrize(
    ("shape", "distance", "points"),
    [
        (shapely.box(0, 0, 20, 10), 10, [(5, 5), (15, 5)]),
        (shapely.box(0, 0, 25, 10), 10, [(5, 5), (15, 5)]),
        (shapely.box(0, 0, 26, 16), 10, [(5, 11), (15, 11), (25, 11), (5, 1), (15, 1), (25, 1)]),
        (shapely.box(3, 3, 5, 5), 10, [(5, 3)]),
        (PARTS, 100, [(10, 0)]),
        (PARTS, 10, [(5, 5), (505, 5)]),
        (shapely.LineString([(0, 0), (25, 0)]), 10, [(0, 0), (10, 0), (20, 0)]),
        (shapely.LineString([(0, 0), (10, 0), (20, 0)]), 10, [(0, 0), (10, 0), (20, 0)]),
        (shapely.LineString([(0, 0), (4, 0), (4, 3), (0, 3)]), 5, [(0, 0), (4, 3)]),
        (shapely.LineString([(0, 0), (6, 0), (0, 0)]), 5, [(0, 0), (5, 0), (0, 0)]),
        (shapely.LineString([(0, 0), (3, 0)]), 5, [(0, 0)]),
        (LINE, 20, [(0, 0), (20, 0), (0, 50)]),
        (FOUR, 100, [(1, 1), (2, 2), (3, 3), (4, 4), (4, 4)]),
        (shapely.Point(7, 7), 1, [(7, 7)]),
    ],
)
def test_regular_points(run: Run, shape: Any, distance: float, points: Any) -> None:
    result = run("vector_to_regular_points", data=fields(shape, None), distance=distance)
    grouped, nothing = result.geometry.values
    assert grouped.geom_type == "MultiPoint"
    assert nothing is None
    np.testing.assert_allclose(shapely.get_coordinates(grouped), points, atol=1e-6)
    assert features_of(result)[0]["id"] == 0


def test_distances_must_make_sense(run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match="greater than 0"):
        run("vector_to_regular_points", data=fields(RING), distance=0)
    with pytest.raises(ProcessParameterInvalid, match="more than 10000000 points"):
        run("vector_to_regular_points", data=fields(RING), distance=1e-4)
    with pytest.raises(ProcessParameterInvalid, match="more than 10000000 points"):
        run("vector_to_random_points", data=fields(RING, LINE), geometry_count=9_000_000)
    with pytest.raises(ProcessParameterInvalid, match="vector data cube is needed"):
        run("vector_to_random_points", data=fields(RING).drop_vars("geometry").assign_attrs(openeo=()))
