"""How long it takes to parse, validate and compile process graphs, by their number of nodes.

`chain`: `add(x, 1)` of the node before; `doubling`: `add(prev, prev)`, which doubles the work of those who copy what
they refer to; `wide`: nodes that one node sums up; `callbacks`: `apply` of a callback of three nodes, one after the
other; `faulty`: a chain whose last node has a fault, which is looked for and explained. Peers are `json.loads` of the
same text, the least that anybody needs, and openeo_pg_parser_networkx if it is installed (parsing only).

    cd tests && python -m bench.graphs [--rounds 7] [--peer PYTHON]

`--peer` is the Python of an environment with openeo_pg_parser_networkx, which need not be ours.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from connexeo.processing.compilation import compile_graph
from connexeo.processing.environment import Environment
from connexeo.processing.validation import validate

Graph = dict[str, Any]

LIMIT = 0.05
"""Seconds for 1,000 nodes, parsed and validated."""
LINEAR = 15.0
"""Times that ten times as many nodes may take."""

_PEER = """
import sys, time, json
from openeo_pg_parser_networkx import OpenEOProcessGraph
text = sys.stdin.read()
started = time.perf_counter()
OpenEOProcessGraph.from_json(text)
print(time.perf_counter() - started)
"""


def node(process_id: str, **arguments: Any) -> Graph:
    """A node that is not the result."""
    return {"process_id": process_id, "arguments": arguments}


def chain(size: int) -> Graph:
    """Each node adds 1 to the one before."""
    return _chained(size, lambda before: node("add", x=before, y=1))


def doubling(size: int) -> Graph:
    """Each node adds the one before to itself."""
    return _chained(size, lambda before: node("add", x=before, y=before))


def wide(size: int) -> Graph:
    """Nodes that know nothing of each other, and one that knows all."""
    graph = {f"n{number}": node("add", x=number, y=1) for number in range(size - 1)}
    graph["sum"] = {**node("sum", data=[{"from_node": name} for name in graph]), "result": True}
    return graph


def callbacks(size: int) -> Graph:
    """A quarter of the nodes call, three quarters are in callbacks."""
    x = {"from_parameter": "x"}
    inner = {"a": node("multiply", x=x, y=2), "b": node("add", x={"from_node": "a"}, y=x)}
    inner["c"] = {**node("sqrt", x={"from_node": "b"}), "result": True}
    load = node("load_collection", id="s2", spatial_extent=None, temporal_extent=None)
    graph: Graph = {"n0": load}
    for number in range(1, size // 4):
        before = {"from_node": f"n{number - 1}"}
        graph[f"n{number}"] = node("apply", data=before, process={"process_graph": inner})
    graph[f"n{size // 4 - 1}"]["result"] = True
    return graph


def faulty(size: int) -> Graph:
    """A chain whose last node gets a text where a number is needed."""
    graph = chain(size)
    graph[f"n{size - 1}"]["arguments"]["y"] = "one"
    return graph


def _chained(size: int, step: Callable[[Graph], Graph]) -> Graph:
    graph: Graph = {"n0": node("add", x=1, y=1)}
    for number in range(1, size):
        graph[f"n{number}"] = step({"from_node": f"n{number - 1}"})
    graph[f"n{size - 1}"]["result"] = True
    return graph


SHAPES: dict[str, Callable[[int], Graph]] = {
    "chain": chain,
    "doubling": doubling,
    "wide": wide,
    "callbacks": callbacks,
    "faulty": faulty,
}


def best(function: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Least and median seconds of the processor, which other programs of the machine cannot take away."""
    times = []
    for _ in range(rounds):
        gc.collect()
        gc.freeze()  # what lies around is not to be looked through again; both as web workers have it
        gc.set_threshold(20_000, 20, 20)
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return min(times), statistics.median(times)


def measure(graph: Graph, rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds for each way to read a graph: `json`, `validate` with parsing, `compile` of what is validated."""
    text, world = json.dumps({"process_graph": graph}), Environment()

    def read() -> None:
        validate(json.loads(text), definitions=world.definitions)

    read()  # prepares the definitions
    measured = {"json": best(lambda: json.loads(text), rounds), "validate": best(read, rounds)}
    if not validate(json.loads(text), definitions=world.definitions):
        measured["compile"] = best(lambda: compile_graph(graph, world), rounds)
    return measured


def ask_peer(python: str, graph: Graph, patience: float = 60) -> float | None:
    """Seconds in which openeo_pg_parser_networkx parses a graph; None: it failed, infinite: it took too long."""
    text = json.dumps({"process_graph": graph})
    try:
        done = subprocess.run(
            [python, "-c", _PEER], input=text, capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        return float("inf")
    return float(done.stdout) if done.returncode == 0 else None


def main() -> None:
    """Measure, print a table, and fail if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peer", default=sys.executable, help="Python with openeo_pg_parser_networkx")
    options = parser.parse_args()
    print(f"{'graph':10} {'nodes':>6} {'json':>9} {'validate':>9} {'compile':>9} {'peer':>9}   least ms")
    failures = []
    for name, make in SHAPES.items():
        seconds: dict[int, float] = {}
        for size in (1_000, 10_000):
            graph = make(size)
            measured = measure(graph, options.rounds)
            seconds[size] = measured["validate"][0]
            peer = ask_peer(options.peer, make(17 if name == "doubling" else size)) if size == 1_000 else None
            cells = [measured[key][0] if key in measured else None for key in ("json", "validate", "compile")]
            shown = " ".join("        –" if one is None else f"{one * 1e3:9.1f}" for one in [*cells, peer])
            print(f"{name:10} {size:6} {shown}{'  (17 nodes)' if name == 'doubling' and peer else ''}")
        ratio = seconds[10_000] / seconds[1_000]
        print(f"{'':10} 10,000 nodes take {ratio:.1f} times as long")
        if seconds[1_000] > LIMIT:
            failures.append(f"{name}: {seconds[1_000] * 1e3:.0f} ms for 1,000 nodes")
        if ratio > LINEAR:
            failures.append(f"{name}: not linear, {ratio:.1f}")
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
