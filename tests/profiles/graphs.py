"""Process graphs for the tests of the profiles."""

from __future__ import annotations

from typing import Any

Graph = dict[str, Any]

COLLECTION = "sentinel-2-l2a-demo"
BOX = {"west": 623000, "south": 5267000, "east": 623500, "north": 5267500, "crs": 32632}
"""50 × 50 pixels."""


def node(process_id: str, /, **arguments: Any) -> Graph:
    """One node."""
    return {"process_id": process_id, "arguments": arguments}


def of(name: str) -> dict[str, str]:
    """A reference to a node."""
    return {"from_node": name}


def with_result(graph: Graph) -> Graph:
    """The graph with its last node as the result."""
    last = list(graph)[-1]
    return {**graph, last: {**graph[last], "result": True}}


def add(x: Any = 1, y: Any = 2, **further: Any) -> Graph:
    """Adds two numbers."""
    return {"add": {**node("add", x=x, y=y), **further, "result": True}}


def load(**arguments: Any) -> Graph:
    """One node that loads a small cube: two bands, one to three dates."""
    given = {"id": COLLECTION, "spatial_extent": BOX, "temporal_extent": ["2024-06-01", "2024-07-01"]}
    return node("load_collection", **{**given, "bands": ["B04", "B08"], **arguments})


def save(name: str, format: str = "GTiff", **options: Any) -> Graph:
    """One node that saves."""
    return node("save_result", data=of(name), format=format, options=options)


def ndvi(format: str = "GTiff", **loading: Any) -> Graph:
    """A vegetation index, saved."""
    return with_result(
        {"load": load(**loading), "ndvi": node("ndvi", data=of("load")), "save": save("ndvi", format)}
    )


def mean_over_time(format: str = "GTiff") -> Graph:
    """The mean of each pixel, by a callback."""
    mean = {"mean": {**node("mean", data={"from_parameter": "data"}), "result": True}}
    reduce = node("reduce_dimension", data=of("load"), dimension="t", reducer={"process_graph": mean})
    return with_result({"load": load(), "reduce": reduce, "save": save("reduce", format)})


def inspecting(**arguments: Any) -> Graph:
    """Adds two numbers, and logs the sum."""
    given = {"data": of("add"), "message": "the sum", "code": "Sum", "level": "warning", **arguments}
    return with_result({"add": node("add", x=1, y=2), "inspect": node("inspect", **given)})


def heavy(steps: int = 400) -> Graph:
    """Minutes of work on all pixels of all dates."""
    child: Graph = {}
    for step in range(steps):
        x = of(f"s{step - 1}") if step else {"from_parameter": "x"}
        child[f"s{step}"] = node("sin", x=x)
    loading = load(spatial_extent=None, temporal_extent=None, bands=None)
    apply = node("apply", data=of("load"), process={"process_graph": with_result(child)})
    return with_result({"load": loading, "apply": apply, "save": save("apply")})


FAULTY: dict[str, tuple[Graph, str]] = {
    "unknown process": ({"spin": {**node("spin"), "result": True}}, "ProcessUnsupported"),
    "missing argument": ({"add": {**node("add", x=1), "result": True}}, "ProcessParameterRequired"),
    "wrong type": (add(x="one"), "ProcessParameterInvalid"),
    "unknown argument": (
        {"add": {**node("add", x=1, y=2, z=3), "result": True}},
        "ProcessParameterUnsupported",
    ),
    "dangling reference": (add(x=of("nowhere")), "ProcessGraphInvalid"),
    "no result": ({"add": node("add", x=1, y=2)}, "ProcessGraphInvalid"),
}
"""Graphs that cannot be valid, and the code of the error."""


def process(graph: Graph, **properties: Any) -> dict[str, Any]:
    """The body of a request with a process."""
    return {"process": {"process_graph": graph}, **properties}
