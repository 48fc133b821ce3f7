"""The short way through validation must never say yes where the long way finds a fault."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connexeo.processing.acceptance import is_plainly_valid
from connexeo.processing.definitions import ANYTHING, default_definitions
from connexeo.processing.graph import check_depth
from connexeo.processing.validation import _Check, validate

NDVI = {
    "nir": {"process_id": "array_element", "arguments": {"data": {"from_parameter": "data"}, "label": "B08"}},
    "red": {"process_id": "array_element", "arguments": {"data": {"from_parameter": "data"}, "label": "B04"}},
    "ndvi": {
        "process_id": "normalized_difference",
        "arguments": {"x": {"from_node": "nir"}, "y": {"from_node": "red"}},
        "result": True,
    },
}
GRAPH = {
    "load": {
        "process_id": "load_collection",
        "arguments": {
            "id": "S2",
            "spatial_extent": {"west": 11.0, "south": 46.0, "east": 11.5, "north": 46.5},
            "temporal_extent": ["2024-01-01", "2025-01-01"],
            "bands": ["B04", "B08"],
        },
    },
    "ndvi": {
        "process_id": "reduce_dimension",
        "arguments": {
            "data": {"from_node": "load"},
            "dimension": "bands",
            "reducer": {"process_graph": NDVI},
        },
    },
    "save": {
        "process_id": "save_result",
        "namespace": None,
        "arguments": {"data": {"from_node": "ndvi"}, "format": "GTiff", "options": {}},
        "result": True,
    },
}


def plainly_valid(graph: Any, parameters: tuple[str, ...] = ()) -> bool:
    return is_plainly_valid(graph, dict.fromkeys(parameters, ANYTHING), ANYTHING, default_definitions(), ())


def faults(graph: Any) -> list[Any]:
    """What the long way finds."""
    too_deep = check_depth(graph)
    if too_deep is not None:
        return [too_deep]
    return list(_Check(default_definitions(), {}, []).graph(graph, {}, returns=ANYTHING))


def test_what_users_send_takes_the_short_way() -> None:
    assert plainly_valid(GRAPH)
    assert faults(GRAPH) == []


@pytest.mark.parametrize(
    "graph",
    [
        # Valid, but left to the long way.
        {"b": {"process_id": "add", "arguments": {"x": 1, "y": {"from_node": "a"}}, "result": True},
         "a": {"process_id": "add", "arguments": {"x": 1, "y": 2}}},
        {"a": {"process_id": "mean", "arguments": {"data": [1, {"from_node": "b"}]}, "result": True},
         "b": {"process_id": "pi", "arguments": {}}},
    ],
)  # fmt: skip
def test_what_is_rare_is_left_to_the_long_way(graph: Any) -> None:
    assert not plainly_valid(graph)
    assert validate({"process_graph": graph}, definitions=default_definitions()) == []


def test_user_defined_processes_precede() -> None:
    own = {"add": {"id": "add", "process_graph": {}}}
    graph = {"a": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
    assert plainly_valid(graph)
    assert not is_plainly_valid(graph, {}, ANYTHING, default_definitions(), own)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(p for key, child in children for p in places(child, (*path, key)))]


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=True),
    st.sampled_from(["", "B04", "2024-01-01", "GTiff", "bands", "add", "mean", "load", "data"]),
    st.sampled_from(["load", "ndvi", "nir", "nowhere"]).map(lambda node: {"from_node": node}),
    st.sampled_from(["data", "x", "nowhere"]).map(lambda name: {"from_parameter": name}),
    st.just({"process_graph": NDVI}),
    st.just([1, None, "a", {"from_node": "load"}]),
    st.just({"west": 2, "east": 1, "south": 0, "north": 1}),
    st.just(["2025-01-01", "2024-01-01"]),
    st.just([]),
    st.just({}),
)


@settings(max_examples=400, deadline=None)
@given(data=st.data(), edits=st.integers(1, 3))
def test_yes_means_no_fault(data: st.DataObject, edits: int) -> None:
    graph = copy.deepcopy(GRAPH)
    for _ in range(edits):
        *parents, key = data.draw(st.sampled_from([path for path in places(graph) if path]))
        target: Any = graph
        for parent in parents:
            target = target[parent]
        if data.draw(st.booleans()):
            del target[key]
        else:
            target[key] = copy.deepcopy(data.draw(VALUES))
    if plainly_valid(graph):
        assert faults(graph) == []
