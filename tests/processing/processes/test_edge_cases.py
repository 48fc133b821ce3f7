"""What the definitions say about no-data, NaN, infinity, types, labels and exceptions, for plain values in graphs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from connexeo.generated.errors import OpenEOError
from connexeo.processing.values import LabeledList, labels_of

INF, NAN = math.inf, math.nan
BANDS = LabeledList([3, 4], ["B03", "B04"])

VALUES: list[tuple[str, dict[str, Any], Any]] = [
    # Beyond the range of a function it is NaN, whatever the schema says about the range.
    ("arccos", {"x": 2}, NAN),
    ("artanh", {"x": 1}, INF),
    ("artanh", {"x": -1}, -INF),
    ("artanh", {"x": -INF}, NAN),
    ("sqrt", {"x": -4}, NAN),
    ("log", {"x": 0, "base": 16}, -INF),
    ("log", {"x": 8, "base": None}, None),
    ("power", {"base": 0, "p": -1}, INF),
    ("power", {"base": -8, "p": 1 / 3}, NAN),
    ("power", {"base": -2, "p": 3}, -8),
    ("power", {"base": 0.5, "p": INF}, 0),
    ("power", {"base": -INF, "p": 3}, -INF),
    ("multiply", {"x": 0, "y": INF}, NAN),
    ("subtract", {"x": INF, "y": INF}, NAN),
    ("normalized_difference", {"x": 0, "y": 0}, NAN),
    ("mod", {"x": 2, "y": -INF}, -INF),
    ("mod", {"x": -2, "y": 0}, -INF),
    # Rounding.
    ("int", {"x": -0.9}, 0),
    ("ceil", {"x": -0.9}, 0),
    ("floor", {"x": -INF}, -INF),
    ("int", {"x": NAN}, NAN),
    ("round", {"x": 0.5}, 0),
    ("round", {"x": 1.5}, 2),
    ("round", {"x": 25, "p": -1}, 20),
    ("round", {"x": -35, "p": -1}, -40),
    ("round", {"x": 8.345, "p": 2}, 8.34),
    ("round", {"x": 2.675, "p": 2}, 2.68),
    ("round", {"x": -INF, "p": 2}, -INF),
    # Comparisons are strict about types, and no-data is neither true nor false.
    ("eq", {"x": True, "y": 1}, False),
    ("eq", {"x": None, "y": None}, None),
    ("eq", {"x": NAN, "y": NAN}, False),
    ("eq", {"x": 1, "y": 1.01, "delta": 0.02}, True),
    ("eq", {"x": "a", "y": "A", "delta": 1}, False),
    ("lte", {"x": "a", "y": "a"}, True),
    ("lt", {"x": "a", "y": "b"}, False),
    ("lt", {"x": NAN, "y": None}, None),
    ("gte", {"x": True, "y": True}, True),
    ("between", {"x": None, "min": 1, "max": 0}, None),
    ("between", {"x": NAN, "min": 0, "max": 1}, False),
    ("between", {"x": INF, "min": 0, "max": INF}, True),
    ("between", {"x": INF, "min": 0, "max": INF, "exclude_max": True}, False),
    ("between", {"x": "0.5", "min": 0, "max": 1}, False),
    ("between", {"x": True, "min": 0, "max": 1}, False),
    # Logic.
    ("and", {"x": None, "y": False}, False),
    ("and", {"x": None, "y": None}, None),
    ("or", {"x": None, "y": False}, None),
    ("xor", {"x": None, "y": True}, None),
    ("any", {"data": [None], "ignore_nodata": False}, None),
    ("any", {"data": []}, False),
    ("all", {"data": [None, False], "ignore_nodata": False}, False),
    ("if", {"value": None, "accept": 1}, None),
    ("if", {"value": True, "accept": None, "reject": 1}, None),
    # Reducers: NaN is passed on, as it is not no-data outside of cubes.
    ("max", {"data": [NAN, None, 1]}, NAN),
    ("mean", {"data": [INF, -INF]}, NAN),
    ("sum", {"data": [None, None]}, None),
    ("sum", {"data": [5], "ignore_nodata": False}, 5),
    ("product", {"data": [0, INF]}, NAN),
    ("median", {"data": [-INF, 1]}, -INF),
    ("median", {"data": [1, INF]}, INF),
    ("median", {"data": [-INF, INF]}, NAN),
    ("quantiles", {"data": [-INF, 1, 2, INF], "probabilities": 3}, [1, 2]),
    ("quantiles", {"data": [7], "q": 4}, [7, 7, 7]),
    ("quantiles", {"data": [None, NAN], "probabilities": [0, 1]}, [NAN, NAN]),
    ("count", {"data": [NAN, INF, None, "", [None], {}, False]}, 4),
    ("first", {"data": [None, NAN, 1]}, NAN),
    ("first", {"data": []}, None),
    ("last", {"data": ["a", None], "ignore_nodata": False}, None),
    # Arrays.
    ("sort", {"data": [3, None, 1], "nodata": False}, [None, 1, 3]),
    ("sort", {"data": [None]}, []),
    ("sort", {"data": [INF, 0, -INF], "asc": False}, [INF, 0, -INF]),
    (
        "sort",
        {"data": ["2020-01-02T00:00:00Z", "2020-01-01T23:30:00-02:00", "2020-01-02"], "asc": False},
        ["2020-01-01T23:30:00-02:00", "2020-01-02T00:00:00Z", "2020-01-02"],
    ),
    ("rearrange", {"data": [5, None], "order": [1, 1, 0]}, [None, None, 5]),
    ("array_create", {"repeat": 3}, []),
    ("array_create", {"data": [[1], None], "repeat": 2}, [[1], None, [1], None]),
    ("array_find", {"data": [NAN, None], "value": NAN}, None),
    ("array_contains", {"data": [True], "value": 1}, False),
    ("array_find_label", {"data": BANDS, "label": "B04"}, 1),
    ("array_find_label", {"data": [1, 2], "label": 0}, None),
    ("array_element", {"data": BANDS, "label": "B04"}, 4),
    ("array_element", {"data": BANDS, "index": 0}, 3),
    ("array_element", {"data": BANDS, "label": "B05", "return_nodata": True}, None),
    ("array_concat", {"array1": BANDS, "array2": LabeledList([2], [1])}, {"B03": 3, "B04": 4, 1: 2}),
    ("array_concat", {"array1": BANDS, "array2": [2]}, [3, 4, 2]),
    ("array_append", {"data": BANDS, "value": None}, {"B03": 3, "B04": 4, 2: None}),
    ("array_append", {"data": BANDS, "value": 5, "label": "B05"}, {"B03": 3, "B04": 4, "B05": 5}),
    (
        "array_modify",
        {"data": BANDS, "values": LabeledList([1], ["a"]), "index": 1, "length": 9},
        {"B03": 3, "a": 1},
    ),
    ("array_modify", {"data": BANDS, "values": [], "index": 0, "length": 1}, {"B04": 4}),
    ("array_modify", {"data": BANDS, "values": [1], "index": 2}, [3, 4, 1]),
    ("array_interpolate_linear", {"data": [NAN, 1, NAN, 3, None]}, [NAN, 1, 2, 3, None]),
    ("array_interpolate_linear", {"data": [-INF, None, 1, None, INF]}, [-INF, -INF, 1, INF, INF]),
    (
        "array_interpolate_linear",
        {"data": LabeledList([1, None, 4], ["2020-01-01", "2020-01-02", "2020-01-04"])},
        {"2020-01-01": 1, "2020-01-02": 2, "2020-01-04": 4},
    ),
    ("clip", {"x": -INF, "min": 0, "max": 1}, 0),
    ("clip", {"x": NAN, "min": 0, "max": 1}, NAN),
    ("constant", {"x": [1, {"a": None}]}, [1, {"a": None}]),
]

EXCEPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("clip", {"x": 0.5, "min": 1, "max": 0}, "MinMaxSwapped"),
    ("clip", {"x": None, "min": 1, "max": 0}, "MinMaxSwapped"),
    ("quantiles", {"data": [1]}, "QuantilesParameterMissing"),
    ("quantiles", {"data": [1], "probabilities": [0.5], "q": 2}, "QuantilesParameterConflict"),
    ("quantiles", {"data": [], "probabilities": [0.5, 0.1]}, "AscendingProbabilitiesRequired"),
    ("array_concat", {"array1": BANDS, "array2": LabeledList([1], ["B04"])}, "ArrayLabelConflict"),
    ("array_append", {"data": [1], "value": 2, "label": "a"}, "ArrayNotLabeled"),
    ("array_append", {"data": BANDS, "value": 2, "label": "B03"}, "LabelExists"),
    ("array_append", {"data": LabeledList([1], [1]), "value": 2}, "LabelExists"),
    ("array_modify", {"data": [1], "values": [2], "index": 2}, "ArrayElementNotAvailable"),
    (
        "array_modify",
        {"data": BANDS, "values": LabeledList([1], ["B04"]), "index": 1, "length": 1},
        "ArrayLabelConflict",
    ),
    ("array_element", {"data": [1]}, "ArrayElementParameterMissing"),
    ("array_element", {"data": BANDS, "index": 0, "label": "B03"}, "ArrayElementParameterConflict"),
    ("array_element", {"data": [1], "label": "B03"}, "ArrayNotLabeled"),
    ("array_element", {"data": [1], "index": 1}, "ArrayElementNotAvailable"),
    ("array_element", {"data": BANDS, "label": "B05"}, "ArrayElementNotAvailable"),
    ("array_contains", {"data": [[1]], "value": [1]}, "ProcessParameterInvalid"),
    ("if", {"value": 1, "accept": 1}, "ProcessParameterInvalid"),
]


def assert_same(actual: Any, expected: Any) -> None:
    """Compare strictly by type, except that integers and floats are numbers; a dict stands for a labeled array."""
    if isinstance(expected, dict) and isinstance(actual, LabeledList):
        assert labels_of(actual) == tuple(expected)
        assert_same(list(actual), list(expected.values()))
    elif isinstance(expected, list):
        assert isinstance(actual, list)
        assert labels_of(actual) is None
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, int | float) and not isinstance(expected, bool):
        assert type(actual) in (int, float)
        assert actual == pytest.approx(expected, rel=0, abs=1e-10, nan_ok=True)
    else:
        assert type(actual) is type(expected)
        assert actual == expected


@pytest.mark.parametrize(("process_id", "arguments", "expected"), VALUES)
def test_values(run: Callable[..., Any], process_id: str, arguments: dict[str, Any], expected: Any) -> None:
    assert_same(run(process_id, **arguments), expected)


@pytest.mark.parametrize(("process_id", "arguments", "code"), EXCEPTIONS)
def test_exceptions(run: Callable[..., Any], process_id: str, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(OpenEOError) as caught:
        run(process_id, **arguments)
    assert caught.value.code == code


def test_messages_name_what_is_missing(run: Callable[..., Any]) -> None:
    with pytest.raises(OpenEOError, match=r"No element has the label 'B05' \(number of elements: 2\)"):
        run("array_element", data=BANDS, label="B05")
    with pytest.raises(OpenEOError, match="No element has the index 7"):
        run("array_element", data=[1], index=7)
    with pytest.raises(OpenEOError, match="A position is not available"):
        run("rearrange", data=[1], order=[1])
