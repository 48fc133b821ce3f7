"""What is read from a process before anybody runs it."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.federation.routing.needs import needs_of
from connexeo.generated.errors import ProcessGraphMissing
from connexeo.processing.calls import Call

URLS = {"alps": "https://alps.example/v1", "coast": "https://coast.example/openeo"}


def node(process_id: str, *, namespace: str | None = None, **arguments: Any) -> dict[str, Any]:
    given = {"process_id": process_id, "arguments": arguments}
    return given if namespace is None else {**given, "namespace": namespace}


def test_processes_are_found_with_their_arguments_in_callbacks_too() -> None:
    inner = {"process_graph": {"m": node("mean", data={"from_parameter": "data"}, ignore_nodata=True)}}
    properties = {"cloud": {"process_graph": {"l": node("lte", x=1, y=2)}}}
    graph = {
        "load": node("load_collection", id="A", properties=properties),
        "again": node("mean", data=[1]),
        "reduce": node("reduce_dimension", namespace="backend", reducer=inner),
    }
    needs = needs_of({"process_graph": graph}, URLS)
    assert needs.processes == {
        Call("load_collection", None): {"id", "properties"},
        Call("mean", None): {"data", "ignore_nodata"},
        Call("lte", None): {"x", "y"},
        Call("reduce_dimension", "backend"): {"reducer"},
    }
    assert needs_of(graph, URLS) == needs


def test_collections_are_found_with_the_bands_that_are_asked_for() -> None:
    graph = {
        "a": node("load_collection", id="A", bands=["B1", "B2"]),
        "b": node("load_collection", id="A", bands=["B3", {"from_parameter": "band"}]),
        "c": node("load_collection", id="C", bands=None),
        "d": node("load_collection", id={"from_parameter": "which"}),
    }
    assert needs_of(graph, URLS).collections == {"A": {"B1", "B2", "B3"}, "C": set()}


def test_defaults_of_parameters_count() -> None:
    process = {
        "parameters": [
            {"name": "which", "default": "A"},
            {"name": "format", "default": "GTiff"},
            {"name": "band", "default": "B1"},
            {"name": "open", "optional": True},
            "not a parameter",
        ],
        "process_graph": {
            "a": node("load_collection", id={"from_parameter": "which"}, bands=[{"from_parameter": "band"}]),
            "b": node("load_collection", id={"from_parameter": "open"}),
            "c": node("save_result", format={"from_parameter": "format"}),
        },
    }
    needs = needs_of(process, URLS)
    assert needs.collections == {"A": {"B1"}}
    assert needs.outputs == {"gtiff": set()}


def test_formats_are_found_whatever_their_case_with_their_options() -> None:
    graph = {
        "a": node("save_result", format="GTiff", options={"tiled": True}),
        "b": node("save_result", format="gtiff", options={"overviews": True}),
        "c": node("save_result", format="netCDF", options={"from_parameter": "options"}),
        "d": node("load_uploaded_files", paths=[], format="GeoJSON", options={"crs": 4326}),
        "e": node("load_url", url="https://x.example/a", format="Parquet", options={"columns": []}),
    }
    needs = needs_of(graph, URLS)
    assert needs.outputs == {"gtiff": {"tiled", "overviews"}, "netcdf": set()}
    assert needs.inputs == {"geojson": {"crs"}, "parquet": {"columns"}}


def test_runtimes_are_found_with_their_versions() -> None:
    graph = {
        "a": node("run_udf", runtime="Python", version="3.12", udf="import numpy\n"),
        "b": node("run_udf", runtime="R", version=None, udf="x\n"),
        "c": node("run_udf", runtime={"from_parameter": "runtime"}, udf="x\n"),
    }
    assert needs_of(graph, URLS).runtimes == {("Python", "3.12"), ("R", None)}


def test_processes_of_other_namespaces_only_have_names() -> None:
    graph = {"a": node("load_collection", namespace="https://else.example/p", id="A")}
    needs = needs_of(graph, URLS)
    assert needs.collections == {}
    assert set(needs.processes) == {Call("load_collection", "https://else.example/p")}


@pytest.mark.parametrize(
    "graph",
    [
        {"a": 5, "b": {}, "c": None},
        {"a": {"process_id": "load_collection", "arguments": None}},
        {"a": {"process_id": 5, "arguments": {"id": "A"}}},
        {"a": {"process_id": "save_result", "arguments": {"format": 5, "options": []}}},
        {"a": {"process_id": "load_uploaded_files", "arguments": {"paths": {"x": 1}, "format": []}}},
        {"a": {"process_id": "load_stac", "arguments": {"url": "http://[broken"}}},
    ],
)
def test_what_is_not_valid_does_no_harm(graph: Any) -> None:
    needs = needs_of({"process_graph": graph}, URLS)
    assert not needs.collections
    assert not needs.outputs
    assert not needs.references


def test_what_is_no_process_is_said_to_be_none() -> None:
    with pytest.raises(ProcessGraphMissing):
        needs_of({"title": "nothing"}, URLS)
