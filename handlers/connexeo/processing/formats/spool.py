"""Images on disk as they are computed: raw numbers, from which GDAL makes the final files by way of a VRT.

A raw file is written by the operating system's own calls, because GDAL does not tell when a disk is full.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.processing.execution import Region
from connexeo.processing.formats.blocks import Sink, store
from connexeo.processing.formats.images import Image
from connexeo.processing.formats.interface import Statistics
from connexeo.processing.formats.packing import Packing
from connexeo.processing.formats.storage import storing

Block = npt.NDArray[Any]


@dataclass(frozen=True)
class RawImage:
    """Bands, rows and columns of numbers in the machine's byte order, one after the other in a file."""

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, int, int]
    """Bands, rows, columns."""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def position(self, band: int, row: int, column: int = 0) -> int:
        """Where a pixel begins in the file."""
        _, rows, columns = self.shape
        return ((band * rows + row) * columns + column) * self.dtype.itemsize

    @contextmanager
    def create(self) -> Iterator[Callable[[Region, Block], None]]:
        """Reserve the space, and give a function that writes a block to a region.

        Raises:
            StorageFailure: There is no room.
        """
        with storing():
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with storing():
                os.ftruncate(descriptor, self.size)
                _reserve(descriptor, self.size)
            yield lambda region, block: self._write(descriptor, region, block)
        finally:
            os.close(descriptor)

    def _write(self, descriptor: int, region: Region, block: Block) -> None:
        bands, rows, columns = region
        whole_rows = block.shape[2] == self.shape[2]
        with storing():
            for band, layer in enumerate(np.ascontiguousarray(block, dtype=self.dtype), bands.start):
                if whole_rows:
                    _write_all(descriptor, layer, self.position(band, rows.start))
                    continue
                for row, line in enumerate(layer, rows.start):
                    _write_all(descriptor, line, self.position(band, row, columns.start))

    def read(self, rows: slice) -> Block:
        """All bands and columns of some rows."""
        count = rows.stop - rows.start
        block = np.empty((self.shape[0], count, self.shape[2]), dtype=self.dtype)
        for band, layer in enumerate(block):
            layer[:] = np.fromfile(
                self.path, self.dtype, count=layer.size, offset=self.position(band, rows.start)
            ).reshape(layer.shape)
        return block


@dataclass(frozen=True)
class Spooled:
    """An image on disk."""

    image: Image
    raw: RawImage
    statistics: tuple[Statistics, ...]
    """Of each band."""


def spool(images: Sequence[Image], packing: Packing, folder: Path) -> list[Spooled]:
    """Compute images together and write them to files in a folder.

    Raises:
        StorageFailure: The disk is full or fails.
    """
    raws = [
        RawImage(
            folder / f"spool{image.suffix}.raw", packing.dtype, (len(image.bands), *image.pixels.shape[1:])
        )
        for image in images
    ]
    with ExitStack() as stack:
        sinks = [Sink(stack.enter_context(raw.create()), packing, bands=raw.shape[0]) for raw in raws]
        store([image.pixels for image in images], sinks)
    return [
        Spooled(image, raw, tuple(sink.statistics()))
        for image, raw, sink in zip(images, raws, sinks, strict=True)
    ]


def _reserve(descriptor: int, size: int) -> None:
    """Find out before anything is computed whether there is room, where the file system can tell."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def _write_all(descriptor: int, values: Block, position: int) -> None:
    remaining = values.reshape(-1).view(np.uint8).data
    while remaining:
        written = os.pwrite(descriptor, remaining, position)
        remaining, position = remaining[written:], position + written
