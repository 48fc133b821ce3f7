"""The order in which back-ends are asked."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from connexeo.drivers.federation.routing.choosing import RECENT, Load, Standing, is_paid, ranked


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"online": False, "weight": 100.0}),
        ({}, {"near": False, "weight": 100.0}),
        ({"near": False}, {"online": False}),
        ({"weight": 2.0}, {}),
        ({"load": 1}, {"load": 2}),
        ({"weight": 2.0, "load": 2}, {"load": 1}),
        ({}, {"weight": 2.0, "load": 2}),
        ({"paid": False}, {"paid": True}),
        ({"paid": None}, {"paid": True}),
        ({"paid": True}, {"load": 1, "paid": False}),
    ],
)
def test_the_better_one_comes_first(better: dict[str, Any], worse: dict[str, Any]) -> None:
    one, other = Standing("one", **better), Standing("other", **worse)
    assert ranked([one, other]) == ranked([other, one]) == ["one", "other"]


def test_the_configured_order_decides_in_the_end() -> None:
    for order in permutations("abc"):
        assert ranked([Standing(each) for each in order]) == list(order)


@pytest.mark.parametrize(
    ("billing", "plan", "paid"),
    [
        (None, None, None),
        ({"currency": None}, None, False),
        ({"currency": "EUR"}, None, None),
        (
            {"currency": "EUR", "default_plan": "free", "plans": [{"name": "free", "paid": False}]},
            None,
            False,
        ),
        ({"currency": "EUR", "plans": [{"name": "Pro", "paid": True}]}, "pro", True),
        ({"currency": "EUR", "plans": [{"name": "pro", "paid": "yes"}, 5, {}]}, "pro", None),
        ({"currency": "EUR", "plans": "none"}, "pro", None),
    ],
)
def test_prices_are_read(billing: Any, plan: str | None, paid: bool | None) -> None:
    assert is_paid(billing, plan) is paid


def test_requests_under_way_are_counted_until_they_end() -> None:
    load = Load()
    with load.one_more("a"):
        with load.one_more("a"):
            assert load.of("a") == 2
        assert load.of("a") == 1
    assert (load.of("a"), load.of("b")) == (0, 0)


def test_jobs_and_services_count_for_some_time() -> None:
    times = iter([0.0, 5.0, 5.0, RECENT + 1.0, RECENT + 1.0, RECENT + 6.0])
    load = Load(lambda: next(times))
    load.give("a")
    load.give("a")
    with load.one_more("a"):
        assert load.of("a") == 3
    assert load.of("a") == 1
    assert load.of("b") == 0


def test_back_ends_take_turns_with_jobs() -> None:
    load = Load()
    given = []
    for _ in range(6):
        best, *_ = ranked(
            [Standing("one", load=load.of("one"), weight=2.0), Standing("two", load=load.of("two"))]
        )
        load.give(best)
        given.append(best)
    assert given == ["one", "one", "two", "one", "one", "two"]
