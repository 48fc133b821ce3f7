"""JPEG images: pictures as in `png`, drawn upon a background as JPEG knows no opacity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.processing.formats.colours import TRANSPARENT
from connexeo.processing.formats.conversion import make_jpeg
from connexeo.processing.formats.interface import Options, WrittenFile
from connexeo.processing.formats.png import STRIP, Painted, check_picture, describe_picture, paint_pictures
from connexeo.processing.formats.spool import RawImage
from connexeo.processing.formats.vrt import VrtBand, write_vrt

Block = npt.NDArray[Any]

MEDIA_TYPE = "image/jpeg"
LARGEST_SIDE = 65500
"""The library goes no further."""


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    check_picture(data, options, "JPEG", LARGEST_SIDE)


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    written: list[WrittenFile] = []
    background = 255 if options["background"] == "white" else 0
    for painted in paint_pictures(data, folder, options, "JPEG"):
        path = folder / f"{stem}{painted.spooled.image.suffix}.jpg"
        flat = _flatten(painted, background)
        vrt = write_vrt(flat, painted.grid, [VrtBand() for _ in range(flat.shape[0])], {})
        worldfile = "YES" if options["worldfile"] else "NO"
        make_jpeg(vrt, path, QUALITY=options["quality"], WORLDFILE=worldfile)
        flat.path.unlink()
        written += describe_picture(painted, path, MEDIA_TYPE)
    return written


def _flatten(painted: Painted, background: int) -> RawImage:
    """The picture in grey or red, green and blue; that which was painted is deleted."""
    source = painted.raw
    bands, rows, columns = source.shape
    palette = painted.plan.palette
    channels = 3 if palette is not None or bands >= 3 else 1
    target = RawImage(source.path.with_suffix(".flat"), source.dtype, (channels, rows, columns))
    colours = None
    if palette is not None:
        colours = np.array([(background,) * 4, *palette.colours], np.uint8)[:, :3]
        colours[TRANSPARENT] = background
    with target.create() as write_block:
        height = max(1, STRIP // columns)
        for start in range(0, rows, height):
            strip = slice(start, min(start + height, rows))
            block = source.read(strip)
            flat = _blended(block, background) if colours is None else np.moveaxis(colours[block[0]], -1, 0)
            write_block((slice(0, channels), strip, slice(0, columns)), flat)
    source.path.unlink()
    return target


def _blended(block: Block, background: int) -> Block:
    """Colours upon the background, by their opacity where they have one."""
    if len(block) in (1, 3):
        return block
    opacity = block[-1] / 255
    blended: Block = np.round(block[:-1] * opacity + background * (1 - opacity)).astype(np.uint8)
    return blended
