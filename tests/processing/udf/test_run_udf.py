"""`run_udf` in graphs: on blocks of callbacks, on whole cubes, vector cubes and plain values."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import shapely
import xarray as xr

from connexeo.fetch import FetchFailed
from connexeo.generated.errors import (
    FeatureUnsupported,
    FileNotFound,
    InfrastructureBusy,
    InvalidRuntime,
    InvalidVersion,
    OpenEOError,
    ProcessGraphComplexity,
    ProcessParameterInvalid,
)
from connexeo.processing.cube import Dimension, crs_of, dimension_of, make_cube
from connexeo.processing.environment import Environment, LogEntry
from connexeo.processing.evaluation import evaluate
from connexeo.processing.planning.planner import plan
from connexeo.processing.udf import isolation, pool
from connexeo.processing.udf.limits import UdfLimits
from connexeo.processing.udf.runtimes import VERSION
from connexeo.processing.udf.sandbox import NotStarted
from connexeo.processing.vectors import features_of, make_vector_cube
from processing.udf.codes import on_cubes

Run = Callable[..., Any]
SAME = on_cubes("return cube")


def udf_node(code: Any, data: str, **arguments: Any) -> dict[str, Any]:
    given = {"data": {"from_parameter": data}, "udf": code, "runtime": "Python", **arguments}
    return {"udf": {"process_id": "run_udf", "arguments": given, "result": True}}


PARENTS = {
    "apply": ("process", "x"),
    "apply_dimension": ("process", "data"),
    "reduce_dimension": ("reducer", "data"),
    "aggregate_temporal_period": ("reducer", "data"),
    "aggregate_spatial": ("reducer", "data"),
    "apply_neighborhood": ("process", "data"),
    "reduce_spatial": ("reducer", "data"),
}


@pytest.fixture
def logs() -> list[LogEntry]:
    return []


@pytest.fixture
def world(environment: Environment, logs: list[LogEntry], sandboxed: object) -> Environment:
    return replace(environment, log=logs.append, udf=UdfLimits(run=uuid4().hex))


@pytest.fixture
def called(world: Environment) -> Run:
    """Evaluates a process with a UDF as its child, or `run_udf` itself."""

    def call(process_id: str, code: str, data: Any, context: Any = None, **arguments: Any) -> Any:
        if process_id == "run_udf":
            return evaluate(udf_node(code, "data", context=context), {"data": data}, environment=world)
        child, inner = PARENTS[process_id]
        graph = {"process_graph": udf_node(code, inner, context={"from_parameter": "context"})}
        given = {"data": {"from_parameter": "cube"}, child: graph, "context": context, **arguments}
        node: dict[str, Any] = {"parent": {"process_id": process_id, "arguments": given, "result": True}}
        references = {name: {"from_parameter": name} for name in ("geometries",) if name in arguments}
        node["parent"]["arguments"] = {**given, **references}
        return evaluate(node, {"cube": data, **arguments}, environment=world)

    return call


def test_apply(called: Run, cube: xr.DataArray, logs: list[LogEntry]) -> None:
    code = on_cubes(
        "print(cube.dims, cube.bands.values.tolist(), cube.t.dtype, float(cube.x[0]), float(cube.y[0]))\n"
        "return cube.sel(bands='B04', drop=True) * context['factor'] + 0 * cube"
    )
    result = called("apply", code, cube, {"factor": 2})
    assert result.chunks is not None, "it is lazy"
    assert not logs, "made-up values leave no trace in the log"
    expected = cube.sel(bands="B04", drop=True) * 2 + 0 * cube
    xr.testing.assert_allclose(result.drop_attrs(), expected.transpose(*cube.dims).drop_attrs().rename("S2"))
    assert result.dtype == np.float32
    assert dimension_of(result, "x") == dimension_of(cube, "x")
    places = sorted(entry.message.split(" datetime64[ns] ")[1] for entry in logs)
    corners = [f"{x} {y}" for x in (600005.0, 600045.0) for y in (4999965.0, 4999995.0)]
    assert places == corners, "each block has all bands and dates, and its own labels"
    assert logs[0].message.startswith("('t', 'bands', 'y', 'x') ['B04', 'B08', 'SCL']")
    assert (logs[0].level, logs[0].node) == ("info", "udf")


@pytest.mark.parametrize(
    "body",
    [
        "return cube.mean('t')",
        "return cube.mean('t', keepdims=True).transpose('y', 'x', 't', 'bands')",
        "return xr.DataArray(cube.mean('t').values)",
    ],
)
def test_reduce_dimension(called: Run, cube: xr.DataArray, body: str) -> None:
    result = called("reduce_dimension", on_cubes(body), cube, dimension="t")
    assert result.dims == ("bands", "y", "x")
    np.testing.assert_allclose(result, cube.mean("t"), rtol=1e-5)


def test_reduced_to_one_number(called: Run, cube: xr.DataArray) -> None:
    code = (
        "from openeo.udf import StructuredData, UdfData\n"
        "def seven(data: UdfData):\n    data.set_structured_data_list([StructuredData(7)])\n"
    )
    assert (called("reduce_dimension", code, cube, dimension="bands") == 7).all()


def test_apply_dimension_to_another_length(called: Run, cube: xr.DataArray) -> None:
    code = on_cubes("return xr.concat([cube, cube.isel(bands=[0]) * 2], 'bands')")
    result = called("apply_dimension", code, cube, dimension="bands")
    assert result.bands.values.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(result.isel(bands=3), cube.isel(bands=0) * 2)
    kept = called("apply_dimension", on_cubes("return cube[:, ::-1]"), cube, dimension="bands")
    assert kept.bands.values.tolist() == ["B04", "B08", "SCL"]
    np.testing.assert_array_equal(kept, cube[:, ::-1])


def test_time_series(called: Run, cube: xr.DataArray) -> None:
    code = (
        "import pandas as pd\ndef apply_timeseries(series: pd.Series, context: dict) -> pd.Series:\n"
        "    return series[::-1]\n"
    )
    result = called("apply_dimension", code, cube, dimension="t")
    np.testing.assert_array_equal(result, cube[::-1])


@pytest.mark.parametrize("dimension", ["x", "y"])
def test_along_space(called: Run, cube: xr.DataArray, dimension: str) -> None:
    result = called(
        "reduce_dimension", on_cubes(f"return cube.max('{dimension}')"), cube, dimension=dimension
    )
    np.testing.assert_array_equal(result, cube.max(dimension))
    result = called(
        "apply_dimension", on_cubes("return cube.cumsum(context)"), cube, dimension, dimension=dimension
    )
    np.testing.assert_allclose(result, cube.cumsum(dimension), rtol=1e-5)


def test_neighborhoods(called: Run, cube: xr.DataArray) -> None:
    code = on_cubes(
        "assert cube.dims == ('t', 'bands', 'y', 'x') and cube.sizes['x'] == 6 and cube.x[1] - cube.x[0] == 10\n"
        "return xr.DataArray(cube.rolling(x=3, center=True, min_periods=1).max().values, dims=cube.dims)"
    )
    plane = [{"dimension": "x", "value": 4, "unit": "px"}, {"dimension": "y", "value": 6, "unit": "px"}]
    margin = [{"dimension": "x", "value": 1, "unit": "px"}]
    result = called("apply_neighborhood", code, cube, size=plane, overlap=margin)
    expected = cube.compute().rolling(x=3, center=True, min_periods=1).max()
    np.testing.assert_allclose(result, expected)
    assert result.t.equals(cube.t)


def test_series_of_pixels_as_neighborhoods(called: Run, cube: xr.DataArray) -> None:
    pixel = [{"dimension": name, "value": 1, "unit": "px"} for name in ("x", "y", "bands")]
    result = called("apply_neighborhood", on_cubes("return cube.cumsum('t')"), cube, size=pixel)
    np.testing.assert_allclose(result, cube.cumsum("t"), rtol=1e-5)


@pytest.mark.parametrize("process_id", ["reduce_spatial", "aggregate_spatial"])
def test_picked_pixels(called: Run, cube: xr.DataArray, logs: list[LogEntry], process_id: str) -> None:
    box = shapely.box(600_000, 4_999_940, 600_080, 5_000_000)
    given = {} if process_id == "reduce_spatial" else {"geometries": make_vector_cube([box], 32632)}
    code = on_cubes("print(cube.dims[0], cube.shape[0])\nreturn cube.sum('array')")
    result = called(process_id, code, cube, **given)
    np.testing.assert_allclose(np.squeeze(result), cube.sum(("x", "y")), rtol=1e-5)
    assert {entry.message for entry in logs} == {"array 48"}, "nothing of made-up values"


def test_overlap_resolver(world: Environment, cube: xr.DataArray) -> None:
    child = {"process_graph": udf_node(on_cubes("return cube * 2"), "y")}
    arguments = {
        "cube1": {"from_parameter": "a"},
        "cube2": {"from_parameter": "b"},
        "overlap_resolver": child,
    }
    graph = {"merge": {"process_id": "merge_cubes", "arguments": arguments, "result": True}}
    for first in (cube, cube.compute()):
        result = evaluate(graph, {"a": first, "b": cube + 1}, environment=world)
        assert result.chunks is not None
        np.testing.assert_allclose(result, (cube + 1) * 2)


def test_cubes_without_values(called: Run, cube: xr.DataArray) -> None:
    nothing = cube.isel(x=[])
    code = on_cubes("raise ValueError('there is nothing to run on')")
    assert called("apply", code, nothing).compute().shape == (4, 3, 6, 0)
    assert called("reduce_dimension", code, nothing, dimension="t").compute().shape == (3, 6, 0)
    assert called("apply_dimension", code, nothing, dimension="t").compute().shape == (4, 3, 6, 0)
    assert np.isnan(called("reduce_dimension", code, nothing, dimension="x")).all()


def test_metadata_functions_are_no_hindrance(called: Run, cube: xr.DataArray) -> None:
    code = (
        "from openeo.metadata import CollectionMetadata\nfrom openeo.udf import XarrayDataCube\n"
        "def apply_metadata(metadata: CollectionMetadata, context: dict) -> CollectionMetadata:\n"
        "    raise ValueError\n"
        "def apply_datacube(cube: XarrayDataCube, context: dict) -> XarrayDataCube:\n"
        "    return XarrayDataCube(cube.get_array() + 1)\n"
    )
    np.testing.assert_allclose(called("apply", code, cube), cube + 1)


def test_groups_without_elements_are_no_data(called: Run, cube: xr.DataArray) -> None:
    code = on_cubes("return cube.mean('t')")
    result = called("aggregate_temporal_period", code, cube, period="month")
    assert result.sizes["t"] == 4
    assert np.isnan(result.isel(t=1)).all(), "no date in February"
    np.testing.assert_allclose(result.isel(t=0), cube[:2].mean("t"), rtol=1e-5)


def test_types_of_values(called: Run, cube: xr.DataArray) -> None:
    assert called("apply", on_cubes("return cube > 5"), cube).dtype == bool
    whole = cube.fillna(0).astype("int16")
    assert called("apply", on_cubes("return cube.astype('uint8')"), whole).dtype == np.uint8
    some = on_cubes("return cube.astype('int16') if float(cube.max()) < 100 else cube / 3")
    with pytest.raises(ProcessParameterInvalid, match=r"float\w+ for a block, but int16 for others"):
        called("apply", some, cube.fillna(101)).compute()


def test_code_that_needs_real_values_stays_lazy(called: Run, cube: xr.DataArray) -> None:
    picky = on_cubes("assert float(cube.max()) > 100, 'no real values'\nreturn cube")
    result = called("apply", picky, cube)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, cube)
    shorter = on_cubes("assert float(cube.max()) > 100, 'no real values'\nreturn cube[:2]")
    with pytest.raises(ProcessParameterInvalid, match="2 values along 't' for a block, where 4 are expected"):
        called("apply_dimension", shorter, cube, dimension="t").compute()


@pytest.mark.parametrize(
    ("process_id", "body", "reason"),
    [
        ("apply", "return cube.isel(x=0)", r"dimensions \(t: 4, bands: 3, y: \d\) for one with"),
        ("apply", "return cube.rename(x='z')", r"\(t: 4, bands: 3, y: \d, x: \d\) is expected"),
        ("reduce_dimension", "return cube", "must reduce dimension 't' to one value, but returned 4"),
        ("reduce_dimension", "return cube.mean('x')", "is expected"),
        ("apply_dimension", "return cube.isel(y=[0])", "is expected"),
        ("apply_dimension", "return cube.mean('t')", "must return an array"),
        ("apply", "return cube.astype(str)", "can hold numbers only"),
        ("apply", "return 3", "must be of type xarray.DataArray"),
        ("apply", "raise ValueError('mine')", "line 5, in apply_datacube"),
    ],
)
def test_wrong_results(called: Run, cube: xr.DataArray, process_id: str, body: str, reason: str) -> None:
    along = {} if process_id == "apply" else {"dimension": "t"}
    with pytest.raises(OpenEOError, match=reason) as raised:
        called(process_id, on_cubes(body), cube, **along).compute()
    assert raised.value.code in ("ProcessParameterInvalid", "ProcessGraphInvalid")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = = 3\n", "SyntaxError"),
        ("import nothing_like_this\n", "ModuleNotFoundError"),
        ("def f(): pass\n", "No UDF found"),
        ("def apply_datacube(cube, context):\n    return cube\n", r"No UDF found.\nDefine apply_datacube"),
    ],
)
def test_code_that_cannot_be_loaded_fails_at_once(
    called: Run, cube: xr.DataArray, code: str, says: str
) -> None:
    with pytest.raises(ProcessParameterInvalid, match=says) as raised:
        called("apply", code, cube)
    assert "site-packages" not in raised.value.message
    assert "libraries" not in raised.value.message


def test_several_processes_in_a_callback(world: Environment, cube: xr.DataArray) -> None:
    steps = {
        "first": {
            "process_id": "array_element",
            "arguments": {"data": {"from_parameter": "data"}, "index": 0},
        },
        "udf": {
            "process_id": "run_udf",
            "arguments": {
                "data": {"from_node": "first"},
                "udf": on_cubes("return cube + len(cube.dims)"),
                "runtime": "python",
            },
        },
        "twice": {
            "process_id": "multiply",
            "arguments": {"x": {"from_node": "udf"}, "y": 2},
            "result": True,
        },
    }
    arguments = {
        "data": {"from_parameter": "cube"},
        "reducer": {"process_graph": steps},
        "dimension": "bands",
    }
    graph = {"reduce": {"process_id": "reduce_dimension", "arguments": arguments, "result": True}}
    result = evaluate(graph, {"cube": cube}, environment=world)
    np.testing.assert_allclose(result, (cube.isel(bands=0) + 3) * 2)


@pytest.mark.parametrize("process_id", ["apply", "apply_neighborhood"])
def test_callbacks_have_their_code_in_them(
    called: Run, cube: xr.DataArray, world: Environment, elsewhere: Any, process_id: str
) -> None:
    """So that other processes, which have neither files nor the web, can run them."""
    parameter, inner = PARENTS[process_id]
    child = {"process_graph": udf_node("code.py", inner)}
    given = {"data": {"from_parameter": "cube"}, parameter: child}
    if process_id == "apply_neighborhood":
        given["size"] = [{"dimension": "x", "value": 4, "unit": "px"}]
    graph = {"parent": {"process_id": process_id, "arguments": given, "result": True}}
    lazy = evaluate(graph, {"cube": cube}, environment=replace(world, workspace=elsewhere))
    sent = pickle.dumps(lazy)
    assert b"cube * 10" in sent
    np.testing.assert_allclose(pickle.loads(sent), cube * 10)


def test_code_in_stored_processes(world: Environment, elsewhere: Any, cube: xr.DataArray) -> None:
    stored = {
        "parameters": [{"name": "x", "description": "A number.", "schema": {"type": "number"}}],
        "process_graph": udf_node("code.py", "x"),
    }
    call = {"process_id": "tenfold", "arguments": {"x": {"from_parameter": "x"}}, "result": True}
    given = {"data": {"from_parameter": "cube"}, "process": {"process_graph": {"call": call}}}
    graph = {"apply": {"process_id": "apply", "arguments": given, "result": True}}
    theirs = replace(world, workspace=elsewhere, user_processes={"tenfold": stored})
    lazy = evaluate(graph, {"cube": cube}, environment=theirs)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(lazy)), cube * 10)
    assert elsewhere.asked == ["code.py"]


# Whole cubes.


def test_on_a_whole_cube(called: Run, cube: xr.DataArray) -> None:
    code = on_cubes(
        "assert cube.shape == (4, 3, 6, 8)\nreturn cube.isel(t=0, drop=True).rename(bands='index').isel(x=[0, 2])"
    )
    result = called("run_udf", code, cube)
    np.testing.assert_array_equal(result, cube.isel(t=0, x=[0, 2]))
    assert result.dims == ("index", "y", "x")
    assert result.x.values.tolist() == [600005.0, 600025.0]
    assert (crs_of(result), result.attrs["title"]) == (32632, "A test")
    bare = called("run_udf", on_cubes("return xr.DataArray(cube.values, dims=cube.dims)"), cube)
    assert bare.bands.values.tolist() == ["B04", "B08", "SCL"], "labels that it lost are given back"


def test_reference_system_is_told(called: Run, cube: xr.DataArray) -> None:
    code = (
        "from openeo.udf import StructuredData, UdfData\ndef f(data: UdfData):\n"
        "    data.set_structured_data_list([StructuredData(data.proj), StructuredData(data.user_context)])\n"
    )
    assert called("run_udf", code, cube, {"a": [1]}) == [{"EPSG": 32632}, {"a": [1]}]


def test_whole_cubes_that_are_too_large(world: Environment, cube: xr.DataArray) -> None:
    small = replace(world, udf=UdfLimits(memory=2000))
    with pytest.raises(ProcessGraphComplexity, match="block by block"):
        evaluate(udf_node(SAME, "data"), {"data": cube}, environment=small)


def test_vector_cubes(called: Run) -> None:
    shapes = [shapely.Point(1, 2), shapely.Point(3, 4), shapely.box(0, 0, 1, 1)]
    table = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, np.nan]])
    cube = make_vector_cube(
        shapes, 32632, data=table, dims=("geometry", "properties"), coords={"properties": ["a", "b"]}
    )
    both = (
        "import xarray\ndef apply_vectorcube(geometries: 'geopandas.geodataframe.GeoDataFrame', "
        "cube: xarray.DataArray, context: dict):\n"
        "    assert geometries.crs.to_epsg() == 32632 and list(cube.geometry.values) == [0, 1, 2]\n"
        "    return geometries, cube.isel(geometry=[2, 0]) * 2\n"
    )
    result = called("run_udf", both, cube)
    assert list(result.geometry.values) == [shapes[2], shapes[0]]
    np.testing.assert_array_equal(result, table[[2, 0]] * 2)
    assert dimension_of(result, "geometry") == Dimension("geometry", "geometry", reference_system=32632)
    columns = (
        "from openeo.udf import FeatureCollection, UdfData\ndef f(data: UdfData):\n"
        "    frame = data.get_feature_collection_list()[0].data\n"
        "    assert frame['a'].tolist() == [1, 2, 3]\n"
        "    frame = frame[frame.a > 1].assign(size=frame.area, geometry=frame.buffer(1))[['size', 'geometry']]\n"
        "    data.set_feature_collection_list([FeatureCollection('x', frame)])\n"
    )
    result = called("run_udf", columns, cube)
    assert result.properties.values.tolist() == ["size"]
    assert result.values.tolist() == [[0.0], [1.0]]
    assert [shape.geom_type for shape in result.geometry.values] == ["Polygon", "Polygon"]
    xr.testing.assert_identical(called("run_udf", SAME, cube).drop_attrs(), cube.drop_attrs())
    with pytest.raises(ProcessParameterInvalid, match="3 geometries"):
        called("run_udf", both.replace("isel(geometry=[2, 0])", "assign_coords(geometry=[7, 8, 9])"), cube)


def test_properties_of_features(called: Run) -> None:
    members = [{"id": "a", "properties": {"name": "one", "n": 1}}, {"id": "b", "properties": {"n": None}}]
    series = make_vector_cube(
        [shapely.Point(1, 2), None],
        data=np.arange(6.0).reshape(3, 2),
        dims=("t", "geometry"),
        coords={"t": ["x", "y", "z"]},
        dimensions=[Dimension("t", "other")],
        features=members,
    )
    reduced = called("run_udf", on_cubes("return cube.mean('t').isel(geometry=[1, 0])"), series)
    assert reduced.values.tolist() == [3.0, 2.0]
    assert features_of(reduced) == [members[1], members[0]]
    code = (
        "from openeo.udf import StructuredData, UdfData\ndef f(data: UdfData):\n"
        "    frame = data.get_feature_collection_list()[0].data\n"
        "    assert len(data.get_datacube_list()) == 1 and frame.geometry.tolist()[1] is None\n"
        "    data.set_structured_data_list([StructuredData(frame['name'].tolist())])\n"
    )
    assert called("run_udf", code, series) == ["one", None]
    words = series.astype(object).copy(data=np.full((3, 2), "word", object))
    code = (
        "from openeo.udf import UdfData\ndef f(data: UdfData):\n"
        "    assert not data.get_datacube_list()\n    data.set_feature_collection_list(None)\n"
    )
    with pytest.raises(ProcessParameterInvalid, match="one data cube or one feature collection"):
        called("run_udf", code, words)


def test_plain_values(called: Run) -> None:
    code = on_cubes("return cube + 1")
    assert called("run_udf", code, 3) == 4
    assert called("run_udf", code, [1, 2.5, None]) == [2, 3.5, None]
    text = (
        "from openeo.udf import StructuredData, UdfData\ndef f(data: UdfData):\n"
        "    value = data.get_structured_data_list()[0].data\n"
        "    data.set_structured_data_list([StructuredData({'length': len(value)})])\n"
    )
    assert called("run_udf", text, "four") == {"length": 4}
    with pytest.raises(ProcessParameterInvalid, match="returned nothing"):
        called("run_udf", text.replace("[StructuredData({'length': len(value)})]", "None"), {"a": "b"})
    with pytest.raises(ProcessParameterInvalid, match="structured data must be JSON"):
        called("run_udf", text.replace("len(value)", "object()"), "four")


# Where the code comes from, and what runs it.


@pytest.mark.parametrize("runtime", ["Python", "python", "PYTHON"])
def test_names_of_runtimes(world: Environment, runtime: str) -> None:
    graph = udf_node(SAME, "data", version=VERSION, runtime=runtime)
    assert evaluate(graph, {"data": 1}, environment=world) == 1


def test_unknown_runtimes(environment: Environment) -> None:
    with pytest.raises(InvalidRuntime, match=r"no UDF runtime 'R'. There is 'Python'"):
        evaluate(udf_node(SAME, "data", runtime="R"), {"data": 1}, environment=environment)
    with pytest.raises(InvalidVersion, match=f"no version '2.7'. There is '{VERSION}'"):
        evaluate(udf_node(SAME, "data", version="2.7"), {"data": 1}, environment=environment)


class Elsewhere:
    """Files of a user, and the web."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked: list[str] = []

    def file(self, path: str) -> Path:
        self.asked.append(path)
        if path == "https://a.example/broken.py":
            raise FetchFailed("a.example cannot be reached")
        found = self._folder / path.rpartition("/")[2]
        if not found.exists():
            raise FileNotFound(file=path)
        return found

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody wants {name}")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    (tmp_path / "code.py").write_bytes(b"\xef\xbb\xbf" + on_cubes("return cube * 10").encode())
    (tmp_path / "odd.py").write_bytes(b"\xff\xfe\n")
    (tmp_path / "long.py").write_bytes(b"#\n" * 2**20)
    return Elsewhere(tmp_path)


