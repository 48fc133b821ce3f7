"""`run_udf_externally` in graphs, with services on loopback that use the openEO client's own classes."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from openeo.udf.feature_collection import FeatureCollection
from openeo.udf.structured_data import StructuredData
from openeo.udf.udf_data import UdfData
from openeo.udf.xarraydatacube import XarrayDataCube

from connexeo.drivers.local.computing.web import GuardedServices
from connexeo.fetch import Fetched, FetchFailed, patience
from connexeo.generated.errors import (
    EstimateComplexity,
    FeatureUnsupported,
    ProcessGraphComplexity,
    ProcessParameterInvalid,
)
from connexeo.processing.cube import Dimension, crs_of, dimension_of, make_cube
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.planning.planner import plan
from connexeo.processing.processes.udf import run_udf_externally
from connexeo.processing.udf.documents import read_document, write_document
from connexeo.processing.udf.values import Data
from connexeo.processing.vectors import features_of, make_vector_cube
from loopback_site import LoopbackSite

Function = Callable[[Any], None]
Run = Callable[..., Any]


class Service(LoopbackSite):
    """Answers as a UDF service whose code is a function of the test."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[dict[str, Any]] = []
        self.pages["/udf"] = self._answer
        self.function: Function = lambda _: None

    def _answer(self, body: bytes) -> Any:
        sent = json.loads(body)
        self.got.append(sent)
        data = UdfData.from_dict(sent)
        self.function(data)
        return _without_nan(data.to_dict())


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def on_cubes(function: Callable[[xr.DataArray], xr.DataArray]) -> Function:
    """A service that knows one cube; nulls are NaN for it."""

    def run(data: Any) -> None:
        (cube,) = data.get_datacube_list()
        data.set_datacube_list([XarrayDataCube(function(cube.get_array().astype(float)))])

    return run


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def world(environment: Environment) -> Environment:
    return replace(environment, udf_services=GuardedServices(private=True))


def node(url: str, data: str, **arguments: Any) -> dict[str, Any]:
    given = {"data": {"from_parameter": data}, "url": url, **arguments}
    return {"udf": {"process_id": "run_udf_externally", "arguments": given, "result": True}}


PARENTS = {
    "apply": ("process", "x"),
    "apply_dimension": ("process", "data"),
    "reduce_dimension": ("reducer", "data"),
    "reduce_spatial": ("reducer", "data"),
    "apply_neighborhood": ("process", "data"),
}


@pytest.fixture
def called(world: Environment, service: Service) -> Run:
    """Evaluates a process with the service as its child, or `run_udf_externally` itself."""

    def call(process_id: str, data: Any, *, path: str = "/udf", context: Any = None, **arguments: Any) -> Any:
        url = service.url + path
        if process_id == "run_udf_externally":
            said = {} if context is None else {"context": context}
            return evaluate(node(url, "data", **said), {"data": data}, environment=world)
        child, inner = PARENTS[process_id]
        graph = {"process_graph": node(url, inner, context={"from_parameter": "context"})}
        taken = {"data": {"from_parameter": "cube"}, child: graph, "context": context or {}, **arguments}
        parent = {"parent": {"process_id": process_id, "arguments": taken, "result": True}}
        return evaluate(parent, {"cube": data}, environment=world)

    return call


def test_what_is_sent(called: Run, service: Service, cube: xr.DataArray) -> None:
    small = cube.isel(t=[0, 3], bands=[0, 1], y=[0], x=[0, 1]).compute()
    small[0, 0, 0, 0] = np.nan
    small[0, 0, 0, 1] = 0.1
    called("run_udf_externally", small, path="/udf?key=1", context={"a": [1]})
    ((method, _, headers),) = service.requests
    assert (method, headers["content-type"], headers["accept"]) == (
        "POST",
        "application/json",
        "application/json",
    )
    assert not headers.keys() & {"authorization", "cookie"}
    (sent,) = service.got
    (datacube,) = sent.pop("datacubes")
    assert sent == {
        "proj": {"EPSG": 32632},
        "feature_collection_list": [],
        "structured_data_list": [],
        "user_context": {"a": [1]},
    }
    data = datacube.pop("data")
    assert data[0][0][0] == [None, 0.1]
    assert np.shape(data) == (2, 2, 1, 2)
    assert datacube == {
        "id": "S2",
        "dimensions": [
            {"name": "t", "coordinates": ["2020-01-05T00:00:00Z", "2020-04-20T10:30:00Z"]},
            {"name": "bands", "coordinates": ["B04", "B08"]},
            {"name": "y", "coordinates": [4999995.0]},
            {"name": "x", "coordinates": [600005.0, 600015.0]},
        ],
    }


