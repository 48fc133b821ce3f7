"""Properties of the things that users have made: which there are, which they may change, and what can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from connexeo.drivers.interface import Json
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.generated.errors import NoDataForUpdate, PropertyNotEditable, RequestInvalid

LONGEST: Mapping[str, int] = {"title": 1_000, "description": 32_000, "plan": 1_000}
"""Characters of texts, so that lists stay small."""


@dataclass(frozen=True, slots=True)
class Properties:
    """Properties of one kind of things; what is in neither set is a user's own, and kept as it is."""

    known: frozenset[str]
    """Those that users change."""
    ours: frozenset[str]
    """Those that cannot be changed, most of them made by the back-end."""
    longest: Mapping[str, int] = field(default_factory=lambda: LONGEST)
    """Characters that texts may have, by name."""

    def check_storable(self, request: Json) -> None:
        """Refuse what no database keeps, and what would make lists huge.

        Raises:
            RequestInvalid: for values nested beyond measure, and texts that are too long or have NUL characters.
        """
        for key, longest in self.longest.items():
            text = request.get(key) or ""
            if len(text) > longest:
                raise RequestInvalid(reason=f"'{key}' must have at most {longest} characters")
            if "\0" in text:
                raise RequestInvalid(reason=f"'{key}' must not contain NUL characters")
        rest = {key: value for key, value in request.items() if key != "process"}
        _check_depth(rest, "the values of some property are")
        _check_depth(request.get("process"), "the process is")

    def check_changes(self, changes: Json) -> None:
        """Refuse changes of what cannot be changed, or to what cannot be kept.

        Raises:
            NoDataForUpdate: when nothing changes.
            PropertyNotEditable: for the properties that are ours.
            RequestInvalid: as `check_storable` does.
        """
        if not changes:
            raise NoDataForUpdate()
        for key in changes:
            if key in self.ours:
                raise PropertyNotEditable(property=key)
        self.check_storable(changes)

    def values_of(self, request: Json, billing: Billing) -> dict[str, Any]:
        """Columns of a new thing, as far as things of all kinds have them.

        Raises:
            BudgetInvalid, BillingPlanInvalid, BillingPlanMissing: as `Billing` has them.
        """
        billing.check_budget(request.get("budget"))
        return {
            "title": request.get("title"),
            "description": request.get("description"),
            "process": request["process"],
            "plan": billing.plan_of(request.get("plan")),
            "budget": request.get("budget"),
            "log_level": request.get("log_level") or "info",
            "extra": self.extra_of(request) or None,
        }

    def changed_values(self, changes: Json, billing: Billing) -> dict[str, Any]:
        """Columns that change.

        Raises:
            BudgetInvalid, BillingPlanInvalid: as `Billing` has them.
        """
        values = {key: changes[key] for key in self.known & changes.keys() - {"plan"}}
        if changes.get("plan") is not None:
            values["plan"] = billing.plan_of(changes["plan"])
        billing.check_budget(changes.get("budget"))
        return values

    def extra_of(self, request: Json) -> dict[str, Any]:
        """The properties that mean nothing to the back-end, and so are the user's own."""
        reserved = self.known | self.ours
        return {
            key: value
            for key, value in request.items()
            if key not in reserved and not key.startswith("federation:")
        }


def _check_depth(value: Any, subject: str) -> None:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise RequestInvalid(reason=f"{subject} nested too deeply") from error


def merge_extra(before: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any] | None:
    """A user's own properties after a change; None removes one."""
    merged = {**(before or {}), **changes}
    return {key: value for key, value in merged.items() if value is not None} or None
