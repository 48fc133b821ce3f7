"""The official test vectors of single processes, each evaluated as a process graph of one node.

Vectors that contradict the process definitions are listed, with reasons, in `tests/known_wrong_vectors.yaml`.
"""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr
import yaml

from connexeo.generated.errors import OpenEOError
from connexeo.processing.alignment import same_crs
from connexeo.processing.arguments import parse_instant
from connexeo.processing.cube import Dimension, dimensions_of, labels, make_cube
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.registry import implemented
from connexeo.processing.temporal import temporal_coordinate
from connexeo.processing.values import Array, LabeledList, labels_of
from connexeo.processing.vectors import geometry_labels

ROOT = Path(__file__).parents[2]
VECTORS = ROOT.parent / "shared" / "reference" / "process-tests"
KNOWN_WRONG: Mapping[str, Any] = yaml.safe_load(
    (ROOT / "tests" / "known_wrong_vectors.yaml").read_text("utf-8")
)
NODATA = {"type": "nodata"}

# Strings are matched first so that they stay whole; then comments, commas that only closing brackets follow, keys
# without quotation marks, and plus signs of numbers.
_GAP = r"(?:\s|//[^\n]*|/\*.*?\*/)*"
_JSON5 = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<single>\'(?:[^\'\\]|\\.)*\')|//[^\n]*|/\*.*?\*/'
    rf"|,(?={_GAP}[\]}}])|(?P<key>[A-Za-z_$][\w$]*)(?=\s*:)|\+(?=[\d.I])",
    re.DOTALL,
)


def read_json5(path: Path) -> Any:
    """JSON5 as far as the vectors use it; Python's parser knows NaN and Infinity."""

    def as_json(match: re.Match[str]) -> str:
        if match["single"]:
            return json.dumps(match["single"][1:-1].replace("\\'", "'"))
        return match["string"] or (f'"{match["key"]}"' if match["key"] else "")

    return json.loads(_JSON5.sub(as_json, path.read_text("utf-8")))


def collect_vectors() -> list[Any]:
    """A parameter set per vector of each implemented process."""
    vectors = []
    available = implemented() & {path.stem for path in (ROOT / "spec" / "processes").glob("*.yaml")}
    for path in sorted(VECTORS.glob("*.json5")):
        document = read_json5(path)
        if document["id"] not in available:
            continue
        wrong = {entry["test"]: entry["reason"] for entry in KNOWN_WRONG.get(document["id"], ())}
        for index, vector in enumerate(document["tests"]):
            if not available.issuperset(vector.get("required", ())):
                continue
            marks = [pytest.mark.xfail(strict=True, reason=wrong[index])] if index in wrong else []
            vectors.append(pytest.param(document["id"], vector, id=f"{document['id']}-{index}", marks=marks))
    return vectors


def referred(value: Any) -> Any:
    """The content of the file that a value stands for, if it does, otherwise the value."""
    if not isinstance(value, dict) or "$ref" not in value:
        return value
    path = VECTORS / value["$ref"]
    return read_json5(path) if path.suffix == ".json5" else path.read_text("utf-8")


