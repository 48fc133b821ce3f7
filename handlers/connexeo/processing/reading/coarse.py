"""Reading on the pixels that a graph resamples to: coarser ones are made while reading, not after.

Where everything that a graph does with a cube goes through one `resample_spatial`, the cube is read on the pixels of
that: a block of the result then costs no cube of fine pixels, and what files keep as overviews need not be averaged
again. As gdalwarp does it, methods other than `near` start from the overview that is at least as fine as what is
wanted; `near` always takes pixels of full resolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from shapely import affinity

from connexeo.generated.errors import IncompatibleDataCubes, ProcessParameterInvalid
from connexeo.processing.cube import ReferenceSystem
from connexeo.processing.pixel_grids import Grid as Target
from connexeo.processing.pixel_grids import resampled_grid
from connexeo.processing.planning.needs import Resampling
from connexeo.processing.reading.grids import Grid
from connexeo.processing.reading.pixels import GDAL, open_image, reading, without_nodata
from connexeo.processing.reading.plans import Layer, Plan, bounds_in, promote
from connexeo.processing.reprojection import METHODS, pixels_per_pixel

LEAST_RATIO = 4
"""How many fine pixels a coarse one has to stand for: below, nothing is won."""


def coarsen(plan: Plan, wanted: Resampling) -> tuple[Plan, CoarseReader] | None:
    """The plan on the pixels that its cube is resampled to, and what reads them.

    None where reading could give other values than resampling: from files that are not on the grid of the cube, or,
    unless only the nearest pixels are taken, from several that make up one image or whose edges would be reached. Also
    where nothing would be won, and where `resample_spatial` has to say what is wrong.
    """
    if wanted.method not in METHODS or not _is_simple(plan, several=wanted.method == "near"):
        return None
    fine = plan.grid
    source = Target(fine.west, fine.north, fine.step_x, fine.step_y, fine.width, fine.height, fine.crs)
    try:
        target = resampled_grid(source, wanted.resolution, wanted.projection, wanted.align)
    except (ProcessParameterInvalid, IncompatibleDataCubes):
        return None
    if target.columns * target.rows * LEAST_RATIO > fine.width * fine.height:
        return None
    grid = Grid(
        _name(target.crs), target.left, target.top, target.width, target.height, target.columns, target.rows
    )
    if wanted.method != "near" and not _lies_within_files(grid, plan):
        return None
    coarse = replace(plan, grid=grid, origin=(0, 0), dtype=promote(plan.dtype, fillable=True))
    return coarse, CoarseReader(fine, wanted.method, pixels_per_pixel(source, target))


@dataclass(frozen=True)
class CoarseReader:
    """Reads a file on coarser pixels; a `LayerReader`."""

    fine: Grid
    """The pixels that count: others of the files are not part of the cube."""
    method: str
    scale: tuple[float, float]
    """Fine pixels along the edges of a coarse one."""

    def __call__(self, layer: Layer, area: Grid) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values and where they are valid."""
        with reading(layer.asset, layer.item), rasterio.Env(**GDAL), open_image(layer.href) as source:
            nodata = source.nodata if layer.nodata is None else layer.nodata
            factor = self._overview(source.overviews(layer.index))
            if factor == 1:
                return self._read(source, layer, area, nodata, 1)
            level = source.overviews(layer.index).index(factor)
            with rasterio.open(layer.href, driver=source.driver, OVERVIEW_LEVEL=level) as overview:
                return self._read(overview, layer, area, nodata, factor)

    def _read(
        self, source: Any, layer: Layer, area: Grid, nodata: float | None, factor: int
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        inside = affinity.affine_transform(shapely.box(*self.fine.bounds), (~source.transform).to_shapely())
        options = {
            "crs": area.crs,
            "transform": Affine(*area.transform),
            "width": area.width,
            "height": area.height,
            "resampling": METHODS[self.method],
            "dtype": np.result_type(source.dtypes[layer.index - 1], np.float32).name,
            # Averages of integers are no integers; NaN can't be one of their values.
            "nodata": np.nan,
            "CUTLINE": inside.wkt,
            "XSCALE": min(1.0, factor / self.scale[0]),
            "YSCALE": min(1.0, factor / self.scale[1]),
        }
        if nodata is not None:
            options["src_nodata"] = nodata
        with WarpedVRT(source, **options) as warped:
            values = warped.read(layer.index)
        return values, without_nodata(values, np.ones(values.shape, bool), None)

    def _overview(self, factors: Sequence[int]) -> int:
        """The factor of the coarsest overview that is at least as fine as the coarse pixels."""
        usable = [] if self.method == "near" else [each for each in factors if each <= min(self.scale)]
        return max(usable, default=1)


def _is_simple(plan: Plan, *, several: bool) -> bool:
    """Whether all files are on the grid of the cube, and each image is one file, unless there may be several."""
    bands = [band for date in plan.layers for band in date]
    return all(several or len(band) <= 1 for band in bands) and all(
        layer.grid.crs == plan.grid.crs and layer.grid.offset_to(plan.grid) is not None
        for band in bands
        for layer in band
    )


def _lies_within_files(grid: Grid, plan: Plan) -> bool:
    """Whether no pixel reaches beyond the edge of a file, where GDAL would count the last pixels several times."""
    needed = bounds_in(grid, plan.grid.crs)
    return all(layer.grid.covers(needed) for date in plan.layers for band in date for layer in band)


def _name(crs: ReferenceSystem) -> str:
    """As rasterio and pyproj take it."""
    if isinstance(crs, int):
        return f"EPSG:{crs}"
    if isinstance(crs, str):
        return crs
    from pyproj import CRS

    return str(CRS.from_json_dict(dict(crs)).to_wkt())
