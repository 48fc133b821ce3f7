"""Files with features that users upload, written by other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
import xarray as xr

from connexeo.generated.errors import FormatUnsuitable, ProcessParameterInvalid
from connexeo.processing.environment import Environment
from connexeo.processing.formats import write_result
from connexeo.processing.formats.inputs import find_input
from connexeo.processing.reading import features, parquet
from connexeo.processing.reading.uploads import open_files
from connexeo.processing.result import Result
from connexeo.processing.vectors import features_of, geometries_of
from vector_cubes import fields

POINTS = [shapely.Point(15.44, 47.07), shapely.Point(16.37, 48.21)]
TREES = gpd.GeoDataFrame(
    {"species": ["Eiche", None], "height": [18.5, np.nan], "age": [120, 3], "alive": [True, False]},
    geometry=POINTS,
    crs=4326,
)


def load(paths: Path | list[Path], format: str, **options: Any) -> xr.DataArray:
    known, chosen = find_input(format, options)
    files = [(path, path.name) for path in ([paths] if isinstance(paths, Path) else paths)]
    return open_files(files, known, chosen, Environment(), process="load_uploaded_files")


def save(folder: Path, format: str, frame: gpd.GeoDataFrame = TREES) -> Path:
    path = folder / f"trees.{format.lower()}"
    if format == "GeoJSON":
        frame.to_file(path, driver="GeoJSON", engine="pyogrio")
    elif format == "Parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("format", ["GeoJSON", "Parquet", "CSV"])
def test_numbers_are_values_and_all_properties_stay(tmp_path: Path, format: str) -> None:
    cube = load(save(tmp_path, format), format.upper())
    assert cube.dims == ("geometry", "properties")
    assert cube.properties.values.tolist() == ["height", "age", "alive"]
    np.testing.assert_array_equal(cube, [[18.5, 120, 1], [np.nan, 3, 0]])
    assert geometries_of(cube).shapes.tolist() == POINTS
    assert geometries_of(cube).crs == 4326
    kept = [feature["properties"] for feature in features_of(cube)]
    assert [each["species"] for each in kept] == ["Eiche", None]
    assert kept[0]["alive"] is True
    assert kept[1]["age"] == 3


@pytest.mark.parametrize("format", ["GeoJSON", "GeoParquet", "CSV"])
def test_chosen_properties(tmp_path: Path, format: str) -> None:
    path = save(tmp_path, format.removeprefix("Geo") if format == "GeoParquet" else format)
    cube = load(path, format, properties=["species"])
    assert cube.values.tolist() == [["Eiche"], [None]]
    assert load(path, format, properties=[]).dims == ("geometry",)
    with pytest.raises(
        ProcessParameterInvalid, match=r"no feature has the property 'width'\. There are: 'species'"
    ):
        load(path, format, properties=["width"])


def test_several_files(tmp_path: Path) -> None:
    first, second = save(tmp_path, "GeoJSON"), tmp_path / "more.geojson"
    second.write_text('{"type": "Point", "coordinates": [1, 2]}')
    cube = load([first, second], "GeoJSON")
    assert cube.shape == (3, 3)
    assert np.isnan(cube[2]).all()
    TREES.to_crs(32633).to_parquet(tmp_path / "metres.parquet")
    with pytest.raises(FormatUnsuitable, match=r"'metres\.parquet' has another reference system"):
        load([save(tmp_path, "Parquet"), tmp_path / "metres.parquet"], "Parquet")


@pytest.mark.parametrize("format", ["GeoJSON", "Parquet"])
def test_what_we_write_can_be_loaded(tmp_path: Path, format: str) -> None:
    (file,) = write_result(Result(fields(), format, {}), tmp_path)
    cube = load(file.path, format)
    assert cube.properties.values.tolist()[-1] == "2024-06-11_Bö"
    assert cube.values[1].tolist() == pytest.approx([0.4, 0.5, 0.6, 0.7])
    assert geometries_of(cube).crs == (4326 if format == "GeoJSON" else 32632)
    assert features_of(cube)[0]["properties"]["name"] == 'Äcker, "klein"'


def text(folder: Path, content: str | bytes, suffix: str = "geojson") -> Path:
    path = folder / f"hostile.{suffix}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        "[1, 2]",
        "[" * 100_000,
        '{"type":"FeatureCollection","features":[' * 600 + "]}" * 600,
        '{"type": "FeatureCollection"}',
        '{"type": "FeatureCollection", "features": 7}',
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1]}, "properties": {}}',
        '{"type": "Feature", "geometry": null, "properties": [1]}',
        '{"type": "Polygon", "coordinates": [[[0, 0], [1, "x"]]]}',
        '{"type": "Point", "coordinates": [1, 2], "crs": {"properties": {"name": "nowhere"}}}',
        b"\xff\xfe",
        '{"type": "Feature", "geometry": null, "properties": '
        + json.dumps({str(number): 1 for number in range(1001)})
        + "}",
    ],
)
def test_geojson_of_strangers(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(FormatUnsuitable, match=r"hostile\.geojson"):
        load(text(tmp_path, content), "GeoJSON")


def test_sizes_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = {format: save(tmp_path, format) for format in ("GeoJSON", "Parquet", "CSV")}
    monkeypatch.setattr(features, "MAX_CELLS", 7)
    for format, path in trees.items():
        with pytest.raises(FormatUnsuitable, match="7 values can be loaded"):
            load(path, format)
    monkeypatch.setattr(features, "MAX_TEXT", 20)
    for format in ("GeoJSON", "CSV"):
        with pytest.raises(FormatUnsuitable, match="texts of up to"):
            load(trees[format], format)
    monkeypatch.setattr(features, "MAX_CELLS", 100)
    monkeypatch.setattr(parquet, "MAX_BYTES", 20)
    with pytest.raises(FormatUnsuitable, match="more than"):
        load(trees["Parquet"], "Parquet")


def test_parquet_that_lies_about_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, "Parquet")
    monkeypatch.setattr(parquet, "_declared", lambda metadata: 0)
    monkeypatch.setattr(parquet, "MAX_BYTES", 20)
    with pytest.raises(FormatUnsuitable, match="more than"):
        load(path, "Parquet")


def geo_table(path: Path, geo: Any, **columns: Any) -> Path:
    table = pa.table({"geometry": [shapely.to_wkb(POINTS[0])], **columns})
    metadata = {
        b"pandas": b"\x80\x04cos\nsystem\n",
        b"geo": geo if isinstance(geo, bytes) else orjson.dumps(geo),
    }
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


GEO: Mapping[str, Any] = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
}


def test_metadata_of_pandas_is_not_looked_at(tmp_path: Path) -> None:
    cube = load(geo_table(tmp_path / "a.parquet", GEO, n=[1]), "Parquet")
    assert cube.values.tolist() == [[1.0]]
    assert geometries_of(cube).crs == 4326


@pytest.mark.parametrize(
    "geo",
    [
        b"no json",
        {},
        {**GEO, "primary_column": "other"},
        {**GEO, "columns": {"geometry": {"encoding": "point"}}},
        {**GEO, "columns": {"geometry": {"encoding": "WKB", "crs": {"type": "nothing"}}}},
        {**GEO, "primary_column": "n", "columns": {"n": {"encoding": "WKB"}}},
        [1],
    ],
)
def test_parquet_of_strangers(tmp_path: Path, geo: Any) -> None:
    with pytest.raises(FormatUnsuitable, match=r"a\.parquet"):
        load(geo_table(tmp_path / "a.parquet", geo, n=[1]), "Parquet")


def test_parquet_without_geometries(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(FormatUnsuitable, match="is no GeoParquet"):
        load(tmp_path / "a.parquet", "Parquet")
    with pytest.raises(FormatUnsuitable, match="cannot be read as Parquet"):
        load(text(tmp_path, b"PAR1 and nothing else PAR1", "parquet"), "Parquet")


def test_values_of_parquet_become_json(tmp_path: Path) -> None:
    when = pd.Timestamp("2024-06-01T10:00")
    path = geo_table(tmp_path / "a.parquet", GEO, when=[when], parts=[[1, 2]])
    assert features_of(load(path, "Parquet"))[0]["properties"] == {
        "when": "2024-06-01T10:00:00",
        "parts": [1, 2],
    }


def test_csv_of_points(tmp_path: Path) -> None:
    path = text(tmp_path, "\ufeffName;Lon;Lat;N\nÄ;15,5;47,25;-\nB;;;2,5\n", "csv")
    cube = load(path, "csv", decimal=",", nodata="-")
    assert geometries_of(cube).shapes.tolist() == [shapely.Point(15.5, 47.25), None]
    np.testing.assert_array_equal(cube, [[np.nan], [2.5]])
    assert cube.properties.values.tolist() == ["N"]


def test_csv_with_named_columns(tmp_path: Path) -> None:
    path = text(tmp_path, "e\tn\tg\n500000\t5100000\tPOINT (1 2)\n", "csv")
    cube = load(path, "csv", x="e", y="n", crs=32632, properties=[])
    assert geometries_of(cube).shapes.tolist() == [shapely.Point(500000, 5100000)]
    assert geometries_of(cube).crs == 32632
    assert geometries_of(load(path, "csv", geometry="g")).shapes.tolist() == [shapely.Point(1, 2)]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "cannot be read as CSV"),
        ("a,b\n1,2\n", {}, "no column of geometries"),
        ("a,b\n1,2\n", {"geometry": "c"}, "has no column 'c'"),
        ("a,a\n1,2\n", {}, "several columns of the same name"),
        ("wkt\nhello\n", {}, "no well-known text"),
        ("wkt\n7\n", {}, "no well-known text"),
        ("x,y\n1,b\n", {}, "are no numbers"),
        ("x,y\n1,2\n", {"crs": "nowhere"}, "names no known reference system"),
        ("x,y\n1,2,3,4\n", {}, "cannot be read as CSV"),
        (b"x,y\n\xff,1\n", {}, "cannot be read as CSV"),
        (",".join(map(str, range(2000))), {}, "2000 columns"),
        ("," * 2**20, {}, "first line"),
        ('x,y\n"1,2\n', {}, "CSV|no numbers"),
    ],
)  # fmt: skip
def test_csv_of_strangers(tmp_path: Path, content: str | bytes, options: Any, message: str) -> None:
    with pytest.raises(FormatUnsuitable, match=message):
        load(text(tmp_path, content, "csv"), "CSV", **options)