@settings(max_examples=20, deadline=None)
@given(
    arrays.arrays(
        st.sampled_from(["f4", "f8", "i2", "u8", "?", "f2"]), arrays.array_shapes(min_dims=0, max_dims=3)
    ),
)
@example(np.array([0, 2**63 + 1], "u8"))
def test_values_come_back_as_they_were(values: Any) -> None:
    dims = ("a", "b", "c")[: values.ndim]
    body = write_document([Data(values, dims)], features=None, structured=[], proj=None, context={})
    answer = read_document(json.loads(body), [], process="run_udf_externally", exact=values.dtype.kind != "f")
    (cube,) = answer.cubes
    expected = np.where(np.isfinite(values), values, np.nan) if values.dtype.kind == "f" else values
    assert cube.dims == dims
    np.testing.assert_array_equal(cube.values.astype(values.dtype), expected)


# In callbacks.


def test_apply(called: Run, service: Service, cube: xr.DataArray) -> None:
    service.function = on_cubes(lambda cube: cube.sel(bands="B04", drop=True) * 2 + 0 * cube)
    result = called("apply", cube)
    assert len(service.got) == 1, "a block of made-up values; the result is lazy"
    assert result.chunks is not None
    expected = cube.sel(bands="B04", drop=True) * 2 + 0 * cube
    np.testing.assert_allclose(result, expected.transpose(*cube.dims), rtol=1e-6)
    assert result.dtype == np.float64
    assert dimension_of(result, "x") == dimension_of(cube, "x")
    dimensions = [sent["datacubes"][0]["dimensions"] for sent in service.got[1:]]
    corners = sorted((x["coordinates"][0], y["coordinates"][0]) for _, _, y, x in dimensions)
    assert corners == [(x, y) for x in (600005.0, 600045.0) for y in (4999965.0, 4999995.0)]
    assert {tuple(bands["coordinates"]) for _, bands, _, _ in dimensions} == {("B04", "B08", "SCL")}
    assert {json.dumps(sent["proj"]) for sent in service.got} == {'{"EPSG": 32632}'}


@pytest.mark.parametrize(
    "function",
    [
        lambda cube: cube.mean("t"),
        lambda cube: cube.mean("t", keepdims=True).transpose("y", "x", "t", "bands"),
        lambda cube: xr.DataArray(cube.mean("t").values),
    ],
)
def test_reduce_dimension(called: Run, service: Service, cube: xr.DataArray, function: Any) -> None:
    service.function = on_cubes(function)
    result = called("reduce_dimension", cube, dimension="t")
    assert result.dims == ("bands", "y", "x")
    np.testing.assert_allclose(result, cube.mean("t"), rtol=1e-5)


def test_apply_dimension_to_another_length(called: Run, service: Service, cube: xr.DataArray) -> None:
    service.function = on_cubes(lambda cube: xr.concat([cube, cube.isel(bands=[0]) * 2], "bands"))
    result = called("apply_dimension", cube, dimension="bands")
    assert result.bands.values.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(result.isel(bands=3), cube.isel(bands=0) * 2)


