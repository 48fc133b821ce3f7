import io
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from rich.console import Console

from connexeo.tools.conformance.comparison import ABSENT, compare, print_comparison, to_html, to_json

Document = dict[str, Any]


def states(passed: int = 0, failed: int = 0) -> dict[str, int]:
    names = ("pass", "fail", "warning", "not-applicable", "not-testable", "skipped", "error")
    return dict.fromkeys(names, 0) | {"pass": passed, "fail": failed}


@pytest.fixture
def document() -> Callable[..., Document]:
    """A report of checks with their states."""

    def make(title: str = "One", url: str = "https://one.example", **checks: str) -> Document:
        counts = states(*(list(checks.values()).count(state) for state in ("pass", "fail")))
        return {
            "tool": {"name": "connexeo", "version": "1"},
            "backend": {"title": title, "url": url, "api_version": "1.2.0", "contract_version": "1.2"},
            "options": {"layers": ["jobs"], "write": False, "seed": 1},
            "complete": True,
            "summary": {
                "checks": counts,
                "layers": {"jobs": counts},
                "findings": {"critical": 0, "major": 0, "minor": 0},
            },
            "checks": [
                {"id": name, "layer": "jobs", "requirement": f"asked [{name}]", "state": state}
                for name, state in checks.items()
            ],
        }

    return make


def printed(*documents: Document, everything: bool = False) -> str:
    stream = io.StringIO()
    print_comparison(compare(documents), Console(file=stream, width=100), everything=everything)
    return stream.getvalue()


def test_checks_are_side_by_side(document: Callable[..., Document]) -> None:
    comparison = compare(
        [document(a="pass", b="pass"), document("Two", a="pass", b="fail", c="pass"), document("Three")]
    )
    assert [(row.id, row.states, row.differs) for row in comparison.rows] == [
        ("a", ("pass", "pass", ABSENT), True),
        ("b", ("pass", "fail", ABSENT), True),
        ("c", (ABSENT, "pass", ABSENT), True),
    ]
    assert to_json(comparison)["checks"][1]["states"] == ["pass", "fail", ABSENT]


def test_only_differences_are_shown_unless_all_are_asked_for(document: Callable[..., Document]) -> None:
    one, two = document(same="pass", other="pass"), document("Two", same="pass", other="fail")
    assert "same" not in printed(one, two)
    assert "same" in printed(one, two, everything=True)
    assert "do not differ in any check" in printed(one, document("Two", same="pass", other="pass"))
    assert "2/2" in printed(one, two)
    assert "1/2" in printed(one, two)
    assert "asked [other]" in printed(one, two)


def test_equal_names_are_told_apart(document: Callable[..., Document]) -> None:
    names = compare(
        [document(), document(url="https://two.example"), document("", "https://three.example")]
    ).names
    assert names == ("One (https://one.example)", "One (https://two.example)", "https://three.example")


@pytest.mark.parametrize(
    ("part", "key", "value", "told"),
    [
        ("backend", "contract_version", "1.0", "version of the openEO API differ"),
        ("options", "write", True, "things created or not differ"),
        ("options", "layers", ["files"], "layers differ"),
        ("tool", "version", "2", "version of this tool differ"),
    ],
)
def test_what_was_not_tested_alike_is_told(
    document: Callable[..., Document], part: str, key: str, value: Any, told: str
) -> None:
    other = deepcopy(document())
    other[part][key] = value
    comparison = compare([document(), other])
    assert told in comparison.notes[0]
    assert told in to_html(comparison)
    assert compare([document(), document()]).notes == ()


def test_runs_that_were_cut_short_are_told(document: Callable[..., Document]) -> None:
    other = document("Two") | {"complete": False}
    assert "The run of Two did not come to its end." in printed(document(), other)
