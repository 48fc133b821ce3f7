"""Random forests as plain arrays: what machine learning processes pass on, predict with and store.

Forests are trained by scikit-learn and then kept without it, for two reasons. Files that users bring must not be
unpickled, which would run whatever code is in them; arrays of numbers can be checked. And a model that was stored years
ago can be used with any version of the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal["classification", "regression"]

_TILE = 1 << 13
"""Pixels that go through the trees at once, so that they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Forest:
    """Decision trees whose nodes lie in common arrays, those of a tree behind each other, parents before children."""

    task: Task
    predictors: tuple[str, ...]
    """Names of what was trained with, in its order."""
    classes: NDArray[np.float64]
    """Numbers of the classes; empty for regression."""
    roots: NDArray[np.int32]
    """First node of each tree."""
    children: NDArray[np.int32]
    """Shape (nodes, 2): where to go if the predictor is not, or is, above the threshold; of leaves, the node itself."""
    predictor: NDArray[np.int32]
    """Index of the predictor that decides; 0 for leaves."""
    threshold: NDArray[np.float64]
    """Infinite for leaves."""
    values: NDArray[np.float64]
    """Shape (nodes, outputs): the value, or how probable each class is."""

    @property
    def nbytes(self) -> int:
        """Size of all arrays."""
        arrays = (self.classes, self.roots, self.children, self.predictor, self.threshold, self.values)
        return sum(array.nbytes for array in arrays)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of predictions: single precision, which the trees are trained in, unless a class needs more."""
        exact = (self.classes.astype(np.float32) == self.classes).all()
        return np.dtype(np.float32 if exact else np.float64)

    def predict(self, data: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """Values, or numbers of classes, one per pixel; NaN where a predictor is NaN.

        Args:
            data: Shape (predictors, pixels).
        """
        values = data.astype(np.float32, copy=False)
        result = np.full(values.shape[1], np.nan, self.dtype)
        for start in range(0, values.shape[1], _TILE):
            tile = values[:, start : start + _TILE]
            known = np.flatnonzero(~np.isnan(tile).any(axis=0))
            if len(known):
                result[start + known] = self._predict_known(tile[:, known])
        return result

    def _predict_known(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        flat, pixels = np.ascontiguousarray(values).ravel(), np.arange(values.shape[1])
        offset = self.predictor.astype(np.intp) * values.shape[1]
        children = self.children.ravel()
        total = np.zeros((values.shape[1], self.values.shape[1]))
        for root in self.roots:
            node = np.full(values.shape[1], root, np.intp)
            while True:
                above = flat.take(offset.take(node) + pixels) > self.threshold.take(node)
                deeper = children.take(2 * node + above).astype(np.intp)
                if np.array_equal(deeper, node):
                    break
                node = deeper
            total += self.values[node]
        if self.task == "classification":
            return np.asarray(self.classes[total.argmax(axis=1)])
        return np.asarray(total[:, 0] / len(self.roots))


def train(
    task: Task,
    data: NDArray[np.float32],
    target: NDArray[np.float64],
    predictors: Sequence[str],
    *,
    trees: int,
    variables: int,
    seed: int | None,
) -> Forest:
    """Train a forest by Breiman's method.

    Args:
        task: Whether the target are classes.
        data: Shape (samples, predictors), finite.
        target: Shape (samples,), finite.
        predictors: Their names.
        trees: Number of trees.
        variables: How many predictors, drawn by lot, each node chooses from.
        seed: For the same forest every time.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    chosen = RandomForestClassifier if task == "classification" else RandomForestRegressor
    model = chosen(n_estimators=trees, max_features=variables, random_state=seed).fit(data, target)
    fitted = [one.tree_ for one in model.estimators_]
    starts = np.cumsum([0, *(tree.node_count for tree in fitted)])
    left = np.concatenate(
        [_moved(tree.children_left, start) for tree, start in zip(fitted, starts, strict=False)]
    )
    right = np.concatenate(
        [_moved(tree.children_right, start) for tree, start in zip(fitted, starts, strict=False)]
    )
    threshold = np.concatenate([tree.threshold for tree in fitted])
    predictor = np.concatenate([tree.feature for tree in fitted])
    leaf = left < 0
    itself = np.arange(len(left))
    values = np.concatenate([tree.value[:, 0, :] for tree in fitted])
    if task == "classification":
        values = values / values.sum(axis=1, keepdims=True)
    return Forest(
        task,
        tuple(predictors),
        np.asarray(model.classes_ if task == "classification" else [], np.float64),
        starts[:-1].astype(np.int32),
        np.stack([np.where(leaf, itself, left), np.where(leaf, itself, right)], axis=1).astype(np.int32),
        np.where(leaf, 0, predictor).astype(np.int32),
        np.where(leaf, np.inf, threshold),
        np.asarray(values, np.float64),
    )


def _moved(children: NDArray[Any], start: int) -> NDArray[Any]:
    """Children by their place among the nodes of all trees; negative for leaves."""
    return np.where(children < 0, -1, children + start)
