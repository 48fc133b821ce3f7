"""Rich documents with damage in random places: nothing fails, and what is served passes the contract."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.merging import collection
from connexeo.drivers.federation.merging import Kind, merge_lists, our_contract
from connexeo.generated import load_processes
from drivers.federation.merging.documents import UPSTREAMS

Json = dict[str, Any]

JUNK: tuple[Any, ...] = (
    None, True, 0, -1.5, 10**30, float("nan"), float("inf"), "", "x" * 1000, "2020-01-01", "\ud800", "~/", [], {},
    [None], [[]], [{}], [1, "a", None], {"": None}, {"name": []}, {"a/b": {"~": 1}}, {5: 5}, [4, 3, 2, 1], "spatial",
    {"minimum": 1, "maximum": "a"}, {"minimum": [], "maximum": {}}, {"rel": "self", "href": "http://["}, "http://[",
    {"type": "bands", "values": [[1], {}, None]}, {"type": {}, "axis": []}, {"type": ["number", 5]}, [[10, 0, -10, 0]],
    {"from_parameter": "x"}, {"process_graph": {}}, {"federation:backends": "x"}, {"federation:backends": [[]]},
)  # fmt: skip

FORMAT: Json = {
    "title": "GeoTIFF",
    "gis_data_types": ["raster", "vector"],
    "parameters": {
        "tile": {"type": "integer", "description": "Size.", "enum": [1, 2], "minimum": 1, "required": True},
        "colour": {"type": ["object", "null"], "description": "C.", "properties": {"r": {"type": "number"}}},
    },
    "links": [{"rel": "about", "href": "https://a.example", "title": "About"}],
}
RUNTIME: Json = {
    "title": "Python",
    "type": "language",
    "default": "3.10",
    "versions": {
        "3.9": {"deprecated": True, "libraries": {"numpy": {"version": "1"}}},
        "3.10": {
            "libraries": {"numpy": {"version": "2", "links": [{"rel": "about", "href": "https://n.example"}]}}
        },
    },
    "links": [{"rel": "about", "href": "https://a.example"}],
}
SERVICE: Json = {
    "title": "XYZ",
    "configuration": FORMAT["parameters"],
    "process_parameters": [{"name": "x", "description": "", "schema": {"type": "number"}, "optional": True}],
    "links": [{"rel": "about", "href": "https://a.example"}],
}


def sound(kind: Kind, upstream: int) -> dict[str, Json]:
    """Whole documents that differ a little, by name."""
    if kind is Kind.COLLECTION:
        rich = collection("snow", upstream, 4 + upstream)
        rich["assets"] = {"thumbnail": {"href": f"https://a.example/{upstream}", "roles": ["thumbnail"]}}
        rich["cube:dimensions"]["g"] = {
            "type": "geometry",
            "bbox": [0, 0, 1, upstream],
            "geometry_types": ["Point"],
        }
        rich["summaries"]["s"] = {
            "type": "object",
            "properties": {"a": {"type": "number", "maximum": upstream}},
        }
        return {"snow": rich}
    if kind is Kind.PROCESS:
        names = ("load_collection", "reduce_dimension", "add")
        found = {each["id"]: each for each in load_processes() if each["id"] in names}
        return {name: {**each, "description": f"At {upstream}."} for name, each in found.items()}
    return {"one": {Kind.FORMAT: FORMAT, Kind.RUNTIME: RUNTIME, Kind.SERVICE_TYPE: SERVICE}[kind]}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below a value."""
    for key, entry in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield value, key
        yield from places(entry)


def damaged(documents: dict[str, Json], chance: random.Random) -> dict[str, Json]:
    """A copy with one to four pieces replaced, doubled or gone."""
    result = copy.deepcopy(documents)
    for document in result.values():
        for _ in range(chance.randint(1, 4)):
            spots = list(places(document))
            if not spots:
                continue
            container, key = chance.choice(spots)
            action = chance.randrange(4)
            if action == 0:
                del container[key]
            elif action == 1 and isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
            else:
                container[key] = copy.deepcopy(chance.choice(JUNK))
    return result


@pytest.mark.parametrize("kind", Kind)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_damage_makes_nothing_fail(kind: Kind, seed: int) -> None:
    chance = random.Random(seed)
    lists: dict[str, Any] = {}
    for number, upstream in enumerate(UPSTREAMS):
        whole = sound(kind, number)
        found = damaged(whole, chance) if chance.random() < 0.8 else whole
        lists[upstream] = list(found.values()) if kind in (Kind.COLLECTION, Kind.PROCESS) else found
    listing = merge_lists(kind, lists, UPSTREAMS)
    for merged in listing.entries.values():
        faults = our_contract().faults(kind, merged.document)
        assert not faults, faults[0]
    backwards = merge_lists(kind, dict(reversed(lists.items())), UPSTREAMS)
    assert repr(backwards) == repr(listing)
    # Whoever is left out is told.
    served = {upstream for merged in listing.entries.values() for upstream in merged.upstreams}
    told = {fault.upstream for fault in listing.faults}
    conflicting = {
        upstream for merged in listing.entries.values() for c in merged.conflicts for upstream in c.values
    }
    assert set(UPSTREAMS) - served <= told | conflicting
