"""How values are held in a file: data type, scale, offset and the number for no-data, all settled before reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from connexeo.processing.formats.options import invalid_option

Block = npt.NDArray[Any]


@dataclass(frozen=True)
class Packing:
    """The way from values to what a file holds."""

    dtype: np.dtype[Any]
    nodata: float | None
    """None: there is no no-data."""
    scale: float = 1.0
    offset: float = 0.0

    def pack(self, block: Block) -> Block:
        """Values as the file holds them."""
        if self.scale != 1.0 or self.offset != 0.0:
            block = (block.astype(np.float64) - self.offset) / self.scale
        if self.dtype.kind == "f":
            return self._floats(block)
        return self._integers(block)

    def _floats(self, block: Block) -> Block:
        packed = block.astype(self.dtype, copy=False)
        if self.nodata is None or np.isnan(self.nodata):
            return packed
        return np.where(np.isnan(packed), self.dtype.type(self.nodata), packed)

    def _integers(self, block: Block) -> Block:
        if block.dtype.kind in "biu" and np.can_cast(block.dtype, self.dtype):
            return block.astype(self.dtype, copy=False)
        limits = np.iinfo(self.dtype)
        if block.dtype.kind != "f":
            return np.clip(block, limits.min, limits.max).astype(self.dtype)
        missing = np.isnan(block)
        rounded = np.clip(np.round(np.where(missing, 0, block)).astype(np.float64), limits.min, limits.max)
        packed = rounded.astype(self.dtype)
        if self.nodata is not None:
            packed[missing] = self.nodata
        return packed


def resolve_packing(source: np.dtype[Any], options: Mapping[str, Any]) -> Packing:
    """The packing for data of a type, by the options `dtype`, `scale`, `offset`, `nodata`.

    Raises:
        ProcessParameterInvalid: The data type cannot hold the number for no-data.
    """
    scale, offset = float(options.get("scale") or 1), float(options.get("offset") or 0)
    dtype = np.dtype(options["dtype"]) if options.get("dtype") else _kept(source)
    nodata = options.get("nodata")
    if nodata is None and source.kind == "f":
        nodata = _usual_nodata(dtype)
    if nodata is not None and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not (limits.min <= nodata <= limits.max and float(nodata).is_integer()):
            raise invalid_option(f"option 'nodata': {dtype} cannot hold {nodata}.")
    return Packing(dtype, None if nodata is None else float(nodata), scale, offset)


def _kept(source: np.dtype[Any]) -> np.dtype[Any]:
    """The type itself, if files have it; booleans as 0 and 1."""
    if source.kind == "b":
        return np.dtype(np.uint8)
    if source.kind == "f" and source.itemsize not in (4, 8):
        return np.dtype(np.float32 if source.itemsize < 4 else np.float64)
    return source.newbyteorder("=")


def _usual_nodata(dtype: np.dtype[Any]) -> float:
    if dtype.kind == "f":
        return float("nan")
    limits = np.iinfo(dtype)
    return float(limits.min if dtype.kind == "i" else limits.max)
