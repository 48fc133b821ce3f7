"""What merging costs: CPU time for the lists of many upstreams, checked, repaired and merged, in one process.

cd tests && python -m bench.merging [--upstreams 30] [--collections 500] [--processes 150]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import orjson

from connexeo.drivers.federation.merging import Kind, merge_lists, our_contract
from connexeo.generated import load_processes

Json = dict[str, Any]

BANDS = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]


def collection(identifier: str, upstream: int, bands: int = len(BANDS)) -> Json:
    """A collection as large as those of back-ends in service, a little different at each upstream."""
    west = -upstream % 180
    described = [
        {"name": name, "common_name": name.lower(), "center_wavelength": 0.4 + 0.1 * number, "gsd": 10}
        for number, name in enumerate(BANDS[:bands])
    ]
    return {
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/datacube/v2.2.0/schema.json",
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
        ],
        "type": "Collection",
        "id": identifier,
        "title": f"Collection {identifier}",
        "description": f"The collection {identifier} at the upstream {upstream}. " * 8,
        "keywords": ["optical", "surface", "reflectance", f"upstream {upstream}"],
        "license": "CC-BY-4.0",
        "providers": [
            {"name": "The Agency", "roles": ["producer", "licensor"], "url": "https://agency.example"},
            {"name": f"Upstream {upstream}", "roles": ["host"], "url": f"https://up{upstream}.example"},
        ],
        "extent": {
            "spatial": {"bbox": [[west, -56.0, west + 20, 83.0]]},
            "temporal": {"interval": [[f"20{10 + upstream % 10}-01-01T00:00:00Z", None]]},
        },
        "cube:dimensions": {
            "x": {"type": "spatial", "axis": "x", "extent": [west, west + 20], "reference_system": 4326},
            "y": {"type": "spatial", "axis": "y", "extent": [-56.0, 83.0], "reference_system": 4326},
            "t": {
                "type": "temporal",
                "extent": [f"20{10 + upstream % 10}-01-01T00:00:00Z", None],
                "step": "P1D",
            },
            "bands": {"type": "bands", "values": BANDS[:bands]},
        },
        "summaries": {
            "eo:bands": described,
            "eo:cloud_cover": {"minimum": 0, "maximum": 90 + upstream % 10},
            "gsd": [10, 20, 60],
            "platform": ["one", "two", f"from {upstream % 3}"],
            "instruments": ["msi"],
        },
        "item_assets": {
            name: {"type": "image/tiff", "roles": ["data"], "title": name, "bands": [{"name": name}]}
            for name in BANDS[:bands]
        },
        "links": [
            {"rel": relation, "href": f"https://up{upstream}.example/openeo/1.2/{relation}/{identifier}"}
            for relation in ("self", "root", "parent", "items", "license")
        ],
    }


def spoilt(document: Json) -> Json:
    """The same with what real back-ends get wrong: it has to be repaired."""
    return {**document, "title": None, "license": None, "links": [*document["links"], {"rel": "about"}]}


def measure(name: str, kind: Kind, lists: dict[str, list[Json]]) -> None:
    """Print CPU seconds of one merge of lists, and what came out."""
    order = sorted(lists)
    listing, seconds = timed(
        lambda: merge_lists(kind, lists, order, urls=dict.fromkeys(order, "https://up.example"))
    )
    _, writing = timed(lambda: orjson.dumps([each.document for each in listing.entries.values()]))
    documents = sum(map(len, lists.values()))
    conflicts = sum(len(each.conflicts) for each in listing.entries.values())
    print(
        f"{name:44}{documents:7}{len(listing.entries):9}{conflicts:11}{len(listing.faults):8}"
        f"{seconds:9.2f}{seconds / documents * 1e6:9.0f}{writing:9.2f}"
    )


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """What a function returns, and its CPU seconds."""
    begun = time.process_time()
    result = function()
    return result, time.process_time() - begun


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--upstreams", type=int, default=30)
    parser.add_argument("--collections", type=int, default=500)
    parser.add_argument("--processes", type=int, default=150)
    options = parser.parse_args()
    our_contract()
    ids = [f"collection-{number}" for number in range(options.collections)]
    members = range(options.upstreams)
    own = {f"up{u:02}": [collection(f"{each}-{u}", u) for each in ids] for u in members}
    print(f"{'':44}{'in':>7}{'out':>9}{'conflicts':>11}{'faults':>8}{'s':>9}{'µs each':>9}{'to JSON':>9}")
    measure("collections, all of one upstream each", Kind.COLLECTION, own)
    shared = {f"up{u:02}": [collection(each, u, 12 - u % 3) for each in ids] for u in members}
    measure("collections, all at all upstreams", Kind.COLLECTION, shared)
    mixed = {name: [*shared[name][: len(ids) // 2], *own[name][len(ids) // 2 :]] for name in own}
    measure("collections, half of each", Kind.COLLECTION, mixed)
    broken = {name: [spoilt(each) for each in entries] for name, entries in mixed.items()}
    measure("collections, half of each, all repaired", Kind.COLLECTION, broken)
    definitions = load_processes()[: options.processes]
    same = {f"up{u:02}": definitions for u in members}
    measure("processes, the same everywhere", Kind.PROCESS, same)
    different = {f"up{u:02}": [other(each, u) for each in definitions] for u in members}
    measure("processes, different everywhere", Kind.PROCESS, different)


def other(process: Json, upstream: int) -> Json:
    """The process with another description, and a parameter that every third upstream knows."""
    extra = {"name": "extra", "description": "More.", "optional": True, "schema": {"type": "string"}}
    parameters = [*process["parameters"], extra] if upstream % 3 == 0 else process["parameters"]
    return {**process, "description": f"{process['description']} At {upstream}.", "parameters": parameters}


if __name__ == "__main__":
    main()
