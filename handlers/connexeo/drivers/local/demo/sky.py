"""What is between the land and the satellite: the sun's position, clouds, their shadows, haze."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from connexeo.drivers.local.demo.noise import Layer, fractal, smoothstep
from connexeo.drivers.local.demo.terrain import PIXEL

LATITUDE = 47.6
HOUR_ANGLE = -16.0
"""The satellite passes in the late morning, degrees before noon."""


@dataclass(frozen=True)
class Sun:
    """Position of the sun; angles in radians."""

    zenith: float
    azimuth: float
    """Clockwise from north."""


@dataclass(frozen=True)
class Weather:
    """The sky at one date."""

    kind: Literal["clear", "cumulus", "sheet", "cirrus"]
    cover: float
    """Share of the sky that clouds cover, about."""
    haze: float
    """Path radiance as reflectance in the blue band."""


@dataclass(frozen=True)
class Sky:
    """Clouds above the scene, shape `(y, x)`, 0–1."""

    opacity: Layer
    brightness: Layer
    """Reflectance of the clouds."""
    shadow: Layer
    """Share of sunlight that clouds keep from the ground."""
    haze: Layer
    """Path radiance as reflectance in the blue band."""


def sun_position(day: int) -> Sun:
    """Where the sun stands on a day of the year when the satellite passes."""
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (day + 10) / 365)
    latitude, hour = np.radians(LATITUDE), np.radians(HOUR_ANGLE)
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)
    north = np.sin(declination) * np.cos(latitude) - np.cos(declination) * np.sin(latitude) * np.cos(hour)
    return Sun(zenith=float(np.arccos(height)), azimuth=float(np.arctan2(east, north) % (2 * np.pi)))


def make_sky(rng: np.random.Generator, size: int, weather: Weather, sun: Sun) -> Sky:
    """Draw the clouds of one date and throw their shadows on the ground."""
    haze = weather.haze * (1 + 0.25 * fractal(rng, size, slope=1.9))
    if weather.kind == "clear" or weather.cover <= 0:
        none = np.zeros((size, size), dtype=np.float32)
        return Sky(none, none, none, np.asarray(haze, dtype=np.float32))
    height = 1300.0
    if weather.kind == "cumulus":
        shape = 0.8 * fractal(rng, size, slope=1.75, coarsest=0.12) + 0.7 * fractal(rng, size, slope=2.1)
        depth = _above(shape, weather.cover)
        opacity = 1 - np.exp(-4.5 * np.maximum(depth, 0) ** 1.3)
    elif weather.kind == "sheet":
        shape = fractal(rng, size, slope=1.55, stretch=0.6) + 0.16 * fractal(rng, size, slope=0.9)
        depth = _above(shape, weather.cover)
        opacity = 1 - np.exp(-3.2 * np.maximum(depth, 0))
    else:
        shape = fractal(rng, size, slope=1.5, stretch=3.2)
        depth = _above(shape, weather.cover)
        opacity = 0.34 * smoothstep(depth, 0.0, 1.6)
        height = 8000.0
    fluff = fractal(rng, size, slope=1.1)
    brightness = np.clip(0.52 + 0.2 * np.maximum(depth, 0) + 0.035 * fluff, 0.3, 0.98)
    shadow = _shift(opacity, sun, height) * (0.72 if weather.kind != "cirrus" else 0.3)
    return Sky(*(np.asarray(layer, dtype=np.float32) for layer in (opacity, brightness, shadow, haze)))


def _above(shape: Layer, cover: float) -> Layer:
    """How far a field is above the threshold that leaves a share of `cover`, in standard deviations."""
    return np.asarray((shape - np.quantile(shape[::4, ::4], 1 - cover)) / shape.std(), dtype=np.float32)


def _shift(layer: Layer, sun: Sun, height: float) -> Layer:
    """A layer at `height` metres as seen along the sun's rays on the ground; edges repeat mirrored."""
    reach = height * np.tan(min(sun.zenith, np.radians(72))) / PIXEL * layer.shape[0] / 1024
    down, along = round(reach * np.cos(sun.azimuth)), round(-reach * np.sin(sun.azimuth))
    # Image rows run to the south: a sun in the south (negative cosine) throws shadows to smaller rows.
    size = layer.shape[0]
    rows, columns = np.arange(size) - down, np.arange(size) - along
    return np.asarray(layer[_mirror(rows, size)[:, None], _mirror(columns, size)[None, :]])


def _mirror(index: np.ndarray, size: int) -> np.ndarray:
    """Indices beyond the edge turned back into the image."""
    folded = np.mod(index, 2 * size)
    return np.asarray(np.where(folded < size, folded, 2 * size - 1 - folded))
