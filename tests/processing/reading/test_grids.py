import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.processing.reading.grids import Grid, block_sizes, crop

GRID = Grid("EPSG:32632", 600000, 5300000, 10, 10, 100, 80)


@given(
    west=st.integers(-300, 1300),
    south=st.integers(-300, 1300),
    width=st.integers(0, 900),
    height=st.integers(0, 900),
)
def test_cropping_keeps_the_centres_that_lie_in_the_bounds(
    west: int, south: int, width: int, height: int
) -> None:
    bounds = (600000 + west, 5299000 + south, 600000 + west + width, 5299000 + south + height)
    x = [value for value in GRID.x if bounds[0] <= value <= bounds[2]]
    y = [value for value in GRID.y if bounds[1] <= value <= bounds[3]]
    cropped = crop(GRID, [GRID.bounds, bounds])
    if not x or not y:
        assert cropped is None
    else:
        assert cropped is not None
        assert cropped.x.tolist() == x
        assert cropped.y.tolist() == y
        assert GRID.covers(cropped.bounds)
        row, column = GRID.offset_to(cropped) or (-1, -1)
        assert GRID.part(slice(row, row + len(y)), slice(column, column + len(x))) == cropped


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_bounds_without_end_hold_nothing(bad: float) -> None:
    assert crop(GRID, [(bad, bad, bad, bad)]) is None


@pytest.mark.parametrize(
    "other",
    [
        Grid("EPSG:32632", 600005, 5300000, 10, 10, 10, 10),
        Grid("EPSG:32632", 600000, 5300003, 10, 10, 10, 10),
        Grid("EPSG:32632", 600000, 5300000, 20, 20, 10, 10),
        Grid("EPSG:32632", 600000, 5300000, 10, 10.001, 10, 100),
    ],
)
def test_grids_that_do_not_coincide(other: Grid) -> None:
    assert GRID.offset_to(other) is None


@given(start=st.integers(-5000, 5000), length=st.integers(1, 5000))
def test_blocks_end_at_multiples_of_their_size(start: int, length: int) -> None:
    sizes = block_sizes(start, length, 1024)
    assert sum(sizes) == length
    assert all(0 < size <= 1024 for size in sizes)
    edges = [start + sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    assert all(edge % 1024 == 0 for edge in edges)
