"""What computing takes: the engine, a loop by hand, and odc-stac with xarray, each in a process of its own.

Three cases over twelve dates of synthetic GeoTIFFs on a local disk: the median over time of the NDVI, monthly
composites of four bands without clouds, and the mean of the NDVI of each date in a region that covers two thirds of the
images. All write the same Cloud-Optimized GeoTIFFs, or numbers, which are compared.
Contenders take turns; of several rounds, the least counts, as other work on the machine can only add; what has taken
five minutes is not repeated. Each is warmed up with small images first, because workers keep their processes.

openeo-processes-dask, the other implementation of the processes, is no contender: it installs only where GDAL can be
built.

    cd tests && python -m bench.engine [--sizes 2048 6144] [--huge] [--rounds 3] [--memory 512] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from bench.engine.cases import CASES
from bench.engine.data import make

HUGE = 20480
"""Only the engine computes it: the others would take hours, or more memory than there is."""
SMALL = 1024
CONTENDERS = ("ours", "loop", "odc")
ENOUGH = 300
"""Seconds after which no further round begins: what takes long varies little."""
WANTED = 1.3
"""How many times the processor time of the loop the engine may take."""

Measured = dict[str, float]


def main() -> int:
    """Measure, print a table, and fail when something is worse than what is wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[2048, 6144], help="multiples of 512")
    parser.add_argument("--huge", action="store_true", help=f"also {HUGE} pixels")
    parser.add_argument("--cases", nargs="*", default=CASES, choices=CASES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=512, help="MB that the engine may take")
    parser.add_argument("--folder", type=Path, help="for images, kept afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options.folder or Path(scratch), options.memory)
        print(
            f"{'':24}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'of these new':>14}{'start s':>9}{'CPU / loop':>12}"
        )
        missed = False
        for size in options.sizes:
            for case in options.cases:
                missed |= bench.compare(case, size, options.rounds)
        if options.huge:
            for case in options.cases:
                missed |= bench.alone(case)
    print(
        f"wanted: CPU / loop up to {WANTED}, less CPU than odc, and up to {options.memory} MB of new memory"
    )
    return int(missed)


class Bench:
    """Runs contenders and prints what they took.

    Args:
        folder: Where images and results lie.
        memory: MB that the engine may take.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        self._folder = folder
        self._memory = memory

    def compare(self, case: str, size: int, rounds: int) -> bool:
        """All contenders; whether one of the wants is missed."""
        best: dict[str, Measured] = {}
        begun = time.monotonic()
        for number in range(rounds):
            if number and time.monotonic() - begun > ENOUGH:
                break
            for name in CONTENDERS:
                taken = self._run(name, case, size)
                known = best.setdefault(name, taken)
                # Of memory, the most counts.
                best[name] = {
                    key: max(known[key], value) if key in ("peak", "new") else min(known[key], value)
                    for key, value in taken.items()
                }
        self._check_pixels(case, size)
        for name, taken in best.items():
            _print(f"{case} {size} {name}", taken, taken["cpu"] / best["loop"]["cpu"])
        ours = best["ours"]["cpu"]
        slow = ours > WANTED * best["loop"]["cpu"] or ours > best["odc"]["cpu"]
        return slow or best["ours"]["new"] > self._memory * 2**20

    def alone(self, case: str) -> bool:
        """Only the engine, with what others cannot do; whether it takes too much memory."""
        taken = self._run("ours", case, HUGE)
        _print(f"{case} {HUGE} ours", taken, None)
        return taken["new"] > self._memory * 2**20

    def _run(self, name: str, case: str, size: int) -> Measured:
        files = []
        for each in (size, SMALL):
            path = self._folder / f"{each}.json"
            path.write_text(json.dumps(make(self._folder, each)))
            files.append(str(path))
        arguments = [name, case, *files, str(self._results(name, case, size)), str(self._memory * 2**20)]
        command = [sys.executable, "-m", "bench.engine.contender", *arguments]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        taken: Any = json.loads(printed.splitlines()[-1])
        return {**taken, "new": taken["peak"] - taken["before"]}

    def _results(self, name: str, case: str, size: int) -> Path:
        return self._folder / "results" / f"{name}-{case}-{size}"

    def _check_pixels(self, case: str, size: int) -> None:
        """All have computed the same."""
        folders = [self._results(name, case, size) for name in CONTENDERS]
        files = [sorted([*folder.glob("*.tif"), *folder.glob("*.json")]) for folder in folders]
        for group in zip(*files, strict=True):
            first, *others = (_read(path) for path in group)
            for other in others:
                np.testing.assert_allclose(first, other, rtol=1e-5)


def _read(path: Path) -> Any:
    if path.suffix == ".json":
        return np.ravel(json.loads(path.read_text())["data"])
    with rasterio.open(path) as image:
        return image.read()


def _print(name: str, taken: Measured, ratio: float | None) -> None:
    peak, new = taken["peak"] / 2**20, taken["new"] / 2**20
    compared = "" if ratio is None else f"{ratio:12.2f}"
    print(
        f"{name:24}{taken['cpu']:8.1f}{taken['wall']:8.1f}{peak:9.0f}{new:14.0f}{taken['start']:9.1f}{compared}"
    )


if __name__ == "__main__":
    sys.exit(main())
