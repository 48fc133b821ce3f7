"""Files of random forests: arrays of numbers and a JSON text in a zip archive, as `numpy.savez` writes them.

Nothing in a file is trusted: no objects are unpickled, the archive is not unpacked beyond a limit, and nodes are
checked so that a prediction comes to an end and stays within the arrays.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from connexeo.processing.forests import Forest

SUFFIX = ".npz"
MEDIA_TYPE = "application/x-npz"

MAX_BYTES = 1 << 30
"""Of all arrays of a file, unpacked."""

_VERSION = 1
_ARRAYS = {
    "classes": "f8",
    "roots": "i4",
    "children": "i4",
    "predictor": "i4",
    "threshold": "f8",
    "values": "f8",
}


def write_forest(forest: Forest, path: Path) -> None:
    """Write a forest to a file."""
    described = {"version": _VERSION, "task": forest.task, "predictors": list(forest.predictors)}
    text = np.frombuffer(json.dumps(described).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez_compressed(file, description=text, **{name: getattr(forest, name) for name in _ARRAYS})


def read_forest(path: Path) -> Forest:
    """Read a forest from a file of any origin.

    Raises:
        NoForest: It is none; the message says why.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise NoForest(f"it has {size} bytes unpacked, more than the {MAX_BYTES} that are allowed")
        with np.load(path, allow_pickle=False) as arrays:
            described = json.loads(bytes(arrays["description"]))
            forest = _forest(described, {name: _array(arrays[name], kind) for name, kind in _ARRAYS.items()})
    except NoForest:
        raise
    except _BROKEN as error:
        raise NoForest("it is no file of a random forest, or a broken one") from error
    _check(forest)
    return forest


class NoForest(ValueError):
    """A file is no random forest, or none that can be used."""


_BROKEN = (
    OSError, EOFError, MemoryError, RecursionError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error,
    ValueError, TypeError, LookupError, AttributeError,
)  # fmt: skip
"""What numpy, zipfile and json raise for files that are not as they should be."""


def _array(array: Any, kind: str) -> Any:
    if array.dtype != np.dtype(kind):
        raise NoForest("it has arrays of another type")
    return array


def _forest(described: Mapping[str, Any], arrays: Mapping[str, Any]) -> Forest:
    if described["version"] != _VERSION:
        raise NoForest(f"it has the version {described['version']}, this back-end reads version {_VERSION}")
    if described["task"] not in ("classification", "regression"):
        raise NoForest("it is for a task that is not known")
    return Forest(described["task"], tuple(map(str, described["predictors"])), **arrays)


def _check(forest: Forest) -> None:
    """Refuse what is not as `Forest` says.

    Raises:
        NoForest: It is not.
    """
    nodes = len(forest.threshold)
    outputs = len(forest.classes) if forest.task == "classification" else 1
    shapes = (forest.children.shape, forest.predictor.shape, forest.threshold.shape, forest.values.shape)
    sound = (
        shapes == ((nodes, 2), (nodes,), (nodes,), (nodes, outputs))
        and forest.roots.ndim == forest.classes.ndim == 1
        and min(nodes, outputs, len(forest.roots), len(forest.predictors)) > 0
        and _within(forest.roots, nodes)
        and _within(forest.children, nodes)
        and _within(forest.predictor, len(forest.predictors))
        and bool(np.isfinite(forest.values).all() and np.isfinite(forest.classes).all())
        and _leads_on(forest)
    )
    if not sound:
        raise NoForest("its trees are broken")


def _within(indices: Any, length: int) -> bool:
    return bool((indices >= 0).all() and (indices < length).all())


def _leads_on(forest: Forest) -> bool:
    """Whether each node leads to later ones, or only to itself: so that every way through a tree ends."""
    own = np.arange(len(forest.threshold))[:, np.newaxis]
    return bool(((forest.children > own).all(axis=1) | (forest.children == own).all(axis=1)).all())
