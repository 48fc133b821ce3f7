"""Number functions that work alike on plain numbers and on blocks of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.values import Block, as_float, is_block

Number: TypeAlias = int | float | Block | None
"""A plain number, no-data (None), or one number for every pixel of a block."""

EXACT_INTEGERS = 2**53
"""Up to here a double holds every integer; beyond, results are floating point numbers (IEEE 754)."""


def is_number(value: object) -> bool:
    """Whether a plain value is of the data type `number` (booleans are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain_float(value: object) -> float:
    """A plain number as a float; integers that are too big for it become infinite.

    Raises:
        ProcessParameterInvalid: The value is not a number.
    """
    if not isinstance(value, int | float):
        raise ProcessParameterInvalid(f"A number is needed, not a value of the type {type(value).__name__}.")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def plain_integer(value: float) -> int | float:
    """A float as an integer where it is one that floats hold exactly."""
    return int(value) if abs(value) <= EXACT_INTEGERS and value == int(value) else value


def elementwise(function: Callable[..., Any], *operands: Number, integers: bool = False) -> Number:
    """Apply a numpy function to numbers; no-data in any operand is no-data in the result.

    Args:
        function: Takes as many numbers or blocks as there are operands. It never gets integers, so nothing
            wraps.
        operands: Plain numbers, None, or blocks that broadcast to each other.
        integers: Whether integers give integers (only plain numbers have the distinction).

    Returns:
        A plain number or None if all operands are plain; otherwise a block of floating point numbers: float32
        for float32 and integers of up to 16 bits, float64 beyond.
    """
    if any(map(is_block, operands)):
        with np.errstate(all="ignore"):
            return np.asarray(function(*map(_block_operand, operands)))
    if any(operand is None for operand in operands):
        return None
    with np.errstate(all="ignore"):
        result = float(function(*(np.float64(plain_float(operand)) for operand in operands)))
    if integers and all(isinstance(operand, int) for operand in operands):
        return plain_integer(result)
    return result


def _block_operand(operand: Number) -> Any:
    """A block in floating point, or a Python float, which leaves the type of the blocks as it is."""
    if isinstance(operand, np.ndarray | np.generic):
        return as_float(np.asarray(operand))
    return math.nan if operand is None else plain_float(operand)
