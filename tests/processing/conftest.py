"""Definitions and environments that the tests of the process engine share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

from connexeo.processing.definitions import Definitions
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.registry import implemented

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def all_definitions() -> Definitions:
    """All process definitions of the contract."""
    files = sorted((ROOT / "spec" / "processes").glob("*.yaml"))
    return Definitions(yaml.load(file.read_text("utf-8"), yaml.CSafeLoader) for file in files)


@pytest.fixture(scope="session")
def definitions(all_definitions: Definitions) -> Definitions:
    """The definitions of all processes that are implemented."""
    return all_definitions.restricted_to(implemented())


@pytest.fixture
def environment(definitions: Definitions) -> Environment:
    """An environment without collections."""
    return Environment(definitions=definitions)


@pytest.fixture
def cube() -> xr.DataArray:
    """A lazy cube (t: 4, bands: 3, y: 6, x: 8) of float32 in UTM 32N, where some pixels are no-data."""

    from connexeo.processing.cube import Band, Dimension, make_cube

    random = np.random.default_rng(0)
    values = random.integers(1, 5000, (4, 3, 6, 8)).astype("float32")
    values[random.random(values.shape) < 0.1] = np.nan
    data = xr.DataArray(
        values,
        dims=("t", "bands", "y", "x"),
        coords={
            "t": np.array(["2020-01-05", "2020-01-20", "2020-03-05", "2020-04-20T10:30"], "datetime64[ns]"),
            "bands": ["B04", "B08", "SCL"],
            "y": 5_000_000 - 10.0 * np.arange(6) - 5,
            "x": 600_000 + 10.0 * np.arange(8) + 5,
        },
        name="S2",
        attrs={"title": "A test"},
    )
    bands = (Band("B04", "red", 0.665), Band("B08", "nir", 0.842), Band("SCL"))
    dimensions = [
        Dimension("t", "temporal"),
        Dimension("bands", "bands", bands=bands),
        Dimension("y", "spatial", "y", 32632, "m"),
        Dimension("x", "spatial", "x", 32632, "m"),
    ]
    return make_cube(data.chunk({"t": 1, "bands": 1, "y": 3, "x": 4}), dimensions)


@pytest.fixture
def run(environment: Environment) -> Callable[..., Any]:
    """Evaluates a process graph of one node whose arguments are given as parameters, child graphs excepted."""

    def run_process(process_id: str, **arguments: Any) -> Any:
        given = {
            name: value if isinstance(value, dict) and "process_graph" in value else {"from_parameter": name}
            for name, value in arguments.items()
        }
        graph = {"node": {"process_id": process_id, "arguments": given, "result": True}}
        return evaluate(graph, arguments, environment=environment)

    return run_process
