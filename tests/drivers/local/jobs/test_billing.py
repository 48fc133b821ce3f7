"""What jobs cost."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.times import iso_duration
from connexeo.generated import load_openapi
from connexeo.generated.errors import BillingPlanInvalid, BillingPlanMissing, BudgetInvalid, PaymentRequired
from connexeo.server.schema import SchemaCompiler
from connexeo.settings import Billing as Prices
from connexeo.settings import Settings

FREE: dict[str, Any] = {"name": "Free", "description": "Nothing.", "paid": False}
AGENCY: dict[str, Any] = {
    "name": "agency",
    "description": "All.",
    "paid": True,
    "url": "https://river.example/pricing",
    "price_per_cpu_hour": 0.12,
    "price_per_megapixel": 0.001,
}
USAGE = {
    "cpu": {"value": 7200, "unit": "cpu-seconds"},
    "pixels": {"value": 3_000_000, "unit": "pixels"},
    "duration": {"value": 3, "unit": "hours"},
}


def billing(*plans: dict[str, Any], **more: Any) -> Billing:
    return Billing.from_settings(
        Settings(billing=Prices.model_validate({"currency": "EUR", "plans": plans, **more}))
    )


OFF = Billing.from_settings(Settings())


def test_by_default_nothing_costs_anything() -> None:
    assert OFF.capabilities() == {}
    assert OFF.costs_of(USAGE, None) is None
    assert OFF.plan_of(None) is None
    assert not OFF.charges(None)
    OFF.check_budget(0)
    with pytest.raises(BillingPlanInvalid):
        OFF.plan_of("Free")


def test_capabilities_say_what_is_on_offer() -> None:
    described = billing(FREE, AGENCY, default_plan="free").capabilities()
    url = {"url": "https://river.example/pricing"}
    assert described == {
        "billing": {
            "currency": "EUR",
            "default_plan": "free",
            "plans": [FREE, {"name": "agency", "description": "All.", "paid": True, **url}],
        }
    }
    document = load_openapi()
    schema = document["paths"]["/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert SchemaCompiler(document).compile(schema["properties"]["billing"]).is_valid(described["billing"])


@pytest.mark.parametrize(
    ("usage", "plan", "costs"),
    [
        (USAGE, "agency", 0.243),
        (USAGE, "AGENCY", 0.243),
        (USAGE, "Free", 0.0),
        (USAGE, "withdrawn", 0.0),
        (None, "agency", 0.0),
        ({}, "agency", 0.0),
        ({"cpu": {"value": 1, "unit": "cpu-hours"}}, "agency", 0.12),
        ({"cpu": {"value": 30, "unit": "cpu-minutes"}}, "agency", 0.06),
        ({"pixels": {"value": 5, "unit": "megapixels"}}, "agency", 0.005),
        ({"cpu": {"value": 1, "unit": "moons"}}, "agency", 0.0),
    ],
)
def test_costs(usage: Any, plan: str, costs: float) -> None:
    assert billing(FREE, AGENCY).costs_of(usage, plan) == costs


def test_which_plan() -> None:
    assert billing(FREE).plan_of(None) == "Free"
    assert billing(FREE, AGENCY, default_plan="AGENCY").plan_of(None) == "agency"
    assert billing(FREE, AGENCY).plan_of("free") == "Free"
    with pytest.raises(BillingPlanMissing):
        billing(FREE, AGENCY).plan_of(None)
    with pytest.raises(BillingPlanInvalid):
        billing(FREE, AGENCY).plan_of("gold")


def test_budgets() -> None:
    charging = billing(AGENCY)
    charging.check_budget(None)
    charging.check_budget(0.1)
    with pytest.raises(BudgetInvalid):
        charging.check_budget(0)
    charging.check_payment(None, 100.0)
    charging.check_payment(10, 10.0)
    with pytest.raises(PaymentRequired, match=r"12.* 10"):
        charging.check_payment(10, 12.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"plans": []},
        {"plans": [FREE, {**FREE, "name": "FREE"}]},
        {"plans": [FREE], "default_plan": "gold"},
        {"plans": [{**FREE, "price_per_cpu_hour": -1}]},
        {"plans": [FREE], "currency": ""},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"billing": {"currency": "EUR", **wrong}})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "PT1S"), (0.2, "PT1S"), (59.1, "PT1M"), (61, "PT1M1S"), (3600, "PT1H"), (90061, "PT25H1M1S")],
)
def test_durations(seconds: float, text: str) -> None:
    assert iso_duration(seconds) == text
