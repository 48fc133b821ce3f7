"""PNG images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.formats.colours import TRANSPARENT, Classes, Ramp, Range, resolve_colormap
from connexeo.processing.formats.conversion import make_png
from connexeo.processing.formats.grid import Grid
from connexeo.processing.formats.images import arrange, band_names, check_images
from connexeo.processing.formats.interface import Options, WrittenBand, WrittenFile
from connexeo.processing.formats.options import invalid_option
from connexeo.processing.formats.packing import resolve_packing
from connexeo.processing.formats.sheet import make_sheet
from connexeo.processing.formats.spool import RawImage, Spooled, spool
from connexeo.processing.formats.vrt import VrtBand, write_vrt

if TYPE_CHECKING:
    import xarray as xr

Block = npt.NDArray[Any]

MEDIA_TYPE = "image/png"
COLOURS = ("red", "green", "blue")
USUAL_PERCENTILES = (2.0, 98.0)
SAMPLE = 512
"""Rows and columns of the sample of each image that percentiles are computed from."""
STRIP = 2**20
"""Pixels that are coloured at once, at least a row."""
LARGEST_SIDE = 65535
"""GDAL and most viewers go no further."""


@dataclass(frozen=True)
class Plan:
    """How pixels become colours."""

    bands: tuple[int, ...]
    """Indices of the bands shown: one, three, or four with opacity."""
    dtype: np.dtype[Any]
    """Of the image."""
    palette: Ramp | Classes | None
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    """Ends of the range of each colour channel; None: by percentile."""
    percentiles: tuple[float, float]

    @property
    def top(self) -> int:
        """The brightest level."""
        return int(np.iinfo(self.dtype).max)

    @property
    def colour_count(self) -> int:
        """Channels without opacity."""
        return min(len(self.bands), 3)


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    check_picture(data, options, "PNG", LARGEST_SIDE)


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    written: list[WrittenFile] = []
    for painted in paint_pictures(data, folder, options, "PNG"):
        written += _finish(painted, folder / f"{stem}{painted.spooled.image.suffix}.png", options)
    return written


@dataclass(frozen=True)
class Painted:
    """A picture on disk."""

    raw: RawImage
    """A palette's indices, or grey or red, green and blue, and perhaps opacity."""
    spooled: Spooled
    """What it shows; the pixels are deleted."""
    grid: Grid
    plan: Plan


def check_picture(data: Any, options: Options, format_name: str, largest: int) -> None:
    """Whether a picture can be made of data.

    Raises:
        FormatUnsuitable: It is no raster cube, is too large, or has too many bands.
        DataCubeEmpty: It has no pixels.
        ProcessParameterInvalid: An option does not fit the data.
    """
    grid = check_images(data, format_name)
    if max(grid.shape) > largest:
        raise FormatUnsuitable(f"{format_name} images have up to {largest} rows and columns. Choose GTiff.")
    _resolve_plan(data, options, format_name)


def paint_pictures(data: Any, folder: Path, options: Options, format_name: str) -> Iterator[Painted]:
    """The pictures of a cube, all stretched alike."""
    grid = check_images(data, format_name)
    plan = _resolve_plan(data, options, format_name)
    images = [
        replace(
            image,
            pixels=image.pixels[list(plan.bands)],
            bands=tuple(image.bands[band] for band in plan.bands),
        )
        for image in arrange(data, grid, time_as_bands=False)
    ]
    if options["sheet"] and len(images) > 1:
        sheet, grid = make_sheet(images, grid)
        images = [sheet]
    spooled = spool(images, resolve_packing(data.dtype, {}), folder)
    ranges = _resolve_ranges(plan, spooled)
    for image in spooled:
        yield Painted(_paint(image, plan, ranges), image, grid, plan)


def _resolve_plan(cube: xr.DataArray, options: Options, format_name: str) -> Plan:
    bands = _choose_bands(band_names(cube, time_as_bands=False), options, format_name)
    palette = resolve_colormap(options["colormap"])
    if palette is not None and len(bands) != 1:
        raise FormatUnsuitable(f"A colormap is for a single band, the data cube has {len(bands)}.")
    dtype = np.dtype(np.uint16 if options.get("nbits") == 16 and palette is None else np.uint8)
    count = min(len(bands), 3)
    low, high = _limits("min", options["min"], count), _limits("max", options["max"], count)
    for least, most in zip(low, high, strict=True):
        if least is not None and most is not None and least >= most:
            raise invalid_option(f"option 'min' ({least}) must be less than 'max' ({most}).")
    first, last = options["percentiles"] or USUAL_PERCENTILES
    if first >= last:
        raise invalid_option("option 'percentiles': the first one must be less than the second.")
    if options["percentiles"] is None and palette is None:
        natural = _natural_range(cube.dtype, dtype)
        if natural is not None and not any(limit is not None for limit in low + high):
            low, high = (natural.low,) * count, (natural.high,) * count
    return Plan(bands, dtype, palette, low, high, (float(first), float(last)))


def _choose_bands(names: Sequence[str | None], options: Options, format_name: str) -> tuple[int, ...]:
    chosen = [options[colour] for colour in COLOURS]
    available = ", ".join(f"'{name}'" for name in names if name is not None) or "none"
    if any(name is not None for name in chosen):
        for colour, name in zip(COLOURS, chosen, strict=True):
            if name is None:
                raise invalid_option(
                    f"option '{colour}' is needed beside the other colours. Bands: {available}."
                )
            if name not in names:
                raise invalid_option(f"option '{colour}': there is no band '{name}'. Bands: {available}.")
        return tuple(names.index(name) for name in chosen)
    if len(names) in (1, 3, 4):
        return tuple(range(len(names)))
    raise FormatUnsuitable(
        f"{format_name} shows one, three or four bands, the data cube has {len(names)}. Choose three by the options "
        f"'red', 'green' and 'blue', or filter the bands before. Bands: {available[:500]}."
    )


