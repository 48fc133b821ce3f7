"""Pixel grids: where the pixels of a file or a cube lie."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connexeo.processing.reading.extents import Bounds

_TOLERANCE = 1e-6
"""In pixels: coordinates in metres and degrees are rounded that much at most."""


@dataclass(frozen=True)
class Grid:
    """A north-up grid of pixels."""

    crs: str
    """As pyproj and rasterio understand it."""
    west: float
    """Left edge of the first column."""
    north: float
    """Upper edge of the first row."""
    step_x: float
    """Width of a pixel in units of the reference system."""
    step_y: float
    """Height of a pixel, positive."""
    width: int
    height: int

    @property
    def bounds(self) -> Bounds:
        """Outer edges."""
        return (
            self.west,
            self.north - self.height * self.step_y,
            self.west + self.width * self.step_x,
            self.north,
        )

    @property
    def x(self) -> NDArray[np.floating]:
        """Pixel centres from west to east."""
        return self.west + (np.arange(self.width) + 0.5) * self.step_x

    @property
    def y(self) -> NDArray[np.floating]:
        """Pixel centres from north to south."""
        return self.north - (np.arange(self.height) + 0.5) * self.step_y

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """The affine transform from pixel to world, first two rows."""
        return (self.step_x, 0.0, self.west, 0.0, -self.step_y, self.north)

    def part(self, rows: slice, columns: slice) -> Grid:
        """The part in `rows` and `columns`, both with start and stop and without step."""
        return Grid(
            self.crs,
            self.west + columns.start * self.step_x,
            self.north - rows.start * self.step_y,
            self.step_x,
            self.step_y,
            columns.stop - columns.start,
            rows.stop - rows.start,
        )

    def offset_to(self, other: Grid) -> tuple[int, int] | None:
        """Row and column of this grid at which `other` begins, where pixels coincide; else None.

        The reference systems are not compared.
        """
        same = abs(self.step_x / other.step_x - 1) * max(self.width, other.width) < 1e-3
        same &= abs(self.step_y / other.step_y - 1) * max(self.height, other.height) < 1e-3
        row, column = (self.north - other.north) / self.step_y, (other.west - self.west) / self.step_x
        nearest = round(row), round(column)
        if not same or abs(row - nearest[0]) > 1e-3 or abs(column - nearest[1]) > 1e-3:
            return None
        return nearest

    def covers(self, other: Bounds) -> bool:
        """Whether the bounds lie within this grid's."""
        west, south, east, north = self.bounds
        slack_x, slack_y = self.step_x * 1e-3, self.step_y * 1e-3
        return (
            west - slack_x <= other[0]
            and south - slack_y <= other[1]
            and east + slack_x >= other[2]
            and north + slack_y >= other[3]
        )


def crop(lattice: Grid, bounds: Iterable[Bounds]) -> Grid | None:
    """The pixels on the lattice of a grid, without limit, whose centres lie in all of the bounds (edges included).

    None where there are none.
    """
    west, south, east, north = intersection(bounds)
    # Also false for extents that their reference system cannot express: those are infinite.
    if not (-math.inf < west <= east < math.inf and -math.inf < south <= north < math.inf):
        return None
    first = math.ceil((west - lattice.west) / lattice.step_x - 0.5 - _TOLERANCE)
    last = math.floor((east - lattice.west) / lattice.step_x - 0.5 + _TOLERANCE)
    top = math.ceil((lattice.north - north) / lattice.step_y - 0.5 - _TOLERANCE)
    bottom = math.floor((lattice.north - south) / lattice.step_y - 0.5 + _TOLERANCE)
    if first > last or top > bottom:
        return None
    return lattice.part(slice(top, bottom + 1), slice(first, last + 1))


def intersection(bounds: Iterable[Bounds]) -> Bounds:
    """What lies in all of the bounds; west is greater than east, or south than north, where nothing does."""
    west, south, east, north = zip(*bounds, strict=True)
    return max(west), max(south), min(east), min(north)


def union(bounds: Iterable[Bounds]) -> Bounds:
    """The smallest bounds around all."""
    west, south, east, north = zip(*bounds, strict=True)
    return min(west), min(south), max(east), max(north)


def overlaps(one: Bounds, other: Bounds) -> bool:
    """Whether two bounds share an area."""
    west, south, east, north = intersection((one, other))
    return west < east and south < north


def block_sizes(start: int, length: int, size: int) -> tuple[int, ...]:
    """Lengths of blocks that end at multiples of `size` counted from `-start`.

    Blocks of cubes then coincide with the tiles inside the files, and no tile is decoded for two blocks.
    """
    first = min(size - start % size, length)
    full, rest = divmod(length - first, size)
    return (first, *([size] * full), *([rest] if rest else []))
