"""Three-valued logic on blocks: true, false, no-data.

A block of booleans or integers has no no-data. Where floating point numbers go in, which may hold no-data as
NaN, the result is float32 with 1 for true, 0 for false and NaN for no-data. The type follows from the types
of the operands alone, never from the values, so that all blocks of a cube agree.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from connexeo.processing.values import Block, is_block

Truth: TypeAlias = bool | Block | None
"""A plain boolean, no-data (None), or one truth value for every pixel of a block."""


def may_hold_nodata(value: Any) -> bool:
    """Whether an operand of a block operation is of a type that has no-data."""
    return value is None or (np.asarray(value).dtype.kind == "f" if is_block(value) else _is_nan(value))


def nodata_in(*operands: Any) -> Any:
    """Where any operand is no-data: a mask that broadcasts to the operands, or False."""
    missing: Any = False
    for operand in operands:
        if may_hold_nodata(operand):
            missing = missing | (True if operand is None else np.isnan(operand))
    return missing


def is_true(value: Any) -> Any:
    """Where a value is true, as a mask of its shape, or as a bool if it is plain. No-data is not true."""
    if not is_block(value):
        return value is not None and not _is_nan(value) and bool(value)
    block = np.asarray(value)
    if block.dtype.kind == "b":
        return block
    return (block != 0) & ~np.isnan(block) if block.dtype.kind == "f" else block != 0


def encode(true: Any, missing: Any, *operands: Any) -> Block:
    """Truth values as a block.

    Args:
        true: Where the result is true; what it says about no-data does not matter.
        missing: Where the result is no-data, or False where that is nowhere.
        operands: What the result was made of: their types decide whether it is of a type that has no-data.
    """
    if not any(map(may_hold_nodata, operands)):
        return np.asarray(true)
    block = np.empty(np.broadcast_shapes(np.shape(true), np.shape(missing)), dtype=np.float32)
    np.copyto(block, true)
    np.copyto(block, math.nan, where=missing)
    return block


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