def decode(value: Any) -> Any:
    """A value of a vector as Python value."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return decode(referred(value))
    match value.get("type"):
        case "nodata":
            return None
        case "datetime":
            return value["value"]
        case "labeled-array":
            pairs = [(decode(item["key"]), decode(item["value"])) for item in value["data"]]
            return LabeledList([item for _, item in pairs], [key for key, _ in pairs])
        case "datacube":
            return decode_cube(value)
    return {key: decode(item) for key, item in value.items()}


def dimensions_in(encoded: Mapping[str, Any]) -> dict[str, Any]:
    """Dimensions of an encoded cube by name, in the order of its axes."""
    given = encoded["dimensions"]
    named = {one["name"]: one for one in given} if isinstance(given, list) else given
    return {name: named[name] for name in encoded.get("order", named)}


def decode_cube(encoded: Mapping[str, Any]) -> xr.DataArray:
    """A cube; where the vector tells no data, all values are no-data."""
    dimensions = dimensions_in(encoded)
    shape = tuple(len(one["values"]) for one in dimensions.values())
    data = np.full(shape, np.nan) if encoded.get("data") is None else decode_values(encoded).reshape(shape)
    coords = {name: decode_labels(name, one) for name, one in dimensions.items()}
    array = xr.DataArray(data, dims=list(dimensions), coords=coords)
    return make_cube(array, [decode_dimension(name, one) for name, one in dimensions.items()])


def decode_labels(name: str, dimension: Mapping[str, Any]) -> Any:
    """Labels as a coordinate."""
    match dimension["type"]:
        case "temporal":
            return temporal_coordinate(dimension["values"])
        case "geometry":
            return name, geometry_labels([decode_geometry(label) for label in dimension["values"]])
    return dimension["values"]


def decode_geometry(label: Any) -> Any:
    """A geometry given as GeoJSON or WKT."""
    return shapely.from_wkt(label) if isinstance(label, str) else shapely.geometry.shape(label)


def decode_values(encoded: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """The values of a cube with its no-data value as NaN."""
    values = np.array(decode(encoded["data"]), dtype=np.float64)
    nodata = encoded.get("nodata")
    return values if nodata is None else np.where(values == nodata, np.nan, values)


def decode_dimension(name: str, encoded: Mapping[str, Any]) -> Dimension:
    """A dimension without its labels."""
    system = encoded.get("reference_system")
    code = (
        int(system.removeprefix("EPSG:"))
        if isinstance(system, str) and system.startswith("EPSG:")
        else system
    )
    return Dimension(name, encoded["type"], encoded.get("axis"), code)


def assert_equal(actual: Any, expected: Any, delta: float) -> None:
    """Compare a value with one of a vector."""
    expected = referred(expected)
    if isinstance(expected, dict) and expected.get("type") == "datacube":
        assert_equal_cubes(actual, expected, delta)
    elif isinstance(expected, dict) and expected.get("type") == "datetime":
        assert parse_instant(actual) == parse_instant(expected["value"])
        assert actual.endswith("Z") == expected["value"].endswith("Z")
    elif isinstance(expected, dict) and expected.get("type") == "labeled-array":
        assert labels_of(actual) == tuple(item["key"] for item in expected["data"])
        assert_equal(list(actual), [item["value"] for item in expected["data"]], delta)
    elif expected is None or expected == NODATA:
        assert actual is None
    elif isinstance(expected, list):
        assert isinstance(actual, list | Array)
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_equal(one, other, delta)
    elif isinstance(expected, float | int) and not isinstance(expected, bool):
        assert isinstance(actual, float | int)
        assert not isinstance(actual, bool)
        assert_equal_numbers(actual, expected, delta)
    else:
        assert type(actual) is type(expected)
        assert actual == expected


def assert_equal_numbers(actual: float, expected: float, delta: float) -> None:
    """Compare two numbers; NaN equals NaN."""
    if math.isnan(expected) or math.isinf(expected):
        assert np.array_equal(actual, expected, equal_nan=True)
    else:
        assert actual == pytest.approx(expected, abs=delta, rel=0)


def assert_equal_cubes(actual: Any, encoded: Mapping[str, Any], delta: float) -> None:
    """Compare a cube with an encoded one: dimensions with order, type and labels, and the values."""
    assert isinstance(actual, xr.DataArray)
    expected = dimensions_in(encoded)
    assert set(actual.dims) == set(expected)
    actual = actual.transpose(*expected)  # the definitions leave the order of dimensions open
    for dimension in dimensions_of(actual):
        wanted = decode_dimension(dimension.name, expected[dimension.name])
        assert dimension.type == wanted.type
        assert wanted.axis in (None, dimension.axis)
        assert same_crs(wanted.reference_system, dimension.reference_system)
        found = labels(actual, dimension.name)
        if wanted.type == "temporal":
            assert [parse_instant(a) or a for a in found] == [
                parse_instant(b) or b for b in expected[dimension.name]["values"]
            ]
        elif wanted.type == "geometry":
            shapes = [decode_geometry(label) for label in expected[dimension.name]["values"]]
            assert [shapely.from_wkt(label).normalize() for label in found] == [s.normalize() for s in shapes]
        else:
            assert list(found) == expected[dimension.name]["values"]
    if encoded.get("data") is not None:
        values = decode_values(encoded).reshape(actual.shape)
        np.testing.assert_allclose(actual.values, values, rtol=0, atol=delta)


def graph_of(process_id: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A process graph of one node, and parameters for the values that JSON cannot hold."""
    parameters = {
        name: value for name, value in arguments.items() if isinstance(value, xr.DataArray | LabeledList)
    }
    given = {
        name: {"from_parameter": name} if name in parameters else value for name, value in arguments.items()
    }
    node = {"process_id": process_id, "namespace": "backend", "arguments": given, "result": True}
    return {"process_graph": {"node": node}}, parameters


def outcome(graph: Any, parameters: Any, environment: Environment) -> tuple[Any, OpenEOError | None]:
    """The value of a graph, or the error that it raises."""
    try:
        return evaluate(graph, parameters, environment=environment), None
    except OpenEOError as error:
        return None, error


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the reference documents are not beside the project")
def test_vectors_are_found() -> None:
    assert len(collect_vectors()) > 300


@pytest.mark.parametrize(("process_id", "vector"), collect_vectors())
def test_vector(process_id: str, vector: Mapping[str, Any], environment: Environment) -> None:
    graph, parameters = graph_of(process_id, decode(vector["arguments"]))
    actual, error = outcome(graph, parameters, environment)
    if error is not None:
        assert "throws" in vector, error.message
        assert vector["throws"] in (True, error.code)
    else:
        assert "returns" in vector, f"{vector['throws']} is not raised"
        assert_equal(actual, vector["returns"], vector.get("delta", 1e-10))
