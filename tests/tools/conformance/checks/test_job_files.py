"""Files that batch jobs leave."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, cases, edit, put, reply
from conformance.orders import ERROR, cut, replaced
from conformance.stock import Stock
from connexeo.tools.conformance.verdicts import State

RESULTS = "/jobs/[^/]+/results"
FILE = "/results/[^/]+/[^/]+/[^/]+"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def _assets(**fields: Any) -> Change:
    """Assets have other fields; those that are None, none."""

    def change(document: Any) -> None:
        for asset in document["assets"].values():
            asset.update(fields)
            for key in [key for key, value in asset.items() if value is None]:
                del asset[key]

    return edit(RESULTS, change)


def _with_token(request: httpx.Request, send: Answer) -> httpx.Response:
    return send(request) if "authorization" in request.headers else httpx.Response(401, json=ERROR)


UNMEASURED = _assets(**{"file:size": None, "file:checksum": None})

FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.869": [
        (_assets(href=None),),
        (_assets(type=None),),
        (_assets(title=None),),
        (_assets(href="openEO.tif"),),
    ],
    "jobs.files-readable": [(reply(FILE, 404, ERROR),), (Change("GET", FILE, _with_token),)],
    "jobs.file-types": [
        (_assets(type="image/png"),),
        (_assets(type="application/json"),),
        (replaced(FILE, b"<!DOCTYPE html><html>Log in</html>"),),
        (replaced(FILE, b"{}"),),
        (replaced(FILE, b""),),
    ],
    "jobs.files-complete": [
        (_assets(**{"file:size": 5}),),
        (_assets(**{"file:checksum": "1220" + "00" * 32}),),
        (UNMEASURED, cut(FILE)),
        (UNMEASURED, replaced(FILE, PNG)),
    ],
}


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    assert_found(stock.look(check_id, *changes))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    assert_kept(stock.look(check_id))


UNHURT: list[tuple[str, Change]] = [
    ("jobs.file-types", _assets(type="image/tiff; application=geotiff")),
    ("jobs.file-types", _assets(type="application/x-river")),
    ("jobs.file-types", Change("GET", FILE, _with_token)),
    ("jobs.files-complete", UNMEASURED),
    # Kinds of checksums that are not known tell nothing.
    ("jobs.files-complete", _assets(**{"file:checksum": "ff00"})),
]


@pytest.mark.parametrize(("check_id", "change"), UNHURT)
def test_what_is_sound_passes(check_id: str, change: Change, stock: Stock) -> None:
    assert_kept(stock.look(check_id, change))


def test_files_that_do_not_come_tell_nothing(stock: Stock) -> None:
    for check_id in ("jobs.file-types", "jobs.files-complete"):
        for change in (reply(FILE, 404, ERROR), _assets(href="s3://bucket/a.tif")):
            assert stock.look(check_id, change).state is State.NOT_TESTABLE


ODD: list[Any] = [
    [],
    {"a": 5, "b": [], "c": {}},
    {"a": {"href": 5, "type": {}, "title": [], "file:size": "big", "file:checksum": 7}},
    {"a": {"href": "http://[::1", "type": 5}},
]


@pytest.mark.parametrize("assets", ODD, ids=json.dumps)
def test_documents_of_any_shape(assets: Any, stock: Stock) -> None:
    for check_id in FAULTS:
        result = stock.look(check_id, reply(RESULTS, 200, {"assets": assets}))
        assert result.state is not State.ERROR, (check_id, result.reason)


def test_files_that_are_described_oddly(stock: Stock) -> None:
    odd: list[dict[str, Any]] = [
        {"type": [], "file:size": {}, "file:checksum": []},
        {"file:checksum": "xyz"},
    ]
    for check_id in FAULTS:
        for fields in odd:
            assert stock.look(check_id, _assets(**fields)).state is not State.ERROR
        assert stock.look(check_id, put(RESULTS, "assets", value=None)).state is not State.ERROR
