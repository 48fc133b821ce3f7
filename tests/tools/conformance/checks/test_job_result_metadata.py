"""Metadata of results."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, cases, drop, edit, header, put, reply
from conformance.orders import ERROR
from conformance.stock import Stock
from connexeo.tools.conformance.verdicts import State

RESULTS = "/jobs/[^/]+/results"
ITEM = "/results/[^/]+/[^/]+/items/.*"
FAR = [100.0, 50.0, 101.0, 51.0]


def _link(change: Callable[[list[Any]], Any]) -> Change:
    return edit(RESULTS, lambda found: change(found["links"]) and None)


def _poor(document: Any) -> None:
    document.pop("summaries", None)
    for asset in document["assets"].values():
        for key in list(asset.keys() - {"href", "type", "title"}):
            del asset[key]


def _as_item(kind: str) -> Change:
    """Whoever asks for GeoJSON gets something that is called so."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        if "geo+json" not in request.headers.get("accept", ""):
            return response
        headers = {"content-type": "application/geo+json"}
        return httpx.Response(200, headers=headers, json={**response.json(), "type": kind})

    return Change("GET", RESULTS, apply)


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.865": [
        (put(RESULTS, "type", value="Results"),),
        (drop(RESULTS, "license"),),
        (put(RESULTS, "extent", "spatial", "bbox", value="everywhere"),),
        (drop(RESULTS, "description"),),
    ],
    "profile.866": [
        (put(RESULTS, "stac_version", value="latest"),),
        (put(RESULTS, "stac_version", value="0.8.0"),),
        (drop(RESULTS, "stac_version"),),
    ],
    "profile.867": [(put(RESULTS, "links", value=[]),)],
    "profile.870": [(edit(RESULTS, _poor), reply(ITEM, 404, ERROR))],
    "jobs.result-extensions": [(put(RESULTS, "stac_extensions", value=[]),)],
    "jobs.result-items": [
        (reply(ITEM, 404, ERROR),),
        (reply(ITEM, 200, []),),
        (drop(ITEM, "stac_version"),),
        (drop(ITEM, "geometry"),),
        (put(ITEM, "collection", value="other"),),
        (put(ITEM, "assets", "strange", value={"href": "https://a.example/a.tif"}),),
        (put(ITEM, "bbox", value=FAR),),
        (
            put(RESULTS, "extent", "temporal", "interval", 0, value=["2001-01-01T00:00:00Z", "2001-01-02T00:00:00Z"]),
            put(ITEM, "properties", "datetime", value="2020-01-01T00:00:00Z"),
        ),
    ],
    "jobs.result-extent": [
        (put(RESULTS, "extent", "spatial", "bbox", value=[FAR]),),
        (put(RESULTS, "extent", "spatial", "bbox", value=[[-180, -90, 180, 90]]),),
    ],
    "jobs.result-times": [
        (
            put(RESULTS, "extent", "temporal", "interval", 0, value=["2024-12-02T00:00:00Z", "2024-12-01T00:00:00Z"]),
        ),
        (
            put(RESULTS, "extent", "temporal", "interval", 0, value=["2001-01-01T00:00:00Z", "2001-01-02T00:00:00Z"]),
        ),
    ],
    "jobs.result-geometry": [(put(ITEM, "bbox", value=FAR),)],
    "jobs.result-links": [
        (_link(lambda links: links.append({"rel": "monitor", "href": "logs"})),),
        (_link(lambda links: links[0].update(href=links[0]["href"] + "/elsewhere")),),
        (reply("/jobs/[^/]+/logs", 404, ERROR),),
    ],
    "jobs.result-geojson": [
        (header(RESULTS, content_type="application/json"),),
        (header(RESULTS, content_type=None),),
        (_as_item("Collection"),),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    assert_found(stock.look(check_id, *changes))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    result = stock.look(check_id)
    # What was reduced over time has none.
    expected = State.NOT_TESTABLE if check_id == "jobs.result-times" else State.PASS
    assert result.state is expected, (result.reason, [finding.message for finding in result.findings])


UNHURT: list[tuple[str, Change]] = [
    ("profile.865", put(RESULTS, "stac_version", value="1.0.0")),
    ("profile.866", put(RESULTS, "stac_version", value="0.9.0")),
    ("jobs.result-geojson", _as_item("Feature")),
    ("jobs.result-links", _link(lambda links: links.append({"rel": "about", "href": "about.html"}))),
    (
        "jobs.result-times",
        put(RESULTS, "extent", "temporal", "interval", 0, value=["2024-12-01T00:00:00Z", None]),
    ),
]


@pytest.mark.parametrize(("check_id", "change"), UNHURT)
def test_what_is_sound_passes(check_id: str, change: Change, stock: Stock) -> None:
    result = stock.look(check_id, change)
    invalid = check_id == "jobs.result-geojson" and all(": " in each.message for each in result.findings)
    assert result.state is State.PASS or invalid, [finding.message for finding in result.findings]


@pytest.mark.parametrize("check_id", ["profile.867", "jobs.result-items"])
def test_an_item_has_no_items(check_id: str, stock: Stock) -> None:
    assert stock.look(check_id, put(RESULTS, "type", value="Feature")).state is State.NOT_APPLICABLE


ODD: list[Any] = [
    {},
    {"type": [], "stac_version": 1, "stac_extensions": {}, "extent": [], "assets": [], "links": {}, "bbox": "x"},
    {
        "type": "Collection",
        "stac_version": {},
        "extent": {"spatial": {"bbox": [[1], "x"]}, "temporal": {"interval": [[1, 2, 3], 5, [{}, []]]}},
        "links": [5, {"rel": [], "href": "https://a.example"}, {"rel": {}, "href": 5}, {"rel": "item", "href": "x"}],
        "assets": {"a": 5, "b": {"href": [], "proj:code": None}},
        "summaries": [],
    },
    {
        "type": "Feature",
        "bbox": [1, 2, 3],
        "geometry": {"coordinates": [[], {}], "geometries": 5},
        "properties": {"datetime": 5, "start_datetime": [], "end_datetime": {}},
        "collection": [],
        "links": None,
    },
    [],
]  # fmt: skip


@pytest.mark.parametrize("document", ODD, ids=json.dumps)
def test_documents_of_any_shape(document: Any, stock: Stock) -> None:
    for check_id in FAULTS:
        for path in (RESULTS, ITEM):
            result = stock.look(check_id, reply(path, 200, document))
            assert result.state is not State.ERROR, (check_id, result.reason)


def test_items_may_belong_to_a_collection_of_a_back_end_of_a_federation(stock: Stock) -> None:
    """The front-end has another identifier for the job, and its items are those of the back-end."""
    member = {"url": "https://alpine.example", "status": "online"}
    federated, renamed = (
        put("/", "federation", value={"alpine": member}),
        put(RESULTS, "id", value="alpine~j-1"),
    )
    assert stock.look("jobs.result-items", federated, renamed).state is State.PASS
    assert_found(stock.look("jobs.result-items", renamed))
    assert_found(stock.look("jobs.result-items", federated, renamed, put(ITEM, "collection", value="other")))
    unlinked = put(ITEM, "links", value=[])
    assert_found(stock.look("jobs.result-items", federated, renamed, unlinked))
