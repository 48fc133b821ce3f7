"""JSON, read again by the strict parser of orjson and by Python's."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.formats import write_result
from connexeo.processing.formats.json import MAX_VALUES, serialize
from connexeo.processing.result import Result
from connexeo.processing.values import Array, LabeledList

Make = Callable[..., xr.DataArray]
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (float("nan"), "null"),
        (float("-inf"), "null"),
        (2**70, "1.1805916207174113e+21"),
        ("ä", '"ä"'),
        ([1, float("nan"), [None]], "[1,null,[null]]"),
        ((1, 2), "[1,2]"),
        ({1: {"a": float("inf")}}, '{"1":{"a":null}}'),
        (LabeledList([1, 2], ["a", "b"]), "[1,2]"),
        (Array(np.array([1.0, np.nan])), "[1.0,null]"),
        (np.float32(0.1), "0.1"),
        (np.float64("nan"), "null"),
        (np.int16(3), "3"),
        (np.bool_(True), "true"),
        (np.datetime64("2023-01-05T10:00", "ns"), '"2023-01-05T10:00:00Z"'),
        (np.array(7.0), "7.0"),
        (np.array([], dtype=float), "[]"),
        (np.array(["a", "b"]), '["a","b"]'),
        (datetime.datetime(2023, 1, 5, 10, tzinfo=datetime.UTC), '"2023-01-05T10:00:00Z"'),
        (datetime.datetime(2023, 1, 5, 10), '"2023-01-05T10:00:00Z"'),
        (datetime.date(2023, 1, 5), '"2023-01-05"'),
    ],
)
def test_plain_values(value: Any, text: str) -> None:
    assert serialize(value).decode() == text


@given(PLAIN)
def test_plain_values_come_back(value: Any) -> None:
    assert orjson.loads(serialize(value)) == value


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("lazy", [True, False])
def test_cubes(make: Make, tmp_path: Path, dtype: str, lazy: bool) -> None:
    cube = make(dtype, lazy=lazy, rows=3, columns=4)
    (file,) = write_result(Result(cube, "json", {}), tmp_path)
    assert (file.path.name, file.media_type) == ("openEO.json", "application/json")
    content = json.loads(file.path.read_bytes(), parse_constant=pytest.fail)
    values = np.array(content["data"], dtype=float if dtype.startswith("float") else None).astype(dtype)
    np.testing.assert_array_equal(values, cube)
    assert [dimension["name"] for dimension in content["dimensions"]] == ["t", "bands", "y", "x"]
    assert content["dimensions"][0]["values"] == ["2023-01-05T00:00:00Z", "2023-01-10T00:00:00Z"]
    assert content["dimensions"][1] == {"name": "bands", "type": "bands", "values": ["B02", "B03", "B04"]}
    assert content["dimensions"][3] == {
        "name": "x",
        "type": "spatial",
        "axis": "x",
        "reference_system": 32632,
        "values": [500005.0, 500015.0, 500025.0, 500035.0],
    }


def test_any_order_of_axes(make: Make) -> None:
    cube = make(dims=("t", "y", "x"), rows=3, columns=4).transpose("x", "t", "y")
    np.testing.assert_array_equal(np.array(orjson.loads(serialize(cube))["data"], dtype="float32"), cube)


def test_cube_without_dimensions(make: Make) -> None:
    assert orjson.loads(serialize(make("float64", dims=()) * 0 + 2)) == {"dimensions": [], "data": 2.0}


def test_empty_cube(make: Make) -> None:
    assert orjson.loads(serialize(make(times=0)))["data"] == []


def test_unsuitable_data(tmp_path: Path) -> None:
    large = xr.DataArray(np.lib.stride_tricks.as_strided(np.zeros(1), (MAX_VALUES + 1,), (0,)), dims="x")
    for data in (large, xr.DataArray(np.array([1j]), dims="x"), object(), [object()], 1j):
        with pytest.raises(FormatUnsuitable):
            write_result(Result(data, "JSON", {}), tmp_path)
    assert not list(tmp_path.iterdir())
