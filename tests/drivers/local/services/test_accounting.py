"""What services use and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connexeo.generated.errors import PaymentRequired
from connexeo.settings import Billing, BillingPlan

if TYPE_CHECKING:
    from .conftest import Desk
else:
    Desk = Any

INSIDE = (14, 8678, 5725)
BILLING = Billing(
    currency="EUR",
    default_plan="free",
    plans=(
        BillingPlan(name="free", description="Costs nothing.", paid=False),
        BillingPlan(name="paid", description="Costs what it takes.", paid=True, price_per_cpu_hour=3600),
    ),
)


def charging(desk: Desk) -> Desk:
    desk.driver = desk.make_driver(billing=BILLING)
    return desk


def test_what_is_drawn_is_counted(desk: Desk) -> None:
    service_id = desk.create()
    assert not {"usage", "costs"} & desk.describe(service_id).keys()
    for column in (8678, 8679, 8679):
        desk.tile(service_id, 14, column, 5725)
    described = desk.describe(service_id)
    # Twice a picture, and once a look at the data.
    assert described["usage"] == {
        "cpu": {"value": 1.5, "unit": "cpu-seconds"},
        "tiles": {"value": 2, "unit": "tiles"},
    }
    assert "costs" not in described


def test_costs_add_up_by_the_plan_of_the_moment(desk: Desk) -> None:
    charging(desk)
    service_id = desk.create(plan="paid")
    desk.tile(service_id, *INSIDE)
    assert desk.describe(service_id)["costs"] == pytest.approx(1.0)
    desk.update(service_id, plan="free")
    desk.tile(service_id, 14, 8679, 5725)
    assert desk.describe(service_id)["costs"] == pytest.approx(1.0)


def test_costs_of_very_little_are_not_lost(desk: Desk) -> None:
    charging(desk)
    desk.drawing.seconds = 1e-5
    service_id = desk.create(plan="paid")
    for column in range(8678, 8688):
        desk.tile(service_id, 14, column, 5725)
    assert desk.describe(service_id)["costs"] == pytest.approx(11e-5)


def test_budget_that_is_spent(desk: Desk) -> None:
    charging(desk)
    service_id = desk.create(plan="paid", budget=1.0)
    drawn = desk.tile(service_id, *INSIDE)
    with pytest.raises(PaymentRequired, match="budget of this service is spent"):
        desk.tile(service_id, 14, 8679, 5725)
    assert desk.tile(service_id, *INSIDE) == drawn
    desk.update(service_id, budget=100.0)
    assert desk.tile(service_id, 14, 8679, 5725).content == b"picture 2"
