"""Reading blocks of images through rasterio."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import CRSError, RasterioError
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from connexeo.generated.errors import Internal
from connexeo.processing.execution import Layout, current
from connexeo.processing.reading.grids import Grid
from connexeo.processing.reading.plans import Header, Layer, Plan
from connexeo.processing.reading.polygons import covered, prepare

if TYPE_CHECKING:
    import dask.array as da
    from shapely import Geometry

    from connexeo.processing.reading.datasets import Opened

_DRIVERS = {".jp2": "JP2OpenJPEG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""By suffix; everything else is read as GeoTIFF. GDAL is not left to guess: it would also open what only looks like
an image and points to other files, as VRT does."""

GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_TIMEOUT": "30",
    "GDAL_HTTP_CONNECTTIMEOUT": "5",
    # Who sends less than 10 kB/s for so long has stopped; `retrying` asks again, under a deadline.
    "GDAL_HTTP_LOW_SPEED_TIME": "5",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "10000",
    "GDAL_HTTP_MAX_RETRY": "1",
    "GDAL_HTTP_RETRY_DELAY": "0.25",
}


LayerReader = Callable[[Layer, Grid], tuple[NDArray[Any], NDArray[np.bool_]]]
"""Gives values of a file and where they are valid, both of the area's shape."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """A cube of shape `(t, bands, y, x)` whose values are read when it is indexed; dask takes blocks from it."""

    plan: Plan
    polygons: tuple[Geometry, ...] = ()
    """In the grid's reference system; pixels whose centres lie outside of all become NaN."""
    read: LayerReader | None = None
    """Reads the part of a file that lies in an area; None: pixel by pixel where grids coincide, else the nearest."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Lengths of the dimensions t, bands, y, x."""
        return len(self.plan.times), len(self.plan.bands), self.plan.grid.height, self.plan.grid.width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.plan.dtype

    ndim = 4

    def __dask_tokenize__(self) -> bytes:
        """What makes the cube: a graph that loads the same twice reads it once."""
        return pickle.dumps((self.plan, self.polygons, self.read))

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a block; the key holds slices and integers, as dask gives them."""
        keys = key if isinstance(key, tuple) else (key,)
        keys = (*keys, *[slice(None)] * (4 - len(keys)))
        times, bands, rows, columns = (
            range(length)[_as_slice(each, length)] for each, length in zip(keys, self.shape, strict=True)
        )
        top, left = _hull(rows), _hull(columns)
        block = np.empty((len(times), len(bands), top.stop - top.start, left.stop - left.start), self.dtype)
        if block.size:
            area = self.plan.grid.part(top, left)
            outside = self._outside(area)
            for t, time in enumerate(times):
                for b, band in enumerate(bands):
                    read_mosaic(
                        self.plan.layers[time][band], area, outside, block[t, b], self.read or read_layer
                    )
        # Steps and integers are applied to what was read, as numpy applies them.
        within_y = _shifted(keys[2], rows, top.start)
        within_x = _shifted(keys[3], columns, left.start)
        first = [0 if isinstance(each, int | np.integer) else slice(None) for each in keys[:2]]
        return block[(*first, within_y, within_x)]

    def _outside(self, area: Grid) -> NDArray[np.bool_] | None:
        """Where no polygon is, shape `(y, x)`; None where the cube is not limited to polygons."""
        return _outside(self, area) if self.polygons else None


@lru_cache(maxsize=16)
def _outside(pixels: Pixels, area: Grid) -> NDArray[np.bool_]:
    """Kept for a while, because all dates and bands of an area ask for it."""
    return ~covered(pixels.polygons, area.x, area.y)


def lazy_array(
    plan: Plan,
    polygons: tuple[Geometry, ...] = (),
    read: LayerReader | None = None,
    layout: Layout | None = None,
) -> da.Array:
    """A dask array `(t, bands, y, x)`.

    Args:
        plan: What it is made of.
        polygons: See `Pixels`.
        read: See `Pixels`.
        layout: How it is cut into blocks; by default as decided for what is being evaluated.
    """
    import dask.array as da

    prepare(polygons)
    pixels = Pixels(plan, polygons, read)
    cut = layout or current().layout
    # Tiles of the files are not divided among blocks, where blocks are at least as large.
    chunks = cut.chunks(pixels.shape, plan.origin)
    meta = np.empty((0, 0, 0, 0), plan.dtype)
    array: da.Array = da.from_array(  # type: ignore[no-untyped-call]
        pixels, chunks=chunks, lock=False, fancy=False, meta=meta
    )
    return array


def probe_header(href: str, asset: str, item: str) -> Header:
    """What a file says about itself."""
    with reading(asset, item), rasterio.Env(**GDAL), open_image(href) as source:
        return Header(grid_of_file(source), source.dtypes[0], source.nodata)


def open_image(href: str) -> Any:
    """A rasterio dataset, to be closed by the caller; within a `rasterio.Env` of the options `GDAL`."""
    suffix = PurePosixPath(href.partition("?")[0]).suffix.lower()
    return rasterio.open(href, driver=_DRIVERS.get(suffix, "GTiff"))


def read_mosaic(
    layers: tuple[Layer, ...],
    area: Grid,
    outside: NDArray[np.bool_] | None,
    out: NDArray[Any],
    read: LayerReader,
) -> None:
    """Fill `out`, shape `(y, x)`, with the first value that the layers have for each pixel.

    Args:
        layers: files of one band at one date.
        area: where to read.
        outside: pixels that are not wanted.
        out: becomes NaN where there is no value; integers, of which the plan knows that none is missing, 0.
        read: reads one file.
    """
    nothing = np.nan if out.dtype.kind == "f" else 0
    missing: NDArray[np.bool_] | None = None if outside is None else ~outside
    if missing is not None or not layers:
        out[...] = nothing
    for layer in layers:
        if missing is not None and not missing.any():
            return
        values, valid = read(layer, area)
        if missing is None:
            # Most blocks come from one file as a whole: then nothing is to be selected.
            np.copyto(out, values, casting="unsafe")
            if valid.all():
                return
            missing = ~valid
            np.copyto(out, nothing, where=missing, casting="unsafe")
        else:
            take = missing & valid
            np.copyto(out, values, where=take, casting="unsafe")
            missing &= ~take


def read_layer(layer: Layer, area: Grid) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values and where they are valid, both of the area's shape; pixels are copied where grids coincide."""
    from connexeo.processing.reading.datasets import opened

    with reading(layer.asset, layer.item), rasterio.Env(**GDAL):
        file = opened(layer.href)
        nodata = file.nodata[layer.index - 1] if layer.nodata is None else layer.nodata
        offset = _offset(file, area)
        if offset is None:
            values, inside = _warp(file.source, layer, area, nodata)
        else:
            values, inside = _copy(file.source, layer, area, offset)
    return values, without_nodata(values, inside, nodata)


