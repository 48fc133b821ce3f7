"""From values to the colours of an image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.processing.formats.options import invalid_option

Block = npt.NDArray[Any]
Colour = tuple[int, int, int, int]
"""Red, green, blue, opacity."""

TRANSPARENT = 0
"""Palette index of pixels without data; colours begin after it."""

RAMPS: Mapping[str, str] = {
    "viridis": "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725",
    "inferno": "000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4",
    "blues": "f7fbff deebf7 c6dbef 9ecae1 6baed6 4292c6 2171b5 08519c 08306b",
    "rdylgn": "a50026 d73027 f46d43 fdae61 fee08b ffffbf d9ef8b a6d96a 66bd63 1a9850 006837",
    "rdbu": "67001f b2182b d6604d f4a582 fddbc7 f7f7f7 d1e5f0 92c5de 4393c3 2166ac 053061",
}
"""Colours to pass through: matplotlib's viridis and inferno, and ColorBrewer's Blues, RdYlGn, RdBu."""


@dataclass(frozen=True)
class Range:
    """Values that become the first and the last level of a channel."""

    low: float
    high: float

    def levels(self, block: Block, first: int, last: int) -> Block:
        """Levels of values as floating point whole numbers, NaN where there is no data."""
        width = self.high - self.low
        # Without a range, there is below and above only.
        share = (
            (block.astype(np.float64) - self.low) / width if width else (block > self.low).astype(np.float64)
        )
        if not width and block.dtype.kind == "f":
            share[np.isnan(block)] = np.nan
        return np.round(first + np.clip(share, 0, 1) * (last - first))


@dataclass(frozen=True)
class Ramp:
    """A palette of colours between the ends of a range."""

    colours: tuple[Colour, ...]

    @classmethod
    def through(cls, stops: Sequence[Colour]) -> Ramp:
        """255 colours, evenly spaced and interpolated in RGB."""
        places = np.linspace(0, len(stops) - 1, 255)
        channels = [np.interp(places, range(len(stops)), [stop[part] for stop in stops]) for part in range(4)]
        rows = np.round(np.stack(channels, axis=1)).astype(int).tolist()
        return cls(tuple((red, green, blue, opacity) for red, green, blue, opacity in rows))

    def indices(self, block: Block, limits: Range) -> Block:
        """Palette indices."""
        levels = limits.levels(block, TRANSPARENT + 1, len(self.colours))
        return np.nan_to_num(levels, nan=TRANSPARENT).astype(np.uint8)


@dataclass(frozen=True)
class Classes:
    """A palette with a colour for each of some values."""

    values: tuple[float, ...]
    colours: tuple[Colour, ...]

    def indices(self, block: Block) -> Block:
        """Palette indices."""
        found = np.full(block.shape, TRANSPARENT, dtype=np.uint8)
        for index, value in enumerate(self.values, TRANSPARENT + 1):
            found[block == value] = index
        return found


def resolve_colormap(option: Any) -> Ramp | Classes | None:
    """The palette that the option `colormap` asks for.

    Raises:
        ProcessParameterInvalid: A class is no number, or there are too many.
    """
    if option is None:
        return None
    if isinstance(option, str):
        return Ramp.through([_colour(text) for text in RAMPS[option].split()])
    if isinstance(option, Mapping):
        if not 1 <= len(option) <= 255:
            raise invalid_option("option 'colormap': 1 to 255 values can have a colour.")
        return Classes(tuple(map(_class_value, option)), tuple(_colour(text) for text in option.values()))
    return Ramp.through([_colour(text) for text in option])


def table_of(option: Mapping[str, str] | None) -> tuple[Colour, ...]:
    """A colour for each number from 0 to 255, black for those that have none; nothing without the option.

    Raises:
        ProcessParameterInvalid: A value is no whole number from 0 to 255.
    """
    if not option:
        return ()
    colours = [(0, 0, 0, 255)] * 256
    for text, colour in option.items():
        value = _class_value(text)
        if not (value.is_integer() and 0 <= value <= 255):
            raise invalid_option(f"option 'colormap': '{text}' is no whole number from 0 to 255.")
        colours[int(value)] = _colour(colour)
    return tuple(colours)


def _colour(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue, 255


def _class_value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise invalid_option(f"option 'colormap': '{text}' is no number.")
    return value
