"""Process graphs over the demo collection, for tests that send them."""

from __future__ import annotations

from typing import Any

COLLECTION = "sentinel-2-l2a-demo"
BOX = {"west": 623000, "south": 5267000, "east": 623500, "north": 5267500, "crs": 32632}
"""50 × 50 pixels."""

Graph = dict[str, Any]


def add(x: Any = 1, y: Any = 1, *, result: bool = True, **further: Any) -> Graph:
    return {"process_id": "add", "arguments": {"x": x, "y": y, **further}, "result": result}


def load(**arguments: Any) -> Graph:
    given = {"id": COLLECTION, "spatial_extent": BOX, "temporal_extent": ["2024-06-01", "2024-07-01"]}
    return {"process_id": "load_collection", "arguments": {**given, "bands": ["B04"], **arguments}}


def save(node: str = "load", format: str = "GTiff", **options: Any) -> Graph:
    arguments = {"data": {"from_node": node}, "format": format, "options": options}
    return {"process_id": "save_result", "arguments": arguments, "result": True}


def loading(**arguments: Any) -> Graph:
    return {"load": load(**arguments), "save": save()}


def boxed(**edges: Any) -> Graph:
    return loading(spatial_extent={**BOX, **edges})


def applied(child: Graph) -> Graph:
    arguments = {"data": {"from_node": "load"}, "process": {"process_graph": child}}
    return {"load": load(), "apply": {"process_id": "apply", "arguments": arguments}, "save": save("apply")}


def heavy(steps: int = 300) -> Graph:
    """Minutes of work on all pixels of all dates, when there are enough steps."""
    child: Graph = {}
    for step in range(steps):
        x = {"from_node": f"s{step - 1}"} if step else {"from_parameter": "x"}
        child[f"s{step}"] = {"process_id": "sin", "arguments": {"x": x}, "result": step == steps - 1}
    graph = applied(child)
    del graph["load"]["arguments"]["bands"]
    graph["load"]["arguments"] |= {"spatial_extent": None, "temporal_extent": None}
    mean = {"m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
    reducing = {"data": {"from_node": "apply"}, "dimension": "t", "reducer": {"process_graph": mean}}
    graph["mean"] = {"process_id": "reduce_dimension", "arguments": reducing}
    return {**graph, "save": save("mean")}


def chain(length: int) -> Graph:
    graph = {"n0": add(result=False)}
    for i in range(1, length):
        graph[f"n{i}"] = add(x={"from_node": f"n{i - 1}"}, result=i == length - 1)
    return graph
