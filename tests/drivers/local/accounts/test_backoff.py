from __future__ import annotations

from connexeo.drivers.local.accounts.backoff import Backoff


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def test_some_failures_are_free() -> None:
    backoff = Backoff(Clock())
    for _ in range(4):
        backoff.failed("ana")
    assert backoff.remaining("ana") == 0
    backoff.failed("ana")
    assert backoff.remaining("ana") == 1
    assert backoff.remaining("bo") == 0


def test_wait_doubles_up_to_a_limit_and_passes() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    waits = []
    for _ in range(50):
        backoff.failed("ana")
        waits.append(backoff.remaining("ana"))
    assert waits[4:11] == [1, 2, 4, 8, 16, 30, 30]
    assert max(waits) == 30
    clock.time += 29
    assert backoff.remaining("ana") == 1
    clock.time += 1
    assert backoff.remaining("ana") == 0


def test_success_starts_over() -> None:
    backoff = Backoff(Clock())
    for _ in range(9):
        backoff.failed("ana")
    backoff.succeeded("ana")
    backoff.failed("ana")
    assert backoff.remaining("ana") == 0


def test_memory_is_bounded() -> None:
    backoff = Backoff(Clock())
    for number in range(10_005):
        for _ in range(6):
            backoff.failed(f"user-{number}")
    assert backoff.remaining("user-0") == 0
    assert backoff.remaining("user-10004") > 0
