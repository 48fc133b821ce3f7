"""Where the pixels of a cube lie: reference system, transform and extent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import coordinates, crs_of, spatial_dimension
from connexeo.processing.formats.interface import BoundingBox

if TYPE_CHECKING:
    import pyproj
    import xarray as xr

TOLERANCE = 0.01
"""How far pixel centres may lie from an even grid, in pixels."""

Transform = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Axis:
    """Pixel centres along a spatial dimension, evenly spaced."""

    name: str
    size: int
    first: float
    step: float
    """Signed; of a single pixel its assumed size."""

    @property
    def edges(self) -> tuple[float, float]:
        """Outer edges, the lower first."""
        start = self.first - self.step / 2
        end = self.first + self.step * (self.size - 0.5)
        return min(start, end), max(start, end)


@dataclass(frozen=True)
class Grid:
    """An even grid of pixels."""

    x: Axis
    y: Axis
    crs: pyproj.CRS | None
    located: bool
    """Whether the cube has labels for x and y; otherwise pixels are only counted."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y.size, self.x.size

    @property
    def bbox(self) -> BoundingBox:
        """Outer edges: x, y minimum, x, y maximum."""
        (west, east), (south, north) = self.x.edges, self.y.edges
        return west, south, east, north

    @property
    def transform(self) -> Transform:
        """Affine transform of the north-up image."""
        west, _, _, north = self.bbox
        return abs(self.x.step), 0.0, west, 0.0, -abs(self.y.step), north

    @property
    def bbox_wgs84(self) -> BoundingBox | None:
        """In longitude and latitude; west > east across the antimeridian; None where it cannot be told."""
        if self.crs is None or not self.located:
            return None
        from pyproj import Transformer
        from pyproj.exceptions import ProjError

        if self.crs.to_epsg() == 4326:
            return self.bbox
        try:
            transformer = Transformer.from_crs(self.crs, 4326, always_xy=True)
            west, south, east, north = transformer.transform_bounds(*self.bbox)
        except ProjError:
            return None
        return (west, south, east, north) if math.isfinite(west + south + east + north) else None

    @property
    def crs_code(self) -> str | None:
        """E.g. `EPSG:32632`."""
        authority = None if self.crs is None else self.crs.to_authority()
        return None if authority is None else ":".join(authority)

    def described(self) -> dict[str, Any]:
        """The fields of `WrittenFile` that tell where a file lies."""
        if not self.located:
            return {"shape": self.shape}
        return {
            "bbox": self.bbox_wgs84,
            "crs_code": self.crs_code,
            "crs_bbox": self.bbox,
            "shape": self.shape,
            "transform": self.transform,
        }


def find_grid(cube: xr.DataArray) -> Grid | None:
    """The grid of a cube; None if it lacks x or y, or if its pixels are not evenly spaced."""
    x, y = spatial_dimension(cube, "x"), spatial_dimension(cube, "y")
    if x is None or y is None or 0 in (cube.sizes[x.name], cube.sizes[y.name]):
        return None
    columns, rows = _centres(cube, x.name), _centres(cube, y.name)
    if columns is None or rows is None:
        return None
    column, row = _step(columns), _step(rows)
    if (len(columns) > 1 and column is None) or (len(rows) > 1 and row is None):
        return None
    told = _told_steps(cube)
    column = column or told[0] or abs(row or 1.0)
    row = row or told[1] or -abs(column)
    if y.name not in cube.coords:
        row = -abs(row)  # rows that are only counted are counted from the top
    return Grid(
        x=Axis(x.name, len(columns), float(columns[0]), column),
        y=Axis(y.name, len(rows), float(rows[0]), row),
        crs=find_crs(cube),
        located=x.name in cube.coords and y.name in cube.coords,
    )


def require_grid(cube: xr.DataArray, format_name: str) -> Grid:
    """The grid of a cube for formats that hold images.

    Raises:
        FormatUnsuitable: It has none.
    """
    grid = find_grid(cube)
    if grid is not None:
        return grid
    if spatial_dimension(cube, "x") is None or spatial_dimension(cube, "y") is None:
        dims = ", ".join(f"'{dim}'" for dim in cube.dims) or "none"
        raise FormatUnsuitable(
            f"{format_name} needs the spatial dimensions x and y; the data cube has: {dims}. Choose netCDF or JSON."
        )
    raise FormatUnsuitable(
        f"{format_name} needs evenly spaced pixels, which the data cube has not. Choose netCDF."
    )


def find_crs(cube: xr.DataArray) -> pyproj.CRS | None:
    """The reference system of x and y."""
    system = crs_of(cube)
    if system is None:
        return None
    from pyproj import CRS

    return CRS.from_json_dict(dict(system)) if isinstance(system, Mapping) else CRS.from_user_input(system)


def _centres(cube: xr.DataArray, name: str) -> npt.NDArray[np.float64] | None:
    labels = coordinates(cube, name)
    if labels.dtype.kind not in "iuf":
        return None
    centres = labels.astype(np.float64)
    return centres if np.isfinite(centres).all() else None


def _step(centres: npt.NDArray[np.float64]) -> float | None:
    """The distance of pixels, signed; None for a single pixel and for uneven ones."""
    if len(centres) < 2:
        return None
    mean = float(centres[-1] - centres[0]) / (len(centres) - 1)
    if mean == 0:
        return None
    even = centres[0] + mean * np.arange(len(centres))
    if np.abs(even - centres).max() > TOLERANCE * abs(mean):
        return None
    # The mean of decimal fractions ends in noise; the fewest digits that lead to the same last pixel are meant.
    short = float(f"{mean:.12g}")
    return short if abs(short - mean) * len(centres) < 1e-6 * abs(mean) else mean


def _told_steps(cube: xr.DataArray) -> tuple[float | None, float | None]:
    """Pixel sizes from the `GeoTransform` that rioxarray and odc-geo keep; they are all there is for a single pixel."""
    for coord in cube.coords.values():
        numbers = str(coord.attrs.get("GeoTransform", "")).split()
        if len(numbers) == 6:
            return float(numbers[1]) or None, float(numbers[5]) or None
    return None, None
