"""Extents: the union comes first, the parts follow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.drivers.federation.merging.boxes import covers, union_of_boxes
from connexeo.drivers.federation.merging.extents import bboxes, intervals, union_of_intervals
from connexeo.drivers.federation.merging.parts import Context
from drivers.federation.merging import documents

BOXES = {
    "one": ([[5, 45, 10, 48]], [5, 45, 10, 48]),
    "two": ([[5, 45, 10, 48], [8, 40, 12, 46]], [5, 40, 12, 48]),
    "two apart": ([[-120, 30, -110, 40], [10, 50, 20, 60]], [-120, 30, 20, 60]),
    "one crosses the antimeridian": ([[170, -20, -170, 0], [150, -10, 160, 5]], [150, -20, -170, 5]),
    "both cross": ([[170, 0, -170, 1], [175, 0, -160, 1]], [170, 0, -160, 1]),
    "the wide gap decides": ([[170, 0, -170, 1], [0, 0, 10, 1]], [0, 0, -170, 1]),
    "one crosses, one is the world": ([[170, 0, -170, 1], [-180, -90, 180, 90]], [-180, -90, 180, 90]),
    "they cover the circle": ([[170, 0, 10, 1], [0, 0, 175, 1]], [-180, 0, 180, 1]),
    "both from 0 to 360": ([[0, -90, 360, 90], [10, 0, 350, 10]], [0, -90, 360, 90]),
    "one from 0 to 360": ([[0, -90, 360, 90], [-10, 0, 10, 10]], [-180, -90, 180, 90]),
    "one counts beyond 180": ([[190, 0, 200, 1], [-175, 0, -165, 1]], [-175, 0, -160, 1]),
    "all have heights": ([[0, 0, -5, 1, 1, 5], [0, 0, 0, 2, 2, 9]], [0, 0, -5, 2, 2, 9]),
    "not all have heights": ([[0, 0, -5, 1, 1, 5], [0, 0, 2, 2]], [0, 0, 2, 2]),
}


@pytest.mark.parametrize(("boxes", "union"), BOXES.values(), ids=BOXES)
def test_union_of_boxes(boxes: list[list[float]], union: list[float]) -> None:
    assert union_of_boxes(boxes) == union
    assert union_of_boxes(boxes[::-1]) == union


whole = st.integers(-180, 180)
"""Whole degrees, so that no rounding decides whether a box touches another."""
whole_boxes = st.tuples(whole, st.integers(-90, 0), whole, st.integers(0, 90)).map(list)


@given(st.lists(whole_boxes, min_size=1, max_size=5))
def test_the_union_covers_every_part(boxes: list[list[float]]) -> None:
    union = union_of_boxes(boxes)
    assert all(covers(union, box) for box in boxes)
    assert -180 <= union[0] <= 180
    assert -180 <= union[2] <= 180


@given(st.lists(documents.boxes, min_size=1, max_size=5), st.randoms())
def test_the_union_does_not_depend_on_the_order(boxes: list[list[float]], random: Any) -> None:
    shuffled = random.sample(boxes, len(boxes))
    assert union_of_boxes(boxes) == union_of_boxes(shuffled)


def said(*values: Any) -> list[tuple[str, Any]]:
    return list(zip(("alps", "bay", "coast"), values, strict=False))


def context() -> Context:
    return Context(("alps", "bay", "coast"))


def test_the_parts_follow_the_union() -> None:
    merged = bboxes(said([[0, 0, 1, 1]], [[2, 2, 3, 3]], [[0, 0, 1, 1]]), context())
    assert merged == [[0, 0, 3, 3], [0, 0, 1, 1], [2, 2, 3, 3]]


def test_unions_of_upstreams_are_no_parts() -> None:
    merged = bboxes(said([[0, 0, 3, 3], [0, 0, 1, 1], [2, 2, 3, 3]], [[5, 5, 6, 6]]), context())
    assert merged == [[0, 0, 6, 6], [0, 0, 1, 1], [2, 2, 3, 3], [5, 5, 6, 6]]


def test_a_first_box_that_is_not_around_the_others_is_a_part() -> None:
    merged = bboxes(said([[0, 0, 1, 1], [2, 2, 3, 3], [4, 4, 5, 5]], [[0, 0, 1, 1]]), context())
    assert merged == [[0, 0, 5, 5], [0, 0, 1, 1], [2, 2, 3, 3], [4, 4, 5, 5]]


def test_boxes_that_differ_in_spelling_only_are_one() -> None:
    assert bboxes(said([[0, 0, 1, 1]], [[0.0, 0.0, 1.0, 1.0]]), context()) == [[0, 0, 1, 1]]


INTERVALS = {
    "closed": ([["2018", "2019"], ["2017", "2018"]], ["2017", "2019"]),
    "open start": (
        [[None, "2019-01-01T00:00:00Z"], ["2018-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]],
        [None, "2020-01-01T00:00:00Z"],
    ),
    "open end": (
        [["2018-01-01T00:00:00Z", None], ["2017-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]],
        ["2017-01-01T00:00:00Z", None],
    ),
    "zones": (
        [["2018-01-01T00:00:00+02:00", None], ["2017-12-31T23:00:00Z", None]],
        ["2018-01-01T00:00:00+02:00", None],
    ),
    "dates and times": ([["2018-01-01", None], ["2018-01-01T12:00:00Z", None]], ["2018-01-01", None]),
}


@pytest.mark.parametrize(("pairs", "union"), INTERVALS.values(), ids=INTERVALS)
def test_union_of_intervals(pairs: list[list[Any]], union: list[Any]) -> None:
    assert union_of_intervals(pairs) == union


def test_the_distinct_intervals_follow() -> None:
    one, two = ["2018-01-01T00:00:00Z", None], ["2010-01-01T00:00:00Z", "2012-01-01T00:00:00Z"]
    assert intervals(said([one], [two], [one]), context()) == [["2010-01-01T00:00:00Z", None], one, two]
