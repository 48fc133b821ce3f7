"""Validation of what a graph wants from outside."""

import subprocess
import sys
from typing import Any

import pytest

from connexeo.processing.definitions import Definitions
from connexeo.processing.graph import MAX_FAULTS
from connexeo.processing.resources import KnownCollection, collections_of, nodes_to_check, resource_faults

Json = dict[str, Any]

BANDS = {
    name: {"type": "image/tiff", "roles": ["data"], "eo:bands": [{"name": name, "common_name": common}]}
    for name, common in (("B04", "red"), ("B08", "nir"))
}
COLLECTIONS = {
    "scenes": KnownCollection.from_stac({"id": "scenes", "item_assets": BANDS}),
    "bare": KnownCollection.from_stac({"id": "bare"}),
    "gone": None,
}


def node(process_id: str, **arguments: Any) -> Json:
    return {"process_id": process_id, "arguments": arguments}


def load(id: Any = "scenes", extent: Any = None, **more: Any) -> Json:
    return node("load_collection", id=id, spatial_extent=extent, temporal_extent=None, **more)


def faults(process: Any, definitions: Definitions, user_processes: Any = None) -> list[tuple[str, str]]:
    found = resource_faults(
        nodes_to_check(process),
        definitions=definitions,
        user_processes=user_processes or {},
        collections=COLLECTIONS,
    )
    return [(fault.code, fault.message) for fault in found]


@pytest.mark.parametrize(
    ("one", "code", "words"),
    [
        (load("gone"), "CollectionNotFound", "gone"),
        (load(bands=["B04", "B99"]), "ProcessParameterInvalid", "B04 (red), B08 (nir)"),
        (node("save_result", data={"from_node": "a"}, format="ODT"), "ProcessParameterInvalid", "GTiff"),
        (
            node("save_result", data={"from_node": "a"}, format="png", options={"colour": "red"}),
            "ProcessParameterInvalid",
            "colour",
        ),
    ],
)
def test_faults_name_the_node(one: Json, code: str, words: str, definitions: Definitions) -> None:
    ((found, message),) = faults({"process_graph": {"the node": one}}, definitions)
    assert found == code
    assert words in message
    assert message.endswith("(node 'the node').")


@pytest.mark.parametrize(
    "one",
    [
        load(bands=["red", "B08"]),
        load("bare", bands=["anything"]),
        load("elsewhere", bands=["anything"]),
        load({"from_parameter": "id"}, bands={"from_parameter": "bands"}),
        load(bands=[{"from_parameter": "band"}]),
        node("save_result", data=1, format="gtiff"),
        node("save_result", data=1, format="PNG", options={"colour": {"from_parameter": "colour"}}),
        node("save_result", data=1, format={"from_parameter": "format"}),
        {"process_id": "load_collection", "arguments": 3},
        {"process_id": ["load_collection"], "arguments": {}},
        7,
    ],
)
def test_what_is_right_or_not_known_is_no_fault(one: Json, definitions: Definitions) -> None:
    assert faults({"process_graph": {"a": one}}, definitions) == []


@pytest.mark.parametrize("process", [None, 3, {}, {"process_graph": 3}, [], {"process_graph": None}])
def test_processes_without_a_graph_are_left_to_validation(process: Any, definitions: Definitions) -> None:
    assert faults(process, definitions) == []
    assert nodes_to_check(process) == []


def test_child_process_graphs_are_checked_too(definitions: Definitions) -> None:
    inner = {"process_graph": {"inner": load("gone")}}
    outer = {
        "a": node("apply", data=1, process=inner),
        "b": load(properties={"cloud": {"process_graph": {"deep": load("gone")}}}),
    }
    found = {message.rpartition("node ")[2] for _, message in faults(outer, definitions)}
    assert found == {"'inner').", "'deep')."}
    assert set(collections_of(nodes_to_check(outer))) == {"scenes", "gone"}


def test_user_defined_processes_may_have_the_same_names(definitions: Definitions) -> None:
    graph = {"a": load("gone")}
    assert faults(graph, definitions, {"load_collection": {}}) == []
    assert (
        len(faults({"a": {**load("gone"), "namespace": "backend"}}, definitions, {"load_collection": {}}))
        == 1
    )


def test_there_are_not_more_faults_than_in_validation(definitions: Definitions) -> None:
    assert len(faults({f"n{n}": load("gone") for n in range(500)}, definitions)) == MAX_FAULTS


def test_nothing_heavy_is_loaded() -> None:
    code = (
        "import sys, connexeo.processing.resources;"
        "print([m for m in ('numpy', 'xarray', 'rasterio', 'pyproj', 'dask') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
