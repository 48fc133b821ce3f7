"""Who has something, and who was not asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connexeo.drivers.federation.merging import (
    BACKENDS,
    MISSING,
    backends_of,
    in_order,
    missing,
    say_presence,
)

ORDER = ("alps", "bay", "coast")
some = st.sets(st.sampled_from(ORDER))


@given(considered=some, having=some)
def test_nobody_both_has_something_and_is_missing_for_it(considered: set[str], having: set[str]) -> None:
    document = say_presence({}, ORDER, considered, having)
    has, lacks = set(document.get(BACKENDS, ())), set(document[MISSING])
    assert not has & lacks
    assert has == having
    # Whoever was not asked is named, in one way or the other.
    assert set(ORDER) - considered <= has | lacks


def test_lists_are_in_the_configured_order() -> None:
    assert in_order({"coast", "zoo", "alps", "ark"}, ORDER) == ["alps", "coast", "ark", "zoo"]
    assert missing(ORDER, {"bay"}) == ["alps", "coast"]
    assert say_presence({}, ORDER, {"alps"}, {"bay", "alps"}) == {
        BACKENDS: ["alps", "bay"],
        MISSING: ["coast"],
    }


def test_what_an_upstream_says_of_its_own_federation_is_replaced() -> None:
    assert say_presence({BACKENDS: ["inner"], MISSING: ["other"], "id": "1"}, ORDER, ORDER) == {
        "id": "1",
        MISSING: [],
    }


def test_backends_are_read_in_both_places() -> None:
    assert backends_of({BACKENDS: ["alps"]}) == ["alps"]
    assert backends_of({"summaries": {BACKENDS: ["bay"]}}) == ["bay"]
    assert backends_of({"summaries": [BACKENDS], BACKENDS: "alps"}) == []
