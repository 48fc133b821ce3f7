"""The land that the demo scenes show: relief, water, forest, villages and roads.

It is an invented valley at the foot of mountains. Rows run from north to south: hills and fields in the north,
mountains in the south, a river from the mountains into a lake.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connexeo.drivers.local.demo.fields import Fields, lay_out_fields
from connexeo.drivers.local.demo.noise import Layer, blend, fractal, smoothstep

PIXEL = 10.0
"""Edge length of a pixel in metres."""

VILLAGES = ((372, 268, 27.0), (214, 842, 22.0), (520, 640, 15.0), (98, 412, 17.0), (655, 332, 11.0))
"""Row, column and radius in pixels."""

ROADS = ((0, 3), (0, 2), (1, 2), (3, 1), (0, 4))
"""Pairs of villages that a road connects."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Terrain:
    """What does not change during the year; every layer has the shape `(y, x)`."""

    elevation: Layer
    """Metres above the sea."""
    slope_x: Layer
    """Rise in metres per metre towards the east."""
    slope_y: Layer
    """Rise in metres per metre towards the north."""
    water: Layer
    """Share of open water, 0–1."""
    gravel: Layer
    """Share of gravel banks, 0–1."""
    forest: Layer
    """Share of forest, 0–1."""
    conifers: Layer
    """Share of conifers in the forest, 0–1."""
    rock: Layer
    """Share of bare rock, 0–1."""
    alp: Layer
    """Share of mountain meadow instead of fields, 0–1."""
    roofs: Layer
    """Share of roofs and yards, 0–1."""
    roads: Layer
    """Share of asphalt, 0–1."""
    texture: Layer
    """Fine roughness of all surfaces, mean 0 and standard deviation 1."""
    patches: Layer
    """Differences in soil and growth over some hundred metres, mean 0 and standard deviation 1."""
    fields: Fields
    """Who grows what where."""


def make_terrain(size: int, seed: int) -> Terrain:
    """Make the land, `size` pixels square; equal seeds give equal land."""
    rng = np.random.default_rng(seed)
    row, column = (axis.astype(np.float32) for axis in np.mgrid[0:size, 0:size])
    unit = size / 1024.0
    row, column = row / unit, column / unit
    river, lake = _distance_to_river(row, column), _distance_to_lake(rng, row, column, size)
    elevation = _relief(rng, row, column, lake, size)
    slope_y, slope_x = np.gradient(elevation, PIXEL / unit)
    slope_y = -slope_y
    steepness = np.hypot(slope_x, slope_y)
    width = 1.6 + 1.6 * smoothstep(1023 - row, 0, 900)
    water = np.maximum(1 - smoothstep(river, 0.0, 1.0 + width), 1 - smoothstep(lake, -1.5, 1.5))
    water = np.where(river - width < 0, np.maximum(water, 0.9), water).astype(np.float32)
    texture = fractal(rng, size, slope=0.35)
    patches = fractal(rng, size, slope=1.3, coarsest=0.3)
    gravel = (1 - smoothstep(river - width, 0.5, 3.5)) * smoothstep(patches, -0.3, 1.0) * (1 - water)
    gravel = np.maximum(gravel, (1 - smoothstep(lake, 0.5, 2.5)) * 0.35 * (1 - water))
    woods = 0.9 * fractal(rng, size, slope=1.9, coarsest=0.09) + 0.3 * fractal(rng, size, slope=1.1)
    likely = 1.3 * smoothstep(steepness, 0.07, 0.32) + 0.9 * smoothstep(elevation, 830, 1050) + 0.5 * woods
    along_river = 0.9 * (1 - smoothstep(river, 3, 16)) * smoothstep(patches, -0.8, 0.6)
    timber_line = 1 - smoothstep(elevation + 60 * woods, 1540, 1680)
    forest = smoothstep(likely + along_river, 0.92, 1.06) * timber_line
    roofs, roads = _villages(rng, row, column, size), _roads(row, column)
    free = (1 - water) * (1 - smoothstep(roofs, 0.05, 0.3)) * (1 - smoothstep(roads, 0.2, 0.6))
    rock = smoothstep(steepness + 0.07 * texture + 0.22 * smoothstep(elevation, 1500, 2000), 0.62, 0.84)
    rock = rock * smoothstep(elevation, 1350, 1700)
    return Terrain(
        elevation=elevation,
        slope_x=np.asarray(slope_x, dtype=np.float32),
        slope_y=np.asarray(slope_y, dtype=np.float32),
        water=water,
        gravel=np.asarray(gravel, dtype=np.float32),
        forest=np.asarray(forest * free * (1 - rock) * (1 - gravel), dtype=np.float32),
        conifers=smoothstep(elevation + 220 * patches, 700, 1250),
        rock=rock,
        alp=np.maximum(smoothstep(elevation, 960, 1120), smoothstep(steepness, 0.2, 0.4)),
        roofs=np.asarray(roofs * (1 - water) * (1 - smoothstep(roads, 0.3, 0.8)), dtype=np.float32),
        roads=np.asarray(roads * (1 - water * 0.7), dtype=np.float32),
        texture=texture,
        patches=patches,
        fields=lay_out_fields(rng, row, column),
    )


