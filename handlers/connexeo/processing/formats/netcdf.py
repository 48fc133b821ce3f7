"""netCDF-4 by the CF conventions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import coordinates, dimensions_of
from connexeo.processing.execution import Region
from connexeo.processing.formats.blocks import Block, Sink, store
from connexeo.processing.formats.cf import GRID_MAPPING, Coordinate, describe_coordinate, grid_mapping
from connexeo.processing.formats.grid import find_grid
from connexeo.processing.formats.images import require_cube
from connexeo.processing.formats.interface import Options, WrittenFile
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
    import dask.array as da
    import netCDF4
    import xarray as xr

MEDIA_TYPE = "application/x-netcdf"
CHUNK = 1024
CONVENTIONS = "CF-1.8"


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    cube = require_cube(data, "netCDF")
    if cube.dtype.kind not in "biuf":
        raise FormatUnsuitable(f"netCDF holds real numbers, not data of type {cube.dtype}.")
    resolve_packing(cube.dtype, options)
    for dimension in dimensions_of(cube):
        if coordinates(cube, dimension.name).dtype.kind not in "biufMUSO":
            raise FormatUnsuitable(f"netCDF cannot hold the labels of dimension '{dimension.name}'.")


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    cube: xr.DataArray = data
    packing = resolve_packing(cube.dtype, options)
    path = folder / f"{stem}.nc"
    variables = variables_of(cube)
    with _create(path) as dataset:
        sinks = [_define(dataset, cube, variable, packing, options) for variable in variables]
        with storing(RuntimeError), _lock():
            _describe(dataset, cube, variables)
        store([variable.values for variable in variables], sinks)
    statistics = [
        sink.statistics()[0] if variable.values.size else None
        for variable, sink in zip(variables, sinks, strict=True)
    ]
    return [WrittenFile(path, MEDIA_TYPE, **described(cube, variables, packing, statistics))]


def _lock() -> Any:
    """The lock of xarray: neither the netCDF nor the HDF5 library can be used by two threads."""
    from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK

    return NETCDF4_PYTHON_LOCK


@contextmanager
def _create(path: Path) -> Iterator[netCDF4.Dataset]:
    import netCDF4

    with storing(RuntimeError), _lock():
        dataset = netCDF4.Dataset(path, "w", format="NETCDF4")
        # Blocks are masked and scaled already.
        dataset.set_auto_maskandscale(False)
    try:
        yield dataset
    finally:
        with storing(RuntimeError), _lock():
            dataset.close()


def _define(
    dataset: netCDF4.Dataset, cube: xr.DataArray, variable: Variable, packing: Packing, options: Options
) -> Sink:
    """Create a variable, and the dimensions that are not there yet."""
    fill = False if packing.nodata is None else packing.dtype.type(packing.nodata)
    # As xarray keeps booleans, and reads them again.
    dtype = np.dtype(np.int8) if cube.dtype.kind == "b" and not options["dtype"] else packing.dtype
    with storing(RuntimeError), _lock():
        for dim, size in zip(variable.dims, variable.values.shape, strict=True):
            if dim not in dataset.dimensions:
                dataset.createDimension(dim, size)
        target = dataset.createVariable(
            variable.name,
            dtype,
            variable.dims,
            fill_value=fill,
            compression="zlib" if options["compress"] == "DEFLATE" and variable.dims else None,
            complevel=options["zlevel"],
            chunksizes=_chunks(variable.values),
        )
        target.set_auto_maskandscale(False)
        target.setncatts(attributes_of(cube, variable, packing, dtype))

    def write_block(region: Region, block: Block) -> None:
        with storing(RuntimeError):
            target[region if region else ...] = block

    return Sink(write_block, packing, lock=_lock())


def _chunks(values: da.Array) -> list[int] | None:
    """The blocks that the values come in, within reason."""
    if not values.ndim or not values.size:
        return None
    first = [sizes[0] for sizes in values.chunks]
    return [min(size, CHUNK) if axis >= values.ndim - 2 else 1 for axis, size in enumerate(first)]


def _describe(dataset: netCDF4.Dataset, cube: xr.DataArray, variables: Sequence[Variable]) -> None:
    """Write coordinates, reference system and global attributes."""
    dataset.setncatts({"Conventions": CONVENTIONS})
    crs = crs_of_cube(cube)
    for dimension in dimensions_of(cube):
        if dimension.type == "bands" or dimension.name not in cube.coords:
            continue
        _write_coordinate(dataset, dimension.name, describe_coordinate(cube, dimension, crs))
    auxiliary = auxiliary_coordinates(cube)
    for variable in variables if auxiliary else ():
        dataset[variable.name].setncattr("coordinates", " ".join(auxiliary))
    for name, (dims, values, attributes) in auxiliary.items():
        _write_coordinate(dataset, name, Coordinate(values, attributes), dims[0])
    if crs is not None:
        mapping = dataset.createVariable(GRID_MAPPING, np.int32, ())
        mapping.setncatts(grid_mapping(crs, find_grid(cube)))
        mapping[...] = 0


def _write_coordinate(
    dataset: netCDF4.Dataset, name: str, coordinate: Coordinate, dim: str | None = None
) -> None:
    dim = dim or name
    if dim not in dataset.dimensions:
        dataset.createDimension(dim, len(coordinate.values))
    values = coordinate.values
    datatype: Any = str if values.dtype.kind == "O" else values.dtype
    variable = dataset.createVariable(name, datatype, (dim,), fill_value=None if datatype is str else False)
    variable.setncatts(coordinate.attributes)
    if len(values):
        variable[:] = values
