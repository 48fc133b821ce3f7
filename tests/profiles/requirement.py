"""Marks tests with the requirements of the API profiles that they show.

``@requirement(710)`` gives a test the id ``[#710]``. One check of several endpoints is written once, as
``@requirement({41: "/file_formats", 201: "/processes"})``; the test then takes its endpoint as ``case``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., Any])

FOLDER = Path(__file__).parent


def requirement(asked: int | Mapping[int, Any], /) -> Callable[[Test], Test]:
    """Says which requirement a test is for, or which requirements with which case each."""
    return pytest.mark.requirement(asked)


def asked_by(mark: pytest.Mark) -> dict[int, Any]:
    """Number → case, None where there is none."""
    (asked,) = mark.args
    return dict(asked) if isinstance(asked, Mapping) else {asked: None}


def collect_tests() -> dict[int, list[str]]:
    """Number of each requirement that is tested → its tests, as ``module.function``."""
    found: dict[int, list[str]] = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        module = importlib.import_module(f"profiles.{path.stem}")
        for name, function in vars(module).items():
            if not name.startswith("test_"):
                continue
            for mark in getattr(function, "pytestmark", ()):
                if mark.name == "requirement":
                    for number in asked_by(mark):
                        found.setdefault(number, []).append(f"{path.stem}.{name}")
    return found
