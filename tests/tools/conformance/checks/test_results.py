"""Synchronous processing: what comes, what is refused, and what goes with it."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, cases, header, put, reply, status
from conformance.orders import ERROR, cut, instead, refusing, replaced, without
from conformance.stock import Stock
from connexeo.tools.conformance.verdicts import State

RESULT = "/result"
LOGS = "/logs/[^/]+"
HTML = b"<!DOCTYPE html><html>Please wait</html>"
OTHER = {"id": "1", "code": "SomethingElse", "message": "It is wrong."}

PLANS = [
    {"name": "free", "description": "", "paid": False},
    {"name": "gold", "description": "", "paid": True},
]
BILLED = put("/", "billing", value={"currency": "EUR", "default_plan": "gold", "plans": PLANS})


def _archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return buffer.getvalue()


def _several(content: bytes, media_type: str = "application/x-tar") -> Change:
    """What comes of processes with two results."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        if b'"second"' not in request.content:
            return send(request)
        return httpx.Response(200, headers={"content-type": media_type}, content=content)

    return Change("POST", RESULT, apply)


def _charging(costs: str | None, *, known: tuple[str, ...] = ("free", "gold")) -> Change:
    """Takes these plans, and has a price for the paid one; None: what is not paid for is refused."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        body = json.loads(request.content)
        plan, budget = body.pop("plan", "gold"), body.pop("budget", None)
        if plan not in known:
            return httpx.Response(400, json={**ERROR, "code": "BillingPlanInvalid"})
        if budget is not None and budget < 0:
            return httpx.Response(400, json={**ERROR, "code": "BudgetInvalid"})
        if plan == "gold" and budget is not None and budget < 1 and costs is None:
            return httpx.Response(402, json={**ERROR, "code": "PaymentRequired"})
        kept = {name: value for name, value in request.headers.items() if name != "content-length"}
        response = send(httpx.Request(request.method, request.url, headers=kept, json=body))
        response.headers["OpenEO-Costs"] = costs or "1"
        return response

    return Change("POST", RESULT, apply)


TAKES_ALL = instead(RESULT, 400, 200, {}, method="POST")
PAID = (BILLED, _charging(None))

FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.900": [(reply(RESULT, 400, ERROR, "POST"),), (reply(RESULT, 202, {}, "POST"),)],
    "profile.901": [(TAKES_ALL,)],
    "profile.902": [
        (BILLED, _charging(None, known=("gold",))),
        (BILLED, _charging(None, known=("free", "gold", "conformance_no_such_thing_3f9c1d"))),
        (BILLED, without(RESULT, "budget"), without(RESULT, "plan")),
    ],
    "profile.903": [(refusing(RESULT, "log_level"),), (without(RESULT, "log_level"),)],
    "profile.904": [(refusing(RESULT, "conformance_note"),)],
    "profile.905": [
        (replaced(RESULT, b"", method="POST"),),
        (status(RESULT, 201, "POST"),),
        (TAKES_ALL, instead(RESULT, 404, 200, {}, method="POST")),
    ],
    "profile.906": [
        (header(RESULT, "POST", content_type=None),),
        (replaced(RESULT, HTML, method="POST"),),
        (header(RESULT, "POST", content_type="application/octet-stream"),),
    ],
    "profile.907": [(*PAID, header(RESULT, "POST", openeo_costs=costs)) for costs in (None, "much")],
    "profile.908": [
        (header(RESULT, "POST", link=None),),
        (header(RESULT, "POST", link='</logs/1>; rel="monitor"'),),
        (reply(LOGS, 404, ERROR),),
        (reply(LOGS, 200, {}),),
    ],
    "profile.909": [
        (_several(b"no archive"),),
        (_several(_archive("one.tif")),),
        (_several(_archive("one.tif", "two.tif"), "image/tiff"),),
    ],
    "profile.910": [(BILLED, _charging("5"))],
    "results.error-codes": [(instead(RESULT, 400, 400, OTHER, "POST"),), (instead(RESULT, 404, 404, OTHER, "POST"),)],
    "results.right": [(replaced(RESULT, b"4", "application/json", "POST"),)],
    "results.complete": [(cut(RESULT, "POST"),)],
}  # fmt: skip

ONLY_PAID = ("profile.902", "profile.907", "profile.910")


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    assert_found(stock.look(check_id, *changes))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    assert_kept(stock.look(check_id, *(PAID if check_id in ONLY_PAID else ())))


@pytest.mark.parametrize("check_id", ONLY_PAID)
def test_where_nothing_has_a_price_nothing_is_asked(check_id: str, stock: Stock) -> None:
    result = stock.look(check_id)
    assert result.state is State.NOT_APPLICABLE
    assert result.reason


def test_nobody_is_blamed_for_what_cannot_be_told(stock: Stock) -> None:
    refused = reply(RESULT, 400, ERROR, "POST")
    for check_id in ("profile.906", "profile.908", "profile.909", "results.right", "results.complete"):
        result = stock.look(check_id, refused)
        assert result.state is State.NOT_TESTABLE, check_id
        assert result.reason
    one_only = _several(_archive("one.tif"), "image/tiff")
    assert (
        stock.look("profile.910", BILLED, header(RESULT, "POST", openeo_costs=None)).state is not State.FAIL
    )
    assert stock.look("profile.909", replaced(RESULT, HTML, method="POST")).state is State.NOT_TESTABLE
    assert stock.look("profile.909", one_only).state is not State.ERROR


ODD = (b"", b"null", b"[", b'{"a": {"b": [1, 2]}}', bytes(300), b"II*\0\xff\xff")


@pytest.mark.parametrize("check_id", FAULTS)
def test_results_of_any_shape(check_id: str, stock: Stock) -> None:
    for number, body in enumerate(ODD):
        media_type = ("application/json", "image/tiff")[number % 2]
        result = stock.look(check_id, replaced(RESULT, body, media_type, "POST"))
        assert result.state is not State.ERROR, (body, result.reason)


def test_logs_of_any_shape(stock: Stock) -> None:
    odd: list[Any] = [[], {}, {"logs": 5}, {"logs": [5, {"level": []}], "links": {}}]
    for document in odd:
        for check_id in ("profile.903", "profile.908"):
            result = stock.look(check_id, reply(LOGS, 200, document))
            assert result.state is not State.ERROR, (check_id, result.reason)


def test_nothing_is_processed_that_may_cost(stock: Stock) -> None:
    """The runner keeps checks that cost something from running; they say that they do."""
    assert all(stock.checks[check_id].costs for check_id in FAULTS)
