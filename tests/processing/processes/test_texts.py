"""Texts."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.processing.processes import texts as t

LOREM = "Lorem ipsum dolor sit amet"


@pytest.mark.parametrize(
    ("data", "pattern", "case_sensitive", "begins", "contains", "ends", "position"),
    [
        (LOREM, "Lorem", True, True, True, False, 0),
        (LOREM, "lorem", True, False, False, False, None),
        (LOREM, "lorem", False, True, True, False, 0),
        (LOREM, "ipsum dolor", True, False, True, False, 6),
        (LOREM, "AMET", False, False, True, True, 22),
        (LOREM, ".", True, False, False, False, None),
        (LOREM, "", True, True, True, True, 0),
        ("", "", False, True, True, True, 0),
        ("ÄÖÜ", "ö", False, False, True, False, 1),
        ("Straße 7", "7", False, False, True, True, 7),
        ("Straße 7", "SS", False, False, True, False, 4),
        (None, "null", True, None, None, None, None),
    ],
)
def test_finding(
    data: str | None,
    pattern: str,
    case_sensitive: bool,
    begins: Any,
    contains: Any,
    ends: Any,
    position: int | None,
) -> None:
    arguments = (data, pattern, case_sensitive)
    assert t.text_begins(*arguments) is begins
    assert t.text_contains(*arguments) is contains
    assert t.text_ends(*arguments) is ends
    assert t.text_find(*arguments) == position


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"data": ["Hello", "World"], "separator": " "}, "Hello World"),
        ({"data": [None, True, False, 1, -1.5, "ß"], "separator": "\n"}, "null\ntrue\nfalse\n1\n-1.5\nß"),
        ({"data": [2, 0], "separator": 1}, "210"),
        ({"data": [2.0, 1e300]}, "21e+300"),
        ({"data": []}, ""),
        ({"data": [-3.0, 1e15, 0.25], "separator": " "}, "-3 1000000000000000 0.25"),
    ],
)
def test_text_concat(arguments: dict[str, Any], expected: str) -> None:
    assert t.text_concat(**arguments) == expected
