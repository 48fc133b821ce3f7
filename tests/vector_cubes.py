"""Vector cubes of two fields, two dates and two bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
import xarray as xr

from connexeo.processing.cube import Dimension
from connexeo.processing.vectors import Feature, make_vector_cube

FIELDS = (shapely.box(500000, 5100000, 500100, 5100100), shapely.box(500200, 5100000, 500300, 5100100))
NAMED: tuple[Feature, ...] = (
    {"id": "a", "properties": {"name": 'Äcker, "klein"', "owner": {"id": 1}}},
    {"properties": {"name": None}},
)


def fields(
    dtype: str = "float32",
    shapes: Sequence[Any] = FIELDS,
    crs: Any = 32632,
    *,
    bands: Sequence[str] = ("B04", "Bö"),
    features: Sequence[Feature] | None = NAMED,
) -> xr.DataArray:
    """Tenths from 0 in the order geometry, t, bands, the first one no-data where the type has it."""
    values = np.arange(len(shapes) * 2 * len(bands)).reshape(len(shapes), 2, len(bands))
    data: Any = (values / 10).astype(dtype) if dtype.startswith("float") else values.astype(dtype)
    if data.dtype.kind == "f" and data.size:
        data[0, 0, 0] = np.nan
    return make_vector_cube(
        shapes,
        crs,
        data=data,
        dims=("geometry", "t", "bands"),
        coords={"t": np.array(["2024-06-01", "2024-06-11"], "M8[ns]"), "bands": list(bands)},
        dimensions=[Dimension("t", "temporal"), Dimension("bands", "bands")],
        features=features,
    )
