"""Vector cubes from GeoJSON, and what is done with their geometries."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr

from connexeo.generated.errors import DimensionNotAvailable, ProcessParameterInvalid, UnitMismatch
from connexeo.processing.cube import Dimension, dimensions_of
from connexeo.processing.vectors import features_of, geometries_of, make_vector_cube

Run = Callable[..., Any]


def feature(x: float, id: Any = None, **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [x, 47.0]}
    return {"type": "Feature", "geometry": geometry, "properties": properties, **({"id": id} if id else {})}


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def field_cube(*shapes: Any, crs: Any = 32632) -> xr.DataArray:
    """A cube (t, geometry) with features."""
    return make_vector_cube(
        list(shapes),
        crs,
        data=np.arange(2.0 * len(shapes)).reshape(2, len(shapes)),
        dims=("t", "geometry"),
        coords={"t": np.array(["2024-01-01", "2024-02-01"], "datetime64[ns]")},
        dimensions=[Dimension("t", "temporal")],
        features=[{"id": index} for index in range(len(shapes))],
    )


TREES = collection(
    feature(15, "a", species="oak", height=18.5), feature(16, height=9), feature(17, species="ash")
)


@pytest.mark.parametrize(
    ("data", "properties", "labels", "values"),
    [
        (TREES, ["height"], ["height"], [[18.5], [9], [math.nan]]),
        (TREES, ["species", "height"], ["species", "height"], [["oak", 18.5], [None, 9], ["ash", None]]),
        (TREES, ["none"], ["none"], [[math.nan]] * 3),
        (collection(feature(1, a=1), feature(2, a=2)), ["a"], ["a"], [[1], [2]]),
        (collection(feature(1, a=2**70)), ["a"], ["a"], [[2.0**70]]),
        (collection(feature(1, a=True), feature(2)), ["a"], ["a"], [[True], [None]]),
        (collection(feature(1, a=[1, 2.5]), feature(2, a=[]), feature(3, a=7), feature(4)), ["a"], [0, 1],
         [[1, 2.5], [math.nan] * 2, [7, math.nan], [math.nan] * 2]),
        (collection(feature(1, a=["x"]), feature(2, a=[None, "y"])), ["a"], [0, 1], [["x", None], [None, "y"]]),
        (feature(1, a=5), ["a"], ["a"], [[5]]),
        (collection(), ["a"], ["a"], []),
    ],
)  # fmt: skip
def test_properties_become_values(run: Run, data: Any, properties: Any, labels: Any, values: Any) -> None:
    cube = run("load_geojson", data=data, properties=properties)
    assert cube.dims == ("geometry", "properties")
    assert cube.properties.values.tolist() == labels
    assert dimensions_of(cube)[1] == Dimension("properties", "other")
    expected = np.array(values, object).reshape(-1, len(labels))
    assert cube.shape == expected.shape
    if cube.dtype == object:
        assert cube.values.tolist() == values
    else:
        np.testing.assert_array_equal(cube.values, expected.astype(float))
        assert (cube.dtype.kind == "i") is all(isinstance(value, int) for row in values for value in row) or (
            not values
        )


@pytest.mark.parametrize(
    ("data", "more"),
    [
        (TREES, {}),
        (TREES, {"properties": []}),
        (TREES["features"][0]["geometry"], {"properties": ["height"]}),
    ],
)
def test_without_properties_there_are_geometries_only(run: Run, data: Any, more: Any) -> None:
    cube = run("load_geojson", data=data, **more)
    assert dimensions_of(cube) == (Dimension("geometry", "geometry", reference_system=4326),)
    assert np.isnan(cube.values).all()
    assert cube.geometry.values[0] == shapely.Point(15, 47)


def test_features_are_kept(run: Run) -> None:
    features = features_of(run("load_geojson", data=TREES, properties=["height"]))
    assert features[0] == {"id": "a", "properties": {"species": "oak", "height": 18.5}}
    assert features[2] == {"properties": {"species": "ash"}}


@pytest.mark.parametrize(
    ("value", "names"), [([1], ["a", "b"]), ({"c": 1}, ["a"]), ([[1]], ["a"]), ([{"c": 1}], ["a"])]
)
def test_values_are_scalars(run: Run, value: Any, names: Any) -> None:
    with pytest.raises(ProcessParameterInvalid, match="can be values"):
        run("load_geojson", data=collection(feature(1, a=value)), properties=names)


def test_collections_of_geometries_are_refused(run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match="GeometryCollection"):
        run("load_geojson", data={"type": "GeometryCollection", "geometries": []})


def test_buffers_grow_and_shrink(run: Run) -> None:
    shapes = [shapely.Point(5, 5), shapely.box(0, 0, 10, 10), shapely.LineString([(0, 0), (9, 0)])]
    cube = field_cube(*shapes, shapely.Point(), None)
    grown, shrunk = (run("vector_buffer", geometries=cube, distance=distance) for distance in (2, -2))
    areas = [shape.area for shape in grown.geometry.values[:3]]
    assert areas == pytest.approx([math.pi * 4, 100 + 80 + math.pi * 4, 36 + math.pi * 4], rel=1e-2)
    assert {shape.geom_type for shape in grown.geometry.values[:4]} == {"Polygon"}
    assert shrunk.geometry.values[1].equals(shapely.box(2, 2, 8, 8))
    assert [shape is None or shape.is_empty for shape in shrunk.geometry.values] == [
        True,
        False,
        True,
        True,
        True,
    ]
    assert grown.geometry.values[3].is_empty
    assert dimensions_of(grown) == dimensions_of(cube)
    np.testing.assert_array_equal(grown, cube)
    assert features_of(grown) == features_of(cube)


@pytest.mark.parametrize("crs", [4326, 2264, None])
def test_distances_need_metres(run: Run, crs: Any) -> None:
    for process_id, name in (("vector_buffer", "geometries"), ("vector_to_regular_points", "data")):
        with pytest.raises(UnitMismatch):
            run(process_id, **{name: field_cube(shapely.Point(1, 1), crs=crs)}, distance=5)


def test_zero_is_no_distance(run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid):
        run("vector_buffer", geometries=field_cube(shapely.Point(1, 1)), distance=0)


def test_reprojection(run: Run) -> None:
    cube = field_cube(shapely.Point(9, 0), shapely.Polygon(), None, crs=4326)
    result = run("vector_reproject", data=cube, projection=32632)
    point, *others = result.geometry.values
    assert (point.x, point.y) == pytest.approx((500_000, 0))
    assert others == [shapely.Polygon(), None]
    assert dimensions_of(result) == (
        dimensions_of(cube)[0],
        Dimension("geometry", "geometry", reference_system=32632),
    )
    assert features_of(result) == features_of(cube)
    np.testing.assert_array_equal(result, cube)
    back = run("vector_reproject", data=result, projection=4326, dimension="geometry")
    assert back.geometry.values[0].equals_exact(shapely.Point(9, 0), 1e-9)


def test_one_of_several_dimensions_is_reprojected(run: Run) -> None:
    cube = make_vector_cube([shapely.Point(9, 0)], 4326)
    second = run("rename_dimension", data=cube, source="geometry", target="other")
    both = run(
        "merge_cubes",
        cube1=cube.expand_dims({"k": [1]}),
        cube2=second.expand_dims({"k": [1]}),
        overlap_resolver=MAX,
    )
    one = run("vector_reproject", data=both, projection=32632, dimension="other")
    assert {d.name: d.reference_system for d in dimensions_of(one)} == {
        "k": None,
        "geometry": 4326,
        "other": 32632,
    }
    every = run("vector_reproject", data=both, projection=32632)
    assert [label.x for label in (every.geometry.values[0], every.other.values[0])] == pytest.approx(
        [500_000] * 2
    )


MAX = {
    "process_graph": {
        "m": {
            "process_id": "max",
            "arguments": {"data": [{"from_parameter": "x"}, {"from_parameter": "y"}]},
            "result": True,
        }
    }
}


def test_what_cannot_be_reprojected(run: Run, cube: xr.DataArray) -> None:
    vectors = field_cube(shapely.Point(9, 95), crs=4326)
    with pytest.raises(DimensionNotAvailable):
        run("vector_reproject", data=vectors, projection=32632, dimension="t")
    with pytest.raises(DimensionNotAvailable):
        run("vector_reproject", data=cube, projection=32632)
    with pytest.raises(ProcessParameterInvalid, match="no place"):
        run("vector_reproject", data=vectors, projection=32632)
    with pytest.raises(ProcessParameterInvalid, match="not known"):
        run("vector_reproject", data=vectors, projection=1999)
    with pytest.raises(ProcessParameterInvalid, match="not known"):
        run("vector_reproject", data=field_cube(shapely.Point(9, 5), crs=None), projection=32632)


CANDIDATES = [
    shapely.box(1, 1, 2, 2),
    shapely.box(0, 0, 4, 4),
    shapely.box(-1, -1, 9, 9),
    shapely.box(4, 0, 6, 4),
    shapely.box(3, 3, 5, 5),
    shapely.LineString([(3, 1), (5, 1)]),
    shapely.box(20, 20, 21, 21),
    shapely.Polygon(),
    None,
]


@pytest.mark.parametrize(
    ("relation", "kept"),
    [
        (None, [0, 1, 2, 3, 4, 5]),
        ("intersects", [0, 1, 2, 3, 4, 5]),
        ("disjoint", [6]),
        ("equals", [1]),
        ("touches", [3]),
        ("crosses", [5]),
        ("overlaps", [4]),
        ("contains", [0, 1]),
        ("within", [1, 2]),
    ],
)
def test_relations_have_the_base_on_the_left(run: Run, relation: Any, kept: list[int]) -> None:
    cube = field_cube(*CANDIDATES)
    base = make_vector_cube([shapely.box(0, 0, 2, 4), shapely.box(2, 0, 4, 4), None, shapely.Point()], 32632)
    result = run("filter_vector", data=cube, geometries=base, **({"relation": relation} if relation else {}))
    assert [one["id"] for one in features_of(result)] == kept
    np.testing.assert_array_equal(result, cube[:, kept])
    assert dimensions_of(result) == dimensions_of(cube)


@pytest.mark.parametrize(
    ("relation", "kept"),
    [
        ("intersects", [0, 1, 2, 3, 4, 5, 6]),
        ("disjoint", []),
        ("equals", []),
        ("touches", [3]),
        ("crosses", [5]),
        ("overlaps", [4]),
        ("contains", [0, 1]),
        ("within", []),
    ],
)
def test_base_of_several_kinds(run: Run, relation: str, kept: list[int]) -> None:
    base = make_vector_cube([shapely.box(0, 0, 4, 4), shapely.Point(20.5, 20.5)], 32632)
    result = run("filter_vector", data=field_cube(*CANDIDATES), geometries=base, relation=relation)
    assert [one["id"] for one in features_of(result)] == kept


def test_base_in_another_reference_system(run: Run) -> None:
    cube = field_cube(shapely.Point(500_000, 10), shapely.Point(900_000, 10))
    base = make_vector_cube([shapely.box(8.9, -0.1, 9.1, 0.1)], 4326)
    result = run("filter_vector", data=cube, geometries=base)
    assert geometries_of(result).shapes.tolist() == [shapely.Point(500_000, 10)]


def test_base_without_geometries(run: Run) -> None:
    nothing = make_vector_cube([], 32632)
    cube = field_cube(*CANDIDATES)
    assert run("filter_vector", data=cube, geometries=nothing).shape == (2, 0)
    assert run("filter_vector", data=cube, geometries=nothing, relation="disjoint").shape == (2, 7)


def test_crossing_edges_are_repaired_to_compare(run: Run) -> None:
    bow = shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    cube = field_cube(shapely.Point(1, 2), shapely.Point(2, 1))
    result = run("filter_vector", data=cube, geometries=make_vector_cube([bow], 32632))
    assert [one["id"] for one in features_of(result)] == [0]


def test_vector_cubes_are_needed(run: Run, cube: xr.DataArray) -> None:
    vectors = field_cube(*CANDIDATES)
    for arguments in ({"data": cube, "geometries": vectors}, {"data": vectors, "geometries": cube}):
        with pytest.raises(ProcessParameterInvalid, match="vector data cube is needed"):
            run("filter_vector", **arguments)
