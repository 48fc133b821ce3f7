"""What jobs cost, for deployments that charge; for all others everything here is absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.drivers.interface import Json
from connexeo.generated.errors import (
    BillingPlanInvalid,
    BillingPlanMissing,
    BudgetInvalid,
    PaymentRequired,
)
from connexeo.settings import Billing as Prices
from connexeo.settings import BillingPlan, Settings

_HOURS = {"cpu-seconds": 1 / 3600, "cpu-minutes": 1 / 60, "cpu-hours": 1.0}
_MEGAPIXELS = {"pixels": 1e-6, "megapixels": 1.0}


@dataclass(frozen=True, slots=True)
class Billing:
    """Plans and prices."""

    prices: Prices | None = None
    """None: nothing is charged."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Billing:
        """As the deployment's settings say."""
        return cls(settings.billing)

    def capabilities(self) -> dict[str, Any]:
        """What ``GET /`` says of it: ``billing``, or nothing."""
        if self.prices is None:
            return {}
        described: dict[str, Any] = {"currency": self.prices.currency, "plans": []}
        if self.prices.default_plan is not None:
            described["default_plan"] = self.prices.default_plan
        for plan in self.prices.plans:
            shown = {"name": plan.name, "description": plan.description, "paid": plan.paid, "url": plan.url}
            described["plans"].append({key: value for key, value in shown.items() if value is not None})
        return {"billing": described}

    def plan_of(self, asked: str | None) -> str | None:
        """The plan for a request: the one asked for, the default one, or the only one.

        Raises:
            BillingPlanInvalid: when there is no such plan.
            BillingPlanMissing: when none is asked for, and none can be assumed.
        """
        if asked is not None:
            return self._named(asked).name
        if self.prices is None:
            return None
        if self.prices.default_plan is not None:
            return self._named(self.prices.default_plan).name
        if len(self.prices.plans) == 1:
            return self.prices.plans[0].name
        raise BillingPlanMissing()

    def check_budget(self, budget: float | None) -> None:
        """Refuse a budget that no work can be done for.

        Raises:
            BudgetInvalid: when it is not above 0.
        """
        if self.prices is not None and budget is not None and budget <= 0:
            raise BudgetInvalid()

    def costs_of(self, usage: Json | None, plan: str | None, *, digits: int = 4) -> float | None:
        """What has been used costs by a plan, in the currency; None where nothing is charged.

        Args:
            usage: As in the contract; ``cpu`` and ``pixels`` count.
            plan: Name of the plan. One that is not offered any longer costs nothing.
            digits: After the point.
        """
        if self.prices is None:
            return None
        prices = self._find(plan)
        if prices is None:
            return 0.0
        hours = _amount(usage, "cpu", _HOURS)
        megapixels = _amount(usage, "pixels", _MEGAPIXELS)
        costs = hours * prices.price_per_cpu_hour + megapixels * prices.price_per_megapixel
        return round(costs, digits)

    def check_payment(self, budget: float | None, costs: float | None) -> None:
        """Refuse work that costs more than its budget.

        Raises:
            PaymentRequired: when it does.
        """
        if budget is not None and costs is not None and costs > budget:
            raise PaymentRequired(
                f"The estimated costs of {costs:g} exceed the budget of {budget:g}. Raise the budget, or ask for less."
            )

    def charges(self, plan: str | None) -> bool:
        """Whether work by this plan can cost anything."""
        found = self._find(plan)
        return found is not None and (found.price_per_cpu_hour > 0 or found.price_per_megapixel > 0)

    def _find(self, name: str | None) -> BillingPlan | None:
        plans = self.prices.plans if self.prices is not None else ()
        wanted = (name or "").casefold()
        return next((plan for plan in plans if plan.name.casefold() == wanted), None)

    def _named(self, name: str) -> BillingPlan:
        plan = self._find(name)
        if plan is None:
            raise BillingPlanInvalid()
        return plan


def usage_of(cpu: float, pixels: float) -> dict[str, Any]:
    """What work takes, or has taken, as `Billing.costs_of` reads it: seconds of processors, and pixels."""
    return {
        "cpu": {"value": cpu, "unit": "cpu-seconds"},
        "pixels": {"value": pixels, "unit": "pixels"},
    }


def _amount(usage: Json | None, name: str, factors: Mapping[str, float]) -> float:
    """What was used of one thing, in the unit that prices are for."""
    metric = (usage or {}).get(name)
    return float(metric["value"]) * factors.get(metric["unit"], 0.0) if metric is not None else 0.0
