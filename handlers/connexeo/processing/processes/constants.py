"""Constants."""

from __future__ import annotations

import math
from typing import Any

from connexeo.processing.process import process


@process
def constant(x: Any) -> Any:
    """The value given."""
    return x


@process
def e() -> float:
    """Euler's number."""
    return math.e


@process
def pi() -> float:
    """The ratio of the circumference of a circle to its diameter."""
    return math.pi


@process
def nan() -> float:
    """Not a number, which outside of data cubes is something else than no-data."""
    return math.nan
