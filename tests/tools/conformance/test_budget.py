import time
from dataclasses import dataclass

import pytest

from connexeo.tools.conformance import budget as module
from connexeo.tools.conformance.budget import Budget, BudgetExhausted


@dataclass
class Clock:
    """Time that passes when somebody sleeps."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    assert time.monotonic is not clock.monotonic
    return clock


def test_no_more_requests_than_allowed() -> None:
    budget = Budget(requests=1)
    budget.take()
    with pytest.raises(BudgetExhausted, match="--max-requests"):
        budget.take()


def test_no_request_after_the_end(clock: Clock) -> None:
    budget = Budget(seconds=10, started=clock.now)
    budget.take()
    clock.now += 10
    with pytest.raises(BudgetExhausted, match="--max-time"):
        budget.take()


def test_requests_are_apart(clock: Clock) -> None:
    budget = Budget(rate=4, started=clock.now)
    times = []
    for _ in range(5):
        budget.take()
        times.append(clock.now - 1000)
    assert times == [0, 0.25, 0.5, 0.75, 1]


def test_a_pause_does_not_earn_a_burst(clock: Clock) -> None:
    budget = Budget(rate=1, started=clock.now)
    budget.take()
    clock.now += 100
    budget.take()
    before = clock.now
    budget.take()
    assert clock.now == before + 1


def test_waiting_does_not_outlast_the_run(clock: Clock) -> None:
    budget = Budget(seconds=3, rate=0.01, started=clock.now)
    budget.take()
    with pytest.raises(BudgetExhausted, match="--max-time"):
        budget.take()
    assert clock.now == 1003


def test_cleaning_up_gets_more(clock: Clock) -> None:
    budget = Budget(seconds=0, requests=0, started=clock.now)
    budget.extend(10, 2)
    budget.take()
    budget.take()
    with pytest.raises(BudgetExhausted):
        budget.take()