def _river_course(row: Layer, *, winding: bool) -> Layer:
    """Column of the river's middle, with its meanders or as the valley runs."""
    southness = smoothstep(row, 250, 1000)
    valley = 505 + 150 * np.sin(row / 235 + 0.6) * (0.5 + 0.5 * southness)
    if not winding:
        return np.asarray(valley, dtype=np.float32)
    meanders = 34 * np.sin(row / 58 + 1.0) + 13 * np.sin(row / 23.0) * (1 - 0.6 * southness)
    return np.asarray(valley + meanders + 5 * np.sin(row / 9.0 + 2.0), dtype=np.float32)


def _distance_to_river(row: Layer, column: Layer) -> Layer:
    """Distance to the middle of the river in pixels."""
    middle = _river_course(row, winding=True)
    bend = np.gradient(middle, axis=0)
    return np.asarray(np.abs(column - middle) / np.sqrt(1 + np.square(bend)), dtype=np.float32)


def _distance_to_lake(rng: np.random.Generator, row: Layer, column: Layer, size: int) -> Layer:
    """Distance to the lake's shore in pixels, negative on the lake."""
    shore = fractal(rng, size, slope=1.6, coarsest=0.4)
    down, along = (row - 250) / 78, (column - 560) / 132
    turned = 0.25 * down * along
    return np.asarray((np.sqrt(down**2 + along**2 + turned) - 1) * 82 + 9 * shore, dtype=np.float32)


def _relief(rng: np.random.Generator, row: Layer, column: Layer, lake: Layer, size: int) -> Layer:
    """Elevation in metres: ridged mountains in the south, moraine hills in the north, a flat valley floor."""
    rough = fractal(rng, size, slope=2.0, coarsest=0.3)
    ridged = 1 - np.minimum(np.abs(fractal(rng, size, slope=2.25, coarsest=0.5)), 1.6)
    spurs = 1 - np.minimum(np.abs(fractal(rng, size, slope=2.0, coarsest=0.16)), 1.8)
    hills = fractal(rng, size, slope=2.2, coarsest=0.16)
    across = np.abs(column - _river_course(row, winding=False))
    front = row + 60 * fractal(rng, size, slope=2.2, coarsest=0.3) + 0.12 * across
    mountains = smoothstep(front, 520, 1060)
    floor = 690 + 0.16 * np.maximum(row - 250, 0)
    high = 742 + 30 * hills + 5 * rough
    high = high + mountains * (520 + 760 * ridged) + smoothstep(front, 480, 760) * (150 * spurs + 38 * rough)
    valley = smoothstep(across, 40.0, 300.0)
    elevation = blend(floor, np.maximum(high, floor + 4), valley)
    return blend(689.0, elevation, smoothstep(lake, -1.0, 42.0))


def _villages(rng: np.random.Generator, row: Layer, column: Layer, size: int) -> Layer:
    """Share of roofs and yards: houses are 2–3 pixels wide and become rare towards a village's edge."""
    density = np.zeros_like(row)
    for down, along, radius in VILLAGES:
        distance = np.hypot(row - down, (column - along) * 0.85) / radius
        density = np.maximum(density, 0.85 * np.exp(-(distance**2)) + 0.25 * np.exp(-((distance / 2.0) ** 2)))
    coarse = rng.random((size // 2 + 2, size // 2 + 2), dtype=np.float32)
    houses = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[1 : size + 1, :size]
    loose = rng.random((size, size), dtype=np.float32)
    lone_farms = (houses > 0.9994).astype(np.float32) * 0.8
    built = np.where(0.75 * houses + 0.25 * loose < density * 0.8, 0.55 + 0.45 * loose, 0.0)
    return np.asarray(np.maximum(np.where(density > 0.06, built, 0.0), lone_farms), dtype=np.float32)


def _roads(row: Layer, column: Layer) -> Layer:
    """Share of asphalt: gently winding roads between villages and one main road along the valley."""
    share = np.zeros_like(row)
    for start, end in ROADS:
        (r0, c0, _), (r1, c1, _) = VILLAGES[start], VILLAGES[end]
        length = float(np.hypot(r1 - r0, c1 - c0))
        along = ((row - r0) * (r1 - r0) + (column - c0) * (c1 - c0)) / length
        across = ((row - r0) * (c1 - c0) - (column - c0) * (r1 - r0)) / length
        position = np.clip(along / length, 0, 1)
        winding = 16 * np.sin(np.pi * position) * np.sin(position * 9 + start * 2.1 + end)
        distance = np.hypot(across - winding, along - position * length)
        share = np.maximum(share, 1 - smoothstep(distance, 0.3, 1.3))
    main = row - (330 + 60 * np.sin(column / 260) + 14 * np.sin(column / 67)) - 0.12 * column
    return np.maximum(share, 1 - smoothstep(np.abs(main), 0.7, 1.8))
