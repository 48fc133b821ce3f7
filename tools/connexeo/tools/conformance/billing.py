"""Prices and billing plans of a back-end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.resources import Entry
from connexeo.tools.conformance.shapes import mapping, objects, text
from connexeo.tools.conformance.verdicts import NotApplicable, Violation


def currency(backend: BackEnd) -> str | None:
    """What costs are counted in, None where nothing has a price."""
    return text(mapping(backend.capabilities.get("billing")).get("currency")) or None


def plans(backend: BackEnd) -> list[Mapping[str, Any]]:
    """Plans that have a name."""
    given = objects(mapping(backend.capabilities.get("billing")).get("plans"))
    return [plan for plan in given if text(plan.get("name"))]


def paid_plan(backend: BackEnd) -> str | None:
    """A plan that costs something, the default one if it does."""
    return _plan(backend, paid=True)


def free_plan(backend: BackEnd) -> str | None:
    """A plan that costs nothing, the default one if it does not."""
    return _plan(backend, paid=False)


def _plan(backend: BackEnd, *, paid: bool) -> str | None:
    names = [text(plan["name"]) for plan in plans(backend) if plan.get("paid") is paid]
    default = text(mapping(backend.capabilities.get("billing")).get("default_plan"))
    return default if default in names else next(iter(names), None)


def need_plan(backend: BackEnd) -> str:
    """A billing plan, one that costs nothing where there is one.

    Raises:
        NotApplicable: when there are no prices, or no plans.
    """
    found = plans(backend) if currency(backend) else []
    if not found:
        raise NotApplicable("the capabilities tell of no prices and billing plans")
    return free_plan(backend) or text(found[0]["name"])


def faults_of_billing(entry: Entry, plan: str, budget: float) -> Iterator[Violation]:
    """What is not as it was asked for."""
    told = text(entry.value.get("plan"))
    if told.lower() != plan.lower():
        yield Violation(f"`plan` is {told or 'missing'}, not {plan} as it was given", entry.evidence)
    if entry.value.get("budget") != budget:
        yield Violation(
            f"`budget` is {entry.value.get('budget', 'missing')}, not {budget} as it was given",
            entry.evidence,
        )
