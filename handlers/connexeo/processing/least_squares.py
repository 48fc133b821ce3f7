"""Non-linear least squares for many pixels at once, by the method of Levenberg and Marquardt.

Each pixel has parameters, a damping and an end of its own; the model is evaluated for all pixels that are not done.
Derivatives are forward differences and parameters are scaled, both as in MINPACK; how the damping follows from the
success of a step is due to Nielsen (1999, "Damping parameter in Marquardt's method").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Model = Callable[[Floats, Floats], Floats]
"""`x` of shape (values, 1) and parameters of shape (parameters, pixels) to values of shape (values, pixels)."""

MOST_ITERATIONS = 200
"""About as many evaluations of the model as MINPACK allows."""
_TILE = 1 << 18
"""Values that are worked on at once, so that they stay in the processor's cache."""
_STEP = np.sqrt(np.finfo(float).eps)
_SMALLEST_CHANGE = 1e-10
"""Of the parameters, relative to their scaled length, below which the search ends."""
_SMALLEST_GAIN = 1e-11
"""Of the sum of squares, relative, promised as well as seen, below which the search ends."""
_FIRST_DAMPING, _DAMPING_AGAIN, _HIGHEST_DAMPING = 1e-2, 1e-4, 1e12


def fit(model: Model, x: Floats, y: Floats, guess: Floats) -> Floats:
    """The parameters for which the sum of squared differences from the observations is least.

    Args:
        model: The function to fit.
        x: Shape (values,).
        y: Observations, shape (values, pixels); NaN is left out.
        guess: First parameters, shape (parameters, pixels).

    Returns:
        Shape (parameters, pixels). NaN for pixels with fewer values than parameters, with values that are not finite,
        where the model has no finite values for the first guess, and where the search comes to no end.
    """
    found = np.full(guess.shape, np.nan)
    pixels = max(1, _TILE // max(1, len(x)))
    for start in range(0, y.shape[1], pixels):
        part = slice(start, start + pixels)
        found[:, part] = _fit_tile(model, x[:, np.newaxis], y[:, part], guess[:, part])
    return found


@dataclass
class _Search:
    """What is known of the pixels that are not done; the last axis is that of the pixels."""

    pixels: NDArray[np.intp]
    """Their positions in the tile."""
    y: Floats
    known: NDArray[np.bool_]
    """Which observations count."""
    parameters: Floats
    residuals: Floats
    """Observations less values of the model."""
    squares: Floats
    """Sums of squared residuals."""
    lengths: Floats
    """What the parameters are scaled by: the greatest lengths of derivatives so far."""
    damping: Floats
    growth: Floats
    """Factor for the damping after the next step that fails."""

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Forget the other pixels."""
        if not which.all():
            for one in fields(self):
                setattr(self, one.name, getattr(self, one.name)[..., which])


def _fit_tile(model: Model, x: Floats, y: Floats, guess: Floats) -> Floats:
    result = np.full(guess.shape, np.nan)
    known = ~np.isnan(y)
    residuals = np.where(known, y - model(x, guess), 0.0)
    squares = np.square(residuals).sum(axis=0)
    first, growth = np.full(len(squares), _FIRST_DAMPING), np.full(len(squares), 2.0)
    lengths = np.zeros(guess.shape)
    search = _Search(np.arange(y.shape[1]), y, known, guess, residuals, squares, lengths, first, growth)
    search.keep(np.isfinite(squares) & np.isfinite(guess).all(axis=0) & (known.sum(axis=0) >= len(guess)))
    for _ in range(MOST_ITERATIONS):
        if not len(search.pixels):
            break
        done = _improve(model, x, search)
        if done.any():
            result[:, search.pixels[done]] = search.parameters[:, done]
            search.keep(~done)
    return result


def _improve(model: Model, x: Floats, search: _Search) -> NDArray[np.bool_]:
    """Take one step wherever it is one down; gives which pixels are done."""
    jacobian = _jacobian(model, x, search)
    search.lengths = np.maximum(search.lengths, np.sqrt(np.square(jacobian).sum(axis=1)))
    lengths = np.where(search.lengths == 0, 1.0, search.lengths)
    step, promised = _step(jacobian / lengths[:, np.newaxis], search)
    trial = search.parameters + step / lengths
    residuals = np.where(search.known, search.y - model(x, trial), 0.0)
    squares = np.square(residuals).sum(axis=0)
    gain = search.squares - squares
    small = _norm(step) <= _SMALLEST_CHANGE * _norm(lengths * search.parameters)
    slow = np.maximum(promised, np.abs(gain)) <= _SMALLEST_GAIN * search.squares
    done = (small | slow) & (search.damping <= 1)  # with more damping, every step is small
    better = gain >= 0  # which NaN is not
    search.parameters = np.where(better, trial, search.parameters)
    search.residuals = np.where(better, residuals, search.residuals)
    search.squares = np.where(better, squares, search.squares)
    _damp(search, better, gain, promised)
    return np.asarray(done | (search.squares == 0) | (search.damping > _HIGHEST_DAMPING))


def _damp(search: _Search, better: NDArray[np.bool_], gain: Floats, promised: Floats) -> None:
    """Less where a step gained what a linear model promised, more where it failed, the faster the more often."""
    ratio = gain / np.where(promised > 0, promised, 1.0)
    less = search.damping * np.clip(1 - (2 * ratio - 1) ** 3, 1e-3, 2.0)
    more = np.maximum(search.damping * search.growth, _DAMPING_AGAIN)
    search.damping = np.where(better, less, more)
    search.growth = np.where(better, 2.0, search.growth * 2)


def _jacobian(model: Model, x: Floats, search: _Search) -> Floats:
    """Derivatives of the model, shape (parameters, values, pixels), 0 where there is no observation."""
    values = search.y - search.residuals
    derivatives = np.empty((len(search.parameters), *search.y.shape))
    size = _STEP * np.maximum(np.abs(search.parameters), _reach(values, search))
    size[size == 0] = _STEP
    for index, parameter in enumerate(search.parameters):
        moved = search.parameters.copy()
        moved[index] += size[index]
        derivatives[index] = (model(x, moved) - values) / (moved[index] - parameter)
    derivatives[:, ~search.known] = 0.0
    derivatives[~np.isfinite(derivatives)] = 0.0
    return derivatives


def _reach(values: Floats, search: _Search) -> Floats:
    """By how much parameters change all of the model's values, as far as is known: digits are lost on less."""
    length = np.sqrt(np.square(np.where(search.known, values, 0.0)).sum(axis=0))
    return np.asarray(length / np.where(search.lengths == 0, np.inf, search.lengths))


def _step(scaled: Floats, search: _Search) -> tuple[Floats, Floats]:
    """The damped step of Gauss and Newton, and by how much it lessens the squares if the model is linear.

    Args:
        scaled: Derivatives of length 1 (see `_jacobian`), so that the step is scaled too.
        search: The pixels.
    """
    transposed = scaled.transpose(2, 0, 1)
    normal = transposed @ transposed.swapaxes(1, 2)
    index = np.arange(len(scaled))
    normal[:, index, index] += search.damping[:, np.newaxis]
    slope = transposed @ search.residuals.T[:, :, np.newaxis]
    try:
        step = np.linalg.solve(normal, slope)
    except np.linalg.LinAlgError:
        # A pixel whose parameters cannot be told apart, to the last digit: the shortest step for all of this tile.
        step = np.linalg.pinv(normal, hermitian=True) @ slope
    promised = (step * (slope + search.damping[:, np.newaxis, np.newaxis] * step)).sum(axis=(1, 2))
    return np.asarray(step[:, :, 0].T, np.float64), np.asarray(promised, np.float64)


def _norm(vectors: Floats) -> Any:
    return np.sqrt(np.square(vectors).sum(axis=0))
