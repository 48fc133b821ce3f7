"""Zarr by the CF conventions, as one file: a zipped store, whose chunks can be read one by one."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import dimensions_of
from connexeo.processing.execution import Region
from connexeo.processing.formats.blocks import Block, Sink, store
from connexeo.processing.formats.cf import GRID_MAPPING, describe_coordinate, grid_mapping
from connexeo.processing.formats.grid import find_grid
from connexeo.processing.formats.images import require_cube
from connexeo.processing.formats.interface import Options, WrittenFile
from connexeo.processing.formats.netcdf import CONVENTIONS
from connexeo.processing.formats.packing import Packing, resolve_packing
from connexeo.processing.formats.storage import storing
from connexeo.processing.formats.variables import (
    Variable,
    attributes_of,
    auxiliary_coordinates,
    crs_of_cube,
    described,
    variables_of,
)

if TYPE_CHECKING:
    import xarray as xr

MEDIA_TYPE = "application/vnd.zarr+zip"
CHUNK = 1024


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    cube = require_cube(data, "Zarr")
    if cube.dtype.kind not in "biuf":
        raise FormatUnsuitable(f"Zarr holds real numbers, not data of type {cube.dtype}. Choose JSON or CSV.")
    resolve_packing(cube.dtype, options)


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    import zarr

    cube: xr.DataArray = data
    packing = resolve_packing(cube.dtype, options)
    variables = variables_of(cube)
    store_folder = folder / f"{stem}.zarr"
    with storing():
        _template(cube, variables, packing, options).to_zarr(
            store_folder, compute=False, zarr_format=2, consolidated=True, safe_chunks=False
        )
        group = zarr.open_group(store_folder, mode="r+", zarr_format=2, use_consolidated=False)
    sinks = [Sink(_writer(group[variable.name]), packing) for variable in variables]
    store([variable.values for variable in variables], sinks)
    path = folder / f"{stem}.zarr.zip"
    with storing(zipfile.LargeZipFile):
        _pack(store_folder, path)
        shutil.rmtree(store_folder)
    statistics = [
        sink.statistics()[0] if variable.values.size else None
        for variable, sink in zip(variables, sinks, strict=True)
    ]
    return [WrittenFile(path, MEDIA_TYPE, **described(cube, variables, packing, statistics))]


def _template(
    cube: xr.DataArray, variables: list[Variable], packing: Packing, options: Options
) -> xr.Dataset:
    """The store without values: they are written as they are computed."""
    import dask.array as da
    import xarray as xr

    crs = crs_of_cube(cube)
    dataset = xr.Dataset(attrs={"Conventions": CONVENTIONS})
    for dimension in dimensions_of(cube):
        if dimension.type != "bands" and dimension.name in cube.coords:
            coordinate = describe_coordinate(cube, dimension, crs)
            dataset[dimension.name] = ((dimension.name,), coordinate.values, dict(coordinate.attributes))
    auxiliary = auxiliary_coordinates(cube)
    for name, (dims, values, attributes) in auxiliary.items():
        dataset[name] = (dims, values, dict(attributes))
    if crs is not None:
        dataset[GRID_MAPPING] = ((), np.int32(0), grid_mapping(crs, find_grid(cube)))
    boolean = cube.dtype.kind == "b" and not options["dtype"]
    dtype = np.dtype(np.int8) if boolean else packing.dtype
    for variable in variables:
        attributes = dict(attributes_of(cube, variable, packing, dtype))
        if auxiliary:
            attributes["coordinates"] = " ".join(auxiliary)
        if packing.nodata is not None:
            attributes["_FillValue"] = packing.dtype.type(packing.nodata)
        empty = da.zeros(variable.values.shape, dtype=dtype, chunks=-1)
        dataset[variable.name] = (variable.dims, empty, attributes)
        dataset[variable.name].encoding = _encoding(variable, options)
    return dataset


def _encoding(variable: Variable, options: Options) -> dict[str, Any]:
    import numcodecs  # type: ignore[import-untyped]

    codec = {
        "ZSTD": numcodecs.Zstd(1),
        "DEFLATE": numcodecs.Zlib(1),
        "BLOSC": numcodecs.Blosc(),
        "NONE": None,
    }
    encoding: dict[str, Any] = {"compressors": codec[options["compress"]]}
    if variable.values.ndim:
        limits = [
            options["chunk_size"] if axis >= variable.values.ndim - 2 else 1
            for axis in range(variable.values.ndim)
        ]
        first = [max(sizes[0], 1) for sizes in variable.values.chunks]
        encoding["chunks"] = tuple(min(size, limit) for size, limit in zip(first, limits, strict=True))
    return encoding


def _writer(array: Any) -> Callable[[Region, Block], None]:
    def write_block(region: Region, block: Block) -> None:
        with storing():
            array[region if region else ...] = block

    return write_block


def _pack(folder: Path, path: Path) -> None:
    """The store as a zip file, uncompressed as the chunks are compressed already; metadata come first."""
    files = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for file in sorted(files, key=lambda file: (not file.name.startswith("."), file)):
            archive.write(file, file.relative_to(folder).as_posix())
