"""Bringing a cube onto the pixels of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import DimensionNotAvailable, IncompatibleDataCubes
from connexeo.processing.cube import Axis, Dimension, coordinates, crs_of, spatial_dimension

if TYPE_CHECKING:
    import xarray as xr

_TOLERANCE = 1e-3
"""Of a pixel: how far pixel centres may lie apart and still be the same."""

_UNEVEN = 0.05
"""Of a pixel: how far pixel centres may lie off an even grid; single precision makes them do so."""

_HORIZONTAL: tuple[Axis, Axis] = ("x", "y")


def plane_of(cube: xr.DataArray) -> tuple[Dimension, Dimension]:
    """The dimensions of a cube with the axes x and y.

    Raises:
        DimensionNotAvailable: One of them is missing.
    """
    x, y = (spatial_dimension(cube, axis) for axis in _HORIZONTAL)
    if x is None or y is None:
        raise DimensionNotAvailable("The data cube has no horizontal spatial dimensions.")
    return x, y


def same_crs(first: Any, second: Any) -> bool:
    """Whether two reference systems are the same; one that is not known is taken to be."""
    if first is None or second is None or first == second:
        return True
    from pyproj import CRS

    return bool(CRS.from_user_input(first) == CRS.from_user_input(second))


def align(cube: xr.DataArray, target: xr.DataArray, *, cover: bool, method: str = "near") -> xr.DataArray:
    """The cube with the pixels of another one along x and y.

    Pixels that lie on the target's grid are kept as they are, with labels that equal the target's exactly; otherwise
    the cube is resampled.

    Args:
        cube: The cube to be aligned; spatial dimensions that it lacks are left out.
        target: The cube that gives the pixels.
        cover: Whether the result has exactly the target's pixels, no-data where the cube has none. If not, a cube that
            fits the grid keeps its own extent.
        method: How to resample, one of `reprojection.METHODS`.

    Raises:
        IncompatibleDataCubes: One of the cubes has a horizontal dimension that can't be aligned.
    """
    # Squares have no sign, so "rms" changes values even where pixels stay.
    if method != "rms" and same_crs(crs_of(cube), crs_of(target)):
        snapped = _snap(cube, target)
        if snapped is not None:
            return _cover(snapped, target) if cover else snapped
    if any(spatial_dimension(one, axis) is None for one in (cube, target) for axis in _HORIZONTAL):
        raise IncompatibleDataCubes("The spatial dimensions of the data cubes can't be aligned.")
    from connexeo.processing.pixel_grids import grid_of
    from connexeo.processing.reprojection import reproject

    return _snapped(reproject(cube, grid_of(target), method), target)


def spacing(values: np.ndarray[Any, np.dtype[Any]]) -> float | None:
    """Distance of pixel centres, signed; None where it can't be told from the labels."""
    if len(values) < 2 or values.dtype.kind not in "iuf":
        return None
    return float((values[-1] - values[0]) / (len(values) - 1))


def is_even(values: np.ndarray[Any, np.dtype[Any]]) -> bool:
    """Whether pixel centres lie in steps of the same size, and none of them twice."""
    step = spacing(values)
    if step is None:
        return True
    return bool(step) and bool(
        np.abs(values - (values[0] + np.arange(len(values)) * step)).max() <= _UNEVEN * abs(step)
    )


def _snap(cube: xr.DataArray, target: xr.DataArray) -> xr.DataArray | None:
    """The cube with labels rounded to the target's grid, or None where it lies on another grid."""
    changed: dict[str, Any] = {}
    for axis in _HORIZONTAL:
        mine, theirs = spatial_dimension(cube, axis), spatial_dimension(target, axis)
        if mine is None or theirs is None:
            continue
        if mine.name != theirs.name:
            return None
        own, wanted = coordinates(cube, mine.name), coordinates(target, theirs.name)
        if np.array_equal(own, wanted):
            continue
        new = _on_grid(own, wanted)
        if new is None:
            return None
        changed[mine.name] = new
    return cube.assign_coords(changed) if changed else cube


def _on_grid(own: np.ndarray[Any, np.dtype[Any]], wanted: np.ndarray[Any, np.dtype[Any]]) -> Any:
    step = spacing(wanted) or spacing(own)
    if step is None or not len(
        wanted
    ):  # no pixels, or single ones of a size that is not known: there is no grid
        return own
    if not is_even(wanted):  # pixels are the same or they are not
        return own if np.isin(own, wanted).all() or np.isin(wanted, own).all() else None
    own_step = (spacing(own) if is_even(own) else None) or step
    if abs(abs(own_step) - abs(step)) * max(len(own), 1) > _TOLERANCE * abs(step):
        return None
    position = (own - wanted[0]) / step
    rounded = np.rint(position)
    if np.abs(position - rounded).max(initial=0) > _TOLERANCE:
        return None
    index = rounded.astype(int)
    inside = (index >= 0) & (index < len(wanted))
    snapped = np.asarray(wanted[0] + rounded * step, dtype=np.float64)
    snapped[inside] = wanted[index[inside]]
    return snapped


def _cover(cube: xr.DataArray, target: xr.DataArray) -> xr.DataArray:
    """The cube extended and cut to the target's pixels."""
    wanted = {}
    for axis in _HORIZONTAL:
        dimension = spatial_dimension(cube, axis)
        if dimension is not None and dimension.name in target.dims:
            labels = coordinates(target, dimension.name)
            if not np.array_equal(coordinates(cube, dimension.name), labels):
                wanted[dimension.name] = labels
    return cube.reindex(wanted) if wanted else cube


def _snapped(cube: xr.DataArray, target: xr.DataArray) -> xr.DataArray:
    """The cube with exactly the labels of the target, whose pixels it has already."""
    for axis in _HORIZONTAL:
        mine, theirs = spatial_dimension(cube, axis), spatial_dimension(target, axis)
        if mine is None or theirs is None:
            continue
        labels = coordinates(target, theirs.name)
        if _descends(coordinates(cube, mine.name)) != _descends(labels):
            cube = cube.isel({mine.name: slice(None, None, -1)})
        cube = cube.assign_coords({mine.name: labels})
    return cube


def _descends(labels: np.ndarray[Any, np.dtype[Any]]) -> bool:
    return len(labels) > 1 and bool(labels[0] > labels[-1])
