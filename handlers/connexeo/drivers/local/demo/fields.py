"""Farmland: parcels of strip fields, what grows on them and how it looks through the year."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connexeo.drivers.local.demo.noise import Layer, smoothstep

PARCEL = 118.0
"""Mean distance of parcel centres in pixels; the fields of a parcel lie in one direction."""


@dataclass(frozen=True)
class Crop:
    """A crop's calendar; days are days of the year."""

    share: float
    """Share of the fields."""
    emergence: float
    """Day at which half of the full cover is reached."""
    harvest: float
    """Day at which half of the cover is gone."""
    speed: float
    """Days that growth takes."""
    winter: float
    """Green cover outside of the season, 0–1."""
    peak: float
    """Green cover at the height of the season, 0–1."""
    ripens: float
    """How yellow it stands before harvest, 0–1."""
    flowers: float
    """How yellow it flowers, 0–1."""


CROPS = (
    Crop(share=0.30, emergence=75, harvest=500, speed=30, winter=0.42, peak=0.88, ripens=0.0, flowers=0.0),
    Crop(share=0.24, emergence=92, harvest=196, speed=22, winter=0.22, peak=0.95, ripens=1.0, flowers=0.0),
    Crop(share=0.20, emergence=163, harvest=266, speed=16, winter=0.05, peak=0.96, ripens=0.35, flowers=0.0),
    Crop(share=0.11, emergence=82, harvest=188, speed=18, winter=0.34, peak=0.95, ripens=0.7, flowers=1.0),
    Crop(share=0.15, emergence=148, harvest=278, speed=18, winter=0.03, peak=0.86, ripens=0.1, flowers=0.0),
)
"""Grassland, winter cereals, maize, rapeseed, beets."""


@dataclass(frozen=True)
class Fields:
    """Farmland per pixel, shape `(y, x)`."""

    crop: NDArray[np.intp]
    """Index into `CROPS`."""
    shift: Layer
    """Days by which a field is later than the calendar."""
    vigour: Layer
    """Growth in relation to the calendar's, around 1."""
    soil: Layer
    """Brightness of the soil in relation to the mean, around 1."""
    margin: Layer
    """Share of hedges and grassy margins, 0–1."""


@dataclass(frozen=True)
class Growth:
    """State of the fields at one day, 0–1 per pixel."""

    green: Layer
    yellow: Layer
    flowering: Layer


def lay_out_fields(rng: np.random.Generator, row: Layer, column: Layer) -> Fields:
    """Divide the land into parcels and those into strips of one crop each."""
    parcel = _nearest_centre(rng, row, column)
    count = int(parcel.max()) + 1
    angle = rng.uniform(-0.9, 0.9, count).astype(np.float32)[parcel]
    across = (np.cos(angle) * column + np.sin(angle) * row) / rng.uniform(8, 21, count).astype(np.float32)[
        parcel
    ]
    along = (np.cos(angle) * row - np.sin(angle) * column) / rng.uniform(26, 62, count).astype(np.float32)[
        parcel
    ]
    # Neighbouring columns of fields begin at different places, as ownership does.
    along = along + 0.37 * np.floor(across) % 1.0
    strip, place = np.floor(across).astype(np.int64), np.floor(along).astype(np.int64)
    field = (parcel.astype(np.int64) * 7919 + strip * 104729 + place * 1299709) & 0xFFFF
    shares = np.cumsum([crop.share for crop in CROPS])
    crop = np.searchsorted(shares, rng.random(0x10000))[field]
    to_edge = np.minimum(across - np.floor(across), 1 - (across - np.floor(across))) * 14
    hedged = (rng.random(count) < 0.45)[parcel]
    return Fields(
        crop=np.minimum(crop, len(CROPS) - 1),
        shift=rng.normal(0, 6, 0x10000).astype(np.float32)[field],
        vigour=rng.normal(1, 0.07, 0x10000).astype(np.float32)[field],
        soil=rng.normal(1, 0.13, 0x10000).astype(np.float32)[field],
        margin=np.where(hedged, 1 - smoothstep(to_edge, 0.5, 1.1), 0.0).astype(np.float32),
    )


def grow(fields: Fields, day: int) -> Growth:
    """How the fields stand on a day of the year."""
    calendar = np.array(
        [[c.emergence, c.harvest, c.speed, c.winter, c.peak, c.ripens, c.flowers] for c in CROPS]
    )
    emergence, harvest, speed, winter, peak, ripens, flowers = (
        calendar[:, index].astype(np.float32)[fields.crop] for index in range(7)
    )
    date = day - fields.shift
    up = 0.5 + 0.5 * np.tanh(2 * (date - emergence) / speed)
    down = 0.5 + 0.5 * np.tanh((date - harvest) / 6.0)
    # Meadows are mown; each field at its own day.
    mown = np.where(fields.crop == 0, 0.35 * np.exp(-np.square(((date + 5 * fields.shift) % 48) / 12)), 0.0)
    season = smoothstep(day, 60, 110) * (1 - smoothstep(day, 290, 330))
    ripe = ripens * smoothstep(date - harvest, -38, -6) * (1 - down)
    green = winter + (peak - winter) * up * (1 - down)
    green = green * (1 - 0.85 * ripe) * fields.vigour * (1 - mown * season)
    green = np.where(fields.crop == 0, green * (0.72 + 0.28 * season), green)
    flowering = flowers * np.exp(-np.square((date - 128) / 9))
    stubble = 0.55 * ripens * down * (1 - smoothstep(date - harvest, 20, 60))
    return Growth(
        green=np.clip(green, 0, 1).astype(np.float32),
        yellow=np.clip(ripe + stubble, 0, 1).astype(np.float32),
        flowering=np.asarray(flowering, dtype=np.float32),
    )


def _nearest_centre(rng: np.random.Generator, row: Layer, column: Layer) -> NDArray[np.intp]:
    """Number of the nearest parcel centre per pixel; centres are a shaken grid."""
    cells = int(np.ceil(max(float(row.max()), float(column.max())) / PARCEL)) + 3
    shake = rng.uniform(-0.42, 0.42, (2, cells, cells)).astype(np.float32)
    down, along = row / PARCEL + 1, column / PARCEL + 1
    cell_down, cell_along = down.astype(np.intp), along.astype(np.intp)
    best = np.full(row.shape, np.inf, dtype=np.float32)
    nearest = np.zeros(row.shape, dtype=np.intp)
    for step_down in (-1, 0, 1):
        for step_along in (-1, 0, 1):
            i, j = cell_down + step_down, cell_along + step_along
            distance = np.square(down - i - 0.5 - shake[0, i, j]) + np.square(
                along - j - 0.5 - shake[1, i, j]
            )
            closer = distance < best
            best = np.where(closer, distance, best)
            nearest = np.where(closer, i * cells + j, nearest)
    return nearest