def test_neighborhoods(called: Run, service: Service, cube: xr.DataArray) -> None:
    service.function = on_cubes(lambda cube: cube.rolling(x=3, center=True, min_periods=1).max())
    plane = [{"dimension": "x", "value": 4, "unit": "px"}, {"dimension": "y", "value": 6, "unit": "px"}]
    margin = [{"dimension": "x", "value": 1, "unit": "px"}]
    result = called("apply_neighborhood", cube, size=plane, overlap=margin)
    expected = cube.compute().rolling(x=3, center=True, min_periods=1).max()
    np.testing.assert_allclose(result, expected)
    assert {len(sent["datacubes"][0]["dimensions"][3]["coordinates"]) for sent in service.got} <= {5, 6}


def test_picked_pixels(called: Run, service: Service, cube: xr.DataArray) -> None:
    service.function = on_cubes(lambda cube: cube.sum("array"))
    np.testing.assert_allclose(called("reduce_spatial", cube), cube.sum(("x", "y")), rtol=1e-5)


def test_instants_of_arrays_are_texts_for_the_service(
    called: Run, service: Service, cube: xr.DataArray
) -> None:
    service.function = on_cubes(lambda cube: cube.sel(t="2020-03-05T00:00:00Z"))
    result = called("reduce_dimension", cube, dimension="t")
    np.testing.assert_array_equal(result, cube.isel(t=2))


def test_callbacks_run_in_other_processes(called: Run, service: Service, cube: xr.DataArray) -> None:
    service.function = on_cubes(lambda cube: cube * 10)
    result = pickle.loads(pickle.dumps(called("apply", cube)))
    np.testing.assert_allclose(result, cube * 10)


def test_blocks_are_small(called: Run, service: Service) -> None:
    large = xr.DataArray(np.zeros((4, 512, 512), "f4"), dims=("t", "y", "x"))
    service.pages["/udf"] = 500
    assert {max(sizes) for sizes in called("apply", large).chunks[1:]} == {256}


def test_cubes_without_values_are_not_sent(called: Run, service: Service, cube: xr.DataArray) -> None:
    assert called("apply", cube.isel(x=[])).compute().shape == (4, 3, 6, 0)
    assert np.isnan(called("reduce_dimension", cube.isel(x=[]), dimension="x")).all()
    assert not service.got


def test_plans_send_nothing(world: Environment, service: Service, cube: xr.DataArray) -> None:
    child = {"process_graph": node(f"{service.url}/udf", "data")}
    given = {"data": {"from_parameter": "cube"}, "reducer": child, "dimension": "t"}
    graph = {"reduce": {"process_id": "reduce_dimension", "arguments": given, "result": True}}
    size = plan(graph, world, {"cube": cube}).nodes[0].size
    assert size is not None
    assert [axis.name for axis in size.axes] == ["bands", "y", "x"]
    with pytest.raises(EstimateComplexity):
        plan(node(f"{service.url}/udf", "data"), world, {"data": 1})
    assert not service.requests


# Whole cubes and plain values.


def test_whole_cubes(called: Run, service: Service, cube: xr.DataArray) -> None:
    service.function = on_cubes(lambda cube: cube.isel(t=[0, 2], x=[0, 2]).rename(bands="index"))
    result = called("run_udf_externally", cube)
    np.testing.assert_array_equal(result, cube.isel(t=[0, 2], x=[0, 2]))
    assert result.dims == ("t", "index", "y", "x")
    assert result.t.equals(cube.t[[0, 2]]), "instants are instants again"
    assert result.x.values.tolist() == [600005.0, 600025.0]
    assert (crs_of(result), result.attrs["title"]) == (32632, "A test")


def test_labels_that_the_service_makes(called: Run, service: Service, cube: xr.DataArray) -> None:
    service.function = on_cubes(
        lambda cube: cube.assign_coords(t=list("abcd"), bands=[1, 2.5, 3], x=range(8))
    )
    result = called("run_udf_externally", cube)
    assert result.t.values.tolist() == list("abcd")
    assert result.bands.values.tolist() == [1, 2.5, 3]
    lost = on_cubes(lambda cube: xr.DataArray(cube.values, dims=cube.dims))
    service.function = lost
    assert called("run_udf_externally", cube).bands.values.tolist() == ["B04", "B08", "SCL"]


