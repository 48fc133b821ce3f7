"""Prices, and which plan is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.billing import (
    currency,
    faults_of_billing,
    free_plan,
    need_plan,
    paid_plan,
    plans,
)
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.resources import Entry
from connexeo.tools.conformance.verdicts import NotApplicable

Pretend = Callable[..., tuple[BackEnd, Inspection]]
FREE = {"name": "free", "paid": False}
PAID = {"name": "gold", "paid": True}
OTHER = {"name": "silver", "paid": True}


@pytest.fixture
def priced(pretend: Pretend) -> Callable[[Any], BackEnd]:
    """Makes a back-end with this ``billing`` among its capabilities."""

    def make(billing: Any) -> BackEnd:
        backend, _ = pretend(lambda request: httpx.Response(404))
        backend.discovery.capabilities["billing"] = billing  # type: ignore[index]
        return backend

    return make


Priced = Callable[[Any], BackEnd]


def test_the_default_plan_is_preferred(priced: Priced) -> None:
    backend = priced({"currency": "EUR", "default_plan": "silver", "plans": [FREE, PAID, OTHER]})
    assert currency(backend) == "EUR"
    assert (free_plan(backend), paid_plan(backend)) == ("free", "silver")


def test_without_a_default_the_first_counts(priced: Priced) -> None:
    assert paid_plan(priced({"currency": "EUR", "plans": [FREE, PAID, OTHER]})) == "gold"
    assert free_plan(priced({"currency": "EUR", "plans": [PAID]})) is None


def test_a_plan_that_costs_nothing_is_asked_for(priced: Priced) -> None:
    assert need_plan(priced({"currency": "EUR", "plans": [PAID, FREE]})) == "free"
    assert need_plan(priced({"currency": "EUR", "plans": [PAID]})) == "gold"


@pytest.mark.parametrize("billing", [None, 5, {}, {"currency": None}, {"currency": "EUR", "plans": [{}, 3]}])
def test_without_prices_or_plans_there_is_nothing_to_check(billing: Any, priced: Priced) -> None:
    backend = priced(billing)
    assert plans(backend) == []
    with pytest.raises(NotApplicable):
        need_plan(backend)


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"plan": "FREE", "budget": 2}, []),
        ({"plan": "gold", "budget": 2}, ["`plan` is gold, not free as it was given"]),
        ({"plan": "free"}, ["`budget` is missing, not 2 as it was given"]),
        ({"plan": None, "budget": 2}, ["`plan` is missing, not free as it was given"]),
        ({"plan": "free", "budget": 3}, ["`budget` is 3, not 2 as it was given"]),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_asked_for(told: dict[str, Any], wrong: list[str]) -> None:
    nothing = httpx.Headers()
    exchange = Exchange("GET", "http://a.example", "user", nothing, b"", 200, nothing, b"{}", 0.0)
    found = faults_of_billing(Entry(told, exchange), "free", 2)
    assert [violation.message for violation in found] == wrong
