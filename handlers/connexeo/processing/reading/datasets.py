"""Opened image files, kept for a while: opening a file takes longer than reading a map tile from it."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import rasterio

from connexeo.processing.reading import pixels
from connexeo.processing.reading.grids import Grid

KEPT = 128
"""Files that a thread keeps open; GDAL's cache of decoded tiles lives as long as they do."""

LIFETIME = 60.0
"""Seconds after which a remote file is opened anew, as it may have changed; of local files their status tells."""


@dataclass(frozen=True)
class Opened:
    """An open file and what is asked of it again and again. Belongs to the thread that opened it."""

    source: Any
    """The rasterio dataset."""
    grid: Grid | None
    """None where the file is turned or upside down."""
    nodata: tuple[float | None, ...]
    """By band, the first one first."""


_threads = threading.local()


def opened(href: str) -> Opened:
    """The file, open and not to be closed; the one that was not used for longest is closed instead."""
    kept: OrderedDict[str, tuple[object, Opened]] = _threads.__dict__.setdefault("kept", OrderedDict())
    state = _state(href)
    known = kept.pop(href, None)
    if known is None or known[0] != state:
        with rasterio.Env(**pixels.GDAL):
            source = pixels.open_image(href)
            known = state, Opened(source, _north_up(source), tuple(source.nodatavals))
    kept[href] = known
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return known[1]


def forget(href: str) -> None:
    """Let the next `opened` of this thread open the file anew."""
    _threads.__dict__.setdefault("kept", OrderedDict()).pop(href, None)


def _state(href: str) -> object:
    """Something that is different when the file has changed."""
    path = href.removeprefix("file://")
    if "://" in path or path.startswith("/vsi"):
        return int(time.monotonic() / LIFETIME)
    try:
        status = os.stat(path)
    except OSError:
        return None  # Opening it tells what is wrong.
    return status.st_mtime_ns, status.st_size, status.st_ino


def _north_up(source: Any) -> Grid | None:
    transform = source.transform
    if source.crs is None or transform.b or transform.d or transform.a <= 0 or transform.e >= 0:
        return None
    return pixels.grid_of_file(source)
