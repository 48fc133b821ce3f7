"""Prices and billing plans of a back-end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.shapes import mapping, objects, text


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
