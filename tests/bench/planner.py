"""What planning saves: pushdown, map tiles on their own pixels, and plans instead of computations.

Over the demo collection, in one process; medians of several rounds. `--calibrate` prints the speeds that
`connexeo.processing.planning.costs` is made of.

    cd tests && python -m bench.planner [--rounds 5] [--demo FOLDER] [--calibrate]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from connexeo.drivers.local.demo import write_demo
from connexeo.drivers.local.environment import Sources, make_environment
from connexeo.processing.environment import Environment, Window
from connexeo.processing.evaluation import evaluate
from connexeo.processing.formats import write_results
from connexeo.processing.planning.planner import plan
from connexeo.processing.result import Result

Json = dict[str, Any]

YEAR = ["2024-01-01", "2025-01-01"]
DAY = ["2024-06-01", "2024-06-10"]
BOX = {"west": 10.66, "south": 47.56, "east": 10.68, "north": 47.575}
TILE = (1186200.0, 6035400.0, 1188646.0, 6037846.0)
"""A tile of zoom 14 in Web Mercator, about."""


def node(process_id: str, **arguments: Any) -> Json:
    return {"process_id": process_id, "arguments": arguments}


def from_node(id: str) -> Json:
    return {"from_node": id}


def ndvi(interval: list[str], *, filters: bool) -> Json:
    """The median NDVI; with filters, all is loaded and then dropped."""
    load = node(
        "load_collection",
        id="sentinel-2-l2a-demo",
        spatial_extent=None,
        temporal_extent=None if filters else interval,
        bands=None if filters else ["B04", "B08"],
    )
    graph = {"load": load}
    if filters:
        graph["when"] = node("filter_temporal", data=from_node("load"), extent=interval)
        graph["where"] = node("filter_bbox", data=from_node("when"), extent=BOX)
    data = {"from_parameter": "data"}
    last = list(graph)[-1]
    index = {
        "nir": node("array_element", data=data, label="B08"),
        "red": node("array_element", data=data, label="B04"),
        "index": node("normalized_difference", x=from_node("nir"), y=from_node("red")) | {"result": True},
    }
    median = {"median": node("median", data=data) | {"result": True}}
    graph["ndvi"] = node(
        "reduce_dimension", data=from_node(last), dimension="bands", reducer={"process_graph": index}
    )
    graph["median"] = node(
        "reduce_dimension", data=from_node("ndvi"), dimension="t", reducer={"process_graph": median}
    ) | {"result": True}
    return graph


def milliseconds(function: Callable[[], Any], rounds: int) -> float:
    """The median, after a first time that does not count."""
    function()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def compute(graph: Json, environment: Environment) -> Any:
    """The values."""
    return np.asarray(evaluate(graph, environment=environment).values)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--demo", type=Path, help="folder for the demo collections, kept afterwards")
    parser.add_argument("--calibrate", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        demo = options.demo or Path(scratch) / "demo"
        write_demo(demo)
        world = make_environment(Sources(catalogues=(str(demo),)), log=lambda entry: None)
        if options.calibrate:
            calibrate(world, Path(scratch), options.rounds)
            return
        report(world, options.rounds)


def report(world: Environment, rounds: int) -> None:
    """Milliseconds of each case, and how many times faster it is than its counterpart."""
    whole = replace(world, pushdown=False)
    tile = replace(world, window=Window(TILE, "EPSG:3857", 256, 256))
    filtered = ndvi(YEAR, filters=True)
    print(f"{'ms':34}{'with':>9}{'without':>9}{'ratio':>7}")
    for name, graph, one, other in (
        ("pushdown, 12 dates, a box", filtered, world, whole),
        ("pushdown, 1 date, a box", ndvi(DAY, filters=True), world, whole),
        ("tile of 256 pixels, 1 date", ndvi(DAY, filters=False), tile, world),
        ("tile of 256 pixels, 12 dates", ndvi(YEAR, filters=False), tile, world),
    ):
        first = milliseconds(lambda graph=graph, one=one: compute(graph, one), rounds)  # type: ignore[misc]
        second = milliseconds(lambda graph=graph, other=other: compute(graph, other), rounds)  # type: ignore[misc]
        print(f"{name:34}{first:9.1f}{second:9.1f}{second / first:7.1f}")
    planned = milliseconds(lambda: plan(filtered, world), rounds)
    print(f"{'plan, 12 dates, a box':34}{planned:9.1f}")


def calibrate(world: Environment, folder: Path, rounds: int) -> None:
    """Seconds per million values on all cores: read, computed, written; and what plans say."""
    load = {"load": ndvi(YEAR, filters=False)["load"] | {"result": True}}
    median = ndvi(YEAR, filters=False)
    values = compute(load, world)
    read = milliseconds(lambda: compute(load, world), rounds) / 1000
    both = milliseconds(lambda: compute(median, world), rounds) / 1000
    cube = evaluate(load, environment=world)
    image = cube.isel(t=0).copy(data=values[0])
    options = {"time_as_bands": None}
    written = milliseconds(lambda: write_results([Result(image, "GTiff", options)], folder), rounds) / 1000
    planned = plan(median, world)
    millions = planned.pixels / 1e6
    print(f"read {read / millions:.4f} s, steps {(both - read) / millions:.4f} s of each million values read")
    print(f"write {written / (image.size / 1e6):.4f} s of each million values written")
    print(f"median NDVI: {both:.2f} s; the plan says {planned.least_seconds:.2f} to {planned.seconds:.2f} s")


if __name__ == "__main__":
    main()
