"""Areas as GeoJSON."""

from __future__ import annotations

from shapely.geometry import shape

from connexeo.processing.geojson import box_geometry


def test_box() -> None:
    geometry = shape(box_geometry(5.0, 51.0, 6.5, 52.0))
    assert geometry.geom_type == "Polygon"
    assert geometry.bounds == (5.0, 51.0, 6.5, 52.0)
    assert geometry.exterior.is_ccw


def test_box_across_the_antimeridian() -> None:
    geometry = shape(box_geometry(179.0, -20.0, -178.0, -10.0))
    assert geometry.geom_type == "MultiPolygon"
    assert [part.bounds for part in geometry.geoms] == [
        (179.0, -20.0, 180.0, -10.0),
        (-180.0, -20.0, -178.0, -10.0),
    ]
    assert all(part.exterior.is_ccw for part in geometry.geoms)
