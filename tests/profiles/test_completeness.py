"""Every requirement is either tested or has a reason why not, and the page says so."""

from __future__ import annotations

import pytest

from connexeo.tools.spec.profiles import Requirement, load_requirements
from connexeo.tools.spec.sources import find_spec
from profiles.page import PAGE, page, state
from profiles.requirement import asked_by, collect_tests

REQUIREMENTS = load_requirements(find_spec())


@pytest.mark.parametrize("number", REQUIREMENTS, ids=lambda number: f"#{number}")
def test_every_requirement_is_tested_or_has_a_reason(number: int) -> None:
    reason = REQUIREMENTS[number].reason
    tests = collect_tests().get(number, [])
    assert bool(tests) != bool(reason), f"#{number}: tests {tests}, reason {reason!r}"


def test_every_tested_number_is_a_requirement() -> None:
    assert collect_tests().keys() <= REQUIREMENTS.keys()


def test_tests_are_found() -> None:
    assert collect_tests()[710] == ["test_jobs.test_list_for_users"]
    assert collect_tests()[601] == ["test_capabilities.test_lists_without_a_token"]


def test_page_is_fresh() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    assert written == page(find_spec(), collect_tests()), "run `python -m profiles.page` in tests/"


def test_states() -> None:
    def requirement(**note: str) -> Requirement:
        return Requirement(1, ("L1",), "All", None, "It works", **note)

    assert state(requirement(), ["test_a.test_b"]) == "`test_a.test_b`"
    assert (
        state(requirement(conflict="Not so."), ["test_a.test_b"]) == "**conflict**: Not so. `test_a.test_b`"
    )
    assert state(requirement(localhost="No network."), []) == "**not on localhost**: No network."
    assert state(requirement(later="With UDFs."), []) == "**later**: With UDFs."
    assert "nothing is known" in state(requirement(), [])


def test_numbers_are_in_the_names_of_tests(request: pytest.FixtureRequest) -> None:
    """So that ``-k 710`` finds the tests of a requirement."""
    for item in request.session.items:
        mark = item.get_closest_marker("requirement")
        if mark is not None:
            assert any(f"#{number}" in item.name for number in asked_by(mark)), item.name
