"""What a graph uses of a cube that it loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BandNeed:
    """Bands that one node uses."""

    names: tuple[str, ...] = ()
    """Names or common names."""
    wavelengths: tuple[tuple[float, float], ...] = ()
    """Ranges in micrometres, both ends included."""
    labels: bool = False
    """Whether the names are labels, all of which must exist, and no common names."""


@dataclass(frozen=True)
class Resampling:
    """Pixels that a cube is resampled to before anything else looks at them; as the arguments of `resample_spatial`."""

    resolution: tuple[float, float]
    projection: Any
    method: str
    align: str


@dataclass(frozen=True)
class Needs:
    """Parts of a cube outside of which no value is used. A part is needed if any of the alternatives has it."""

    boxes: tuple[Mapping[str, Any], ...] | None = None
    """Bounding boxes as `filter_bbox` takes them, or geometries, of which all pixels are loaded; None: all pixels."""
    intervals: tuple[Sequence[Any], ...] | None = None
    """Intervals as `filter_temporal` takes them; None: all dates."""
    bands: tuple[BandNeed, ...] | None = None
    """None: all bands."""
    assumed: frozenset[tuple[str, str]] = frozenset()
    """Names of dimensions with the types that the graph was read with; where one is another, nothing is known."""
    resampling: Resampling | None = None
    """None: pixels are used as they are, or in several ways."""
