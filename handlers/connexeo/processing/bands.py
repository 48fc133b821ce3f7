"""Selection of bands by name, common name or wavelength."""

from __future__ import annotations

from collections.abc import Sequence

from connexeo.processing.cube import Dimension
from connexeo.processing.values import Label


def matching_bands(dimension: Dimension, labels: Sequence[Label], name: Label) -> list[int]:
    """Indices of the bands that a name stands for: the band itself, or else all bands with that common name."""
    if name in labels:
        return [list(labels).index(name)]
    common = {band.name for band in dimension.bands if band.common_name == name}
    return [index for index, label in enumerate(labels) if label in common]


def bands_between(
    dimension: Dimension, labels: Sequence[Label], shortest: float, longest: float
) -> list[int]:
    """Indices of the bands whose central wavelength lies in a range, both ends included, in micrometres."""
    fitting = {
        band.name
        for band in dimension.bands
        if band.center_wavelength is not None and shortest <= band.center_wavelength <= longest
    }
    return [index for index, label in enumerate(labels) if label in fitting]
