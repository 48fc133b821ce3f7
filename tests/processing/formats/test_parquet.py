"""GeoParquet, read again by geopandas and pyarrow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.formats import WrittenFile, write_result
from connexeo.processing.result import Result
from connexeo.processing.vectors import make_vector_cube
from vector_cubes import FIELDS, fields


def write(cube: Any, folder: Path, **options: Any) -> WrittenFile:
    (file,) = write_result(Result(cube, "Parquet", options), folder)
    assert file.path.name == "openEO.parquet"
    return file


def test_values_are_columns(tmp_path: Path) -> None:
    file = write(fields(), tmp_path)
    frame = gpd.read_parquet(file.path)
    assert frame.crs.to_epsg() == 32632
    assert frame.geometry.tolist() == list(FIELDS)
    assert frame.columns.tolist() == [
        "id", "name", "owner", "2024-06-01_B04", "2024-06-01_Bö", "2024-06-11_B04", "2024-06-11_Bö", "geometry",
    ]  # fmt: skip
    assert frame["2024-06-01_B04"].dtype == np.float32
    assert np.isnan(frame["2024-06-01_B04"][0])
    assert frame["2024-06-11_Bö"][1] == np.float32(0.7)
    assert frame["name"].tolist() == ['Äcker, "klein"', None]
    assert json.loads(frame["owner"][0]) == {"id": 1}


def test_the_asset_tells_where_it_lies(tmp_path: Path) -> None:
    asset = write(fields(), tmp_path).asset("a")
    assert asset["type"] == "application/vnd.apache.parquet"
    assert asset["proj:code"] == "EPSG:32632"
    assert asset["proj:bbox"] == [500000, 5100000, 500300, 5100100]
    assert asset["bbox"] == pytest.approx([9.0, 46.05357, 9.00388, 46.05447], abs=1e-5)
    assert asset["bands"][0]["name"] == "2024-06-01_B04"


def test_a_row_for_each_combination(tmp_path: Path) -> None:
    frame = gpd.read_parquet(write(fields("int16"), tmp_path, layout="wide").path)
    assert frame["t"].tolist() == ["2024-06-01", "2024-06-01", "2024-06-11", "2024-06-11"]
    assert frame["B04"].tolist() == [0, 4, 2, 6]
    assert frame["B04"].dtype == np.int16
    assert frame.geometry.tolist() == [*FIELDS, *FIELDS]


@pytest.mark.parametrize(
    ("option", "codec"), [("zstd", "ZSTD"), ("NONE", "UNCOMPRESSED"), ("SNAPPY", "SNAPPY")]
)
def test_compression(tmp_path: Path, option: str, codec: str) -> None:
    metadata = pq.read_metadata(write(fields(), tmp_path, compress=option).path)
    assert metadata.row_group(0).column(0).compression == codec


def test_covering_boxes_and_version(tmp_path: Path) -> None:
    file = write(fields(), tmp_path, write_covering_bbox=True)
    geo = json.loads(pq.read_metadata(file.path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert "covering" in geo["columns"]["geometry"]
    assert len(gpd.read_parquet(file.path, bbox=(500000, 5100000, 500050, 5100050))) == 1


def test_mixed_values_are_texts(tmp_path: Path) -> None:
    cube = make_vector_cube([shapely.Point(1, 2)] * 3, data=np.array(["a", 1, None], object))
    assert gpd.read_parquet(write(cube, tmp_path).path)["value"].tolist() == ["a", "1", None]


def test_nothing_and_no_reference_system(tmp_path: Path) -> None:
    frame = gpd.read_parquet(write(fields(shapes=[], features=None), tmp_path).path)
    assert len(frame) == 0
    frame = gpd.read_parquet(write(fields(crs=None), tmp_path).path)
    assert frame.crs is None


def test_geometries_are_not_repeated_without_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("connexeo.processing.formats.parquet.MAX_BYTES", 100)
    write(fields(), tmp_path)
    with pytest.raises(FormatUnsuitable, match="repeat the geometries 2 times"):
        write(fields(), tmp_path, layout="wide")
