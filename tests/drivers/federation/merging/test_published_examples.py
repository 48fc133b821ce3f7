"""Documents that openEO publishes go in and come out; absent where the reference documents are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from connexeo.drivers.federation.merging import BACKENDS, Kind, merge_lists, our_contract
from connexeo.drivers.federation.merging.processes import signature
from connexeo.generated import load_processes

ROOT = Path(__file__).parents[4]
REFERENCE = ROOT.parent / "shared" / "reference"
VERSIONS = ("openeo-api-1.2.0.yaml", "openeo-api-1.3.0.yaml")

pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(), reason="the published documents are not beside the checkout"
)


@cache
def api(name: str) -> Any:
    return yaml.load((REFERENCE / name).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def examples(name: str, path: str) -> Iterator[Any]:
    content = api(name)["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    if "example" in content:
        yield content["example"]
    for example in content.get("examples", {}).values():
        yield example["value"]


def listed(name: str, kind: Kind) -> Iterator[Any]:
    if kind is Kind.COLLECTION:
        yield from (each["collections"] for each in examples(name, "/collections"))
        yield from ([each] for each in examples(name, "/collections/{collection_id}"))
    elif kind is Kind.PROCESS:
        yield from (each["processes"] for each in examples(name, "/processes"))
    elif kind is Kind.FORMAT:
        for each in examples(name, "/file_formats"):
            yield each["input"]
            yield each["output"]
    else:
        yield from examples(name, "/udf_runtimes" if kind is Kind.RUNTIME else "/service_types")


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize("kind", Kind)
def test_examples_of_the_api_are_merged_without_loss(name: str, kind: Kind) -> None:
    found = list(listed(name, kind))
    assert found
    for items in found:
        listing = merge_lists(kind, {"alps": items, "bay": items}, ("alps", "bay"))
        assert len(listing.entries) == len(items)
        assert [fault for fault in listing.faults if not fault.repaired] == []
        for identifier, merged in listing.entries.items():
            assert merged.conflicts == ()
            assert our_contract().passes(kind, merged.document)
            given = (
                items[identifier]
                if isinstance(items, dict)
                else next(i for i in items if i["id"] == identifier)
            )
            for key, value in given.items():
                if key not in ("links", "summaries"):
                    assert merged.document[key] == value


def test_the_published_processes_and_ours_have_the_same_signatures() -> None:
    files = sorted((REFERENCE / "processes").glob("*.json"))
    published = [json.loads(path.read_text()) for path in files]
    published = [each for each in published if isinstance(each, dict) and "id" in each]
    ours = {each["id"]: each for each in load_processes()}
    listing = merge_lists(
        Kind.PROCESS, {"alps": published, "bay": list(ours.values())}, ("alps", "bay"), standard=ours
    )
    assert listing.faults == ()
    for process in published:
        merged = listing.entries[process["id"]].document
        assert merged[BACKENDS] == ["alps", "bay"]
        assert merged["description"] == ours[process["id"]]["description"]
        assert signature(merged) == signature(ours[process["id"]])
