"""One acquisition of the demo: surface reflectance and scene classification on a date."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connexeo.drivers.local.demo.fields import Growth, grow
from connexeo.drivers.local.demo.noise import Layer, blend, fractal, smoothstep
from connexeo.drivers.local.demo.sky import Sky, Sun, Weather, make_sky, sun_position
from connexeo.drivers.local.demo.terrain import Terrain

# Reflectances of the surfaces in B02, B03, B04, B08.
GREEN = (0.021, 0.062, 0.031, 0.46)
RIPE = (0.075, 0.125, 0.170, 0.33)
FLOWERING = (0.055, 0.170, 0.165, 0.52)
SOIL = (0.072, 0.098, 0.132, 0.205)
CONIFERS = (0.015, 0.028, 0.017, 0.215)
LEAVES = (0.021, 0.046, 0.023, 0.41)
BARE_TREES = (0.040, 0.056, 0.064, 0.165)
AUTUMN_LEAVES = (0.038, 0.072, 0.098, 0.28)
LAKE = (0.044, 0.050, 0.026, 0.012)
GRAVEL = (0.190, 0.212, 0.232, 0.265)
ROCK = (0.150, 0.168, 0.180, 0.215)
ROOFS = (0.115, 0.122, 0.150, 0.205)
ASPHALT = (0.105, 0.116, 0.124, 0.150)
SNOW = (0.900, 0.890, 0.870, 0.790)
HAZE = (1.0, 0.62, 0.40, 0.12)
"""Haze in relation to the blue band."""
CLOUD = (0.98, 0.97, 0.98, 1.0)

Spectrum = tuple[float, float, float, float]


@dataclass(frozen=True)
class Acquisition:
    """What was seen on a date: digital numbers as Sentinel-2 level 2A has them."""

    reflectance: NDArray[np.uint16]
    """Bands B02, B03, B04, B08: shape `(band, y, x)`, reflectance * 10000, 0 is no data."""
    scl: NDArray[np.uint8]
    """Scene classification, shape `(y, x)`, 0 is no data."""
    cloud_cover: float
    """Percent of the valid pixels that SCL calls cloud or cirrus (8, 9, 10)."""
    sun: Sun


@dataclass(frozen=True)
class Pass:
    """One pass of the satellite."""

    day: int
    """Day of the year."""
    weather: Weather
    snow_line: float
    """Metres above the sea."""
    swath_edge: float | None = None
    """Share of the tile's width at which the swath ends; None where it covers the whole tile."""


def acquire(terrain: Terrain, satellite_pass: Pass, seed: int) -> Acquisition:
    """Compute the scene of one pass; equal seeds give equal pixels."""
    rng = np.random.default_rng([seed, satellite_pass.day])
    size = terrain.elevation.shape[0]
    sun = sun_position(satellite_pass.day)
    sky = make_sky(rng, size, satellite_pass.weather, sun)
    snow = _snow(rng, terrain, satellite_pass.snow_line)
    light = _illumination(terrain, sun)
    surface = _surface(terrain, grow(terrain.fields, satellite_pass.day), satellite_pass.day, snow)
    valid = _swath(size, satellite_pass.swath_edge)
    seen = _through_sky(rng, surface, light * (1 - sky.shadow), sky)
    numbers = np.clip(np.rint(seen * 10000), 1, 16000).astype(np.uint16)
    numbers[:, ~valid] = 0
    scl = _classify(terrain, surface, light, snow, sky)
    scl[~valid] = 0
    cloudy = np.isin(scl, (8, 9, 10)).sum() / max(int(valid.sum()), 1)
    return Acquisition(numbers, scl, round(100 * float(cloudy), 2), sun)


def _illumination(terrain: Terrain, sun: Sun) -> Layer:
    """Light on the slopes in relation to flat ground, with what the sky adds; level 2A keeps part of it."""
    flat = np.cos(sun.zenith)
    east, north = np.sin(sun.azimuth) * np.sin(sun.zenith), np.cos(sun.azimuth) * np.sin(sun.zenith)
    normal = np.sqrt(1 + np.square(terrain.slope_x) + np.square(terrain.slope_y))
    direct = (flat - terrain.slope_x * east - terrain.slope_y * north) / normal
    relative = np.clip(direct, 0, None) / flat
    strength = 0.45 + 0.35 * flat
    return np.asarray(np.clip(1 - strength + strength * relative, 0.16, 1.4), dtype=np.float32)


def _snow(rng: np.random.Generator, terrain: Terrain, line: float) -> Layer:
    """Share of snow cover: above the snow line, patchy near it, less on steep rock and under conifers."""
    patchy = fractal(rng, terrain.elevation.shape[0], slope=1.5)
    sunny = np.clip(-terrain.slope_y, -0.6, 0.6)
    share = smoothstep(
        terrain.elevation + 60 * patchy + 14 * terrain.texture - 170 * sunny, line - 60, line + 150
    )
    hidden = 0.78 * terrain.forest * (0.5 + 0.5 * terrain.conifers) + 0.35 * terrain.rock
    open_water = 1 - smoothstep(terrain.water, 0.2, 0.6)
    return np.asarray(share * (1 - hidden) * open_water * (1 - 0.75 * terrain.roads), dtype=np.float32)


