"""What lists show: by what the operator takes of each back-end, and by how much they must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from connexeo.drivers.federation.snapshots.kinds import (
    CAPABILITIES,
    COLLECTIONS,
    FILE_FORMATS,
    PROCESSES,
    SERVICE_TYPES,
    UDF_RUNTIMES,
)
from connexeo.drivers.federation.snapshots.store import Snapshot, SnapshotStore
from connexeo.drivers.federation.views.loading import LOADERS
from connexeo.drivers.federation.views.making import make_views
from connexeo.settings import Federation
from fake_driver import make_collection

Made = Callable[..., Any]

RUNTIME = {"type": "language", "default": "3", "versions": {"3": {"libraries": {}}}}
FORMAT = {"gis_data_types": ["raster"], "parameters": {}}
TYPE: dict[str, Any] = {"configuration": {}, "process_parameters": []}


def process(identifier: str) -> dict[str, Any]:
    return {"id": identifier, "description": "", "parameters": [], "returns": {"schema": {}}}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """Makes a view of what back-ends say, and reads it as web workers do."""
    store = SnapshotStore(tmp_path)

    def make(
        kind: str, documents: Mapping[str, Any], settings: Mapping[str, Any] = {}, **upstream: Any
    ) -> Any:
        upstreams = [
            {"id": each, "url": f"https://{each}.example"} | upstream.get(each, {}) for each in documents
        ]
        for each, document in documents.items():
            store.put(Snapshot(each, kind, "", orjson.dumps(document), 1.0))
        make_views(kind, store, Federation.model_validate({"upstreams": upstreams, **settings}))
        view = store.view(kind)
        assert view is not None
        return LOADERS[kind](view.body)

    yield make
    store.close()


LISTS: dict[str, tuple[Any, Any, Callable[[Any], list[str]]]] = {
    COLLECTIONS: (
        [make_collection("A"), make_collection("B")],
        [make_collection("B")],
        lambda view: list(view.ids),
    ),
    PROCESSES: ([process("A"), process("B")], [process("B")], lambda view: list(view.entries)),
    FILE_FORMATS: (
        {"input": {}, "output": {"A": FORMAT, "B": FORMAT}},
        {"input": {}, "output": {"b": FORMAT}},
        lambda view: list(view.document["output"]),
    ),
    UDF_RUNTIMES: ({"A": RUNTIME, "B": RUNTIME}, {"B": RUNTIME}, lambda view: list(view.entries)),
    SERVICE_TYPES: ({"A": TYPE, "B": TYPE}, {"B": TYPE}, lambda view: list(view.entries)),
}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_have_what_any_back_end_has_or_only_what_all_have(made: Made, kind: str) -> None:
    much, little, names = LISTS[kind]
    documents = {"alps": much, "coast": little}
    assert names(made(kind, documents)) == ["A", "B"]
    assert names(made(kind, documents, {"merge": {kind: "intersection"}})) == ["B"]


@pytest.mark.parametrize("kind", [COLLECTIONS, PROCESSES, UDF_RUNTIMES, SERVICE_TYPES])
def test_a_back_end_without_such_a_list_does_not_count(made: Made, kind: str) -> None:
    much, _, names = LISTS[kind]
    view = made(kind, {"alps": much, "coast": None}, {"merge": {kind: "intersection"}})
    assert names(view) == ["A", "B"]
    assert view.upstreams == {"alps", "coast"}


@pytest.mark.parametrize("kind", [COLLECTIONS, PROCESSES])
@pytest.mark.parametrize(
    ("selection", "left"),
    [({"deny": ["A*"]}, ["B"]), ({"allow": ["A"]}, ["A"]), ({"allow": ["*"], "deny": ["?"]}, [])],
)
def test_of_each_back_end_only_what_the_operator_takes_is_there(
    made: Made, kind: str, selection: Any, left: list[str]
) -> None:
    much, little, _ = LISTS[kind]
    view = made(kind, {"alps": much, "coast": little}, alps={kind: selection})
    having = {name: list(each) for name, each in view.having.items()}
    assert {name for name, each in having.items() if "alps" in each} == set(left)
    assert having["B"][-1] == "coast"


def test_malformed_entries_are_left_out_and_the_others_stay(made: Made) -> None:
    view = made(COLLECTIONS, {"alps": [7, None, {"id": 8}, make_collection("A")], "coast": "nothing"})
    assert list(view.ids) == ["A"]
    assert view.upstreams == {"alps", "coast"}


def test_endpoints_of_back_ends_have_nameless_parameters(made: Made) -> None:
    capabilities = {
        "api_version": "1.2.0",
        "title": "Alps",
        "endpoints": [
            {"path": "/jobs/{job_id}/results", "methods": ["get", "POST"]},
            {"path": "/jobs", "methods": "GET"},
            {"path": 7},
            None,
        ],
    }
    view = made(CAPABILITIES, {"alps": capabilities, "coast": ["nothing"]})
    assert view.endpoints == {
        "alps": {"GET /jobs/{}/results", "POST /jobs/{}/results"},
        "coast": frozenset(),
    }
    assert view.titles == {"alps": "Alps"}
