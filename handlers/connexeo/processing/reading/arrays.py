"""Opening netCDF files and Zarr stores as cubes, lazily, through xarray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from connexeo.generated.errors import FeatureUnsupported
from connexeo.processing.execution import current
from connexeo.processing.reading.array_files import ArrayFile, lazy_values
from connexeo.processing.reading.bands import SourceBand, find_in_item
from connexeo.processing.reading.extents import Interval, SpatialExtent
from connexeo.processing.reading.gaps import Gaps
from connexeo.processing.reading.plans import in_interval, item_crs, item_time, promote
from connexeo.processing.reading.polygons import covered

Document = Mapping[str, Any]

_STANDARD_NAMES = {
    "longitude": "x",
    "projection_x_coordinate": "x",
    "latitude": "y",
    "projection_y_coordinate": "y",
    "time": "t",
}
_CF_AXES = {"X": "x", "Y": "y", "T": "t"}
_NAMES = {
    **dict.fromkeys(("x", "lon", "longitude", "easting"), "x"),
    **dict.fromkeys(("y", "lat", "latitude", "northing"), "y"),
    **dict.fromkeys(("t", "time", "date"), "t"),
}
_SLACK = 1e-6
"""In pixels."""


def open_arrays(
    items: Sequence[Document],
    bands: Sequence[SourceBand],
    extent: SpatialExtent | None,
    interval: Interval,
    gaps: Gaps | None = None,
) -> tuple[xr.DataArray, str] | None:
    """The cube with dims `(t, bands, y, x)` and its reference system; None where nothing is in the extents.

    Rows run from north to south and longitudes from -180 to 180. Variables that the CF convention packs
    (`scale_factor`) are unpacked, as packing is a matter of the file; fill values become NaN.

    Raises:
        FeatureUnsupported: the file has further dimensions or is not local.
        Internal: a file cannot be read, and there may be no gaps.
    """
    parts = []
    crs = None
    for item in sorted(items, key=lambda each: item_time(each) or datetime.min.replace(tzinfo=UTC)):
        opened = _open_item(item, bands, extent, interval, gaps)
        if opened is not None:
            part, here = opened
            crs = crs or here
            if here == crs:
                parts.append(part)
    if not parts or crs is None:
        return None
    cube = parts[0] if len(parts) == 1 else xr.concat(parts, "t", join="outer", combine_attrs="override")
    cube = cube.sortby("t")
    if cube.sizes["y"] > 1 and cube.y[0] < cube.y[-1]:
        cube = cube.isel(y=slice(None, None, -1))
    edge = current().layout.edge
    return cube.chunk(t=1, bands=1, y=edge, x=edge), crs


def _open_item(
    item: Document,
    bands: Sequence[SourceBand],
    extent: SpatialExtent | None,
    interval: Interval,
    gaps: Gaps | None,
) -> tuple[xr.DataArray, str] | None:
    """What one item holds of the extents."""
    variables: dict[str, xr.DataArray] = {}
    crs = None
    for band in bands:
        found = find_in_item(band, item)
        if found is None:
            continue
        here, asset = found
        file = ArrayFile(str(asset["href"]), here.asset, str(item.get("id")), gaps)
        if gaps is not None:
            gaps.expect([file.href])
        opened = file.read(partial(_open_variable, file.href, band.name))
        if opened is None:
            continue
        variable, told = opened
        crs = crs or item_crs(item, asset) or told
        variable = variable.copy(data=lazy_values(variable, file))
        variables[band.name] = _standardise(variable, item, geographic=crs in (None, "EPSG:4326"))
    if not variables:
        return None
    crs = crs or "EPSG:4326"
    example = next(iter(variables.values()))
    layers = [variables.get(band.name, xr.full_like(example, np.nan, dtype=np.float32)) for band in bands]
    names = xr.DataArray([band.name for band in bands], dims="bands", name="bands")
    cube = xr.concat(layers, names, coords="minimal", compat="override", join="outer", combine_attrs="drop")
    cropped = _crop(cube.transpose("t", "bands", "y", "x"), extent.to_crs(crs) if extent else None, interval)
    return None if cropped is None else (cropped, crs)


def _open_variable(href: str, name: str) -> tuple[xr.DataArray, str | None]:
    """The variable of a band, not loaded, and its reference system as the file tells it."""
    dataset = _open(href)
    variable = dataset[_variable(dataset, name)]
    return variable, _grid_mapping(dataset, variable)


def _open(href: str) -> xr.Dataset:
    path = href.removeprefix("file://")
    if "://" in path:
        raise FeatureUnsupported("netCDF and Zarr data are read from local files only.")
    if path.rstrip("/").endswith(".zarr"):
        # Consolidated metadata saves requests to remote stores only.
        return xr.open_dataset(path, engine="zarr", consolidated=False, chunks=None, decode_coords="all")
    return xr.open_dataset(path, engine="netcdf4", decode_coords="all")


def _variable(dataset: xr.Dataset, name: str) -> str:
    """The variable that a band names; a file with a single one needs no name."""
    if name in dataset.data_vars:
        return name
    names = [str(each) for each, variable in dataset.data_vars.items() if variable.ndim >= 2]
    if len(names) != 1:
        raise KeyError(name)
    return names[0]


def _standardise(variable: xr.DataArray, item: Document, *, geographic: bool) -> xr.DataArray:
    """With the dimensions t, y and x, floating, without further coordinates."""
    renamed = variable.rename({name: role(variable, name) for name in map(str, variable.dims)})
    unknown = [str(name) for name in renamed.dims if name not in ("t", "y", "x")]
    if unknown or not {"x", "y"} <= set(renamed.dims):
        raise FeatureUnsupported(f"Variables with the dimensions {', '.join(map(str, variable.dims))}.")
    renamed = renamed.drop_vars([name for name in renamed.coords if name not in ("t", "y", "x")])
    if "t" not in renamed.dims:
        moment = item_time(item)
        label = (
            np.datetime64("NaT", "ns") if moment is None else np.datetime64(moment.replace(tzinfo=None), "ns")
        )
        renamed = renamed.drop_vars("t", errors="ignore").expand_dims(t=[label])
    if geographic and float(renamed.x.max()) > 180:
        renamed = renamed.assign_coords(x=(renamed.x + 180) % 360 - 180).sortby("x")
    return renamed.astype(promote(renamed.dtype, fillable=True))


def role(variable: xr.DataArray, name: str) -> str:
    """What a dimension is (t, y, x) by the CF convention, else by custom; its name where it is neither."""
    if name in variable.coords:
        coordinate = variable.coords[name]
        if coordinate.dtype.kind == "M":
            return "t"
        told = _CF_AXES.get(str(coordinate.attrs.get("axis", "")).upper())
        told = told or _STANDARD_NAMES.get(str(coordinate.attrs.get("standard_name", "")))
        if told:
            return told
    return _NAMES.get(name.lower(), name)


def _crop(cube: xr.DataArray, extent: SpatialExtent | None, interval: Interval) -> xr.DataArray | None:
    """The pixels whose centres lie in the extent, at the instants in the interval; None where there are none."""
    moments = cube.t.values.astype("datetime64[us]").tolist()
    cube = cube.isel(
        t=[i for i, each in enumerate(moments) if each and in_interval(each.replace(tzinfo=UTC), interval)]
    )
    if extent is not None:
        west, south, east, north = extent.bounds
        cube = cube.isel(x=_within(cube.x.values, west, east), y=_within(cube.y.values, south, north))
    if not cube.size:
        return None
    if extent is not None and extent.polygons:
        inside = covered(extent.polygons, cube.x.values, cube.y.values)
        cube = cube.where(xr.DataArray(inside, dims=("y", "x")))
    return cube


def _within(centres: NDArray[Any], low: float, high: float) -> NDArray[np.bool_]:
    slack = _SLACK * abs(centres[1] - centres[0]) if len(centres) > 1 else 0.0
    return np.asarray((centres >= low - slack) & (centres <= high + slack))


def _grid_mapping(dataset: xr.Dataset, variable: xr.DataArray) -> str | None:
    """The reference system that the CF convention keeps in a scalar variable."""
    name = variable.encoding.get("grid_mapping") or variable.attrs.get("grid_mapping") or "spatial_ref"
    if name not in dataset.variables:
        return None
    attributes = dataset[name].attrs
    wkt: str | None = attributes.get("crs_wkt") or attributes.get("spatial_ref")
    return wkt
