"""Circuit breakers."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from connexeo.drivers.federation.breaker import CircuitBreaker, Passage


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = CircuitBreaker(failures=2, pause=10)
    breaker.failed_at(0)
    breaker.succeeded()
    breaker.failed_at(1)
    assert breaker.passage(1) is Passage.ASK
    breaker.failed_at(2)
    assert breaker.passage(2) is Passage.SKIP


def test_one_request_tries_after_the_pause() -> None:
    breaker = CircuitBreaker(failures=1, pause=10)
    breaker.failed_at(0)
    assert breaker.passage(9.9) is Passage.SKIP
    assert breaker.passage(10) is Passage.TRY
    assert breaker.passage(11) is Passage.SKIP
    breaker.failed_at(12)
    assert breaker.passage(21) is Passage.SKIP
    assert breaker.passage(22) is Passage.TRY
    breaker.succeeded()
    assert breaker.passage(22) is Passage.ASK


def test_a_trial_that_was_given_up_can_be_made_again() -> None:
    breaker = CircuitBreaker(failures=1, pause=10)
    breaker.failed_at(0)
    assert breaker.passage(10) is Passage.TRY
    breaker.gave_up()
    assert breaker.passage(10) is Passage.TRY


@example([(0.0, False), (3.7135235325613154, False)])
@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=40))
def test_it_never_stays_open_for_a_back_end_that_answers(events: list[tuple[float, bool]]) -> None:
    breaker, now = CircuitBreaker(failures=2, pause=5), 0.0
    for pause, answers in events:
        now += pause
        if breaker.passage(now) is not Passage.SKIP:
            breaker.succeeded() if answers else breaker.failed_at(now)
    assert breaker.passage(now + 5) is not Passage.SKIP