def without_nodata(
    values: NDArray[Any], inside: NDArray[np.bool_], nodata: float | None
) -> NDArray[np.bool_]:
    """Where values are valid, of those inside of a file; changes `inside`."""
    if nodata is not None and values.dtype.kind != "b":
        inside &= ~np.isnan(values) if np.isnan(nodata) else values != nodata
    if values.dtype.kind == "f":
        inside &= ~np.isnan(values)
    return inside


def _copy(
    source: Any, layer: Layer, area: Grid, offset: tuple[int, int]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The file's own pixels; `offset` is the row and column of the file at which the area begins."""
    shape = (area.height, area.width)
    row, column = offset
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + area.height, source.height), min(column + area.width, source.width)
    if (bottom - top, right - left) == shape:
        window = Window(left, top, right - left, bottom - top)
        return source.read(layer.index, window=window), np.ones(shape, dtype=bool)
    values, inside = np.zeros(shape, source.dtypes[layer.index - 1]), np.zeros(shape, dtype=bool)
    if top < bottom and left < right:
        place = (slice(top - row, bottom - row), slice(left - column, right - column))
        values[place] = source.read(layer.index, window=Window(left, top, right - left, bottom - top))
        inside[place] = True
    return values, inside


def _warp(
    source: Any, layer: Layer, area: Grid, nodata: float | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The nearest pixels of a file on another grid."""
    options = {
        "crs": area.crs,
        "transform": Affine(*area.transform),
        "width": area.width,
        "height": area.height,
        "resampling": Resampling.nearest,
    }
    if nodata is not None:
        with WarpedVRT(source, src_nodata=nodata, nodata=nodata, **options) as warped:
            return warped.read(layer.index), np.ones((area.height, area.width), dtype=bool)
    with WarpedVRT(source, add_alpha=True, **options) as warped:
        return warped.read(layer.index), warped.dataset_mask() > 0


def _offset(file: Opened, area: Grid) -> tuple[int, int] | None:
    """Row and column of the file at which the area begins, where its pixels are the file's own; else None."""
    if file.grid is None or file.source.crs != _crs(area.crs):
        return None
    return file.grid.offset_to(area)


@cache
def _crs(name: str) -> CRS:
    return CRS.from_user_input(name)


def grid_of_file(source: Any) -> Grid:
    """A file's grid; of turned or upside-down files, the grid around."""
    crs = source.crs
    if crs is None:
        raise CRSError("The file has no coordinate reference system.")
    epsg = crs.to_epsg()
    west, south, east, north = source.bounds
    west, east, south, north = min(west, east), max(west, east), min(south, north), max(south, north)
    width, height = source.width, source.height
    steps = (east - west) / width, (north - south) / height
    return Grid(f"EPSG:{epsg}" if epsg else crs.to_wkt(), west, north, *steps, width, height)


@contextmanager
def reading(asset: str, item: str) -> Iterator[None]:
    """Errors of reading as an openEO error that names the asset, but no path."""
    try:
        yield
    except (RasterioError, OSError) as error:
        raise Internal(f"Reading the asset '{asset}' of the item '{item}' failed.") from error


def _as_slice(key: Any, length: int) -> slice:
    if isinstance(key, slice):
        return key
    position = int(key) % length
    return slice(position, position + 1)


def _hull(positions: range) -> slice:
    """The slice without gaps around positions."""
    return slice(min(positions), max(positions) + 1) if positions else slice(0, 0)


def _shifted(key: Any, positions: range, start: int) -> Any:
    """A key into what was read from `start` on."""
    if isinstance(key, int | np.integer):
        return positions[0] - start
    if positions.step == 1:
        return slice(None)
    return np.asarray(positions) - start
