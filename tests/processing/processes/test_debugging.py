"""Logging of data while a graph runs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.processing.environment import Environment, LogEntry
from connexeo.processing.evaluation import evaluate
from connexeo.processing.processes.debugging import summarize
from connexeo.processing.values import Array


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
        (np.zeros((2, 3)), {"type": "block", "shape": [2, 3]}),
        (
            Array(np.zeros((2, 3)), ("a", "b")),
            {"type": "array", "length": 2, "labels": ("a", "b"), "block": [3]},
        ),
        (object(), {"type": "object"}),
    ],
)
def test_summaries(value: Any, expected: Any) -> None:
    assert summarize(value) == expected


def test_long_arrays_are_cut() -> None:
    summary = summarize(list(range(1_000)))
    assert len(summary) == 101
    assert summary[-1] == "… 900 more"


def test_cubes_are_described_without_computing(cube: xr.DataArray) -> None:
    summary = summarize(cube)
    assert summary["data_type"] == "float32"
    assert summary["dimensions"]["bands"] == {"type": "bands", "size": 3, "values": ["B04", "B08", "SCL"]}
