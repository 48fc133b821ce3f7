"""Processes on windows of a cube."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import DataCubePropertiesImmutable, ProcessParameterInvalid
from connexeo.processing.alignment import plane_of, same_crs
from connexeo.processing.blocks import Bound, dask_array, transform_along
from connexeo.processing.callback import Callback
from connexeo.processing.cube import (
    Dimension,
    coordinates,
    dimension_of,
    dimensions_of,
    make_cube,
    with_dimensions,
)
from connexeo.processing.neighborhoods import (
    PROCESS,
    Duration,
    Setting,
    Span,
    labels_between,
    read_setting,
    spans,
)
from connexeo.processing.process import process
from connexeo.processing.temporal import instants_of
from connexeo.processing.udf.preparation import prepare, runs_udf
from connexeo.processing.values import Block, as_float

if TYPE_CHECKING:
    import xarray as xr

Labels = NDArray[Any]
Settings = Mapping[str, Setting]


@process
def apply_neighborhood(
    data: xr.DataArray,
    process: Callback,
    size: Sequence[Mapping[str, Any]],
    overlap: Sequence[Mapping[str, Any]] | None = None,
    context: Any = None,
) -> xr.DataArray:
    """Run a process on windows of a cube and put their results together; lazily, as floating point numbers.

    The windows start at the first label of each dimension (durations at the earliest instant), the last ones may be
    smaller. Physical sizes become whole pixels, the nearest number, or for margins the next higher one. A margin of
    pixels that lies beyond the border has no-data and labels that go on in the same steps; a margin of a duration
    holds the labels that there are.

    The process gets a cube, or a labelled array where windows are one pixel wide in all dimensions but one.

    Raises:
        DimensionNotAvailable: The cube lacks x, y or a dimension in `size` or `overlap`.
        DataCubePropertiesImmutable: The process returned other dimensions or labels. If the cube is lazy, this is only
            found when it is computed.
        ProcessParameterInvalid: A size or overlap does not suit its dimension.
    """
    plane_of(data)
    sizes, margins = _settings(data, "size", size), _settings(data, "overlap", overlap or ())
    ordered, restored = _ascending(data, [*sizes.values(), *margins.values()])
    source = ordered.astype(as_float(np.empty(0, data.dtype)).dtype)
    if not data.size:
        return make_cube(data.astype(source.dtype), dimensions_of(data))
    windows = [
        spans(source, one, sizes.get(one.name), margins.get(one.name)) for one in dimensions_of(source)
    ]
    bound = Bound(process, ("data",), {"context": context})
    if runs_udf(bound):
        bound = replace(bound, callback=prepare(process))
    along = [one.name for one in dimensions_of(source) if not _is_pixel(one.name, sizes, margins)]
    if len(along) == 1:
        values = _transform(source, along[0], windows[source.get_axis_num(along[0])], bound)
    else:
        values = _compute(source, windows, bound)
    result = with_dimensions(source, values, [str(name) for name in source.dims])
    return make_cube(result.isel(restored), dimensions_of(data)) if restored else result


def _settings(cube: xr.DataArray, parameter: str, given: Sequence[Mapping[str, Any]]) -> Settings:
    found: dict[str, Setting] = {}
    for one in given:
        setting = read_setting(one, parameter)
        if dimension_of(cube, setting.dimension).name in found:
            reason = f"dimension '{setting.dimension}' is listed twice."
            raise ProcessParameterInvalid(process=PROCESS, parameter=parameter, reason=reason)
        found[setting.dimension] = setting
    return found


def _is_pixel(name: str, sizes: Settings, margins: Settings) -> bool:
    """Whether each window is one pixel along a dimension."""
    size, margin = sizes.get(name), margins.get(name)
    return size is not None and (size.value, size.unit) == (1, "px") and (margin is None or not margin.value)


def _ascending(cube: xr.DataArray, settings: Sequence[Setting]) -> tuple[xr.DataArray, dict[str, Labels]]:
    """The cube with ascending labels of time where durations are given, and how to restore the order."""
    restored: dict[str, Labels] = {}
    for setting in settings:
        dimension = dimension_of(cube, setting.dimension)
        if not isinstance(setting.value, Duration) or dimension.type != "temporal":
            continue
        order = np.argsort(instants_of(cube, dimension, PROCESS), kind="stable")
        if setting.dimension not in restored and (order[1:] < order[:-1]).any():
            restored[setting.dimension] = np.argsort(order)
            cube = make_cube(cube.isel({setting.dimension: order}), dimensions_of(cube))
    return cube, restored


def _transform(cube: xr.DataArray, name: str, windows: Sequence[Span], function: Bound) -> Any:
    """Windows along one dimension, for all pixels of a block at once."""
    axis = cube.get_axis_num(name)
    parts = []
    for window in windows:
        part = _with_margin(cube, name, window)
        values, length = transform_along(part, name, function)
        if length != window.size:
            raise DataCubePropertiesImmutable(
                f"The process must return as many values as it gets: {window.size} along '{name}', not {length}."
            )
        kept = slice(window.start - window.first, window.stop - window.first)
        parts.append(values[(slice(None),) * axis + (kept,)])
    if len(parts) == 1:
        return parts[0]
    concatenate = np.concatenate if cube.chunks is None else dask_array().concatenate
    return concatenate(parts, axis=axis)


def _with_margin(cube: xr.DataArray, name: str, window: Span) -> xr.DataArray:
    length = cube.sizes[name]
    part = cube.isel({name: slice(max(window.first, 0), min(window.end, length))})
    before, after = max(-window.first, 0), max(window.end - length, 0)
    if before or after:
        labels = labels_between(coordinates(cube, name), window.first, window.end)
        part = part.drop_vars(name, errors="ignore").pad({name: (before, after)}, constant_values=np.nan)
        part = part.assign_coords({name: labels})
    return make_cube(part, dimensions_of(cube))


@dataclass(frozen=True)
class _Frame:
    """All of a cube but its values."""

    dimensions: tuple[Dimension, ...]
    labels: tuple[Labels, ...]
    attrs: Mapping[Any, Any]

    def cube(self, values: Block, window: Sequence[Span]) -> xr.DataArray:
        """The cube of a window with its margin."""
        import xarray as xr

        names = [one.name for one in self.dimensions]
        coords = {
            name: labels_between(labels, span.first, span.end)
            for name, labels, span in zip(names, self.labels, window, strict=True)
        }
        return make_cube(xr.DataArray(values, dims=names, coords=coords, attrs=self.attrs), self.dimensions)


@dataclass(frozen=True)
class _Cell:
    """Some windows next to each other, computed at once on a block that holds them with their margins."""

    frame: _Frame
    windows: tuple[tuple[Span, ...], ...]
    """Of each dimension."""
    function: Bound

    @property
    def place(self) -> tuple[slice, ...]:
        """The part of the cube that is needed."""
        lengths = map(len, self.frame.labels)
        return tuple(
            slice(max(min(s.first for s in some), 0), min(max(s.end for s in some), length))
            for some, length in zip(self.windows, lengths, strict=True)
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        return tuple(some[-1].stop - some[0].start for some in self.windows)

    def __call__(self, block: Block) -> Block:
        result = np.empty(self.shape, block.dtype)
        offsets = [part.start for part in self.place]
        for window in itertools.product(*self.windows):
            values = _cut(block, window, offsets, [len(labels) for labels in self.frame.labels])
            computed = self._computed(self.frame.cube(values, window))
            inner = tuple(slice(span.start - span.first, span.stop - span.first) for span in window)
            target = tuple(
                slice(span.start - some[0].start, span.stop - some[0].start)
                for span, some in zip(window, self.windows, strict=True)
            )
            result[target] = computed[inner]
        return result

    def _computed(self, cube: xr.DataArray) -> Any:
        result = self.function(cube)
        fault = _difference(cube, result)
        if fault:
            raise DataCubePropertiesImmutable(f"The process must keep dimensions and labels, but {fault}.")
        return result.transpose(*cube.dims).values


def _cut(block: Block, window: Sequence[Span], offsets: Sequence[int], lengths: Sequence[int]) -> Block:
    """The values of a window with its margin, no-data beyond the cube; a copy, which the process may change."""
    there, margins = [], []
    for span, offset, length in zip(window, offsets, lengths, strict=True):
        there.append(slice(max(span.first, 0) - offset, min(span.end, length) - offset))
        margins.append((max(-span.first, 0), max(span.end - length, 0)))
    return np.pad(block[tuple(there)], margins, constant_values=np.nan)


def _difference(cube: xr.DataArray, result: Any) -> str | None:
    """What a process changed that has to stay."""
    from connexeo.processing.kinds import is_cube

    if not is_cube(result):
        return "it returned no data cube"
    if set(result.dims) != set(cube.dims):
        return f"it returned the dimensions {', '.join(map(str, result.dims)) or 'none'}"
    for one in dimensions_of(cube):
        other = dimension_of(result, one.name)
        if (other.type, other.axis) != (one.type, one.axis):
            return f"'{one.name}' has another type"
        if not same_crs(one.reference_system, other.reference_system):
            return f"'{one.name}' has another reference system"
        if coordinates(cube, one.name).tolist() != coordinates(result, one.name).tolist():
            return f"'{one.name}' has other labels"
    return None


def _compute(cube: xr.DataArray, windows: Sequence[Sequence[Span]], function: Bound) -> Any:
    labels = tuple(coordinates(cube, str(name)) for name in cube.dims)
    frame = _Frame(dimensions_of(cube), labels, cube.attrs)
    whole = _Cell(frame, tuple(map(tuple, windows)), function)
    if cube.chunks is None:
        return whole(cube.data)
    groups = [list(_grouped(some, max(sizes))) for some, sizes in zip(windows, cube.chunks, strict=True)]
    blocks: Any = np.empty(tuple(map(len, groups)), object)
    for index in np.ndindex(blocks.shape):
        chosen = tuple(group[place] for group, place in zip(groups, index, strict=True))
        blocks[index] = _computed_lazily(cube.data, replace(whole, windows=chosen))
    return dask_array().block(blocks.tolist())


def _computed_lazily(data: Any, cell: _Cell) -> Any:
    needed = data[cell.place].rechunk(-1)
    return needed.map_blocks(
        cell,
        name=f"neighborhood-{uuid4().hex}",
        dtype=data.dtype,
        chunks=tuple((size,) for size in cell.shape),
        meta=np.empty((0,) * data.ndim, data.dtype),
    )


def _grouped(windows: Sequence[Span], length: int) -> Iterator[tuple[Span, ...]]:
    """Windows next to each other that are together about as long as a chunk."""
    group: list[Span] = []
    for window in windows:
        if group and window.stop - group[0].start > length:
            yield tuple(group)
            group = []
        group.append(window)
    yield tuple(group)
