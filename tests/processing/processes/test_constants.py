"""Constants."""

from __future__ import annotations

import math
from typing import Any

import pytest

from connexeo.processing.processes import constants


def test_numbers() -> None:
    assert constants.e() == math.e
    assert constants.pi() == math.pi
    assert math.isnan(constants.nan())


@pytest.mark.parametrize("value", [None, True, 1.5, "text", [1, None], {"a": 1}])
def test_constant_gives_what_it_gets(value: Any) -> None:
    assert constants.constant(value) is value
