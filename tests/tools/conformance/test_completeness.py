"""Every requirement of the profiles has a check, and every check says what it is."""

from __future__ import annotations

from collections import Counter

from connexeo.tools.conformance.registry import LAYERS, load_checks
from connexeo.tools.spec.profiles import load_requirements
from connexeo.tools.spec.sources import find_spec

CHECKS = load_checks()


def test_every_requirement_has_a_check() -> None:
    asked = load_requirements(find_spec())
    checked = {check.requirement for check in CHECKS}
    assert [number for number in asked if number not in checked] == []


def test_identifiers_are_unique() -> None:
    assert [name for name, count in Counter(check.id for check in CHECKS).items() if count > 1] == []


def test_checks_are_described() -> None:
    lacking = [check.id for check in CHECKS if not (check.title.strip() and check.source.strip())]
    assert lacking == []
    assert {check.layer for check in CHECKS} <= LAYERS.keys()