@pytest.mark.parametrize("udf", ["https://a.example/code.py", "code.py", "./folder/code.py", "/code.py"])
def test_code_elsewhere(world: Environment, elsewhere: Any, cube: xr.DataArray, udf: str) -> None:
    theirs = replace(world, web=elsewhere, workspace=elsewhere)
    assert evaluate(udf_node(udf, "data"), {"data": 2}, environment=theirs) == 20
    child = {"process_graph": udf_node({"from_parameter": "context"}, "x")}
    given = {"data": {"from_parameter": "cube"}, "process": child, "context": udf}
    direct = {"process_graph": udf_node(udf, "x")}
    graph = {"apply": {"process_id": "apply", "arguments": {**given, "process": direct}, "result": True}}
    elsewhere.asked.clear()
    lazy = evaluate(graph, {"cube": cube}, environment=theirs)
    np.testing.assert_allclose(lazy, cube * 10)
    assert len(elsewhere.asked) == 1, "not for each block"


@pytest.mark.parametrize(
    ("udf", "error", "reason"),
    [
        (
            "https://a.example/broken.py",
            ProcessParameterInvalid,
            "can't be fetched: a.example cannot be reached",
        ),
        ("odd.py", ProcessParameterInvalid, "no text in UTF-8"),
        ("long.py", ProcessParameterInvalid, "more than 1 MB"),
        ("#\n" * 2**20, ProcessParameterInvalid, "more than 1 MB"),
        ("missing.py", FileNotFound, "missing.py"),
        ("../code.py", FileNotFound, "code.py"),
        ("./", FileNotFound, "./"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_code_that_cannot_be_had(
    world: Environment, elsewhere: Any, udf: str, error: type[OpenEOError], reason: str
) -> None:
    theirs = replace(world, web=elsewhere, workspace=elsewhere)
    with pytest.raises(error, match=reason):
        evaluate(udf_node(udf, "data"), {"data": 2}, environment=theirs)


@pytest.mark.parametrize("udf", ["https://a.example/code.py", "code.py"])
def test_nobody_who_could_have_files(environment: Environment, udf: str) -> None:
    with pytest.raises(FeatureUnsupported):
        evaluate(udf_node(udf, "data"), {"data": 2}, environment=environment)


def test_nothing_runs_without_isolation(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "why_not", lambda: "there are no walls")
    with pytest.raises(FeatureUnsupported, match="there are no walls"):
        evaluate(udf_node(SAME, "data"), {"data": 2}, environment=environment)


def test_no_room_for_a_sandbox(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise NotStarted

    monkeypatch.setattr(pool, "POOL", SimpleNamespace(call=refuse))
    with pytest.raises(InfrastructureBusy, match="Try again later"):
        evaluate(udf_node(SAME, "data"), {"data": 1}, environment=world)


def test_limits_are_told(called: Run) -> None:
    with pytest.raises(ProcessGraphComplexity, match="more than the 1024 MB of memory"):
        called("run_udf", on_cubes("np.ones(10 * 2**30, 'u1')"), 1)
    with pytest.raises(ProcessGraphComplexity, match="was stopped: it ended the process"):
        called("run_udf", on_cubes("import os; os._exit(0)"), 1)


def test_context_must_be_plain(world: Environment, cube: xr.DataArray) -> None:
    graph = udf_node(SAME, "data", context={"from_parameter": "cube"})
    with pytest.raises(ProcessParameterInvalid, match="plain values"):
        evaluate(graph, {"data": 1, "cube": cube}, environment=world)


def test_most_log_entries(called: Run, logs: list[LogEntry]) -> None:
    called("run_udf", on_cubes("for i in range(1200): print(i)\nreturn cube"), 1)
    assert [entry.message for entry in logs[998:]] == [
        "998",
        "999",
        "Only the first 1000 entries of the UDF are kept.",
    ]


def test_filters_behind_a_udf_do_not_change_what_it_sees(definitions: Any) -> None:
    """It may use other bands than those that are wanted in the end."""
    from connexeo.processing.compilation import compile_graph

    environment = Environment(definitions=definitions)

    def demand(child: Mapping[str, Any]) -> Any:
        graph = {
            "load": {
                "process_id": "load_collection",
                "arguments": {"id": "a", "spatial_extent": None, "temporal_extent": None},
            },
            "apply": {
                "process_id": "apply",
                "arguments": {"data": {"from_node": "load"}, "process": {"process_graph": child}},
            },
            "filter": {
                "process_id": "filter_bands",
                "arguments": {"data": {"from_node": "apply"}, "bands": ["B04"]},
                "result": True,
            },
        }
        return compile_graph(graph, environment).steps[0].demand

    own = {"a": {"process_id": "absolute", "arguments": {"x": {"from_parameter": "x"}}, "result": True}}
    assert demand(own) is not None
    assert demand(udf_node(SAME, "x")) is None


def test_plans_of_graphs_with_udfs(world: Environment, cube: xr.DataArray) -> None:
    child = {"process_graph": udf_node(on_cubes("return cube.mean('t')"), "data")}
    given = {"data": {"from_parameter": "cube"}, "reducer": child, "dimension": "t"}
    graph = {"reduce": {"process_id": "reduce_dimension", "arguments": given, "result": True}}
    planned = plan(graph, world, {"cube": cube})
    size = planned.nodes[0].size
    assert size is not None
    assert [axis.name for axis in size.axes] == ["bands", "y", "x"]


def test_labels_that_are_no_instants(called: Run, cube: xr.DataArray) -> None:
    seasons = make_cube(
        cube.assign_coords(t=["2020-djf", "2020-mam", "2020-jja", "2020-son"]), [Dimension("t", "temporal")]
    )
    code = on_cubes("return cube.sel(t='2020-jja')")
    np.testing.assert_array_equal(called("reduce_dimension", code, seasons, dimension="t"), cube[2])


def test_large_blocks_are_cut(world: Environment, called: Run, logs: list[LogEntry]) -> None:
    values = np.ones((2, 100, 100), "f4")
    cube = xr.DataArray(values, dims=("t", "y", "x"))
    small = replace(world, udf=UdfLimits(memory=2**19))
    child = {"process_graph": udf_node(on_cubes("print(cube.shape)\nreturn cube"), "x")}
    given = {"data": {"from_parameter": "cube"}, "process": child}
    graph = {"apply": {"process_id": "apply", "arguments": given, "result": True}}
    lazy = evaluate(graph, {"cube": cube}, environment=small)
    assert {max(sizes) for sizes in lazy.chunks[1:]} == {64}
