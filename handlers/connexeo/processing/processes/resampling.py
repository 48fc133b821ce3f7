"""Resampling of the horizontal dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.alignment import align as align_cubes
from connexeo.processing.alignment import plane_of
from connexeo.processing.process import process

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.environment import Environment

_BLOCKS_OF_DRY_RUN = 256


@process
def resample_spatial(
    data: xr.DataArray,
    resolution: float | Sequence[float] = 0,
    projection: int | str | None = None,
    method: str = "near",
    align: str = "upper-left",
    *,
    environment: Environment | None = None,
) -> xr.DataArray:
    """Change resolution and projection of x and y; lazily, pixels without source are no-data.

    Cubes that have the pixels already stay as they are: what is loaded to be resampled is read on them (see `coarse`).
    In a window cubes stay as they are: their pixels are those of a map tile, whatever the graph does on the way there.

    Raises:
        IncompatibleDataCubes: The cube has no x and y, or their reference system or resolution is not known.
        ProcessParameterInvalid: Neither resolution nor projection is given, or the projection is not known.
    """
    if environment is not None and environment.window is not None:
        return data
    from connexeo.processing.pixel_grids import grid_of, resampled_grid
    from connexeo.processing.reprojection import reproject

    x, y = (resolution, resolution) if isinstance(resolution, int | float) else resolution
    if not x and not y and projection is None:
        reason = "at least one of resolution and projection must be given."
        raise ProcessParameterInvalid(process="resample_spatial", parameter="resolution", reason=reason)
    source = grid_of(data)
    target = resampled_grid(source, (float(x), float(y)), projection, align)
    if target.is_same(source) and method != "rms":  # which is not negative
        return data
    dry = environment is not None and environment.dry_run is not None
    return reproject(data, target, method, most_blocks=_BLOCKS_OF_DRY_RUN if dry else None)


@process
def resample_cube_spatial(data: xr.DataArray, target: xr.DataArray, method: str = "near") -> xr.DataArray:
    """Give a cube the pixels of another one, whose values do not matter; lazily.

    Pixels that lie on the same grid already keep their values. Pixels without source are no-data.

    Raises:
        DimensionNotAvailable: One of the cubes has no x and y.
        IncompatibleDataCubes: The reference system or the resolution of one of the grids is not known.
    """
    for cube in (data, target):
        plane_of(cube)
    return align_cubes(data, target, cover=True, method=method)
