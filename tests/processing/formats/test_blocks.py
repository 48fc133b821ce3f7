import dask.array as da
import numpy as np
import pytest

from connexeo.processing.execution import Region
from connexeo.processing.formats.blocks import Block, Sink, Tally, store
from connexeo.processing.formats.packing import resolve_packing


def test_statistics_of_blocks_are_those_of_the_whole() -> None:
    values = np.random.default_rng(3).normal(1000, 2, (60, 41))
    values[3:9] = np.nan
    values[0, 0] = np.inf
    tally = Tally()
    for part in np.array_split(values, 7):
        tally += Tally.of(part)
    statistics = tally.statistics()
    valid = values[np.isfinite(values)]
    assert statistics.minimum == valid.min()
    assert statistics.maximum == valid.max()
    assert statistics.mean == pytest.approx(valid.mean(), rel=1e-12)
    assert statistics.stddev == pytest.approx(valid.std(), rel=1e-9)
    assert statistics.valid_percent == pytest.approx(100 * valid.size / values.size)


def test_without_valid_values_there_are_no_numbers() -> None:
    assert (Tally() + Tally.of(np.full(3, np.nan))).statistics().to_json() == {"valid_percent": 0.0}


def test_what_arrays_share_is_computed_once() -> None:
    calls: list[int] = []

    def count(block: Block) -> Block:
        calls.append(1)
        return block

    base = da.from_array(np.arange(12.0).reshape(1, 3, 4), chunks=(1, 3, 2))  # type: ignore[no-untyped-call]
    shared = base.map_blocks(count, dtype=float, meta=np.empty((0, 0, 0)))
    targets = [np.zeros((1, 3, 4)), np.zeros((1, 3, 4))]
    packing = resolve_packing(base.dtype, {})
    store([shared + 1, shared + 2], [Sink(target.__setitem__, packing) for target in targets])
    assert len(calls) == 2
    np.testing.assert_array_equal(targets[0], base.compute() + 1)
    np.testing.assert_array_equal(targets[1], base.compute() + 2)


def test_sink_takes_no_blocks_after_a_failure() -> None:
    written: list[Region] = []
    sink = Sink(lambda region, _: written.append(region), resolve_packing(np.dtype(float), {}))

    def fail(block: Block) -> Block:
        raise ValueError("broken data")

    broken = da.ones((4, 4), chunks=2).map_blocks(fail, dtype=float, meta=np.empty((0, 0)))
    with pytest.raises(ValueError, match="broken data"):
        store([broken], [sink])
    sink[slice(0, 1), slice(0, 1)] = np.ones((1, 1))
    assert written == []
