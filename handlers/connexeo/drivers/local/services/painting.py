"""From numbers to the bytes of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.drivers.local.services.layers import Layers
from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.formats.colours import TRANSPARENT, Classes, Ramp, Range, resolve_colormap

Block = npt.NDArray[Any]
Settings = Mapping[str, Any]

_GREY = Ramp.through([(0, 0, 0, 255), (255, 255, 255, 255)])
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    # Tiles are small, and drawn more often than they travel far.
    "png": {"driver": "PNG", "zlevel": "1"},
    "webp": {"driver": "WEBP", "lossless": "YES"},
}


def natural_range(source: np.dtype[Any]) -> tuple[float, float] | None:
    """The range of data that are a picture already."""
    if source.kind == "b":
        return 0.0, 1.0
    return (0.0, 255.0) if source == np.uint8 else None


def paint(layers: Layers, settings: Settings, automatic: Sequence[float] | None) -> bytes:
    """A picture.

    Args:
        layers: One, three or four bands.
        settings: Configuration of the service.
        automatic: Range of the values that the configuration leaves open.

    Raises:
        FormatUnsuitable: when the configuration does not suit the data.
    """
    if len(layers.values) == 1:
        palette, indices = _with_palette(layers, settings, automatic)
        return _encode_palette(indices, palette, settings["format"])
    if settings.get("colormap") is not None:
        raise FormatUnsuitable(f"A colormap is for a single band, the data cube has {len(layers.values)}.")
    return _encode(_with_channels(layers, settings, automatic), settings["format"])


def _with_palette(
    layers: Layers, settings: Settings, automatic: Sequence[float] | None
) -> tuple[Ramp | Classes, Block]:
    palette = resolve_colormap(settings.get("colormap")) or _GREY
    if isinstance(palette, Classes):
        return palette, palette.indices(layers.values[0])
    (limits,) = _ranges(layers, settings, automatic, 1)
    return palette, palette.indices(layers.values[0], limits)


def _with_channels(layers: Layers, settings: Settings, automatic: Sequence[float] | None) -> Block:
    """Levels of red, green and blue, and opacity where not all pixels are opaque."""
    ranges = _ranges(layers, settings, automatic, 3)
    valid = layers.valid
    channels = [limits.levels(band, 0, 255) for limits, band in zip(ranges, layers.values, strict=False)]
    if len(layers.values) == 4:
        opaque = float(np.iinfo(layers.source).max) if layers.source.kind in "iu" else 1.0
        channels.append(Range(0, opaque).levels(layers.values[3], 0, 255))
    elif not valid.all():
        channels.append(np.full(valid.shape, 255.0))
    picture = np.stack(channels)
    picture[:, ~valid] = 0
    return picture.astype(np.uint8)


def _ranges(
    layers: Layers, settings: Settings, automatic: Sequence[float] | None, channels: int
) -> list[Range]:
    natural = natural_range(layers.source)
    given = [_limits(settings.get(name), channels) for name in ("min", "max")]
    if natural is not None and settings.get("min") is None and settings.get("max") is None:
        automatic = natural
    if automatic is None and any(limit is None for limits in given for limit in limits):
        raise FormatUnsuitable(
            "The values that become the first and the last colour could not be found by themselves. Set 'min' "
            "and 'max' in the configuration of the service."
        )
    low, high = (0.0, 0.0) if automatic is None else automatic
    ranges = []
    for least, most in zip(*given, strict=True):
        first = low if least is None else least
        ranges.append(Range(first, max(first, high if most is None else most)))
    return ranges


def _limits(setting: float | Sequence[float] | None, channels: int) -> Sequence[float | None]:
    if setting is None or isinstance(setting, int | float):
        return [setting] * channels
    if len(setting) != channels:
        raise FormatUnsuitable(
            f"'min' and 'max' in the configuration of the service must be one number, or {channels} here."
        )
    return setting


def _encode_palette(indices: Block, palette: Ramp | Classes, format_name: str) -> bytes:
    colours = ((0, 0, 0, 0), *palette.colours)
    if format_name != "png":
        table = np.array(colours, dtype=np.uint8)
        return _encode(np.moveaxis(table[indices], -1, 0), format_name)
    return _encode(indices[np.newaxis], format_name, dict(enumerate(colours)))


def _encode(picture: Block, format_name: str, colours: Mapping[int, Any] | None = None) -> bytes:
    """A file in memory; the alpha band is the fourth."""
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    count, height, width = picture.shape
    shape = {"count": count, "height": height, "width": width, "dtype": "uint8"}
    nodata = {} if colours is None else {"nodata": TRANSPARENT}
    # A task has the process for itself, so that changing the filter of warnings disturbs nobody.
    with warnings.catch_warnings(), rasterio.Env(GDAL_PAM_ENABLED="NO"), MemoryFile() as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(**shape, **nodata, **_OPTIONS[format_name]) as file:
            file.write(picture)
            if colours is not None:
                file.write_colormap(1, colours)
        return bytes(memory.read())
