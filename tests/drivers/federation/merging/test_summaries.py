"""Summaries of merged collections."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.federation.merging.parts import Context
from connexeo.drivers.federation.merging.summaries import summaries

ORDER = ("alps", "bay", "coast")

OLD, NEW = {"min": 0, "max": 5}, {"minimum": 0, "maximum": 5}
CASES: dict[str, tuple[list[Any], Any, bool]] = {
    "ranges": ([NEW, {"minimum": 1, "maximum": 90.5}], {"minimum": 0, "maximum": 90.5}, False),
    "ranges of times": (
        [
            {"minimum": "2020-01-01T00:00:00Z", "maximum": "2020-02-01T00:00:00Z"},
            {"minimum": "2020-01-01T00:30:00+01:00", "maximum": "2020-01-15T00:00:00Z"},
        ],
        {"minimum": "2020-01-01T00:30:00+01:00", "maximum": "2020-02-01T00:00:00Z"},
        False,
    ),
    "ranges of old": ([OLD, {"minimum": 1, "maximum": 10}], {"minimum": 0, "maximum": 10}, False),
    "ranges of two sorts": ([NEW, {"minimum": "a", "maximum": "b"}], NEW, True),
    "sets": ([["a", "b"], ["c", "a"]], ["a", "b", "c"], False),
    "sets of numbers": ([[10, 20], [10.0, 60]], [10, 20, 60], False),
    "truth and one": ([[True], [1]], [True, 1], False),
    "sets of objects": ([[{"a": 1}], [{"a": 2}, {"a": 1.0}]], [{"a": 1}, {"a": 2}], False),
    "a set and a range": ([[10, 200], {"minimum": 0, "maximum": 100}], {"minimum": 0, "maximum": 200}, True),
    "a set of names and a range": ([["a"], {"minimum": 0, "maximum": 100}], ["a"], True),
    "schemas": (
        [{"type": "number", "minimum": 0, "maximum": 5}, {"type": "number", "minimum": -1}],
        {"type": "number", "minimum": -1},
        True,
    ),
    "a schema and a set": ([{"type": "number"}, [1, 2]], {"type": "number"}, True),
    "plain objects": ([{"a": {"count": 1}}, {"a": {"sum": 2}, "b": 1}], {"a": {"count": 1, "sum": 2}, "b": 1}, False),
}  # fmt: skip


@pytest.mark.parametrize(("values", "merged", "told"), CASES.values(), ids=CASES)
def test_summaries_of_one_name(values: list[Any], merged: Any, told: bool) -> None:
    context = Context(ORDER[: len(values)], "/summaries")
    said = [(upstream, {"one": value}) for upstream, value in zip(ORDER, values, strict=False)]
    result = summaries(said, context)
    assert result == {"one": merged}
    # true == 1 for Python
    assert repr(result) == repr({"one": merged})
    assert bool(context.conflicts) == told


def test_every_summary_is_there() -> None:
    context = Context(ORDER, "/summaries")
    said = [
        ("alps", {"a": [1]}),
        ("bay", {"b": {"minimum": 0, "maximum": 1}}),
        ("coast", {"c": {"type": "string"}}),
    ]
    assert summaries(said, context) == {"a": [1], "b": {"minimum": 0, "maximum": 1}, "c": {"type": "string"}}
    assert context.conflicts == ()


def test_properties_of_a_schema_are_widened_one_by_one() -> None:
    def statistics(maximum: int, *, more: str) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {"water": {"type": "number", "maximum": maximum}, more: {"type": "number"}},
            "required": ["water", more],
        }

    context = Context(ORDER[:2], "/summaries")
    said = [("alps", {"s": statistics(50, more="snow")}), ("bay", {"s": statistics(100, more="ice")})]
    assert summaries(said, context)["s"] == {
        "type": "object",
        "properties": {
            "water": {"type": "number", "maximum": 100},
            "snow": {"type": "number"},
            "ice": {"type": "number"},
        },
        "required": ["water"],
    }


def test_bands_of_one_name_are_one() -> None:
    context = Context(ORDER[:2], "/summaries")
    said = [
        ("alps", {"eo:bands": [{"name": "B02", "center_wavelength": 0.49}]}),
        ("bay", {"eo:bands": [{"name": "B02", "center_wavelength": 0.5, "gsd": 10}, {"name": "B03"}]}),
    ]
    assert summaries(said, context)["eo:bands"] == [
        {"name": "B02", "center_wavelength": 0.49, "gsd": 10},
        {"name": "B03", BACKENDS: ["bay"]},
    ]
    assert [each.pointer for each in context.conflicts] == ["/summaries/eo:bands/B02/center_wavelength"]