def _surface(terrain: Terrain, growth: Growth, day: int, snow: Layer) -> Layer:
    """Reflectance of the flat, evenly lit ground, shape `(band, y, x)`."""
    season = float(smoothstep(day, 95, 150) * (1 - smoothstep(day, 270, 318)))
    alp_season = smoothstep(day - 0.04 * (terrain.elevation - 800), 105, 160) * (
        1 - float(smoothstep(day, 250, 305))
    )
    alp = np.clip(0.22 + 0.6 * alp_season + 0.06 * terrain.patches, 0, 1)
    green = blend(growth.green, alp, terrain.alp)
    farmed = 1 - terrain.alp
    green = blend(green, 0.35 + 0.5 * season, terrain.fields.margin * farmed)
    leaf_out = smoothstep(day - 0.03 * (terrain.elevation - 700), 104, 136) * (
        1 - float(smoothstep(day, 282, 316))
    )
    autumn = float(np.exp(-(((day - 288) / 16.0) ** 2)))
    crowns = np.clip(1 + 0.16 * terrain.texture + 0.05 * terrain.patches, 0.5, 1.6)
    shimmer = np.clip(1 + 0.045 * terrain.texture, 0.8, 1.2)
    soil = terrain.fields.soil * (1 + 0.10 * terrain.patches)
    layers = []
    for band in range(4):
        ground = SOIL[band] * soil
        field = blend(ground, GREEN[band], green)
        field = blend(field, RIPE[band], growth.yellow * 0.85 * farmed)
        field = blend(field, FLOWERING[band], growth.flowering * 0.8 * farmed) * shimmer
        leaves = blend(LEAVES[band], AUTUMN_LEAVES[band], autumn)
        broad = blend(BARE_TREES[band], leaves, leaf_out)
        trees = blend(broad, CONIFERS[band], terrain.conifers) * crowns
        pixel = blend(field, trees, terrain.forest)
        pixel = blend(pixel, ROCK[band] * crowns, terrain.rock)
        pixel = blend(pixel, GRAVEL[band] * shimmer, terrain.gravel)
        pixel = blend(pixel, ROOFS[band] * (1 + 0.22 * terrain.texture), terrain.roofs)
        pixel = blend(pixel, ASPHALT[band], terrain.roads)
        pixel = blend(pixel, LAKE[band] * (1 + 0.06 * terrain.patches), terrain.water)
        layers.append(blend(pixel, SNOW[band] * (1 + 0.01 * terrain.texture), snow))
    return np.stack(layers)


def _through_sky(rng: np.random.Generator, surface: Layer, light: Layer, sky: Sky) -> Layer:
    """The lit surface as the satellite sees it: clouds, haze and noise of the instrument."""
    bands = []
    for band in range(4):
        seen = surface[band] * light + sky.haze * HAZE[band]
        seen = blend(seen, sky.brightness * CLOUD[band], sky.opacity)
        noise = rng.standard_normal(seen.shape, dtype=np.float32)
        bands.append(seen + noise * (0.0007 + 0.006 * seen))
    return np.stack(bands).astype(np.float32)


def _swath(size: int, edge: float | None) -> NDArray[np.bool_]:
    """Where the swath of the pass covers the tile; its edge runs askew."""
    if edge is None:
        return np.ones((size, size), dtype=bool)
    row, column = np.mgrid[0:size, 0:size]
    return np.asarray(column > edge * size - 0.22 * row)


def _classify(terrain: Terrain, surface: Layer, light: Layer, snow: Layer, sky: Sky) -> NDArray[np.uint8]:
    """Scene classification with Sen2Cor's classes, painted from the least to the most certain."""
    ndvi = (surface[3] - surface[2]) / (surface[3] + surface[2])
    scl = np.where(ndvi > 0.38, 4, 5).astype(np.uint8)
    scl[(terrain.roofs > 0.35) & (ndvi < 0.3)] = 5
    scl[light < 0.42] = 2
    scl[terrain.water > 0.5] = 6
    scl[snow > 0.45] = 11
    scl[(sky.shadow > 0.30)] = 3
    thin = (sky.opacity > 0.05) & (sky.opacity <= 0.18)
    scl[thin & (sky.shadow <= 0.30)] = 7
    scl[sky.opacity > 0.18] = 8
    scl[sky.opacity > 0.55] = 9
    if 0 < float(sky.opacity.max()) < 0.4:
        scl[sky.opacity > 0.06] = 10
    return scl
