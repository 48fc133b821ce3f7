"""GeoJSON, read again by geopandas and by Python's parser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape

from connexeo.generated.errors import FormatUnsuitable, ProcessParameterInvalid
from connexeo.processing.formats import write_result
from connexeo.processing.formats.wgs84 import bounds_of, to_wgs84
from connexeo.processing.result import Result
from connexeo.processing.vectors import Geometries, geometry_labels, make_vector_cube
from vector_cubes import FIELDS, fields

Make = Callable[..., xr.DataArray]


def write(cube: Any, folder: Path, **options: Any) -> Any:
    (file,) = write_result(Result(cube, "GeoJSON", options), folder)
    assert file.media_type == "application/geo+json"
    assert file.path.name == "openEO.geojson"
    return json.loads(file.path.read_text(encoding="utf-8"))


def test_values_are_properties(tmp_path: Path) -> None:
    first, second = write(fields(), tmp_path)["features"]
    assert first["id"] == "a"
    assert first["properties"] == {
        "name": 'Äcker, "klein"',
        "owner": {"id": 1},
        "2024-06-01_B04": None,
        "2024-06-01_Bö": 0.1,
        "2024-06-11_B04": 0.2,
        "2024-06-11_Bö": 0.3,
    }
    assert "id" not in second
    assert second["properties"]["2024-06-11_Bö"] == 0.7


def test_coordinates_are_degrees(tmp_path: Path) -> None:
    write(fields(), tmp_path)
    frame = gpd.read_file(tmp_path / "openEO.geojson")
    assert frame.crs.to_epsg() == 4326
    back = frame.to_crs(32632).geometry
    assert all(a.symmetric_difference(b).area < 5 for a, b in zip(back, FIELDS, strict=True))
    assert all(polygon.exterior.is_ccw for polygon in frame.geometry)


def test_a_feature_for_each_row(tmp_path: Path) -> None:
    features = write(fields(), tmp_path, layout="WIDE")["features"]
    assert len(features) == 4
    assert features[2]["properties"]["t"] == "2024-06-11"
    assert features[2]["properties"]["B04"] == 0.2
    features = write(fields(), tmp_path, layout="long")["features"]
    assert len(features) == 8
    assert features[1]["properties"] == {
        "id": "a", "name": 'Äcker, "klein"', "owner": {"id": 1}, "t": "2024-06-01", "bands": "Bö", "value": 0.1,
    }  # fmt: skip


def test_integers_truth_values_and_texts(tmp_path: Path) -> None:
    assert write(fields("int16"), tmp_path)["features"][1]["properties"]["2024-06-11_B04"] == 6
    assert write(fields("bool"), tmp_path)["features"][0]["properties"]["2024-06-01_B04"] is False
    texts = make_vector_cube(FIELDS, 32632, data=np.array(["ä", None], object))
    assert [each["properties"]["value"] for each in write(texts, tmp_path)["features"]] == ["ä", None]


def test_geometries_alone(tmp_path: Path) -> None:
    document = write(make_vector_cube([shapely.Point(1, 2), None, shapely.Polygon()]), tmp_path)
    assert [each["geometry"] for each in document["features"]] == [
        {"type": "Point", "coordinates": [1.0, 2.0]},
        None,
        None,
    ]
    assert [each["properties"] for each in document["features"]] == [{}, {}, {}]
    assert document["bbox"] == [1.0, 2.0, 1.0, 2.0]


def test_no_geometry_at_all(tmp_path: Path) -> None:
    assert write(fields(shapes=[], features=None), tmp_path) == {"type": "FeatureCollection", "features": []}


def test_names_do_not_collide(tmp_path: Path) -> None:
    cube = fields(bands=("B1", "B1"))
    assert list(write(cube, tmp_path)["features"][1]["properties"])[2:] == [
        "2024-06-01_B1",
        "2024-06-01_B1_2",
        "2024-06-11_B1",
        "2024-06-11_B1_2",
    ]


def test_values_replace_properties_of_the_same_name(tmp_path: Path) -> None:
    cube = fields(features=[{"properties": {"2024-06-11_B04": "old"}}, {}])
    assert write(cube, tmp_path)["features"][0]["properties"]["2024-06-11_B04"] == 0.2


def test_precision_of_coordinates(tmp_path: Path) -> None:
    cube = make_vector_cube([shapely.Point(1.23456789123, 2, 3.123456789)])
    assert write(cube, tmp_path)["features"][0]["geometry"]["coordinates"] == [1.2345679, 2.0, 3.1234568]
    found = write(cube, tmp_path, coordinate_precision=2)
    assert found["features"][0]["geometry"]["coordinates"] == [1.23, 2.0, 3.12]


def placed(shapely_shape: Any, crs: Any) -> Any:
    return to_wgs84(Geometries(geometry_labels([shapely_shape]), crs), "GeoJSON")


def test_polygons_are_cut_at_the_antimeridian() -> None:
    # Fiji's grid goes around; its hole lies beyond the antimeridian.
    area = shapely.box(1_500_000, 3_000_000, 2_600_000, 4_000_000) - shapely.box(
        2_300_000, 3_400_000, 2_500_000, 3_600_000
    )
    found = placed(area, 3460)
    assert found[0].geom_type == "MultiPolygon"
    assert len(found[0].geoms) == 2
    assert found[0].is_valid
    assert sum(len(part.interiors) for part in found[0].geoms) == 1
    assert all(part.exterior.is_ccw for part in found[0].geoms)
    west, _, east, _ = bounds_of(found) or (0, 0, 0, 0)
    assert 170 < west < 180
    assert -180 < east < -170
    back = Geometries(found, 4326).to_crs(3460).shapes[0]
    assert back.area == pytest.approx(area.area, rel=0.02)


def test_longitudes_beyond_180_are_cut() -> None:
    found = placed(shapely.box(170, 0, 200, 10), 4326)
    assert found[0].equals(
        shapely.MultiPolygon([shapely.box(170, 0, 180, 10), shapely.box(-180, 0, -160, 10)])
    )
    assert bounds_of(found) == (170, 0, -160, 10)
    line = placed(shapely.LineString([(350, 1), (355, 1)]), 4326)
    assert line[0].equals(shapely.LineString([(-10, 1), (-5, 1)]))


def test_areas_around_the_world_stay_whole() -> None:
    world = shapely.box(-180, -80, 180, 80)
    assert placed(world, 4326)[0].equals(world)
    edge = 20037508.34
    found = placed(shapely.box(-edge, -10_000_000, edge, 10_000_000), 3857)
    assert found[0].geom_type == "Polygon"
    assert found[0].bounds[::2] == pytest.approx((-180, 180))


@given(
    st.floats(-179, 179),
    st.floats(-60, 60),
    st.floats(0.01, 30),
)
def test_what_is_written_is_valid_and_within_bounds(x: float, y: float, size: float) -> None:
    found = placed(shapely.box(x, y, x + size, y + size), 4326)[0]
    assert found.is_valid
    assert -180 <= found.bounds[0] <= found.bounds[2] <= 180
    assert found.area == pytest.approx(size**2)
    assert shape(json.loads(shapely.to_geojson(found))).equals(found)


def test_metres_without_reference_system_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatUnsuitable, match="Choose Parquet"):
        write(fields(crs=None), tmp_path)


def test_other_data_are_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(FormatUnsuitable, match="aggregate_spatial"):
        write(make(), tmp_path)
    with pytest.raises(FormatUnsuitable, match="Choose JSON"):
        write({"a": 1}, tmp_path)
    with pytest.raises(FormatUnsuitable, match="type complex"):
        write(make_vector_cube(FIELDS, data=np.zeros(2, complex)), tmp_path)
    with pytest.raises(ProcessParameterInvalid, match="'layout' must be one of"):
        write(fields(), tmp_path, layout="tall")


def test_large_cubes_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("connexeo.processing.formats.tables.MAX_VALUES", 7)
    with pytest.raises(FormatUnsuitable, match=r"the data cube has 8\. Choose Parquet"):
        write(fields(), tmp_path)
    monkeypatch.setattr("connexeo.processing.formats.tables.MAX_VALUES", 8)
    monkeypatch.setattr("connexeo.processing.formats.tables.MAX_COLUMNS", 3)
    with pytest.raises(FormatUnsuitable, match="4 columns, more than 3"):
        write(fields(), tmp_path)
