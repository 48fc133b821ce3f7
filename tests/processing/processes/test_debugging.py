"""Logging of data while a graph runs."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from shapely.geometry import Point

from connexeo.processing.environment import Environment, LogEntry
from connexeo.processing.evaluation import evaluate
from connexeo.processing.forests import Forest
from connexeo.processing.processes.debugging import summarize
from connexeo.processing.result import Result
from connexeo.processing.values import Array
from connexeo.processing.vectors import make_vector_cube


def test_inspect_logs_and_passes_on(environment: Environment) -> None:
    entries: list[LogEntry] = []
    node = {
        "process_id": "inspect",
        "arguments": {"data": [1, "a"], "message": "Look", "code": "Mine", "level": "warning"},
        "result": True,
    }
    assert evaluate({"here": node}, environment=replace(environment, log=entries.append)) == [1, "a"]
    assert entries == [LogEntry("warning", "Look", "Mine", [1, "a"], "here")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({"a": [True]}, {"a": [True]}),
        (np.float32(2.5), 2.5),
        (math.nan, "nan"),
        ([1, -math.inf], [1, "-inf"]),
        ("a" * 2000, "a" * 1000 + "…"),
        ([[[[1, 2]]]], [[[{"type": "array", "length": 2}]]]),
        ({"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": {"type": "object", "length": 1}}}}),
        (
            np.array([[1, np.nan, 4]], np.float32),
            {
                "type": "block",
                "shape": [1, 3],
                "data_type": "float32",
                "nodata": 1,
                "min": 1.0,
                "max": 4.0,
                "mean": 2.5,
            },
        ),
        (np.full(2, np.nan), {"type": "block", "shape": [2], "data_type": "float64", "nodata": 2}),
        (np.array(["a"]), {"type": "block", "shape": [1], "data_type": "<U1"}),
        (
            Array(np.array([[200], [250]], np.uint8), ("a", "b")),
            {
                "type": "array",
                "length": 2,
                "labels": ("a", "b"),
                "shape": [2, 1],
                "data_type": "uint8",
                "nodata": 0,
                "min": 200,
                "max": 250,
                "mean": 225.0,
            },
        ),
        (Result([1], "JSON"), {"type": "result", "format": "JSON", "data": [1]}),
        (object(), {"type": "object"}),
    ],
)
def test_summaries(value: Any, expected: Any) -> None:
    assert summarize(value) == expected


def test_long_arrays_are_cut() -> None:
    summary = summarize(list(range(1_000)))
    assert len(summary) == 101
    assert summary[-1] == "… 900 more"


def test_large_objects_are_cut() -> None:
    summary = summarize({str(number): number for number in range(1_000)})
    assert len(summary) == 101
    assert summary["…"] == "900 more"


def test_models_are_described() -> None:
    nothing: Any = np.empty((0, 2))
    model = Forest(
        "regression", ("a", "b"), nothing, np.zeros(3, np.int32), nothing, nothing, nothing, nothing
    )
    expected = {"type": "ml-model", "task": "regression", "trees": 3, "predictors": ["a", "b"]}
    assert summarize(model) == expected


def test_vector_cubes_are_described() -> None:
    cube = make_vector_cube([Point(1, 2), None], data=np.ones(2))
    assert summarize(cube)["dimensions"]["geometry"] == {
        "type": "geometry",
        "size": 2,
        "reference_system": 4326,
        "geometry_types": ["Point", "none"],
    }


@pytest.mark.parametrize(
    ("process_id", "name", "arguments"),
    [
        ("apply", "process", {}),
        ("reduce_dimension", "reducer", {"dimension": "t"}),
        ("apply_dimension", "process", {"dimension": "t"}),
    ],
)
def test_blocks_of_callbacks_are_logged_as_they_are_computed(
    process_id: str, name: str, arguments: dict[str, Any], cube: xr.DataArray, environment: Environment
) -> None:
    """And nothing of the values on which callbacks are tried out."""
    entries: list[LogEntry] = []
    given = "x" if process_id == "apply" else "data"
    look = {"process_id": "inspect", "arguments": {"data": {"from_parameter": given}, "message": "Look"}}
    last = {"process_id": "first", "arguments": {"data": {"from_node": "look"}}, "result": True}
    graph = {"look": look, "last": last} if name == "reducer" else {"look": {**look, "result": True}}
    node = {
        "process_id": process_id,
        "arguments": {"data": {"from_parameter": "cube"}, name: {"process_graph": graph}, **arguments},
        "result": True,
    }
    result = evaluate(
        {"n": node}, {"cube": cube.chunk(-1)}, environment=replace(environment, log=entries.append)
    )
    assert entries == []
    result.compute(scheduler="synchronous")
    assert {(entry.message, entry.level, entry.code, entry.node) for entry in entries} == {
        ("Look", "info", "User", "look")
    }
    seen = [entry.data for entry in entries]
    assert all(one["min"] >= 1 for one in seen)
    assert sum(one["nodata"] for one in seen) == np.isnan(cube.values).sum()


def test_cubes_are_described_without_computing(cube: xr.DataArray) -> None:
    summary = summarize(cube)
    assert summary["data_type"] == "float32"
    assert summary["dimensions"]["bands"] == {"type": "bands", "size": 3, "values": ["B04", "B08", "SCL"]}
