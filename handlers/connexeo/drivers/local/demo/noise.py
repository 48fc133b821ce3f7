"""Fractal noise and smooth steps, the material that the demo landscape is made of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Layer = NDArray[np.float32]
"""One value per pixel, shape `(y, x)`."""


def fractal(
    rng: np.random.Generator, size: int, *, slope: float, coarsest: float = 0.0, stretch: float = 1.0
) -> Layer:
    """Fractal noise of shape `(size, size)`, mean 0 and standard deviation 1, made in Fourier space.

    Args:
        rng: where the randomness comes from.
        size: pixels along each axis.
        slope: amplitude falls with frequency to this power; 1 is rough, 2 is smooth.
        coarsest: features larger than this share of the image are left out (0 keeps all).
        stretch: how much longer features are along x than along y.
    """
    white = rng.standard_normal((size, size), dtype=np.float32)
    spectrum = np.fft.rfft2(white)
    down = np.fft.fftfreq(size)[:, None]
    along = np.fft.rfftfreq(size)[None, :] * stretch
    frequency = np.hypot(down, along)
    frequency[0, 0] = 1.0
    amplitude = frequency**-slope
    amplitude[0, 0] = 0.0
    if coarsest:
        amplitude *= 1.0 - np.exp(-((frequency * size * coarsest) ** 2))
    field = np.fft.irfft2(spectrum * amplitude, s=(size, size))
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def smoothstep(values: Any, low: Any, high: Any) -> Layer:
    """0 below `low`, 1 above `high`, a smooth course between."""
    share = np.clip((np.asarray(values, dtype=np.float32) - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), dtype=np.float32)


def blend(below: Any, above: Any, share: Any) -> Layer:
    """`below` where `share` is 0, `above` where it is 1."""
    return np.asarray(below + (above - below) * share, dtype=np.float32)
