from __future__ import annotations

from typing import Any

import pytest

from connexeo.tools.conformance.extents import (
    Box,
    box_of,
    covers,
    instant,
    is_known,
    is_rfc_3339,
    overlap,
    to_degrees,
)
from connexeo.tools.conformance.geometry import bounds


def test_boxes_of_six_numbers_have_heights() -> None:
    assert box_of([1, 2, 100, 3, 4, 200]) == Box(1, 2, 3, 4)


@pytest.mark.parametrize("value", [None, [], [1, 2, 3], [1, 2, 3, "4"], [True, 1, 2, 3], {"west": 1}])
def test_anything_else_is_no_box(value: Any) -> None:
    assert box_of(value) is None


def test_boxes_hold_and_meet_each_other() -> None:
    europe, austria, chile = Box(-10, 35, 40, 70), Box(9.5, 46.3, 17.2, 49.1), Box(-76, -56, -66, -17)
    assert europe.holds(austria)
    assert not austria.holds(europe)
    assert austria.meets(europe)
    assert not chile.meets(europe)
    assert Box(0, 0, 1, 1).holds(Box(-0.01, 0, 1, 1), 0.02)


def test_boxes_across_the_antimeridian_are_judged_by_latitude() -> None:
    fiji = Box(177, -20, -178, -15)
    assert fiji.holds(Box(179, -18, 180, -16))
    assert not fiji.meets(Box(179, 10, 180, 20))


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (["2020-01-01", "2021-01-01"], ["2020-03-01", "2020-04-01"], True),
        (["2020-01-01", "2021-01-01"], ["2019-03-01", "2020-04-01"], False),
        (["2020-01-01", "2021-01-01"], ["2020-03-01", "2022-04-01"], False),
        (["2020-01-01", None], ["2020-03-01", None], True),
        (["2020-01-01", "2021-01-01"], ["2020-03-01", None], False),
        ([None, "2021-01-01"], [None, "2020-01-01"], True),
        (["2020-01-01", "2021-01-01"], ["2020-01-01T00:00:00Z", "2021-01-01T23:00:00Z"], True),
        (["soon", "later"], ["2020-01-01", "2021-01-01"], True),
        (["0001-01-01", "9999-12-31"], ["2020-01-01", "9999-12-31"], True),
    ],
)
def test_intervals_hold_each_other_but_for_a_day(outer: list[Any], inner: list[Any], expected: bool) -> None:
    assert covers(outer, inner) is expected


def test_intervals_overlap() -> None:
    assert overlap(["2020-01-01", None], ["2022-01-01", "2023-01-01"])
    assert not overlap(["2020-01-01", "2021-01-01"], ["2022-01-01", None])


def test_instants() -> None:
    assert is_rfc_3339("2020-02-29T00:00:00Z")
    assert is_rfc_3339("2020-02-29t00:00:00.123+01:00")
    for wrong in ("2020-02-30T00:00:00Z", "2020-02-29", "2020-02-29T00:00:00", "now", None, 5):
        assert not is_rfc_3339(wrong)
    day = instant("2020-02-29")
    assert day is not None and day.tzinfo is not None  # noqa: PT018 - the second needs the first
    assert instant("20") is None


def test_boxes_in_degrees() -> None:
    box = to_degrees(Box(600000, 5200000, 700000, 5300000), 32632)
    assert box is not None
    assert Box(10, 46, 12, 48).holds(box)
    assert to_degrees(Box(0, 0, 1, 1), 4326) == Box(0, 0, 1, 1)
    for unknown in ({"type": "ProjectedCRS"}, "EPSG:32632", 99999, True, None):
        assert to_degrees(Box(0, 0, 1, 1), unknown) is None


def test_codes_of_reference_systems() -> None:
    assert is_known(32632)
    assert not is_known(99999)


def test_bounds_of_geometries() -> None:
    point = {"type": "Point", "coordinates": [5, 50, 100]}
    line = {"type": "LineString", "coordinates": [[0, 1], [2, 3]]}
    assert bounds(point) == Box(5, 50, 5, 50)
    assert bounds({"type": "GeometryCollection", "geometries": [point, line]}) == Box(0, 1, 5, 50)
    nothing: list[Any] = [None, {}, {"coordinates": []}, {"coordinates": ["a", "b"]}, [1, 2]]
    assert [bounds(each) for each in nothing] == [None] * len(nothing)
