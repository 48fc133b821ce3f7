"""Vector cubes, and what is taken for geometries."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import shapely

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.cube import Dimension, dimensions_of, labels
from connexeo.processing.formats.json import serialize
from connexeo.processing.vectors import (
    FEATURES,
    Geometries,
    crs_of_geojson,
    features_of,
    geometries_of,
    geometry_labels,
    is_vector,
    make_vector_cube,
    read_feature_members,
    read_features,
    read_geometries,
    with_features,
    with_geometries,
)

POINT = {"type": "Point", "coordinates": [15.5, 47.1]}
FEATURE = {"type": "Feature", "id": "a", "geometry": POINT, "properties": {"height": 18.5}}
COLLECTION = {
    "type": "FeatureCollection",
    "features": [FEATURE, {"type": "Feature", "geometry": None, "properties": None}],
}
READ: Any = {"process": "load_geojson", "parameter": "data"}


def test_geometries_are_labels_whatever_they_are() -> None:
    shapes = [shapely.Point(1, 2), None, shapely.MultiPoint([(1, 2), (3, 4)]), shapely.Polygon()]
    cube = make_vector_cube(shapes, 32632)
    assert is_vector(cube)
    assert dimensions_of(cube) == (Dimension("geometry", "geometry", reference_system=32632),)
    assert geometries_of(cube).shapes.tolist() == shapes
    assert np.isnan(cube.values).all()
    assert labels(cube, "geometry") == (
        "POINT (1 2)", "GEOMETRYCOLLECTION EMPTY", "MULTIPOINT ((1 2), (3 4))", "POLYGON EMPTY",
    )  # fmt: skip


def test_raster_cubes_are_no_vector_cubes(cube: Any) -> None:
    assert not is_vector(cube)
    with pytest.raises(ProcessParameterInvalid, match="has no geometries"):
        read_geometries(cube, process="mask_polygon", parameter="mask")


def test_features_stay_with_their_geometries() -> None:
    features: list[Any] = [{"id": "a"}, {}, {"id": "c", "properties": {"t": 1}}]
    cube = make_vector_cube(geometry_labels([shapely.Point(i, i) for i in range(3)]), features=features)
    assert features_of(cube) == features
    assert features_of(cube.isel(geometry=[2, 0])) == [features[2], features[0]]
    assert features_of(with_geometries(cube, [None] * 3)) == features
    assert features_of(with_features(cube, [{}, {"id": "b"}, {}])) == [{}, {"id": "b"}, {}]
    assert FEATURES not in with_features(cube, [{}, {}, {}]).coords
    assert features_of(make_vector_cube([None])) == [{}]


def test_geojson_has_geometries_and_features() -> None:
    assert read_features(COLLECTION, **READ) == [
        (shapely.Point(15.5, 47.1), {"height": 18.5}), (None, {}),
    ]  # fmt: skip
    assert read_feature_members(COLLECTION) == [{"id": "a", "properties": {"height": 18.5}}, {}]
    assert read_feature_members(POINT) == [{}]
    geometries = read_geometries(POINT, **READ)
    assert (geometries.shapes.tolist(), geometries.crs) == ([shapely.Point(15.5, 47.1)], 4326)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"type": "GeometryCollection", "geometries": [POINT]}, "GeometryCollection are not supported"),
        ({"west": 1}, "a geometry, a Feature or a FeatureCollection"),
        ({"type": "Feature", "geometry": POINT, "properties": 5}, "properties of a GeoJSON feature"),
        ({"type": "Point", "coordinates": ["a", 1]}, "coordinates of the GeoJSON are not valid"),
        ({"type": "Point", "coordinates": [math.nan, 1.0]}, "coordinates of the GeoJSON are not valid"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "coordinates of the GeoJSON are not valid"),
        ({"type": "FeatureCollection"}, "coordinates of the GeoJSON are not valid"),
        ({"type": "Polygon"}, "coordinates of the GeoJSON are not valid"),
        ({**POINT, "crs": {"properties": {"name": "EPSG:0"}}}, "known reference system"),
        ({**POINT, "crs": "EPSG:4326"}, "known reference system"),
    ],
)
def test_what_is_no_geojson(document: Any, reason: str) -> None:
    with pytest.raises(ProcessParameterInvalid, match=reason):
        read_geometries(document, **READ)


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326),
        ("EPSG:32632", 32632),
        ("urn:ogc:def:crs:EPSG::32632", 32632),
    ],
)
def test_old_member_names_the_reference_system(name: str, crs: int) -> None:
    member = {"type": "name", "properties": {"name": name}}
    assert crs_of_geojson({**POINT, "crs": member}, **READ) == crs


def test_reprojection_moves_x_and_y_only() -> None:
    shapes = geometry_labels([shapely.Point(9, 0), shapely.Point(9, 0, 7), None, shapely.Polygon()])
    moved = Geometries(shapes, 4326).to_crs(32632)
    assert moved.crs == 32632
    flat, deep, *others = moved.shapes
    assert (flat.x, flat.y) == pytest.approx((500_000, 0))
    assert (deep.x, deep.y, deep.z) == pytest.approx((500_000, 0, 7))
    assert not flat.has_z
    assert others == [None, shapely.Polygon()]
    assert shapes[0] == shapely.Point(9, 0)


def test_unknown_reference_systems_are_taken_to_be_the_same() -> None:
    geometries = Geometries(geometry_labels([shapely.Point(9, 0)]), None)
    assert geometries.to_crs(32632) is geometries


def test_json_has_geometries_as_geojson() -> None:
    cube = make_vector_cube(
        [shapely.Point(1, 2), None],
        data=np.array([["oak", 3], [None, 4]], object),
        dims=("geometry", "properties"),
        coords={"properties": ["species", "height"]},
        dimensions=[Dimension("properties", "other")],
    )
    written = json.loads(serialize(cube))
    assert written["dimensions"][0] == {
        "name": "geometry",
        "type": "geometry",
        "reference_system": 4326,
        "values": [{"type": "Point", "coordinates": [1.0, 2.0]}, None],
    }
    assert written["data"] == [["oak", 3], [None, 4]]
