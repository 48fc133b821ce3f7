"""A cube as images of bands over rows and columns, north up, for formats that hold images."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import DataCubeEmpty, FormatUnsuitable
from connexeo.processing.cube import dimensions_of, dimensions_of_type, labels
from connexeo.processing.formats.grid import Grid, require_grid

if TYPE_CHECKING:
    import dask.array as da
    import xarray as xr

CHUNK = 1024
"""Rows and columns of the blocks that cubes in memory are written in."""


@dataclass(frozen=True)
class Image:
    """What goes into one file."""

    pixels: da.Array
    """Lazy; bands, rows, columns; the first row is the northernmost, the first column the westernmost."""
    bands: tuple[str | None, ...]
    """Names of the bands; None for the only one of a cube without bands."""
    times: tuple[str, ...]
    """Labels of the temporal dimension, if there is one."""
    suffix: str
    """What tells the file from the others of the same cube, e.g. `_2023-01-05Z`."""


def check_images(data: Any, format_name: str) -> Grid:
    """The grid of the images that a cube can be written as.

    Raises:
        FormatUnsuitable: It is no raster cube of numbers with x and y.
        DataCubeEmpty: It has no pixels.
    """
    cube = require_cube(data, format_name)
    if cube.size == 0:
        raise DataCubeEmpty(f"The data cube has no pixels; {format_name} cannot store that.")
    if cube.dtype.kind not in "biuf":
        raise FormatUnsuitable(f"{format_name} holds real numbers, not data of type {cube.dtype}.")
    return require_grid(cube, format_name)


def require_cube(data: Any, format_name: str) -> xr.DataArray:
    """The data, if it is a raster cube.

    Raises:
        FormatUnsuitable: It is not.
    """
    import xarray as xr

    if not isinstance(data, xr.DataArray):
        raise FormatUnsuitable(f"{format_name} holds raster data cubes, not {_called(data)}. Choose JSON.")
    return data


def band_names(cube: xr.DataArray, *, time_as_bands: bool) -> tuple[str | None, ...]:
    """Names of the bands that the images of a cube have."""
    dims = _flattened(cube, time_as_bands=time_as_bands)
    if not dims:
        return (None,)
    combinations = itertools.product(*(labels(cube, dim) for dim in dims))
    return tuple("_".join(map(str, combination)) for combination in combinations)


def count_bands(cube: xr.DataArray, *, time_as_bands: bool) -> int:
    """How many bands the images of a cube have."""
    return int(
        np.prod([cube.sizes[dim] for dim in _flattened(cube, time_as_bands=time_as_bands)], dtype=np.int64)
    )


def arrange(cube: xr.DataArray, grid: Grid, *, time_as_bands: bool) -> list[Image]:
    """The images of a cube: one for each time step, or one with the time steps as bands."""
    time = temporal_dimension(cube)
    names = band_names(cube, time_as_bands=time_as_bands)
    flattened = _flattened(cube, time_as_bands=time_as_bands)
    leading = [] if time is None or time_as_bands else [time]
    pixels = _lazy(cube.transpose(*leading, *flattened, grid.y.name, grid.x.name))
    pixels = pixels[..., :: -1 if grid.y.step > 0 else 1, :: -1 if grid.x.step < 0 else 1]
    shape = (len(names), *grid.shape)
    if not leading or time is None:
        times = () if time is None else time_labels(cube, time)
        return [Image(_stack(pixels, shape, len(flattened)), names, times, "")]
    times = time_labels(cube, time)
    return [
        Image(_stack(pixels[index], shape, len(flattened)), names, (label,), suffix)
        for index, (label, suffix) in enumerate(zip(times, _suffixes(times), strict=True))
    ]


def by_band(image: Image) -> list[Image]:
    """An image for each band, named by it."""
    names = [re.sub(r"[^\w.+-]", "-", name or "") for name in image.bands]
    totals, seen = Counter(names), Counter[str]()
    images = []
    for index, name in enumerate(names):
        seen[name] += 1
        told = name if name and totals[name] == 1 else f"{name}-{seen[name]}".lstrip("-")
        suffix = f"{image.suffix}_{told}" if len(names) > 1 else image.suffix
        images.append(
            Image(image.pixels[index : index + 1], image.bands[index : index + 1], image.times, suffix)
        )
    return images


def temporal_dimension(cube: xr.DataArray) -> str | None:
    """Name of the (first) temporal dimension."""
    return next((dimension.name for dimension in dimensions_of_type(cube, "temporal")), None)


def time_labels(cube: xr.DataArray, name: str) -> tuple[str, ...]:
    """Labels of a temporal dimension as strings."""
    return tuple(map(str, labels(cube, name)))


def _flattened(cube: xr.DataArray, *, time_as_bands: bool) -> list[str]:
    """The dimensions that become bands, the temporal one first."""
    time = temporal_dimension(cube)
    kept = [d.name for d in dimensions_of(cube) if not (d.type == "spatial" and d.axis in ("x", "y"))]
    others = [name for name in kept if name != time]
    return [time, *others] if time is not None and time_as_bands else others


def _lazy(cube: xr.DataArray) -> da.Array:
    import dask.array as da

    if isinstance(cube.data, da.Array):
        return cube.data
    chunks = (1,) * (cube.ndim - 2) + (CHUNK, CHUNK)
    blocks: da.Array = da.from_array(np.asarray(cube.data), chunks=chunks, name=False)  # type: ignore[no-untyped-call]
    return blocks


def _stack(pixels: da.Array, shape: tuple[int, int, int], flattened: int) -> da.Array:
    if flattened == 1:
        return pixels
    stacked: da.Array = pixels.reshape(shape, merge_chunks=False)  # type: ignore[no-untyped-call]
    return stacked


def _suffixes(times: tuple[str, ...]) -> list[str]:
    """File names of time steps: the date if there is no time of day, never a colon."""
    plain = [re.sub(r"[^A-Za-z0-9.+-]", "", time.replace("T00:00:00Z", "Z")) or "unknown" for time in times]
    totals = Counter(plain)
    seen: Counter[str] = Counter()
    suffixes = []
    for text in plain:
        seen[text] += 1
        suffixes.append(f"_{text}" if totals[text] == 1 else f"_{text}_{seen[text]}")
    return suffixes


def _called(data: Any) -> str:
    if data is None or isinstance(data, bool | int | float | str):
        return "a single value"
    return "an array" if isinstance(data, list | tuple) else f"an object of type {type(data).__name__}"
