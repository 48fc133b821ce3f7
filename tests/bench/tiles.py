"""Milliseconds for a tile of an NDVI, drawn anew and found again, and for the same picture by ``POST /result``.

Every tile is another one, so that none is found in the cache when it is drawn; the measurements alternate tile by
tile, so that a busy machine slows all of them. The result is asked for in two ways: on the pixels of the tile, which
is the same picture, and on the pixels of the data, which is less work.

    cd tests && python -m bench.tiles [--tiles 80] [--size 256]
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.server import free_port, run, wait_for
from connexeo.drivers.local.demo import write_demo

WANTED_MS = 60.0
WANTED_RATIO = 2.0
WARM_UP = 6
HALF = math.pi * 6378137
LON, LAT = (10.63, 10.755), (47.54, 47.62)
"""Where the demo collection has data."""

Tile = tuple[int, int, int]


def main() -> int:
    """Measure, print a table, and fail when a median is above what is wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiles", type=int, default=80)
    parser.add_argument("--size", type=int, default=256, choices=[256, 512])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as client:
        return measure(client, options.tiles, options.size)


def measure(client: httpx.Client, count: int, size: int) -> int:
    """Print the table; 1 when it is too slow."""
    configuration = {"tile_size": size, "colormap": "viridis", "min": -1, "max": 1}
    request = {"type": "XYZ", "process": ndvi(), "configuration": configuration}
    created = client.post("/services", json=request)
    created.raise_for_status()
    service = f"/services/{created.headers['openeo-identifier']}/xyz"
    names = ("tile, drawn", "tile, found", "result, same pixels", "result, own pixels")
    taken: dict[str, list[float]] = {name: [] for name in names}
    chosen = tiles(count + WARM_UP)
    for number, tile in enumerate(chosen):
        path = f"{service}/{tile[0]}/{tile[1]}/{tile[2]}"
        seconds = [
            timed(client, "GET", path),
            timed(client, "GET", path),
            timed(client, "POST", "/result", json={"process": ndvi(tile, size)}),
            timed(client, "POST", "/result", json={"process": ndvi(tile)}),
        ]
        if number >= WARM_UP:
            for name, each in zip(names, seconds, strict=True):
                taken[name].append(each * 1000)
    print(f"{count} tiles of {size} x {size} pixels, one after the other")
    print(f"{'':22}{'median ms':>10}{'p95 ms':>10}{'times the tile':>16}")
    drawn = statistics.median(taken[names[0]])
    ratios = {}
    for name in names:
        median, late = statistics.median(taken[name]), statistics.quantiles(taken[name], n=20)[-1]
        pairs = zip(taken[name], taken[names[0]], strict=True)
        ratios[name] = statistics.median(one / other for one, other in pairs)
        print(f"{name:22}{median:10.1f}{late:10.1f}{ratios[name]:16.2f}")
    missed = drawn > WANTED_MS or ratios[names[2]] < WANTED_RATIO
    print(f"wanted: a tile in {WANTED_MS:.0f} ms, and its result in {WANTED_RATIO:.0f} times as many")
    return int(missed)


def timed(client: httpx.Client, method: str, path: str, **options: Any) -> float:
    """Seconds of a request, its answer included."""
    start = time.perf_counter()
    answer = client.request(method, path, **options)
    end = time.perf_counter()
    answer.raise_for_status()
    return end - start


def tiles(count: int) -> list[Tile]:
    """Different tiles with data, of two zoom levels by turns."""
    found = []
    for zoom in (15, 16):
        n = 2**zoom
        columns = [int((lon + 180) / 360 * n) for lon in LON]
        rows = [int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n) for lat in reversed(LAT)]
        grid = [(zoom, x, y) for y in range(rows[0], rows[1] + 1) for x in range(columns[0], columns[1] + 1)]
        # Neighbours would find the same parts of files in memory.
        found.append(grid[::2] + grid[1::2])
    mixed = [tile for pair in zip(*found, strict=False) for tile in pair]
    if count > len(mixed):
        raise SystemExit(f"there are only {len(mixed)} tiles")
    return mixed[:count]


def ndvi(tile: Tile | None = None, size: int | None = None) -> dict[str, Any]:
    """A process: of everything for a service, or of a tile as a PNG, on its pixels or on those of the data."""
    data = {"from_parameter": "data"}
    reducer = {
        "nir": _node("array_element", data=data, label="B08"),
        "red": _node("array_element", data=data, label="B04"),
        "ndvi": {
            **_node("normalized_difference", x={"from_node": "nir"}, y={"from_node": "red"}),
            "result": True,
        },
    }
    load = _node(
        "load_collection",
        id="sentinel-2-l2a-demo",
        spatial_extent=None if tile is None else extent_of(tile),
        temporal_extent=["2024-07-01", "2024-07-02"],
        bands=["B04", "B08"],
    )
    reduce = _node(
        "reduce_dimension",
        data={"from_node": "load"},
        dimension="bands",
        reducer={"process_graph": reducer},
    )
    graph = {"load": load, "ndvi": reduce}
    last = "ndvi"
    if tile is not None and size is not None:
        west, _, east, _ = bounds_of(tile)
        graph["resample"] = _node(
            "resample_spatial",
            data={"from_node": "ndvi"},
            projection=3857,
            resolution=(east - west) / size,
            method="near",
        )
        last = "resample"
    if tile is not None:
        options = {"colormap": "viridis", "min": -1, "max": 1}
        graph["save"] = _node("save_result", data={"from_node": last}, format="PNG", options=options)
    graph[list(graph)[-1]]["result"] = True
    return {"process_graph": graph}


def bounds_of(tile: Tile) -> tuple[float, float, float, float]:
    """West, south, east, north in Web Mercator."""
    zoom, column, row = tile
    step = 2 * HALF / 2**zoom
    west, north = column * step - HALF, HALF - row * step
    return west, north - step, west + step, north


def extent_of(tile: Tile) -> dict[str, Any]:
    """A tile as a bounding box."""
    west, south, east, north = bounds_of(tile)
    return {"west": west, "south": south, "east": east, "north": north, "crs": 3857}


def _node(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments}


@contextmanager
def serve(folder: Path) -> Iterator[httpx.Client]:
    """The demo server with one worker, and a client that is logged in."""
    port = free_port()
    environment = {
        "CONNEXEO_PORT": str(port),
        "CONNEXEO_WORKERS": "1",
        "CONNEXEO_JOB_WORKERS": "0",
        "CONNEXEO_DATA": str(folder / "data"),
    }
    write_demo(folder / "data" / "demo")
    log = folder / "server.log"
    url = f"http://127.0.0.1:{port}"
    with run([sys.executable, "-m", "connexeo.tools", "serve", "--demo"], environment, log) as process:
        wait_for(f"{url}/ready", process, log)
        asked = urllib.request.Request(
            f"{url}/credentials/basic", headers={"Authorization": "Basic ZGVtbzpkZW1v"}
        )
        token = json.loads(urllib.request.urlopen(asked).read())["access_token"]
        headers = {"Authorization": f"Bearer basic//{token}"}
        with httpx.Client(base_url=url, headers=headers, timeout=120) as client:
            yield client


if __name__ == "__main__":
    sys.exit(main())
