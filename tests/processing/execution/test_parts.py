"""How blocks are divided, and computed part by part."""

from collections.abc import Iterator
from typing import Any

import dask.array as da
import numpy as np
import pytest

from connexeo.processing.execution import Execution, Key, Part, compute_blocks, using
from connexeo.processing.execution.parts import Division
from connexeo.processing.execution.threads import Threads


def source(calls: list[Any], *, width: int = 8) -> Any:
    """Two dates of 4 rows in blocks of 2, which note that they are read."""
    values = np.arange(2 * 4 * width, dtype=np.float32).reshape(2, 4, width)

    def note(block: Any) -> Any:
        calls.append(block.shape)
        return block

    whole = da.from_array(values, chunks=(1, 2, 2))  # type: ignore[no-untyped-call]
    return whole.map_blocks(note, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))


def values_of(array: Any, execution: Execution) -> Any:
    """All values, computed in some way."""
    blocks: dict[Key, Any] = {}
    with using(execution):
        compute_blocks([array], blocks.__setitem__)
    return np.block([
        [blocks[(array.name, row, column)] for column in range(array.numblocks[1])]
        for row in range(array.numblocks[0])
    ])  # fmt: skip


def test_parts_have_nothing_in_common() -> None:
    calls: list[Any] = []
    largest = source(calls).max(axis=0)
    division = Division([largest], 4)
    (keys,) = division.stages
    made = list(division.parts(keys))
    assert sorted(keys) == sorted(key for part in made for key in part.keys)
    assert len(made) == len(keys) == 8
    tasks = [set(part.graph) for part in made]
    assert not any(one & other for one in tasks for other in tasks if one is not other)
    values = values_of(largest, Execution())
    np.testing.assert_array_equal(values, np.arange(32, 64).reshape(4, 8))
    assert len(calls) == 2 * 8


@pytest.mark.parametrize(("columns", "parts"), [(1, 8), (4, 2), (100, 1)])
def test_blocks_that_share_pixels_are_computed_in_windows(columns: int, parts: int) -> None:
    calls: list[Any] = []
    spread = da.overlap.overlap(  # type: ignore[no-untyped-call]
        source(calls)[0], depth={0: 1, 1: 1}, boundary="nearest"
    )
    division = Division([spread], columns)
    found = list(division.parts(division.stages[-1]))
    assert len(found) == parts
    assert max(part.columns for part in found) <= columns
    once = spread.compute()
    np.testing.assert_array_equal(values_of(spread, Execution(columns=columns)), once)


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_parts_are_made_than_are_computed_at_a_time(threads: int) -> None:
    state = {"made": 0, "delivered": 0, "most": 0}
    division = Division([source([], width=40).max(axis=0)], 4)
    (keys,) = division.stages
    parts = division.parts(keys)

    def watched() -> Iterator[Part]:
        for part in parts:
            state["made"] += 1
            state["most"] = max(state["most"], state["made"] - state["delivered"])
            yield part

    def deliver(key: Key, block: Any) -> None:
        state["delivered"] += 1

    Threads(threads)(watched(), deliver)
    assert state["delivered"] == len(keys) == 40
    # A thread that has delivered its block may not have told so yet.
    assert state["most"] <= threads + 1


@pytest.mark.parametrize("threads", [1, 2])
def test_a_failure_ends_it(threads: int) -> None:
    calls: list[Any] = []

    def fail(block: Any) -> Any:
        raise ValueError("broken data")

    broken = source(calls, width=80).map_blocks(fail, dtype=float, meta=np.empty((0, 0, 0)))
    with using(Execution(strategy=Threads(threads))), pytest.raises(ValueError, match="broken data"):
        compute_blocks([broken], lambda key, block: None)
    assert len(calls) <= 2 * threads


def test_progress_is_told_in_blocks() -> None:
    told: list[tuple[int, int]] = []
    execution = Execution(on_progress=lambda done, total: told.append((done, total)))
    values_of(source([]).max(axis=0), execution)
    assert told == [(done, 8) for done in range(1, 9)]
