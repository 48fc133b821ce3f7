"""Results of batch jobs: when they are there, what leads to them, and what they cost."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from conformance.doctored import (
    Answer,
    Change,
    assert_found,
    assert_kept,
    cases,
    drop,
    edit,
    header,
    put,
    reply,
    status,
)
from conformance.orders import ERROR, instead
from conformance.stock import Stock
from connexeo.tools.conformance.verdicts import State

RESULTS = "/jobs/[^/]+/results"
SHARED = "/results/[^/]+/[^/]+"
FILE = "/results/[^/]+/[^/]+/[^/]+"
UNKNOWN = "/jobs/conformance_no_such.*/results"
BILLED = put("/", "billing", value={"currency": "EUR"})
RESULTS_OF_ALL = {"a": {"href": "https://a.example/a.tif", "type": "image/tiff"}}


def _without_canonical(document: Any) -> None:
    document["links"] = [each for each in document.get("links", ()) if each["rel"] != "canonical"]


def _relative(document: Any) -> None:
    for link in document["links"]:
        if link["rel"] == "canonical":
            link["href"] = "/results/1"


def _partial(change: Change) -> Change:
    """Only when part of the results is asked for."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        return change.apply(request, send) if "partial" in request.url.params else send(request)

    return Change(change.method, change.path, apply)


def _failing(document: Any) -> Change:
    """What comes of a job that has failed."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        return httpx.Response(424, json=document) if response.status_code == 424 else response

    return Change("GET", RESULTS, apply)


NO_CANONICAL = edit(RESULTS, _without_canonical)

FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.860": [(put(RESULTS, "assets", value={}),), (put(RESULTS, "assets", value=[]),)],
    "profile.861": [
        (instead(RESULTS, 200, 203, RESULTS_OF_ALL),),
        (reply(UNKNOWN, 200, {}),),
        (instead(RESULTS, 424, 200, {"openeo:status": "finished"}),),
        (instead(RESULTS, 424, 404, ERROR),),
        (_failing({}),),
        (_failing({"id": "1", "message": "It failed."}),),
    ],
    "profile.862": [
        (_partial(reply(RESULTS, 400, ERROR)),),
        (_partial(put(RESULTS, "assets", value={})),),
        (_partial(instead(RESULTS, 400, 200, {})),),
        (_partial(instead(RESULTS, 400, 200, {"openeo:status": "finished"})),),
    ],
    "profile.863": [
        (instead(RESULTS, 400, 200, {}),),
        (instead(RESULTS, 400, 404, ERROR),),
        (instead(RESULTS, 400, 400, ERROR),),
    ],
    "profile.864": [
        (BILLED, header(RESULTS, openeo_costs=None)),
        (BILLED, header(RESULTS, openeo_costs="much")),
        (BILLED, header(RESULTS, openeo_costs="-1")),
        (BILLED, header(RESULTS, openeo_costs="nan")),
    ],
    "profile.871": [
        (NO_CANONICAL,),
        (edit(RESULTS, _relative),),
        (reply(SHARED, 403, ERROR),),
        (put(SHARED, "type", value="Feature"),),
        (put(SHARED, "assets", value={}),),
        (reply(FILE, 401, ERROR),),
    ],
    "profile.872": [
        (drop(RESULTS, "expires"),),
        (put(RESULTS, "expires", value="2199-01-01"),),
        (put(RESULTS, "expires", value="2001-01-01T00:00:00Z"),),
        (put(RESULTS, "expires", value=7),),
    ],
    "jobs.own-results": [(put(RESULTS, "assets", value=RESULTS_OF_ALL),)],
}


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    # Errors have no JSON that could be edited in the same way.
    assert_found(stock.look(check_id, *map(_of_success, changes)))


def _of_success(change: Change) -> Change:
    """Changes that trip over errors leave them as they are."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        try:
            return change.apply(request, send)
        except (KeyError, TypeError):
            return send(request)

    return Change(change.method, change.path, apply)


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    assert_kept(stock.look(check_id, *((BILLED,) if check_id == "profile.864" else ())))


def test_nothing_has_a_price_without_prices(stock: Stock) -> None:
    assert stock.look("profile.864").state is State.NOT_APPLICABLE


def test_signed_links_are_only_recommended(stock: Stock) -> None:
    """As long as files can be read without a token."""
    assert stock.look("profile.871", NO_CANONICAL).state is State.WARNING
    assert stock.look("profile.871", NO_CANONICAL, reply(FILE, 401, ERROR)).state is State.FAIL
    assert stock.look("profile.872", NO_CANONICAL).state is State.NOT_APPLICABLE


UNHURT: list[tuple[str, Change]] = [
    # What was ready before the error, and errors of the server.
    ("profile.861", instead(RESULTS, 424, 200, {"openeo:status": "error"})),
    ("profile.861", instead(RESULTS, 424, 500, ERROR)),
    ("profile.862", _partial(instead(RESULTS, 400, 200, {"openeo:status": "created", "assets": {}}))),
    ("profile.863", instead(RESULTS, 400, 400, {**ERROR, "code": "JobNotStarted"})),
    ("profile.871", status(SHARED, 203)),
]


@pytest.mark.parametrize(("check_id", "change"), UNHURT)
def test_what_is_sound_passes(check_id: str, change: Change, stock: Stock) -> None:
    assert_kept(stock.look(check_id, change))


ODD: list[Any] = [
    {},
    {"type": [], "assets": [5], "links": 5, "expires": {}, "openeo:status": [], "properties": 7},
    {
        "type": {},
        "assets": {"a": 5, "b": {"href": {}}, "c": {"href": "relative"}, "d": {"href": "http://[::1"}},
        "links": [
            {"rel": "canonical", "href": "http://[::1"},
            {"rel": [], "href": "x"},
            {"rel": "canonical"},
        ],
    },
    [],
]


@pytest.mark.parametrize("document", ODD, ids=json.dumps)
def test_documents_of_any_shape(document: Any, stock: Stock) -> None:
    for check_id in FAULTS:
        for change in (reply(RESULTS, 200, document), reply(SHARED, 200, document), _failing(document)):
            result = stock.look(check_id, BILLED, change)
            assert result.state is not State.ERROR, (check_id, result.reason)
