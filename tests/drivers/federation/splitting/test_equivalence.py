"""Parts that are run one after the other give the pixels and dimensions that the whole process gives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio

from connexeo.drivers.federation.splitting.plan import filled, split
from graphs import load, save
from served import Server

Graph = dict[str, Any]

BOX = {"west": 9, "south": 44, "east": 14, "north": 50}
MEAN = {
    "process_graph": {
        "mean": {
            "process_id": "mean",
            "arguments": {"data": {"from_parameter": "data"}},
            "result": True,
        }
    }
}
ADD = {
    "process_graph": {
        "add": {
            "process_id": "add",
            "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "y"}},
            "result": True,
        }
    }
}
CLIMATE = {
    "process_id": "load_collection",
    "arguments": {
        "id": "climate-monthly-demo",
        "spatial_extent": BOX,
        "temporal_extent": ["2024-06-01", "2024-08-01"],
        "bands": ["t2m"],
    },
}


def abilities(process_graph: Any) -> Mapping[str, str]:
    """Each of two back-ends has one of the demo collections."""
    homes = {"sentinel-2-l2a-demo": "alps", "climate-monthly-demo": "coast"}
    home = {homes.get(node["arguments"].get("id", "")) for node in process_graph.values()}
    return {each: "" if home <= {None, each} else "no collection" for each in ("alps", "coast")}


def step(process_id: str, node: str, **arguments: Any) -> Graph:
    return {"process_id": process_id, "arguments": {"data": {"from_node": node}, **arguments}}


def joined(sentinel: str, climate: str, **further: Graph) -> Graph:
    to_grid = {"resolution": 0.001, "projection": 4326}
    cubes = {"cube1": {"from_node": "g1"}, "cube2": {"from_node": "g2"}, "overlap_resolver": ADD}
    return {
        "s": load(bands=["B04", "B08"]),
        "c": CLIMATE,
        **further,
        "g1": step("resample_spatial", sentinel, **to_grid),
        "g2": step("resample_spatial", climate, **to_grid),
        "j": {"process_id": "merge_cubes", "arguments": cubes},
        "save": save("j"),
    }


GRAPHS = {
    "dates stay": joined("s", "c"),
    "dates are reduced": joined(
        "sm",
        "cm",
        sm=step("reduce_dimension", "s", dimension="t", reducer=MEAN),
        cm=step("reduce_dimension", "c", dimension="t", reducer=MEAN),
    ),
    "dates and bands are reduced": joined(
        "sm",
        "cb",
        nd=step("ndvi", "s"),
        sm=step("reduce_dimension", "nd", dimension="t", reducer=MEAN),
        cm=step("reduce_dimension", "c", dimension="t", reducer=MEAN),
        cb=step("reduce_dimension", "cm", dimension="bands", reducer=MEAN),
    ),
}


@pytest.fixture
def client(demo_server: Server, token_of: Callable[..., str]) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {token_of(demo_server)}"}
    with httpx.Client(base_url=demo_server.url, headers=headers, timeout=60) as client:
        yield client


def results_of(client: httpx.Client, graph: Graph) -> dict[str, Any]:
    answer = client.post("/jobs", json={"process": {"process_graph": graph}})
    answer.raise_for_status()
    job = f"/jobs/{answer.headers['openeo-identifier']}"
    client.post(f"{job}/results").raise_for_status()
    end = time.monotonic() + 120
    while (status := client.get(job).json()["status"]) in ("queued", "running"):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert status == "finished", client.get(f"{job}/logs").text
    document: dict[str, Any] = client.get(f"{job}/results").json()
    return document


def pixels_of(results: Mapping[str, Any]) -> dict[str, tuple[Any, Any, Any]]:
    """File by name: values, band names and place."""
    found = {}
    for name, asset in results["assets"].items():
        content = httpx.get(asset["href"], timeout=60).content
        with rasterio.MemoryFile(content) as file, file.open() as dataset:
            found[name] = (dataset.read(), dataset.descriptions, dataset.transform)
    return found


@pytest.mark.parametrize("name", GRAPHS)
def test_parts_give_what_the_whole_gives(client: httpx.Client, name: str) -> None:
    plan = split(GRAPHS[name], abilities)
    assert len(plan.parts) == 2
    addresses: dict[str, str] = {}
    for part in plan.parts:
        parted = results_of(client, filled(part, addresses))
        signed = [link["href"] for link in parted["links"] if link["rel"] == "canonical"]
        addresses[part.name] = signed[0]
    whole = pixels_of(results_of(client, GRAPHS[name]))
    parts = pixels_of(parted)
    assert parts.keys() == whole.keys()
    for file, (values, bands, place) in whole.items():
        np.testing.assert_allclose(parts[file][0], values)
        assert parts[file][1:] == (bands, place)
