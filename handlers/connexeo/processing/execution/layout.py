"""How large the blocks of cubes are that are loaded."""

from __future__ import annotations

from dataclasses import dataclass

from connexeo.processing.reading.grids import block_sizes

Chunks = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Layout:
    """Blocks of a cube `(t, bands, y, x)`."""

    edge: int = 1024
    """Pixels along each edge."""
    together: bool = False
    """Whether a block holds all dates and bands: there are few of them then, and nothing needs to be put together to
    reduce a dimension. Otherwise it holds one date of one band, so that only those are in memory that are needed."""

    def chunks(self, shape: tuple[int, int, int, int], origin: tuple[int, int]) -> Chunks:
        """Lengths of the blocks along each dimension.

        Args:
            shape: Of the cube.
            origin: Row and column at which it begins in its files.
        """
        times, bands, height, width = shape
        rows, columns = block_sizes(origin[0], height, self.edge), block_sizes(origin[1], width, self.edge)
        if self.together:
            return (times,), (bands,), rows, columns
        return (1,) * times, (1,) * bands, rows, columns
