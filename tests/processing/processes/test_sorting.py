"""Sorting networks."""

from __future__ import annotations

import numpy as np
import pytest

from connexeo.processing.processes.sorting import sort_pixels


@pytest.mark.parametrize("length", range(13))
def test_networks_sort_all_sequences_of_zeros_and_ones(length: int) -> None:
    """A network that sorts all of them sorts everything (Knuth, volume 3, 5.3.4, theorem Z)."""
    sequences = (np.arange(2**length) >> np.arange(length)[:, np.newaxis] & 1).astype(np.uint8)
    given = sequences.copy()
    np.testing.assert_array_equal(sort_pixels(sequences), np.sort(sequences, axis=0))
    np.testing.assert_array_equal(sequences, given)


@pytest.mark.parametrize("length", [17, 24, 31, 32, 33, 100])
def test_longer_sequences(length: int) -> None:
    values = np.random.default_rng(length).normal(size=(length, 2000)).astype(np.float32)
    np.testing.assert_array_equal(sort_pixels(values), np.sort(values, axis=0))
