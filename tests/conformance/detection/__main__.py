"""By hand, in the folder ``tests``: see ``--help``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from conformance.detection import official, table
from conformance.detection.selection import selected
from conformance.detection.trial import Detection, laboratory
from conformance.detection.world import demo_server
from conformance.mutations import Fault, faults


def main() -> None:
    """Try faults, print what becomes of each, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m conformance.detection", description=__doc__)
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the page about all faults")
    parser.add_argument(
        "--official",
        type=Path,
        metavar="FILE",
        help="results of the official suite, those there and new ones",
    )
    parser.add_argument(
        "--cache", type=Path, help="folder of environments; without, the official suite does not run"
    )
    parser.add_argument("--reference", type=Path, default=Path("../../shared/reference"))
    parser.add_argument("--selection", action="store_true", help="only the faults that the tests try")
    parser.add_argument("--faults", nargs="*", default=[], metavar="ID", help="only these")
    parser.add_argument("--thorough", action="store_true", help="go on after a fault was found")
    given = parser.parse_args()
    known = {fault.id: fault for fault in faults()}
    wanted = [known[id] for id in given.faults] or list(selected() if given.selection else known.values())
    detections = list(_try(wanted, thorough=given.thorough))
    print(f"{sum(each.found for each in detections)} of {len(detections)} found")
    results = {}
    if given.official and given.cache:
        results = official.try_faults(official.Places(given.cache, given.reference), wanted, given.official)
    elif given.official:
        results = json.loads(given.official.read_text())
    if given.table:
        given.table.write_text(table.page(detections, results))


def _try(wanted: list[Fault], *, thorough: bool) -> Iterator[Detection]:
    with demo_server() as server, laboratory(server) as lab:
        for fault in wanted:
            detection = lab.examine(fault, thorough=thorough)
            by = detection.by or "NOT FOUND"
            print(f"{fault.id:42} {detection.seconds:5.1f} s  {by}", *detection.crashed, flush=True)
            yield detection


if __name__ == "__main__":
    main()
