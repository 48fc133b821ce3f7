"""A run of a graph without pixels.

Cubes are lazy: evaluating a graph takes milliseconds and reads metadata only, of catalogues and, where these are
silent, of files. A dry run is such an evaluation in which what is loaded has fewer and larger blocks, so that it is as
quick for a continent as for a field, and cannot be read, so that a process that needs values at once is found out.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connexeo.processing.execution import Layout, is_summary
from connexeo.processing.reading.grids import Grid
from connexeo.processing.reading.plans import Plan, bounds_in

if TYPE_CHECKING:
    import dask.array as da
    import xarray as xr

MOST_BLOCKS = 2048
"""Of one cube that is loaded: more are merged."""


class PixelsNeeded(Exception):
    """A process wants values before all of the graph has run, so nothing can be told without computing them."""


@dataclass(frozen=True, eq=False)
class _Hollow:
    """What dask takes for an array; it has no values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    token: bytes

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __dask_tokenize__(self) -> bytes:
        return self.token

    def __getitem__(self, key: Any) -> Any:
        raise PixelsNeeded


@dataclass(frozen=True)
class Input:
    """A cube that a graph loads."""

    name: str
    """Of the dask array."""
    chunks: tuple[tuple[int, ...], ...]
    """Of t, bands, y and x."""
    itemsize: int
    """Bytes of a value in the files."""
    plan: Plan | None
    """Of image files."""
    remote: bool
    """Whether files lie on other machines."""

    def values(self, key: tuple[int, ...]) -> float:
        """Values in a block that files have, by its position."""
        sizes = [sizes[position] for sizes, position in zip(self.chunks, key, strict=True)]
        if self.plan is None:
            return float(math.prod(sizes))
        parts = [
            slice(sum(sizes[:position]), sum(sizes[: position + 1]))
            for sizes, position in zip(self.chunks, key, strict=True)
        ]
        area = self.plan.grid.part(parts[2], parts[3])
        return (
            sizes[2]
            * sizes[3]
            * sum(
                _share(self.edges[t][b], area)
                for t in range(parts[0].start, parts[0].stop)
                for b in range(parts[1].start, parts[1].stop)
            )
        )

    @cached_property
    def edges(self) -> list[list[NDArray[np.float64]]]:
        """Bounds of the files by date and band, shape `(4, files)`."""
        if self.plan is None:
            return []
        crs = self.plan.grid.crs
        return [
            [np.array([bounds_in(layer.grid, crs) for layer in band]).reshape(-1, 4).T for band in date]
            for date in self.plan.layers
        ]


@dataclass
class DryRun:
    """Makes cubes without values and remembers them."""

    layout: Layout = field(default_factory=Layout)
    """Of the run that is to follow."""
    inputs: dict[str, Input] = field(default_factory=dict)
    """By the name of the dask array: what a graph loads twice is read once."""

    def hollow(self, plan: Plan, *, remote: bool) -> da.Array:
        """The array of a plan of images, without values."""
        import dask.array as da

        shape = (len(plan.times), len(plan.bands), plan.grid.height, plan.grid.width)
        chunks = _chunks(shape, self.layout)
        hollow = _Hollow(shape, plan.dtype, pickle.dumps(plan))
        meta = np.empty((0, 0, 0, 0), plan.dtype)
        array: da.Array = da.from_array(  # type: ignore[no-untyped-call]
            hollow, chunks=chunks, lock=False, fancy=False, meta=meta
        )
        itemsize = max(np.dtype(band.data_type or plan.dtype).itemsize for band in plan.bands)
        self.inputs[array.name] = Input(array.name, array.chunks, itemsize, plan, remote)
        return array

    def note(self, cube: xr.DataArray) -> None:
        """Remember a lazy cube `(t, bands, y, x)` of netCDF or Zarr files."""
        array = cube.data
        self.inputs[array.name] = Input(array.name, array.chunks, array.dtype.itemsize, None, remote=False)

    def needed(self, values: Iterable[Any]) -> Iterator[tuple[Input, float]]:
        """Each input with how many of its values are needed to compute lazy cubes."""
        from dask.core import flatten

        blocks: dict[str, set[tuple[int, ...]]] = {name: set() for name in self.inputs}
        for data in _lazy(values):
            keys = flatten(data.__dask_keys__())  # type: ignore[no-untyped-call]
            for name, position in self._sources(data, keys):
                blocks[name].add(position)
        for name, positions in blocks.items():
            yield self.inputs[name], sum(map(self.inputs[name].values, positions))

    def reach(self, values: Iterable[Any]) -> int:
        """How many blocks beside each other of what is loaded a single block of a result needs, at most.

        Those that it knows by summaries do not count, nor do dimensions that a plane was reduced to.
        """
        return max((self._reach(data, _middle(data)) for data in _lazy(values)), default=1)

    def _reach(self, data: Any, block: Any) -> int:
        dependencies = data.dask.cull({block}).get_all_dependencies()
        found: dict[str, set[tuple[int, ...]]] = {}
        summaries: list[Any] = []
        seen = {block}
        waiting = [block]
        while waiting:
            key = waiting.pop()
            if key != block and is_summary(key):
                summaries.append(key)
                continue
            if isinstance(key, tuple) and key[0] in self.inputs:
                found.setdefault(key[0], set()).add(key[-2:])
            new = set(dependencies[key]) - seen
            seen |= new
            waiting += new
        inner = self._reach(data, summaries[len(summaries) // 2]) if summaries else 1
        return max([inner, *map(len, found.values())])

    def _sources(self, data: Any, keys: Iterable[Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Inputs, and positions of their blocks, that blocks of an array need."""
        culled = data.dask.cull(set(keys))
        for layer in culled.layers.values():
            for key in layer.get_output_keys():
                if isinstance(key, tuple) and key[0] in self.inputs:
                    yield key[0], key[1:]


def _middle(data: Any) -> tuple[Any, ...]:
    """The key of a block that has others around it."""
    return (data.name, *(count // 2 for count in data.numblocks))


def _lazy(values: Iterable[Any]) -> Iterator[Any]:
    """The dask arrays of cubes that are not computed yet."""
    for value in values:
        data = getattr(value, "data", None)
        if data is not None and hasattr(data, "dask"):
            yield data


def _chunks(shape: tuple[int, int, int, int], layout: Layout) -> tuple[int, int, int, int]:
    """Sizes of blocks, as large as those of a real run or a multiple."""
    times, bands, height, width = shape
    labels = max(1, math.ceil(times * bands / MOST_BLOCKS))
    dates = math.ceil(times / labels)
    block = layout.edge
    while dates * bands * math.ceil(height / block) * math.ceil(width / block) > MOST_BLOCKS:
        if block >= max(height, width):
            break
        block *= 2
    return (times, bands, block, block) if layout.together else (labels, 1, block, block)


def _share(edges: NDArray[np.float64], area: Grid) -> float:
    """The part of an area that files cover, at most; they may overlap each other."""
    west, south, east, north = area.bounds
    across = np.minimum(edges[2], east) - np.maximum(edges[0], west)
    along = np.minimum(edges[3], north) - np.maximum(edges[1], south)
    common = np.where((across > 0) & (along > 0), across * along, 0.0).sum()
    return min(1.0, float(common) / ((east - west) * (north - south)))
