from datetime import UTC, datetime
from typing import Any

import pytest

from connexeo.drivers.local.catalogue.filters import satisfies
from connexeo.processing.reading.footprints import footprint, matches

ITEM: dict[str, Any] = {
    "id": "i1",
    "collection": "c",
    "bbox": [10, 47, 11, 48],
    "properties": {"cloud": 20, "platform": "sentinel-2a", "datetime": "2024-05-01T10:00:00Z", "empty": None},
}


def prop(name: str) -> dict[str, str]:
    return {"property": name}


@pytest.mark.parametrize(
    ("operator", "arguments", "expected"),
    [
        ("=", [prop("cloud"), 20], True),
        ("=", [prop("id"), "i1"], True),
        ("=", [prop("properties.cloud"), 20], True),
        ("<>", [prop("cloud"), 20], False),
        ("<", [prop("cloud"), 20], False),
        ("<=", [prop("cloud"), 20], True),
        (">", [prop("cloud"), 19.5], True),
        (">=", [prop("missing"), 0], False),
        ("<", [prop("platform"), 3], False),
        ("between", [prop("cloud"), 0, 50], True),
        ("between", [prop("cloud"), 21, 50], False),
        ("in", [prop("platform"), ["sentinel-2a", "sentinel-2b"]], True),
        ("in", [prop("missing"), [None]], False),
        ("like", [prop("platform"), "sentinel-2_"], True),
        ("like", [prop("platform"), "%2b"], False),
        ("isNull", [prop("empty")], True),
        (">", [prop("datetime"), {"timestamp": "2024-05-01T09:00:00+01:00"}], True),
        ("<", [prop("datetime"), {"date": "2024-05-01"}], False),
        ("and", [{"op": "=", "args": [prop("cloud"), 20]}, {"op": "=", "args": [prop("id"), "x"]}], False),
        ("or", [{"op": "=", "args": [prop("cloud"), 20]}, {"op": "=", "args": [prop("id"), "x"]}], True),
        ("not", [{"op": "=", "args": [prop("id"), "x"]}], True),
    ],
)
def test_operators(operator: str, arguments: list[Any], expected: bool) -> None:
    assert satisfies(ITEM, {"op": operator, "args": arguments}) is expected


@pytest.mark.parametrize("expression", [{"op": "s_intersects", "args": []}, {"op": "="}, "cloud < 3", None])
def test_what_is_not_understood_is_an_error(expression: Any) -> None:
    with pytest.raises(ValueError, match="CQL2"):
        satisfies(ITEM, expression)


@pytest.mark.parametrize(
    ("bbox", "box", "expected"),
    [
        ([10, 47, 11, 48], (10.5, 47.5, 12, 49), True),
        ([10, 47, 11, 48], (11.5, 47.5, 12, 49), False),
        ([10, 47, 0, 11, 48, 900], (10.5, 47.5, 12, 49), True),
        ([170, -10, -170, 10], (-175, 0, -172, 1), True),
        ([170, -10, -170, 10], (0, 0, 1, 1), False),
        (None, (0, 0, 1, 1), True),
        (["west", 0, 1, 1], (5, 5, 6, 6), True),
    ],
)
def test_areas(bbox: Any, box: tuple[float, float, float, float], expected: bool) -> None:
    assert matches(footprint({**ITEM, "bbox": bbox}), box, None) is expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"datetime": "2024-05-01T00:00:00Z"}, True),
        ({"datetime": "2024-06-01T00:00:00Z"}, False),
        ({"datetime": "2024-04-30T23:59:59Z"}, False),
        (
            {
                "datetime": None,
                "start_datetime": "2024-01-01T00:00:00Z",
                "end_datetime": "2024-12-31T00:00:00Z",
            },
            True,
        ),
        (
            {
                "datetime": None,
                "start_datetime": "2024-07-01T00:00:00Z",
                "end_datetime": "2024-12-31T00:00:00Z",
            },
            False,
        ),
        ({"datetime": "no date"}, True),
    ],
)
def test_times(properties: dict[str, Any], expected: bool) -> None:
    may = (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
    assert matches(footprint({"properties": properties}), None, may) is expected
