"""The labels of a cube that are needed: exactly those that the filters behind it keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import OpenEOError
from connexeo.processing.bands import bands_between, matching_bands
from connexeo.processing.cube import Dimension, ReferenceSystem
from connexeo.processing.planning.needs import BandNeed, Needs
from connexeo.processing.processes.filters import kept_pixels
from connexeo.processing.temporal import within

Labels = NDArray[Any]


@dataclass(frozen=True)
class Selection:
    """Positions along the dimensions of a cube; None: all."""

    times: tuple[int, ...] | None = None
    bands: tuple[int, ...] | None = None
    rows: slice | None = None
    columns: slice | None = None

    def __bool__(self) -> bool:
        return any(part is not None for part in (self.times, self.bands, self.rows, self.columns))


EVERYTHING = Selection()


@dataclass(frozen=True)
class Loaded:
    """What a cube would be if all of it were loaded."""

    times: Labels | None
    """Instants; None where the cube has no temporal dimension."""
    bands: Dimension | None
    names: tuple[str, ...]
    """Labels of the bands."""
    y: Labels
    x: Labels
    crs: ReferenceSystem
    types: Mapping[str, str]
    """Type of each dimension by name."""


def select(needs: Needs, cube: Loaded, *, spatially: bool = True) -> Selection:
    """The positions that are needed; where in doubt, or if nothing is left, all of a dimension.

    Args:
        needs: What the graph uses.
        cube: What it would be used of.
        spatially: Whether pixels may be left out.
    """
    if any(cube.types.get(name, kind) != kind for name, kind in needs.assumed):
        return EVERYTHING
    times = None if cube.times is None or needs.intervals is None else _times(needs.intervals, cube.times)
    bands = None if cube.bands is None or needs.bands is None else _bands(needs.bands, cube.bands, cube.names)
    pixels = None if not spatially or needs.boxes is None else _pixels(needs.boxes, cube)
    return Selection(times, bands, *(pixels or (None, None)))


def _times(intervals: Sequence[Sequence[Any]], instants: Labels) -> tuple[int, ...] | None:
    kept = np.zeros(len(instants), bool)
    try:
        for interval in intervals:
            kept |= within(instants, interval)
    except (OpenEOError, ArithmeticError, LookupError, TypeError, ValueError):
        return None  # The filter will say what is wrong with its extent.
    return _some(np.flatnonzero(kept).tolist(), len(instants))


def _bands(needs: Sequence[BandNeed], dimension: Dimension, names: tuple[str, ...]) -> tuple[int, ...] | None:
    kept: set[int] = set()
    for need in needs:
        if need.labels and not set(need.names) <= set(names):
            return None
        for name in need.names:
            kept.update(matching_bands(dimension, names, name))
        for shortest, longest in need.wavelengths:
            kept.update(bands_between(dimension, names, shortest, longest))
    return _some(sorted(kept), len(names))


def _some(kept: list[int], length: int) -> tuple[int, ...] | None:
    """Cubes without any labels are left to the filters, which know what becomes of them."""
    return tuple(kept) if 0 < len(kept) < length else None


def _pixels(boxes: Sequence[Mapping[str, Any]], cube: Loaded) -> tuple[slice, slice] | None:
    """Rows and columns around all boxes."""
    found = []
    for box in boxes:
        kept = _kept(box, cube.x, cube.y, cube.crs)
        if kept is None:
            return None
        found.append(kept)
    rows, columns = (_hull([each[axis] for each in found]) for axis in (0, 1))
    if rows is None or columns is None or (rows, columns) == (slice(0, len(cube.y)), slice(0, len(cube.x))):
        return None
    # In other reference systems, what a box keeps may depend on the cube around it: then all of it is needed.
    for box, before in zip(boxes, found, strict=True):
        after = _kept(box, cube.x[columns], cube.y[rows], cube.crs)
        if after is None or (_moved(after[0], rows), _moved(after[1], columns)) != before:
            return None
    return rows, columns


def _kept(
    box: Mapping[str, Any], x: Labels, y: Labels, crs: ReferenceSystem
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """First and last row and column that a box keeps; None where it keeps none, or not all between."""
    try:
        columns, rows = kept_pixels(box, x, y, crs)
    except (OpenEOError, ArithmeticError, LookupError, TypeError, ValueError):
        return None  # The filter will say what is wrong with its extent.
    if not isinstance(rows, slice) or not isinstance(columns, slice):
        return None
    return (rows.start, rows.stop), (columns.start, columns.stop)


def _hull(ranges: Sequence[tuple[int, int]]) -> slice | None:
    starts, stops = zip(*ranges, strict=True)
    return slice(min(starts), max(stops))


def _moved(part: tuple[int, int], before: slice) -> tuple[int, int]:
    return part[0] + before.start, part[1] + before.start
