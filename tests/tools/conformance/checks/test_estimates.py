"""Estimates of batch jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.doctored import Change, assert_found, drop, put, reply
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

ESTIMATE = "/jobs/[^/]+/estimate"
PRICES = put("/", "billing", value={"currency": "EUR"})
CHECKS = [f"profile.{number}" for number in range(820, 827)]

SOUND: dict[str, tuple[str, dict[str, Any]]] = {
    "costs": ("profile.821", {"costs": 3.5}),
    "no costs at all": ("profile.821", {"costs": 0}),
    "weeks": ("profile.822", {"duration": "P2W"}),
    "days and hours": ("profile.822", {"duration": "P1DT2H"}),
    "size": ("profile.823", {"size": 17}),
    "any number of downloads": ("profile.824", {"size": 17, "downloads_included": None}),
    "five downloads": ("profile.824", {"size": 17, "downloads_included": 5}),
    "validity": ("profile.825", {"size": 17, "expires": "2199-01-01T00:00:00Z"}),
}

FAULTS: dict[str, tuple[str, Change]] = {
    "nothing": ("profile.820", reply(ESTIMATE, 200, {"expires": "2199-01-01T00:00:00Z"})),
    "no estimate": ("profile.820", reply(ESTIMATE, 404, {"code": "JobNotFound", "message": "none"})),
    "costs as text": ("profile.821", reply(ESTIMATE, 200, {"costs": "much"})),
    "no costs": ("profile.821", reply(ESTIMATE, 200, {"size": 17})),
    "costs below nothing": ("profile.821", reply(ESTIMATE, 200, {"costs": -1})),
    "no duration": ("profile.822", reply(ESTIMATE, 200, {"size": 17})),
    "seconds": ("profile.822", reply(ESTIMATE, 200, {"duration": "17 s"})),
    "no time": ("profile.822", reply(ESTIMATE, 200, {"duration": "PT"})),
    "no size": ("profile.823", drop(ESTIMATE, "size")),
    "size below nothing": ("profile.823", put(ESTIMATE, "size", value=-1)),
    "downloads below nothing": ("profile.824", put(ESTIMATE, "downloads_included", value=-1)),
    "downloads as text": ("profile.824", put(ESTIMATE, "downloads_included", value="any")),
    "past": ("profile.825", put(ESTIMATE, "expires", value="2001-01-01T00:00:00Z")),
    "a date": ("profile.825", put(ESTIMATE, "expires", value="2199-01-01")),
    "empty": ("profile.826", reply(ESTIMATE, 200, {})),
    "failure": ("profile.826", reply(ESTIMATE, 500, {"code": "Internal", "message": "failed"})),
    "of nothing": ("profile.826", reply(ESTIMATE, 200, {"size": 17})),
}


@pytest.mark.parametrize("check_id", CHECKS)
def test_our_estimates_are_sound(check_id: str, look: Look) -> None:
    result = look(check_id)
    expected = State.NOT_APPLICABLE if check_id == "profile.821" else State.PASS
    assert result.state is expected, (result.reason, [finding.message for finding in result.findings])


@pytest.mark.parametrize("estimate", SOUND)
def test_sound_estimates_pass(estimate: str, look: Look) -> None:
    check_id, document = SOUND[estimate]
    assert look(check_id, PRICES, reply(ESTIMATE, 200, document)).state is State.PASS


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault: str, look: Look) -> None:
    check_id, change = FAULTS[fault]
    assert_found(look(check_id, PRICES, change))


@pytest.mark.parametrize("check_id", CHECKS[:6])
def test_too_complex_jobs_need_no_estimate(check_id: str, look: Look) -> None:
    complex = reply(ESTIMATE, 500, {"code": "EstimateComplexity", "message": "too complex"})
    assert look(check_id, PRICES, complex).state is State.NOT_TESTABLE


@pytest.mark.parametrize(
    "document", [[], {"costs": [], "duration": 5, "size": {}, "expires": 7}, "text", None]
)
@pytest.mark.parametrize("check_id", CHECKS)
def test_answers_of_any_shape(check_id: str, document: Any, look: Look) -> None:
    result = look(check_id, PRICES, reply(ESTIMATE, 200, document))
    assert result.state is not State.ERROR, result.reason
