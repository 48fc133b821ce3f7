"""How users choose back-ends, and that no back-end gets to see it."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.federation.routing.forcing import check_stays, chosen, chosen_of, without_choice
from connexeo.generated.errors import RequestInvalid

REQUESTS: list[dict[str, Any]] = [
    {"federation:backends": ["a", "b", "a"]},
    {"job_options": {"federation:backends": ["a", "b"]}},
    {"job_options": {"_agg_force_backend": ["a", "b"]}},
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_all_ways_are_understood(request_: dict[str, Any]) -> None:
    assert chosen(request_) == ("a", "b")
    kept = without_choice({**request_, "title": "T"})
    assert kept in ({"title": "T"}, {"title": "T", "job_options": {}})


def test_one_may_be_a_text() -> None:
    assert chosen({"job_options": {"_agg_force_backend": "a"}}) == ("a",)


def test_other_options_are_passed_on() -> None:
    options = {"_agg_force_backend": "a", "memory": "2g"}
    assert without_choice({"job_options": options}) == {"job_options": {"memory": "2g"}}
    assert without_choice({"job_options": None}) == {"job_options": None}


def test_nothing_chosen_is_any() -> None:
    assert chosen({"job_options": {"memory": "2g"}}) is None
    assert chosen({"federation:backends": None}) is None


@pytest.mark.parametrize("value", [[], 5, [5], {"a": 1}])
def test_nonsense_is_refused(value: Any) -> None:
    with pytest.raises(RequestInvalid):
        chosen({"federation:backends": value})


@pytest.mark.parametrize("request_", REQUESTS)
def test_only_back_ends_that_there_are_can_be_chosen(request_: dict[str, Any]) -> None:
    assert chosen_of(request_, ["a", "b", "c"]) == frozenset({"a", "b"})
    with pytest.raises(RequestInvalid, match=r"names 'b', which is no back-end here; there are: a, c"):
        chosen_of(request_, ["a", "c"])


@pytest.mark.parametrize("request_", [*REQUESTS, {"title": "T"}])
def test_what_is_at_one_of_the_chosen_may_change(request_: dict[str, Any]) -> None:
    check_stays(request_, "a", ["a", "b", "c"])


@pytest.mark.parametrize("request_", REQUESTS)
def test_what_is_elsewhere_stays_there(request_: dict[str, Any]) -> None:
    with pytest.raises(RequestInvalid, match=r"names a, b, but this is at 'c', and cannot be moved"):
        check_stays(request_, "c", ["a", "b", "c"])
