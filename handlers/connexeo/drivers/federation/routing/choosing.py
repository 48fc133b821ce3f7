"""Which of the back-ends that can run a process is asked first."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    """Requests, jobs and services of ours that it works on."""
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


RECENT = 600.0
"""Seconds for which a job or service counts that a back-end was given: what it does then is not asked for."""


class Load:
    """What back-ends have to do for this process: requests that are under way, and jobs and services given lately.

    Args:
        now: Seconds of a clock that only goes on.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._running: Counter[str] = Counter()
        self._given: defaultdict[str, deque[float]] = defaultdict(deque)

    def of(self, upstream: str) -> int:
        """How much a back-end has to do."""
        given = self._given[upstream]
        while given and given[0] < self._now() - RECENT:
            given.popleft()
        return self._running[upstream] + len(given)

    def give(self, upstream: str) -> None:
        """Note a job or a service."""
        self._given[upstream].append(self._now())

    @contextmanager
    def one_more(self, upstream: str) -> Iterator[None]:
        """While a request is under way."""
        self._running[upstream] += 1
        try:
            yield
        finally:
            self._running[upstream] -= 1
