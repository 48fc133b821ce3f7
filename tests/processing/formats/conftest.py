"""Cubes of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from connexeo.processing.cube import Dimension, make_cube

BANDS = ("B02", "B03", "B04", "B08")


def cube_of(
    dtype: str = "float32",
    dims: tuple[str, ...] = ("t", "bands", "y", "x"),
    *,
    times: int = 2,
    bands: int = 3,
    rows: int = 37,
    columns: int = 53,
    crs: Any = 32632,
    lazy: bool = True,
    south_up: bool = False,
    chunk: int = 16,
    seed: int = 1,
) -> xr.DataArray:
    """Random numbers with some NaN where the type has it, on a grid of 10 m whose corner is (500000, 5100000)."""
    sizes = {"t": times, "bands": bands, "y": rows, "x": columns}
    shape = tuple(sizes[dim] for dim in dims)
    random = np.asarray(np.random.default_rng(seed).random(shape))
    values = random > 0.5 if dtype == "bool" else np.asarray(random * 200).astype(dtype)
    if values.dtype.kind == "f":
        values[random < 0.05] = np.nan
    y = 5100000.0 - 10 * np.arange(rows) - 5
    labels = {
        "t": np.datetime64("2023-01-05", "ns") + np.arange(times) * np.timedelta64(5, "D"),
        "bands": list(BANDS[:bands]),
        "y": y[::-1] if south_up else y,
        "x": 500000.0 + 10 * np.arange(columns) + 5,
    }
    chunks = tuple({"t": 1, "bands": 1}.get(dim, chunk) for dim in dims)
    data: Any = values
    if lazy and values.size:
        data = da.from_array(values, chunks=chunks)  # type: ignore[no-untyped-call]
    array = xr.DataArray(data, dims=dims, coords={dim: labels[dim] for dim in dims})
    return make_cube(
        array,
        [
            Dimension("t", "temporal"),
            Dimension("bands", "bands"),
            Dimension("y", "spatial", "y", crs),
            Dimension("x", "spatial", "x", crs),
        ],
    )


@pytest.fixture
def make() -> Callable[..., xr.DataArray]:
    return cube_of
