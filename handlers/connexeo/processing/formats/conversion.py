"""Files made by GDAL from a virtual dataset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from connexeo.generated.errors import StorageFailure
from connexeo.processing.execution import current
from connexeo.processing.formats.storage import storing

_CACHES = 2
"""How many times what it keeps of images that are read GDAL may keep of one that is written."""

_JPEG_END = bytes.fromhex("ffd9")
_PNG_END = bytes.fromhex("0000000049454e44ae426082")


def make_cog(source: Path, target: Path, **options: Any) -> None:
    """Make a Cloud-Optimized GeoTIFF with creation options of GDAL's COG driver.

    Raises:
        StorageFailure: It could not be written.
    """
    _convert(source, target, "COG", options)
    _read_ends(target)


def make_png(source: Path, target: Path, **options: Any) -> None:
    """Make a PNG image with creation options of GDAL.

    Raises:
        StorageFailure: It could not be written.
    """
    _convert(source, target, "PNG", options)
    _check_end(target, _PNG_END)


def make_jpeg(source: Path, target: Path, **options: Any) -> None:
    """Make a JPEG image with creation options of GDAL.

    Raises:
        StorageFailure: It could not be written.
    """
    _convert(source, target, "JPEG", options)
    _check_end(target, _JPEG_END)


def _check_end(path: Path, expected: bytes) -> None:
    """GDAL does not tell when it fails to store the very end."""
    with storing(), path.open("rb") as file:
        file.seek(-len(expected), os.SEEK_END)
        end = file.read()
    if end != expected:
        raise StorageFailure()


def _convert(source: Path, target: Path, driver: str, options: dict[str, Any]) -> None:
    import rasterio
    from rasterio._err import CPLE_BaseError  # raised by `copy`, though public nowhere
    from rasterio.errors import RasterioError
    from rasterio.shutil import copy

    # Files with names ending in .aux.xml are GDAL's own and would only be one more to deliver.
    settings = {"GDAL_PAM_ENABLED": "NO", "GDAL_CACHEMAX": _CACHES * current().cache}
    with storing(RasterioError, CPLE_BaseError), rasterio.Env(**settings):
        copy(source, target, driver=driver, strict=True, **options)


def _read_ends(path: Path) -> None:
    """Read the last pixel of the image and of all overviews: GDAL does not tell when it fails to store the very end."""
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.windows import Window

    with storing(RasterioError):
        with rasterio.open(path) as dataset:
            levels = range(-1, len(dataset.overviews(1)))
        for level in levels:
            chosen = {} if level < 0 else {"overview_level": level}
            with rasterio.open(path, **chosen) as dataset:
                dataset.read(window=Window(dataset.width - 1, dataset.height - 1, 1, 1))