def test_whole_cubes_that_are_too_large(called: Run, service: Service) -> None:
    large = xr.DataArray(np.zeros((1100, 1000)), dims=("y", "x"))
    with pytest.raises(ProcessGraphComplexity, match="can get 8 MB, not the 8 MB"):
        called("run_udf_externally", large)
    assert not service.requests


def test_plain_values(called: Run, service: Service) -> None:
    service.function = on_cubes(lambda cube: cube + 1)
    assert called("run_udf_externally", 3) == 4
    assert called("run_udf_externally", [1, 2.5, None]) == [2, 3.5, None]

    def length(data: Any) -> None:
        (given,) = data.get_structured_data_list()
        assert (given.type, given.description) == ("str", "str")
        data.set_structured_data_list([StructuredData({"length": len(given.data)})])

    service.function = length
    assert called("run_udf_externally", "four") == {"length": 4}
    service.pages["/udf"] = {"datacubes": [{"data": 2**60 + 1, "dimensions": []}]}
    assert called("run_udf_externally", 1) == 2**60 + 1, "whole numbers stay such"
    service.pages["/udf"] = {}
    with pytest.raises(ProcessParameterInvalid, match="it returned nothing"):
        called("run_udf_externally", 1)


def test_vector_cubes(called: Run, service: Service) -> None:
    shapes = [shapely.Point(1, 2), None, shapely.box(0, 0, 1, 1)]
    table = np.array([[0.1, 4.0], [2.0, 5.0], [3.0, np.nan]], "f4")
    cube = make_vector_cube(
        shapes, 32632, data=table, dims=("geometry", "properties"), coords={"properties": ["a", "b"]}
    )
    same = called("run_udf_externally", cube)
    xr.testing.assert_identical(same.drop_attrs(), cube.astype(float).drop_attrs())
    (sent,) = service.got
    assert sent["proj"] == {"EPSG": 32632}
    (collection,) = sent["feature_collection_list"]
    assert [one["geometry"] and one["geometry"]["type"] for one in collection["data"]["features"]] == [
        "Point",
        None,
        "Polygon",
    ]
    assert collection["data"]["features"][2]["properties"] == {"a": 3.0, "b": None}

    service.function = on_cubes(lambda cube: cube.isel(geometry=[2, 0]) * 2)
    picked = called("run_udf_externally", cube)
    assert list(picked.geometry.values) == [shapes[2], shapes[0]]
    np.testing.assert_allclose(picked, table[[2, 0]] * 2)
    assert dimension_of(picked, "geometry") == Dimension("geometry", "geometry", reference_system=32632)

    def columns(data: Any) -> None:
        frame = data.get_feature_collection_list()[0].data.iloc[[0, 2]]
        frame = frame.assign(size=frame.area, geometry=frame.buffer(1))[["size", "geometry"]]
        data.set_feature_collection_list([FeatureCollection("x", frame)])
        data.set_datacube_list(None)
        data.proj = {"EPSG": 3035}

    service.function = columns
    grown = called("run_udf_externally", cube)
    assert grown.properties.values.tolist() == ["size"]
    assert grown.values.tolist() == [[0.0], [1.0]]
    assert [shape.geom_type for shape in grown.geometry.values] == ["Polygon", "Polygon"]
    assert dimension_of(grown, "geometry").reference_system == 3035


def test_properties_of_features(called: Run, service: Service) -> None:
    members = [{"id": "a", "properties": {"name": "one"}}, {"id": "b", "properties": {"n": [1]}}]
    series = make_vector_cube(
        [shapely.Point(1, 2), shapely.Point(3, 4)],
        data=np.arange(6.0).reshape(3, 2),
        dims=("t", "geometry"),
        coords={"t": ["x", "y", "z"]},
        dimensions=[Dimension("t", "other")],
        features=members,
    )
    service.function = on_cubes(lambda cube: cube.mean("t").isel(geometry=[1, 0]))
    reduced = called("run_udf_externally", series)
    assert reduced.values.tolist() == [3.0, 2.0]
    assert features_of(reduced) == [members[1], members[0]]
    assert service.got[0]["proj"] == {"EPSG": 4326}


