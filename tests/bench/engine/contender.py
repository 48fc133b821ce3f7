"""One contender in a process of its own: warmed up with small images, then measured."""

from __future__ import annotations

import importlib
import json
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Print seconds and bytes of one run; arguments: contender, case, items, small items, results, memory."""
    name, case, items, small, results, memory = sys.argv[1:]
    module = importlib.import_module(f"bench.engine.{name}")
    with tempfile.TemporaryDirectory() as scratch:
        module.run(case, json.loads(Path(small).read_text()), Path(scratch), int(memory))
    started = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    folder = Path(results)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun = time.perf_counter()
    module.run(case, json.loads(Path(items).read_text()), folder, int(memory))
    wall = time.perf_counter() - begun
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime - started
    print(
        json.dumps({"cpu": cpu, "wall": wall, "start": started, "before": before, "peak": _status("VmHWM")})
    )


def _status(name: str) -> int:
    """Bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main()
