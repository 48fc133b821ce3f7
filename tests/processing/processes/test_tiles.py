"""Blocks computed piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from connexeo.processing.processes.tiles import Missing, by_tiles
from connexeo.processing.values import Block


@pytest.mark.parametrize("shape", [(3, 400, 500), (5000, 30, 20), (1, 7), (4,), (2, 0, 3)])
def test_pieces_make_up_the_block(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    seen: list[int] = []

    def extremes(tile: Block, missing: Missing) -> list[Any]:
        assert missing is None
        seen.append(tile.shape[1])
        return [tile.min(axis=0), tile.max(axis=0)]

    result = by_tiles(extremes, values, rows=2)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.stack([values.min(axis=0), values.max(axis=0)]))
    assert sum(seen) == values[0].size
    assert len(seen) > 1 or values.size < 10**6


def test_blocks_need_not_be_contiguous() -> None:
    values = np.moveaxis(np.arange(24.0).reshape(2, 3, 4), 2, 0)
    np.testing.assert_array_equal(by_tiles(lambda tile, _: tile.sum(axis=0), values)[0], values.sum(axis=0))


@pytest.mark.parametrize("skip", [True, False])
def test_functions_are_told_what_is_missing(skip: bool) -> None:
    def count(tile: Block, missing: Missing) -> Any:
        return np.zeros(tile.shape[1]) if missing is None else missing.sum(axis=0)

    values = np.array([[np.nan, 1], [np.nan, np.nan]])
    assert by_tiles(count, values, skip_nodata=skip).tolist() == ([[2, 1]] if skip else [[0, 0]])
    assert by_tiles(count, np.ones((2, 2), dtype=np.uint8), skip_nodata=skip).tolist() == [[0, 0]]