# What can go wrong.


def _cube(**changes: Any) -> dict[str, Any]:
    return {"datacubes": [{"data": [1], "dimensions": [{"name": "t"}], **changes}]}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (404, "the service at 127.0.0.1 answers with status 404"),
        (503, "status 503"),
        ((307, "http://127.0.0.1:1/secret"), r"redirects \(status 307\)"),
        ("<html>", "gives what can't be read: it is not JSON"),
        ([], "it must be an object"),
        ({"datacubes": {}}, "'datacubes' must be an array"),
        ({"datacubes": [1]}, "must be an object with 'data'"),
        ({"structured_data_list": [{}]}, "must be an object with 'data'"),
        (_cube(dimensions=[{}]), "must be an object with 'name'"),
        (_cube(dimensions=[{"name": 1}]), "must have names"),
        (_cube(dimensions=[{"name": "t"}, {"name": "t"}]), "each another one"),
        (_cube(dimensions=[{"name": "t"}, {"name": "u"}]), "2 dimensions, but its values have 1"),
        (_cube(dimensions=[{"name": "t", "coordinates": [1, 2]}]), "as many coordinates as values"),
        (_cube(dimensions=[{"name": "t", "coordinates": [None]}]), "must be texts or numbers"),
        (_cube(data=[[1], [2, 3]]), "arrays of equal length"),
        (_cube(data=["1.5"]), "must be numbers"),
        (_cube(data=[None, "1.5"]), "must be numbers"),
        (_cube(data={"a": 1}), "must be numbers"),
        ({"feature_collection_list": [{"data": {"type": "x"}}]}, "GeoJSON is needed"),
        ({"datacubes": [_cube()["datacubes"][0]] * 2}, "must return one data cube, not 2"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_answers(called: Run, service: Service, answer: Any, reason: str) -> None:
    service.pages["/udf"] = answer
    cube = xr.DataArray([1.0], dims=("t",))
    with pytest.raises(ProcessParameterInvalid, match=reason) as raised:
        called("run_udf_externally", cube, path="/udf?key=secret")
    assert "Argument 'url' of process 'run_udf_externally'" in raised.value.message
    assert "secret" not in raised.value.message
    assert len(service.requests) == 1, "it is not asked again"


@pytest.mark.parametrize(
    ("process_id", "function", "reason"),
    [
        ("apply", lambda cube: cube.isel(x=0), "is expected"),
        ("reduce_dimension", lambda cube: cube, "must reduce dimension 't' to one value, but returned 4"),
    ],
)
def test_wrong_sizes_of_blocks(
    called: Run, service: Service, cube: xr.DataArray, process_id: str, function: Any, reason: str
) -> None:
    service.function = on_cubes(function)
    along = {} if process_id == "apply" else {"dimension": "t"}
    with pytest.raises(ProcessParameterInvalid, match=reason) as raised:
        called(process_id, cube, **along)
    assert "Argument 'url' of process 'run_udf_externally'" in raised.value.message


def test_lengths_that_depend_on_values(called: Run, service: Service, cube: xr.DataArray) -> None:
    service.function = on_cubes(lambda cube: cube if float(cube.max()) < 2 else cube[:2])
    result = called("apply_dimension", cube, dimension="t")
    with pytest.raises(ProcessParameterInvalid, match="2 values along 't' for a block, where 4") as raised:
        result.compute()
    assert "Argument 'url' of process 'run_udf_externally'" in raised.value.message


class Answers:
    """A way to services on which anything may come back."""

    def __init__(self, answer: Fetched | Exception) -> None:
        self._answer = answer
        self.timeouts: list[float] = []

    def post(self, url: str, body: bytes, *, timeout: float, max_bytes: int) -> Fetched:
        self.timeouts.append(timeout)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_messages_of_services_are_told(environment: Environment, cube: xr.DataArray) -> None:
    said = Answers(Fetched("", 400, {}, b'{"code": "Odd", "message": "no such sensor"}'))
    world = replace(environment, udf_services=said)
    with pytest.raises(ProcessParameterInvalid, match=r"a\.example answers with status 400: no such sensor"):
        evaluate(node("https://a.example/", "data"), {"data": 1}, environment=world)
    assert said.timeouts == [world.udf.timeout]


@pytest.mark.parametrize(
    ("status", "definite"), [(400, False), (422, False), (500, False), (404, True), (401, True)]
)
def test_made_up_values_may_be_refused(
    environment: Environment, cube: xr.DataArray, status: int, definite: bool
) -> None:
    """As real ones may do; but nobody needs values to find out that there is no service."""
    world = replace(environment, udf_services=Answers(Fetched("", status, {}, b"")))
    child = {"process_graph": node("https://a.example/", "x")}
    given = {"data": {"from_parameter": "cube"}, "process": child}
    graph = {"apply": {"process_id": "apply", "arguments": given, "result": True}}
    if not definite:
        lazy = evaluate(graph, {"cube": cube}, environment=world)
        with pytest.raises(ProcessParameterInvalid, match=f"status {status}"):
            lazy.compute()
        return
    with pytest.raises(ProcessParameterInvalid, match=f"status {status}"):
        evaluate(graph, {"cube": cube}, environment=world)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9/a?key=secret", "address of 127.0.0.1 is not allowed"),
        ("http://me:secret@example.org/a", "user name or password are not allowed"),
    ],
)
def test_addresses_that_are_not_allowed(environment: Environment, url: str, reason: str) -> None:
    world = replace(environment, udf_services=GuardedServices(private=False))
    with pytest.raises(ProcessParameterInvalid, match=reason) as raised:
        evaluate(node(url, "data"), {"data": 1}, environment=world)
    assert "secret" not in raised.value.message


