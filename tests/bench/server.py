"""Requests per second of the server, as a ratio to a bare Starlette that returns the same bytes in the same run.

Both run as gunicorn with two workers. Rounds alternate between them, and the median ratio counts, so that a busy
machine slows both. Also: seconds from start to the first answer, and memory of a worker.

    cd tests && python -m bench.server [--seconds 2] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.load import Request, requests_per_second

HERE = Path(__file__).parent
WANTED = {
    "GET /": 0.6,
    "GET /collections": 0.6,
    "GET /processes": 0.6,
    "POST /validation": 0.2,
    "POST, no work": 0.45,
}


def main() -> int:
    """Measure, print a table, and fail when a ratio is below what is wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    graph = json.dumps({"process_graph": process_graph()}, separators=(",", ":")).encode()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_collections(folder / "catalogue", 1000)
        ours, seconds, memory = stack.enter_context(serve_ours(folder, "ours"))
        noop, _, _ = stack.enter_context(serve_ours(folder, "noop", handlers="noop"))
        print(f"start to first answer: {seconds:.2f} s; a worker: {memory:.0f} MB resident\n")
        cases = {
            "GET /": (ours, Request("GET", "/")),
            "GET /collections": (ours, Request("GET", "/collections")),
            "GET /processes": (ours, Request("GET", "/processes")),
            "POST /validation": (ours, Request("POST", "/validation", graph)),
            "POST, no work": (noop, Request("POST", "/validation", graph)),
        }
        bare = stack.enter_context(serve_bare(folder, cases))
        return report(cases, bare, options.seconds, options.rounds, len(graph))


def report(cases: dict[str, tuple[int, Request]], bare: int, seconds: float, rounds: int, size: int) -> int:
    """Print the table; 1 when a ratio is too low."""
    print(f"graph of POST: {size} bytes; {rounds} rounds of {seconds} s, 16 connections, 2 workers")
    print(f"{'':18}{'ours/s':>10}{'bare/s':>10}{'ratio':>8}{'wanted':>8}")
    missed = 0
    for name, (port, request) in cases.items():
        requests_per_second(port, request, seconds=0.5)
        requests_per_second(bare, request, seconds=0.5)
        pairs = [
            (
                requests_per_second(port, request, seconds=seconds),
                requests_per_second(bare, request, seconds=seconds),
            )
            for _ in range(rounds)
        ]
        ratio = statistics.median(ours / limit for ours, limit in pairs)
        missed += ratio < WANTED[name]
        ours, limit = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name:18}{ours:10.0f}{limit:10.0f}{ratio:8.2f}{WANTED[name]:8.2f}")
    return int(missed > 0)


def process_graph() -> dict[str, Any]:
    """A cloud-masked NDVI time series for three areas, merged: what users send, about 5 KB."""
    graph: dict[str, Any] = {}
    for area, west in enumerate((11.0, 11.5, 12.0)):
        load, mask = f"load{area}", f"mask{area}"
        graph[load] = _node(
            "load_collection",
            id="SENTINEL2_L2A",
            spatial_extent={"west": west, "south": 46.1, "east": west + 0.4, "north": 46.5},
            temporal_extent=["2024-01-01", "2025-01-01"],
            bands=["B04", "B08", "SCL"],
        )
        graph[f"scl{area}"] = _node("filter_bands", data=_from(load), bands=["SCL"])
        graph[f"clouds{area}"] = _node(
            "reduce_dimension", data=_from(f"scl{area}"), dimension="bands", reducer=_clouds()
        )
        graph[mask] = _node("mask", data=_from(load), mask=_from(f"clouds{area}"))
        graph[f"ndvi{area}"] = _node("reduce_dimension", data=_from(mask), dimension="bands", reducer=_ndvi())
        graph[f"monthly{area}"] = _node(
            "aggregate_temporal_period", data=_from(f"ndvi{area}"), period="month", reducer=_median()
        )
    graph["merged1"] = _node("merge_cubes", cube1=_from("monthly0"), cube2=_from("monthly1"))
    graph["merged2"] = _node("merge_cubes", cube1=_from("merged1"), cube2=_from("monthly2"))
    graph["save"] = {**_node("save_result", data=_from("merged2"), format="GTiff"), "result": True}
    return graph


def _node(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments}


def _from(node: str) -> dict[str, str]:
    return {"from_node": node}


def _data() -> dict[str, str]:
    return {"from_parameter": "data"}


