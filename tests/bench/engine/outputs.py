"""Files of contenders: all end as the same Cloud-Optimized GeoTIFF that the engine makes."""

from __future__ import annotations

from pathlib import Path

import rasterio
from rasterio.shutil import copy

PLAIN = {
    "driver": "GTiff",
    "tiled": True,
    "blockxsize": 512,
    "blockysize": 512,
    "compress": "none",
    "bigtiff": "if_safer",
}
"""Of the file that a loop writes to."""

COG = {
    "COMPRESS": "DEFLATE",
    "LEVEL": 3,
    "PREDICTOR": "YES",
    "BLOCKSIZE": 512,
    "OVERVIEWS": "AUTO",
    "OVERVIEW_RESAMPLING": "AVERAGE",
    "BIGTIFF": "IF_SAFER",
    "NUM_THREADS": "ALL_CPUS",
}


def finish(plain: Path, path: Path) -> None:
    """Make the final file of a plain one, which is deleted."""
    with rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=2**27):
        copy(plain, path, driver="COG", strict=True, **COG)
    plain.unlink()
