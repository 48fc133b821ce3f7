"""From what a process gives to the layers of a picture: numbers on the pixels of a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import coordinates, dimensions_of, labels, spatial_dimension
from connexeo.processing.pixel_grids import Grid, as_crs, grid_of
from connexeo.processing.result import Result

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.environment import Window
    from connexeo.processing.evaluation import Evaluation

Block = npt.NDArray[Any]

_TOLERANCE = 1e-3
"""In pixels: grids that differ less are the same."""


@dataclass(frozen=True)
class Layers:
    """What a picture shows."""

    values: Block
    """Of shape `(bands, y, x)`, the first row the northernmost; NaN where there is no data."""
    source: np.dtype[Any]
    """Data type that the process gave."""
    bands: tuple[str, ...]
    """Names of the bands; none where the data has no bands."""

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """Pixels that have a value in all bands, of shape `(y, x)`."""
        return np.asarray(np.isfinite(self.values).all(axis=0))


def shown_cube(evaluation: Evaluation) -> xr.DataArray:
    """The data that a service shows: what the process returns, or what it saved last.

    Raises:
        FormatUnsuitable: when that is no raster data cube.
    """
    import xarray as xr

    value = evaluation.value
    if isinstance(value, Result):
        value = value.data
    elif evaluation.results and not isinstance(value, xr.DataArray):
        value = evaluation.results[-1].data
    if not isinstance(value, xr.DataArray) or None in (
        spatial_dimension(value, "x"),
        spatial_dimension(value, "y"),
    ):
        raise FormatUnsuitable("A map shows raster data cubes with x and y. The process must return one.")
    if value.dtype.kind not in "biuf":
        raise FormatUnsuitable(f"A map shows real numbers, not data of type {value.dtype}.")
    return value


def layers_of(cube: xr.DataArray, window: Window, bands: Sequence[str] | None) -> Layers:
    """The pixels of a cube in a window; of several dates, those of the latest that has data, pixel by pixel.

    Args:
        cube: Possibly lazy, and in any reference system.
        window: The pixels that are wanted.
        bands: Bands that are shown; None for all.

    Raises:
        FormatUnsuitable: when the cube has other dimensions, or not as many bands as a picture shows.
    """
    names, chosen = _choose_bands(cube, bands)
    cube = _onto(cube if chosen is None else chosen, window)
    time, band = _dimension(cube, "temporal"), _dimension(cube, "bands")
    x, y = spatial_dimension(cube, "x"), spatial_dimension(cube, "y")
    assert x is not None
    assert y is not None
    if time is not None:
        cube = cube.transpose(time, ...)
        dates = [cube.isel({time: index}) for index in np.argsort(coordinates(cube, time), kind="stable")]
    else:
        dates = [cube]
    order = [*([] if band is None else [band]), y.name, x.name]
    values = _latest([date.transpose(*order) for date in dates], flat=band is None)
    if _ascends(coordinates(cube, y.name)):
        values = values[:, ::-1]
    return Layers(values, cube.dtype if cube.dtype.kind != "f" else np.dtype(np.float32), names)


def _choose_bands(
    cube: xr.DataArray, wanted: Sequence[str] | None
) -> tuple[tuple[str, ...], xr.DataArray | None]:
    """Names of the bands that are shown, and the cube with only these unless it has no others."""
    known = {"spatial", "temporal", "bands"}
    others = [each.name for each in dimensions_of(cube) if each.type not in known or each.axis == "z"]
    if others:
        raise FormatUnsuitable(
            f"A map shows x, y, bands and time only. Reduce the dimension '{others[0]}' of the data cube."
        )
    dimension = _dimension(cube, "bands")
    available = () if dimension is None else tuple(map(str, labels(cube, dimension)))
    if wanted is None:
        if max(len(available), 1) not in (1, 3, 4):
            raise FormatUnsuitable(
                f"A map shows one, three or four bands, the data cube has {len(available)}. Choose some by "
                f"'bands' in the configuration of the service: {', '.join(available)[:500]}."
            )
        return available, None
    missing = next((name for name in wanted if name not in available), None)
    if missing is not None:
        raise FormatUnsuitable(
            f"The data cube has no band '{missing}', which 'bands' in the configuration of the service names. "
            f"It has: {', '.join(available)[:500] or 'none'}."
        )
    assert dimension is not None
    return tuple(wanted), cube.isel({dimension: [available.index(name) for name in wanted]})


def _onto(cube: xr.DataArray, window: Window) -> xr.DataArray:
    """The cube on the pixels of the window, nearest ones if it has others."""
    target = grid_of_window(window)
    cube = _with_neighbours(cube, target)
    if _coincide(grid_of(cube), target):
        return cube
    from connexeo.processing.reprojection import reproject

    return reproject(cube, target, "near")


def grid_of_window(window: Window) -> Grid:
    """The pixels of a window, as grids of cubes are described."""
    west, south, east, north = window.bounds
    width, height = (east - west) / window.width, (north - south) / window.height
    return Grid(west, north, width, height, window.width, window.height, window.crs)


def _with_neighbours(cube: xr.DataArray, target: Grid) -> xr.DataArray:
    """A single pixel does not tell how large it is; what is left of a window gets neighbours without data."""
    x, y = spatial_dimension(cube, "x"), spatial_dimension(cube, "y")
    assert x is not None
    assert y is not None
    if cube.sizes[x.name] * cube.sizes[y.name] != 1 or x.reference_system is None:
        return cube
    if as_crs(x.reference_system) != as_crs(target.crs):
        return cube
    around = {x.name: target.width, y.name: -target.height}
    return cube.reindex(
        {name: float(coordinates(cube, name)[0]) + step * np.arange(-1, 2) for name, step in around.items()}
    )


def _coincide(one: Grid, other: Grid) -> bool:
    if (one.columns, one.rows) != (other.columns, other.rows):
        return False
    near = all(
        abs(a - b) < _TOLERANCE * size
        for a, b, size in zip(one.bounds, other.bounds, (other.width, other.height) * 2, strict=True)
    )
    return near and (one.crs == other.crs or as_crs(one.crs) == as_crs(other.crs))


def _latest(dates: Sequence[xr.DataArray], *, flat: bool) -> Block:
    """The latest date that has all bands, for each pixel; dates that are hidden altogether are not computed."""
    picture: Block | None = None
    missing: Block | None = None
    for date in reversed(dates):
        values = np.asarray(date.data, dtype=np.result_type(date.dtype, np.float32))
        values = values[np.newaxis] if flat else values
        there = np.isfinite(values).all(axis=0)
        if picture is None or missing is None:
            picture = np.where(there, values, np.nan)
            missing = ~there
        else:
            take = missing & there
            picture[:, take] = values[:, take]
            missing &= ~take
        if not missing.any():
            break
    assert picture is not None
    return picture


def _dimension(cube: xr.DataArray, kind: str) -> str | None:
    found = [each.name for each in dimensions_of(cube) if each.type == kind]
    if len(found) > 1:
        raise FormatUnsuitable(
            f"A map shows one dimension of the type {kind}. Reduce '{found[1]}' of the data cube."
        )
    return found[0] if found else None


def _ascends(values: Block) -> bool:
    return len(values) > 1 and bool(values[0] < values[-1])


def window_of(description: Mapping[str, Any]) -> Window:
    """The window that a request describes."""
    from connexeo.processing.environment import Window

    return Window(
        tuple(description["bounds"]), description["crs"], description["width"], description["height"]
    )
