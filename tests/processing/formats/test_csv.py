"""CSV, read again by pandas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from connexeo.generated.errors import FormatUnsuitable, ProcessParameterInvalid
from connexeo.processing.cube import Dimension, make_cube
from connexeo.processing.formats import write_result
from connexeo.processing.result import Result
from connexeo.processing.vectors import make_vector_cube
from vector_cubes import FIELDS, fields

Make = Callable[..., xr.DataArray]


def write(cube: Any, folder: Path, **options: Any) -> Path:
    (file,) = write_result(Result(cube, "CSV", options), folder)
    assert file.media_type == "text/csv"
    assert file.path.name == "openEO.csv"
    return file.path


def test_a_column_for_each_band(tmp_path: Path) -> None:
    frame = pd.read_csv(write(fields(), tmp_path))
    assert frame.columns.tolist() == ["id", "name", "owner", "t", "B04", "Bö", "geometry"]
    assert frame["t"].tolist() == ["2024-06-01", "2024-06-01", "2024-06-11", "2024-06-11"]
    assert frame["B04"].tolist()[1:] == [0.4, 0.2, 0.6]
    assert np.isnan(frame["B04"][0])
    assert frame["name"][0] == 'Äcker, "klein"'
    assert shapely.from_wkt(frame["geometry"]).tolist() == [*FIELDS, *FIELDS]


def test_a_row_for_each_value(tmp_path: Path) -> None:
    frame = pd.read_csv(write(fields(), tmp_path, layout="long"))
    assert len(frame) == 8
    assert frame[["t", "bands", "value"]].iloc[-1].tolist() == ["2024-06-11", "Bö", 0.7]


def test_a_row_for_each_geometry(make: Make, tmp_path: Path) -> None:
    frame = pd.read_csv(write(fields(), tmp_path, layout="features"))
    assert frame["2024-06-11_B04"].tolist() == [0.2, 0.6]
    with pytest.raises(ProcessParameterInvalid, match="'features' is for vector data cubes"):
        write(make(), tmp_path, layout="features")


def test_separator_decimal_mark_and_nodata(tmp_path: Path) -> None:
    path = write(fields(), tmp_path, separator="semicolon", decimal=",", nodata="NA", geometry="none")
    assert path.read_text(encoding="utf-8").splitlines() == [
        "id;name;owner;t;B04;Bö",
        'a;"Äcker, ""klein""";"{""id"":1}";2024-06-01;NA;0,1',
        "NA;NA;NA;2024-06-01;0,4;0,5",
        'a;"Äcker, ""klein""";"{""id"":1}";2024-06-11;0,2;0,3',
        "NA;NA;NA;2024-06-11;0,6;0,7",
    ]
    with pytest.raises(ProcessParameterInvalid, match="must not be the same"):
        write(fields(), tmp_path, decimal=",")


def test_points_as_columns(tmp_path: Path) -> None:
    points = make_vector_cube([shapely.Point(1.5, 2), None], data=np.array([1, 2], np.uint8))
    path = write(points, tmp_path, geometry="AS_XY")
    assert path.read_text().splitlines() == ["value,x,y", "1,1.5,2.0", "2,,"]
    with pytest.raises(ProcessParameterInvalid, match="geometries of the type Polygon"):
        write(fields(), tmp_path, geometry="AS_XY")


def test_series(make: Make, tmp_path: Path) -> None:
    cube = make("int16", ("t", "bands"), lazy=False)
    frame = pd.read_csv(write(cube, tmp_path), parse_dates=["t"])
    assert frame["t"].tolist() == pd.to_datetime(cube.t.values).tolist()
    np.testing.assert_array_equal(frame[["B02", "B03", "B04"]], cube)


def test_times_of_day(make: Make, tmp_path: Path) -> None:
    cube = make("int16", ("t",), lazy=False)
    cube = cube.assign_coords(t=cube.t + np.timedelta64(90, "m"))
    assert write(cube, tmp_path).read_text().splitlines()[1].startswith("2023-01-05T01:30:00Z,")


def test_pixels(make: Make, tmp_path: Path) -> None:
    cube = make("float64", rows=4, columns=3, chunk=2)
    frame = pd.read_csv(write(cube, tmp_path), parse_dates=["t"], float_precision="round_trip")
    found = frame.set_index(["t", "y", "x"])[["B02", "B03", "B04"]].to_xarray().to_array("bands")
    found = found.transpose("t", "bands", "y", "x").sel(y=cube.y, x=cube.x)
    np.testing.assert_array_equal(found, cube)


def test_parts_are_put_together(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = write(fields(), tmp_path).read_text()
    monkeypatch.setattr("connexeo.processing.formats.features.Rows.parts.__defaults__", (3,), raising=False)
    assert write(fields(), tmp_path).read_text() == whole


def test_truth_values_texts_and_single_values(tmp_path: Path) -> None:
    assert write(xr.DataArray(True), tmp_path).read_text() == "value\ntrue\n"
    cube = make_cube(xr.DataArray(np.array(["a,b", None], object), dims=["k"]), [Dimension("k", "other")])
    assert write(cube, tmp_path).read_text() == 'k,value\n0,"a,b"\n1,\n'


def test_empty_cubes_have_a_header(make: Make, tmp_path: Path) -> None:
    assert write(make(times=0, lazy=False), tmp_path).read_text() == "t,y,x,B02,B03,B04\n"


def test_other_data_are_refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FormatUnsuitable, match="Choose JSON"):
        write([1, 2], tmp_path)
    monkeypatch.setattr("connexeo.processing.formats.tables.MAX_VALUES", 100)
    with pytest.raises(FormatUnsuitable, match="Choose netCDF or Zarr"):
        write(make(), tmp_path)
