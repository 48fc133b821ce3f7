"""Several images of one size as one: a sheet with the time steps row by row, to be looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from connexeo.processing.formats.grid import Axis, Grid
from connexeo.processing.formats.images import Image

if TYPE_CHECKING:
    import dask.array as da

GAP = 0.01
"""Space between images, as a part of their width."""


def make_sheet(images: Sequence[Image], grid: Grid) -> tuple[Image, Grid]:
    """One image of them all, lazy, in reading order; it lies nowhere, so its grid has no reference system.

    What is between the images is no-data in floating point numbers, else zero.
    """
    import dask.array as da

    columns = math.ceil(math.sqrt(len(images)))
    gap = max(1, round(GAP * grid.x.size))
    tiles = [_padded(image.pixels, gap) for image in images]
    tiles += [da.full_like(tiles[0], _empty(tiles[0].dtype))] * (-len(tiles) % columns)  # type: ignore[no-untyped-call]
    rows = [
        da.concatenate(tiles[start : start + columns], axis=2)  # type: ignore[no-untyped-call]
        for start in range(0, len(tiles), columns)
    ]
    pixels = da.concatenate(rows, axis=1)[:, :-gap, :-gap]  # type: ignore[no-untyped-call]
    times = tuple(time for image in images for time in image.times)
    sheet = replace(images[0], pixels=pixels, times=times, suffix="")
    height, width = pixels.shape[1:]
    placed = replace(
        grid,
        x=Axis(grid.x.name, width, 0.5, 1.0),
        y=Axis(grid.y.name, height, -0.5, -1.0),
        crs=None,
        located=False,
    )
    return sheet, placed


def _padded(pixels: da.Array, gap: int) -> da.Array:
    """The image with a margin on the right and below."""
    import dask.array as da

    padded: da.Array = da.pad(pixels, ((0, 0), (0, gap), (0, gap)), constant_values=_empty(pixels.dtype))
    return padded


def _empty(dtype: np.dtype[np.generic]) -> float | int | bool:
    if dtype.kind == "f":
        return math.nan
    return False if dtype.kind == "b" else 0
