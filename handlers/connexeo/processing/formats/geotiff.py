"""Cloud-Optimized GeoTIFF."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.formats.colours import table_of
from connexeo.processing.formats.conversion import make_cog
from connexeo.processing.formats.grid import Grid
from connexeo.processing.formats.images import arrange, by_band, check_images, count_bands
from connexeo.processing.formats.interface import Options, Statistics, WrittenBand, WrittenFile
from connexeo.processing.formats.packing import Packing, resolve_packing
from connexeo.processing.formats.spool import Spooled, spool
from connexeo.processing.formats.vrt import VrtBand, write_vrt

if TYPE_CHECKING:
    import numpy as np

MEDIA_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
MAX_BANDS = 65535


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    check_images(data, "GTiff")
    packing = resolve_packing(data.dtype, options)
    bands = count_bands(data, time_as_bands=bool(options["time_as_bands"]))
    if bands > MAX_BANDS:
        raise FormatUnsuitable(f"GTiff holds up to {MAX_BANDS} bands, not {bands}. Choose netCDF.")
    if table_of(options["colormap"]):
        if bands > 1 and not options["separate_asset_per_band"]:
            raise FormatUnsuitable(
                f"A colormap is for files with a single band, this one would have {bands}. Set the option "
                "'separate_asset_per_band', or filter the bands before."
            )
        if packing.dtype.name != "uint8":
            raise FormatUnsuitable(
                f"A colormap is for whole numbers from 0 to 255, this file would hold {packing.dtype}. Set the option "
                "'dtype' to 'uint8'."
            )


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    grid = check_images(data, "GTiff")
    packing = resolve_packing(data.dtype, options)
    images = arrange(data, grid, time_as_bands=bool(options["time_as_bands"]))
    if options["separate_asset_per_band"]:
        images = [each for image in images for each in by_band(image)]
    return [
        _finish(spooled, grid, packing, folder / f"{stem}{spooled.image.suffix}.tif", options)
        for spooled in spool(images, packing, folder)
    ]


def _finish(spooled: Spooled, grid: Grid, packing: Packing, path: Path, options: Options) -> WrittenFile:
    """Make the final file of a spooled one, which is deleted."""
    image = spooled.image
    colours = table_of(options["colormap"])
    bands = [
        VrtBand(
            name,
            packing.nodata,
            packing.scale,
            packing.offset,
            _statistics_tags(statistics, packing),
            colours,
            "Palette" if colours else None,
        )
        for name, statistics in zip(image.bands, spooled.statistics, strict=True)
    ]
    vrt = write_vrt(spooled.raw, grid, bands, {"AREA_OR_POINT": "Area", **_datetime_tag(image.times)})
    make_cog(vrt, path, **_creation_options(packing.dtype, options))
    spooled.raw.path.unlink()
    return WrittenFile(
        path,
        MEDIA_TYPE,
        times=image.times,
        bands=tuple(
            WrittenBand(name, packing.dtype.name, packing.nodata, packing.scale, packing.offset, statistics)
            for name, statistics in zip(image.bands, spooled.statistics, strict=True)
        ),
        **grid.described(),
    )


def _creation_options(dtype: np.dtype[Any], options: Options) -> dict[str, Any]:
    resampling = options["overview_resampling"]
    if resampling == "AUTO":
        resampling = "AVERAGE" if dtype.kind == "f" else "NEAREST"
    # Half the time of GDAL's own choice, and hardly larger files (measured with satellite images).
    level = {"LEVEL": 3} if options["compress"] in ("DEFLATE", "ZSTD") else {}
    return {
        "COMPRESS": options["compress"],
        **level,
        "PREDICTOR": "NO" if options["compress"] == "NONE" else "YES",
        "BLOCKSIZE": options["blocksize"],
        "OVERVIEWS": options["overviews"],
        "OVERVIEW_RESAMPLING": resampling,
        "BIGTIFF": "IF_SAFER",
        "NUM_THREADS": "ALL_CPUS",
    }


def _datetime_tag(times: tuple[str, ...]) -> dict[str, str]:
    """`YYYY:MM:DD HH:MM:SS` as TIFF 6.0 has it, for files of one instant."""
    if len(times) != 1 or not times[0].endswith("Z") or "T" not in times[0]:
        return {}
    date, _, clock = times[0].removesuffix("Z").partition("T")
    return {"TIFFTAG_DATETIME": f"{date.replace('-', ':')} {clock.partition('.')[0]}"}


def _statistics_tags(statistics: Statistics, packing: Packing) -> dict[str, str]:
    """What GDAL keeps of the numbers that a file holds, before scale and offset apply."""
    if math.isnan(statistics.mean):
        return {}
    numbers = {
        "MINIMUM": (statistics.minimum - packing.offset) / packing.scale,
        "MAXIMUM": (statistics.maximum - packing.offset) / packing.scale,
        "MEAN": (statistics.mean - packing.offset) / packing.scale,
        "STDDEV": statistics.stddev / packing.scale,
        "VALID_PERCENT": statistics.valid_percent,
    }
    return {f"STATISTICS_{name}": f"{number:.12g}" for name, number in numbers.items()}