def _clouds() -> dict[str, Any]:
    graph = {"scl": _node("array_element", data=_data(), label="SCL")}
    for value in (3, 8, 9):
        graph[f"is{value}"] = _node("eq", x=_from("scl"), y=value)
    graph["either"] = _node("or", x=_from("is3"), y=_from("is8"))
    graph["any"] = {**_node("or", x=_from("either"), y=_from("is9")), "result": True}
    return {"process_graph": graph}


def _ndvi() -> dict[str, Any]:
    return {
        "process_graph": {
            "nir": _node("array_element", data=_data(), label="B08"),
            "red": _node("array_element", data=_data(), label="B04"),
            "ndvi": {**_node("normalized_difference", x=_from("nir"), y=_from("red")), "result": True},
        }
    }


def _median() -> dict[str, Any]:
    return {"process_graph": {"median": {**_node("median", data=_data()), "result": True}}}


def write_collections(folder: Path, count: int) -> None:
    """Static STAC collections with two bands each."""
    for number in range(count):
        identifier = f"collection-{number:04}"
        target = folder / identifier
        target.mkdir(parents=True)
        collection = {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": identifier,
            "title": f"Collection {number}",
            "description": "A collection of the benchmark.",
            "license": "CC-BY-4.0",
            "extent": {
                "spatial": {"bbox": [[10, 46, 12, 47]]},
                "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
            },
            "cube:dimensions": {
                "x": {"type": "spatial", "axis": "x", "extent": [10, 12], "reference_system": 4326},
                "y": {"type": "spatial", "axis": "y", "extent": [46, 47], "reference_system": 4326},
                "t": {"type": "temporal", "extent": ["2020-01-01T00:00:00Z", None]},
                "bands": {"type": "bands", "values": ["B04", "B08"]},
            },
            "summaries": {"eo:bands": [{"name": "B04"}, {"name": "B08"}]},
            "links": [],
        }
        (target / "collection.json").write_text(json.dumps(collection))


@contextmanager
def serve_ours(folder: Path, name: str, handlers: str = "") -> Iterator[tuple[int, float, float]]:
    """Our server as it runs in production, logs included: port, seconds to the first answer, MB of a worker."""
    port = free_port()
    environment = {
        "CONNEXEO_PORT": str(port),
        "CONNEXEO_WORKERS": "2",
        "CONNEXEO_DATA": str(folder / name),
        "CONNEXEO_CATALOGUES": str(folder / "catalogue"),
        "CONNEXEO_HANDLERS": handlers,
        "PYTHONPATH": str(HERE),
    }
    started = time.perf_counter()
    with run(
        [sys.executable, "-m", "connexeo.tools", "serve"], environment, folder / f"{name}.log"
    ) as process:
        wait_for(f"http://127.0.0.1:{port}/health", process, folder / f"{name}.log")
        seconds = time.perf_counter() - started
        for path in ("/", "/collections", "/processes"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").read()
        yield port, seconds, worker_memory(process.pid)


@contextmanager
def serve_bare(folder: Path, cases: dict[str, tuple[int, Request]]) -> Iterator[int]:
    """Starlette with the same bytes."""
    entries = []
    for name, (port, request) in cases.items():
        if name != "POST, no work":
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}{request.path}",
                data=request.body or None,
                headers={"Content-Type": "application/json"},
            )
            body = urllib.request.urlopen(asked).read().decode()
            entries.append({"path": request.path, "method": request.method, "body": body})
    (folder / "bare.json").write_text(json.dumps(entries))
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-k", "uvicorn_worker.UvicornWorker"]
    command += ["-b", f"127.0.0.1:{port}", "--log-level", "warning", "bare:application()"]
    environment = {"CONNEXEO_TEST_BARE": str(folder / "bare.json"), "PYTHONPATH": str(HERE)}
    with run(command, environment, folder / "bare.log") as process:
        wait_for(f"http://127.0.0.1:{port}/", process, folder / "bare.log")
        yield port


@contextmanager
def run(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process, stopped at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers.

    Raises:
        RuntimeError: when it ended, or does not answer within 30 s.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url).read()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"no answer from {url}:\n{log.read_text()[-2000:]}")


def worker_memory(pid: int) -> float:
    """Resident MB of the largest child process."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    sizes = [Path(f"/proc/{child}/status").read_text() for child in children]
    return max(int(size.split("VmRSS:")[1].split()[0]) for size in sizes) / 1024


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