def test_urls_that_no_graph_may_have(environment: Environment) -> None:
    world = replace(environment, udf_services=GuardedServices(private=False))
    with pytest.raises(ProcessParameterInvalid, match="the service can't be used: the URL is malformed"):
        run_udf_externally(1, "http://[secret", environment=world)


def test_services_that_are_not_there(
    world: Environment, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "DEADLINE", 0.5)
    service.close()
    with pytest.raises(ProcessParameterInvalid, match=r"can't be used: 127\.0\.0\.1 cannot be reached"):
        evaluate(node(f"{service.url}/udf", "data"), {"data": 1}, environment=world)


def test_another_attempt_where_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    outcomes: list[Any] = [FetchFailed("not there", passing=True), Fetched("", 200, {}, b"{}")]

    def post(*_: Any) -> Fetched:
        outcome: Fetched | Exception = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr("connexeo.fetch.GuardedClient.post", post)
    assert GuardedServices(private=False).post("http://a.example", b"", timeout=1, max_bytes=9).status == 200
    assert not outcomes


def test_context_must_be_plain(called: Run, world: Environment, service: Service, cube: xr.DataArray) -> None:
    graph = node(f"{service.url}/udf", "data", context={"from_parameter": "cube"})
    with pytest.raises(ProcessParameterInvalid, match="plain values"):
        evaluate(graph, {"data": 1, "cube": cube}, environment=world)
    with pytest.raises(ProcessParameterInvalid, match="can't be sent as JSON"):
        called("run_udf_externally", {"huge": 2**70})
    assert not service.requests


@pytest.mark.parametrize("data", [1, make_cube(xr.DataArray([1.0], dims=("t",)), [])], ids=["plain", "cube"])
def test_nothing_is_sent_without_services(environment: Environment, data: Any) -> None:
    with pytest.raises(FeatureUnsupported, match="No data is sent to URLs"):
        evaluate(node("https://a.example/udf", "data"), {"data": data}, environment=environment)
