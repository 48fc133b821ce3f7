"""Convolution of the horizontal dimensions with a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import KernelDimensionsUneven, ProcessParameterInvalid
from connexeo.processing.alignment import plane_of, spacing
from connexeo.processing.blocks import dask_array
from connexeo.processing.cube import coordinates, with_dimensions
from connexeo.processing.process import process
from connexeo.processing.values import Block, as_float

if TYPE_CHECKING:
    import xarray as xr

Kernel = NDArray[np.float64]

_PADDING = {"replicate": "edge", "reflect": "symmetric", "reflect_pixel": "reflect", "wrap": "wrap"}
"""How numpy calls the borders."""


@process
def apply_kernel(
    data: xr.DataArray,
    kernel: Sequence[Sequence[float]],
    factor: float = 1,
    border: float | str = 0,
    replace_invalid: float = 0,
) -> xr.DataArray:
    """Sum of the pixels around each pixel, weighted by a kernel that is not mirrored; lazily.

    The first row of the kernel lies in the north and its first column in the west, whatever the order of the labels:
    as people write kernels down, and so that a cube gives the same pixels in any order. What is no finite number is
    replaced before the data is extended beyond its border.

    Raises:
        KernelDimensionsUneven: The kernel has an even number of rows or columns, or none.
        ProcessParameterInvalid: The rows of the kernel differ in length.
        DimensionNotAvailable: The cube lacks x or y.
    """
    weights = _weights(kernel)
    x, y = plane_of(data)
    if (spacing(coordinates(data, y.name)) or -1.0) > 0:
        weights = weights[::-1]
    if (spacing(coordinates(data, x.name)) or 1.0) < 0:
        weights = weights[:, ::-1]
    names = [str(name) for name in data.dims if name not in (x.name, y.name)]
    ordered = data.transpose(*names, y.name, x.name)
    source = ordered.data.astype(as_float(np.empty(0, data.dtype)).dtype)
    values = _convolve(source, _Convolution(weights * factor), border, float(replace_invalid))
    return with_dimensions(ordered, values, [*names, y.name, x.name]).transpose(*data.dims)


@dataclass(frozen=True)
class _Convolution:
    """A block with a margin, whose last axes are y and x, in; the same without the margin out."""

    weights: Kernel

    @property
    def margin(self) -> tuple[int, int]:
        """Pixels on each side of a block along y and x."""
        rows, columns = self.weights.shape
        return rows // 2, columns // 2

    def __call__(self, block: Block) -> Block:
        from scipy.ndimage import correlate

        weights = self.weights.reshape((1,) * (block.ndim - 2) + self.weights.shape)
        rows, columns = (slice(margin, -margin or None) for margin in self.margin)
        result: Block = correlate(block, weights, mode="constant")[..., rows, columns]
        return np.ascontiguousarray(result)


@dataclass(frozen=True)
class _Replacement:
    """Finite numbers stay, everything else becomes a number."""

    number: float

    def __call__(self, block: Block) -> Block:
        return np.where(np.isfinite(block), block, block.dtype.type(self.number))


def _weights(kernel: Sequence[Sequence[float]]) -> Kernel:
    lengths = {len(row) for row in kernel}
    if len(kernel) % 2 == 0 or any(length % 2 == 0 for length in lengths):
        raise KernelDimensionsUneven
    if len(lengths) > 1:
        reason = "its rows must have the same number of weights."
        raise ProcessParameterInvalid(process="apply_kernel", parameter="kernel", reason=reason)
    return np.array(kernel, np.float64)


def _convolve(data: Any, convolution: _Convolution, border: float | str, replacement: float) -> Any:
    """Of numpy at once, of dask in the chunks that the data has (in larger ones where the kernel exceeds them)."""
    replace, margins = _Replacement(replacement), convolution.margin
    axes = (data.ndim - 2, data.ndim - 1)
    if 0 in data.shape:
        return data
    if not hasattr(data, "dask"):
        return convolution(_extended(replace(data), np.concatenate, margins, border))
    da = dask_array()
    kept = tuple(
        da.overlap.ensure_minimum_chunksize(margins[axes.index(axis)], sizes) if axis in axes else sizes
        for axis, sizes in enumerate(data.chunks)
    )
    finite = data.rechunk(kept).map_blocks(replace, dtype=data.dtype, meta=data._meta)
    extended = _extended(finite, da.concatenate, margins, border)
    outer = {axis: _with_margin(kept[axis], margin) for axis, margin in zip(axes, margins, strict=True)}
    depth = dict(zip(axes, margins, strict=True))
    overlapping = da.overlap.overlap(extended.rechunk(outer), depth=depth, boundary="none")
    return overlapping.map_blocks(convolution, dtype=data.dtype, chunks=kept, meta=data._meta)


def _with_margin(sizes: tuple[int, ...], margin: int) -> tuple[int, ...]:
    """Chunks of data that is extended: those at the border become larger."""
    extended = list(sizes)
    extended[0] += margin
    extended[-1] += margin
    return tuple(extended)


def _extended(data: Any, concatenate: Any, margins: tuple[int, int], border: float | str) -> Any:
    """The data with pixels beyond its border along the last two axes."""
    for axis, margin in zip((data.ndim - 2, data.ndim - 1), margins, strict=True):
        if margin:
            before, after = _margins(data, axis, margin, border)
            data = concatenate([before, data, after], axis=axis)
    return data


def _margins(data: Any, axis: int, margin: int, border: float | str) -> tuple[Any, Any]:
    if isinstance(border, str):
        places = np.pad(np.arange(data.shape[axis]), margin, mode=_PADDING[border])  # type: ignore[call-overload]
        # One pixel after the other, so that no chunk is sorted into another order.
        return _taken(data, axis, places[:margin]), _taken(data, axis, places[-margin:])
    shape = tuple(margin if one == axis else size for one, size in enumerate(data.shape))
    full = dask_array().full if hasattr(data, "dask") else np.full
    block = full(shape, border, dtype=data.dtype)
    return block, block


def _taken(data: Any, axis: int, places: NDArray[np.intp]) -> Any:
    taken = data[(slice(None),) * axis + (places,)]
    return taken.rechunk({axis: -1}) if hasattr(taken, "dask") else taken
