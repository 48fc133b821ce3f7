"""Which of the back-ends that can run a process is asked first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks for a back-end, and against it."""

    id: str
    online: bool = True
    near: bool = True
    """Whether it has what the process reads, where others could read it as well."""
    weight: float = 1.0
    load: int = 0
    """Requests of ours that it works on."""
    paid: bool | None = False
    """Whether it takes money for the plan that would be used; None: it does not say."""


def ranked(standings: Sequence[Standing]) -> list[str]:
    """The best first; where nothing else decides, in the order in which they are given.

    Those that do not answer come last, then those from which the data are far away. A back-end of twice the weight is
    given twice as many requests at a time. Of equally busy ones those that are free of charge come first.
    """
    places = {each.id: place for place, each in enumerate(standings)}

    def key(standing: Standing) -> tuple[Any, ...]:
        price = {False: 0, None: 1, True: 2}[standing.paid]
        busy = (standing.load + 1) / standing.weight
        return not standing.online, not standing.near, busy, price, places[standing.id]

    return [each.id for each in sorted(standings, key=key)]


def is_paid(billing: Any, plan: str | None) -> bool | None:
    """Whether a back-end takes money, by the ``billing`` of its capabilities; None where it does not say."""
    if not isinstance(billing, Mapping):
        return None
    if "currency" in billing and billing["currency"] is None:
        return False
    wanted = str(plan if plan is not None else billing.get("default_plan")).casefold()
    paid = {each["name"].casefold(): each.get("paid") for each in plans_of(billing)}.get(wanted)
    return paid if isinstance(paid, bool) else None


def plans_of(billing: Any) -> list[Mapping[str, Any]]:
    """The billing plans of a back-end."""
    plans = billing.get("plans") if isinstance(billing, Mapping) else None
    return [
        each
        for each in (plans if isinstance(plans, list) else ())
        if isinstance(each, Mapping) and isinstance(each.get("name"), str)
    ]


class Load:
    """Counts the requests that are under way from this process."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    def of(self, upstream: str) -> int:
        """How many a back-end works on."""
        return self._running[upstream]

    @contextmanager
    def one_more(self, upstream: str) -> Iterator[None]:
        """While a request is under way."""
        self._running[upstream] += 1
        try:
            yield
        finally:
            self._running[upstream] -= 1
