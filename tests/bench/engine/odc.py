"""The contender: odc-stac and xarray, as their documentation computes such a thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.engine.cases import COMPOSITE, NDVI, region
from bench.engine.data import BANDS, CLOUDY, SCL, Json
from bench.engine.outputs import PLAIN, finish

CHUNK = 2048


def run(case: str, items: list[Json], folder: Path, memory: int) -> None:
    """Compute a case and write its files."""
    import xarray as xr
    from odc.stac import load
    from pystac import Item
    from rasterio.features import geometry_mask

    bands = [*BANDS, SCL] if case == COMPOSITE else ["B04", "B08"]
    cube = load(
        [Item.from_dict(item) for item in items], bands=bands, chunks={"time": 1, "x": CHUNK, "y": CHUNK}
    )
    if case != COMPOSITE:
        red, nir = (cube[band].where(cube[band] != 0).astype("float32") for band in ("B04", "B08"))
        index = (nir - red) / (nir + red)
        if case == NDVI:
            _write(index.chunk(time=-1).median("time").compute(), folder / "0.tif")
            return
        box = cube.odc.geobox
        inside = geometry_mask([region(box.shape[0])], box.shape, box.transform, invert=True)
        means = index.where(xr.DataArray(inside, dims=("y", "x"))).mean(("y", "x")).compute()
        (folder / "0.json").write_text(json.dumps({"data": means.values.tolist()}))
        return
    clear = ~cube[SCL].isin(CLOUDY)
    masked = cube[list(BANDS)].where(clear & (cube[list(BANDS)] != 0)).astype("float32")
    months = masked.to_dataarray("band").chunk(time=-1).groupby("time.month").median("time")
    for number in range(months.sizes["month"]):
        month = months.isel(month=number).transpose("band", "y", "x").compute()
        _write(month, folder / f"{number}.tif")


def _write(image: Any, path: Path) -> None:
    import rasterio

    box, values = image.odc.geobox, np.atleast_3d(image.values) if image.ndim > 2 else image.values[None]
    plain = path.with_suffix(".plain.tif")
    profile = PLAIN | {"crs": str(box.crs), "transform": box.transform, "nodata": np.nan, "dtype": "float32"}
    with rasterio.open(
        plain, "w", width=values.shape[2], height=values.shape[1], count=len(values), **profile
    ) as target:
        target.write(values.astype("float32"))
    finish(plain, path)