def _limits(name: str, option: float | Sequence[float] | None, count: int) -> tuple[float | None, ...]:
    if option is None or isinstance(option, int | float):
        return (option,) * count
    if len(option) != count:
        raise invalid_option(
            f"option '{name}' must be one number or {count}, as many as there are colour channels."
        )
    return tuple(option)


def _natural_range(source: np.dtype[Any], target: np.dtype[Any]) -> Range | None:
    """The range of data that are an image already."""
    if source.kind == "b":
        return Range(0, 1)
    return Range(0, float(np.iinfo(target).max)) if source == target else None


def _resolve_ranges(plan: Plan, spooled: Sequence[Spooled]) -> tuple[Range, ...]:
    """The range of each colour channel; percentiles are taken over all of them, so that colours stay true."""
    if isinstance(plan.palette, Classes):
        return ()
    automatic = Range(0, 1)
    if None in plan.low or None in plan.high:
        automatic = _automatic_range(plan, spooled)
    ranges = []
    for low, high in zip(plan.low, plan.high, strict=True):
        least = automatic.low if low is None else low
        most = automatic.high if high is None else high
        ranges.append(Range(least, max(least, most)))
    return tuple(ranges)


def _automatic_range(plan: Plan, spooled: Sequence[Spooled]) -> Range:
    samples = [_sample(image.raw, plan.colour_count) for image in spooled]
    values = np.concatenate(samples)
    if not values.size:
        return Range(0, 1)
    low, high = np.percentile(values, plan.percentiles)
    if low == high:
        low, high = values.min(), values.max()
    return Range(float(low), float(high))


def _sample(raw: RawImage, bands: int) -> Block:
    """Some of the values of an image: evenly spaced rows and columns."""
    rows = range(0, raw.shape[1], max(1, raw.shape[1] // SAMPLE))
    step = max(1, raw.shape[2] // SAMPLE)
    values = np.concatenate([raw.read(slice(row, row + 1))[:bands, :, ::step] for row in rows], axis=1)
    valid: Block = values[np.isfinite(values)]
    return valid


def _paint(spooled: Spooled, plan: Plan, ranges: Sequence[Range]) -> RawImage:
    """The image with the levels of the PNG file; the spooled file is deleted."""
    gaps = any(statistics.valid_percent < 100 for statistics in spooled.statistics)
    channels = len(plan.bands) + (1 if gaps and plan.palette is None and len(plan.bands) != 4 else 0)
    source = spooled.raw
    rows, columns = source.shape[1:]
    target = RawImage(
        source.path.with_name(f"painted{spooled.image.suffix}.raw"), plan.dtype, (channels, rows, columns)
    )
    with target.create() as write_block:
        height = max(1, STRIP // columns)
        for start in range(0, rows, height):
            strip = slice(start, min(start + height, rows))
            levels = _levels(source.read(strip), plan, ranges, channels)
            write_block((slice(0, channels), strip, slice(0, columns)), levels)
    source.path.unlink()
    return target


def _levels(block: Block, plan: Plan, ranges: Sequence[Range], channels: int) -> Block:
    """Bands of the image from those of the data."""
    if isinstance(plan.palette, Classes):
        return plan.palette.indices(block)
    if plan.palette is not None:
        return plan.palette.indices(block, ranges[0])
    levels = [limits.levels(band, 0, plan.top) for limits, band in zip(ranges, block, strict=False)]
    if len(plan.bands) == 4:
        levels.append(_opacity(block.dtype).levels(block[3], 0, plan.top))
    elif channels > len(plan.bands):
        levels.append(np.full(block.shape[1:], float(plan.top)))
    painted = np.stack(levels)
    if channels in (2, 4):
        painted[:, np.isnan(painted).any(axis=0)] = 0
    return painted.astype(plan.dtype)


def _opacity(dtype: np.dtype[Any]) -> Range:
    """What is transparent and what is opaque: 0 and 1, or 0 and the greatest number for integers."""
    return Range(0, float(np.iinfo(dtype).max)) if dtype.kind in "iu" else Range(0, 1)


def _finish(painted: Painted, path: Path, options: Options) -> list[WrittenFile]:
    plan = painted.plan
    bands = [VrtBand() for _ in range(painted.raw.shape[0])]
    if plan.palette is not None:
        colours = ((0, 0, 0, 0), *plan.palette.colours)
        bands = [VrtBand(nodata=TRANSPARENT, colours=colours, interpretation="Palette")]
    vrt = write_vrt(painted.raw, painted.grid, bands, {})
    make_png(vrt, path, WORLDFILE="YES" if options["worldfile"] else "NO")
    painted.raw.path.unlink()
    return describe_picture(painted, path, MEDIA_TYPE)


def describe_picture(painted: Painted, path: Path, media_type: str) -> list[WrittenFile]:
    """The file of a picture, and that which tells where it lies, if there is one."""
    image = painted.spooled.image
    written = WrittenFile(
        path,
        media_type,
        roles=("data", "visual"),
        times=image.times,
        bands=tuple(WrittenBand(name, painted.plan.dtype.name) for name in image.bands),
        **painted.grid.described(),
    )
    sidecar = path.with_suffix(".wld")
    if not sidecar.exists():
        return [written]
    return [written, WrittenFile(sidecar, "text/plain", roles=("metadata",))]
