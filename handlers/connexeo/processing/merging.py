"""Merging of two cubes label by label."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.generated.errors import IncompatibleDataCubes, OverlapResolverMissing
from connexeo.processing.alignment import align
from connexeo.processing.blocks import combine_values, dask_array
from connexeo.processing.cube import (
    Dimension,
    coordinates,
    dimension_of,
    dimensions_of,
    dimensions_of_type,
    make_cube,
)
from connexeo.processing.cube import labels as labels_of
from connexeo.processing.temporal import label_array, label_instants, to_datetime64
from connexeo.processing.values import Block, as_float

if TYPE_CHECKING:
    import xarray as xr

Resolver = Callable[[Block, Block], Any]
Labels = np.ndarray[Any, np.dtype[Any]]
Member = np.ndarray[Any, np.dtype[np.bool_]]


def merge(first: xr.DataArray, second: xr.DataArray, resolver: Resolver | None) -> xr.DataArray:
    """Merge raster cubes, or vector cubes, as the definition of `merge_cubes` says.

    Dimensions have the order of the cube that has all of them; otherwise those of the first cube come first, then those
    that only the second one has. Labels of spatial and temporal dimensions are sorted (spatial ones in the direction of
    the first cube), others appended. A cube that lacks a dimension counts for each of its labels.

    Raises:
        IncompatibleDataCubes: A dimension of the same name has another type in the other cube, or none is shared.
        OverlapResolverMissing: Labels overlap in all shared dimensions, and no resolver is given.
        IncompatibleGeometryTypes: See `vector_merging.merge_vectors`.
    """
    if any(dimensions_of_type(cube, "geometry") for cube in (first, second)):
        from connexeo.processing.vector_merging import merge_vectors

        return merge_vectors(first, second, lambda one, other: _merge(one, other, resolver))
    return _merge(first, second, resolver)


def _merge(first: xr.DataArray, second: xr.DataArray, resolver: Resolver | None) -> xr.DataArray:
    shared = _shared_dimensions(first, second)
    first, second = (_in_order(cube) for cube in (first, second))
    second = align(second, first, cover=False)
    first, second = _comparable(first, second, shared)
    labels = {name: (coordinates(first, name), coordinates(second, name)) for name in shared}
    overlap = all(_isin(ours, theirs).any() for ours, theirs in labels.values())
    if overlap and resolver is None:
        raise OverlapResolverMissing
    properties = {name: _merge_properties(name, first, second) for name in shared}
    merged = {name: _merge_labels(dimension, *labels[name]) for name, dimension in properties.items()}
    differing = [name for name, (ours, theirs) in labels.items() if not _same(ours, theirs)]
    dimensions = {one.name: one for one in (*dimensions_of(second), *dimensions_of(first))} | properties
    first, second = _broadcast(first, second)
    if not overlap and len(differing) == 1:
        result = _concatenate(first, second, differing[0], merged[differing[0]])
    else:
        result = _combine(first, second, merged, labels, resolver if overlap else None)
    return make_cube(result, dimensions.values())


def _shared_dimensions(first: xr.DataArray, second: xr.DataArray) -> list[str]:
    ours = {one.name: one for one in dimensions_of(first)}
    theirs = {one.name: one for one in dimensions_of(second)}
    shared = {name: one for name, one in ours.items() if name in theirs}
    if not shared:
        raise IncompatibleDataCubes("The data cubes have no dimension in common.")
    for name, one in shared.items():
        if (one.type, one.axis) != (theirs[name].type, theirs[name].axis):
            raise IncompatibleDataCubes(
                f"Dimension '{name}' is of type '{one.type}' in one data cube and '{theirs[name].type}' in the other."
            )
    return list(shared)


def _in_order(cube: xr.DataArray) -> xr.DataArray:
    """The cube with sorted labels of space and time, of which spatial ones may descend."""
    places: dict[str, Any] = {}
    for dimension in dimensions_of(cube):
        name, kind, labels = dimension.name, dimension.type, coordinates(cube, dimension.name)
        if kind not in ("spatial", "temporal") or labels.dtype.kind not in "iufM":
            continue
        descends = kind == "spatial" and _descends(labels)
        steps = np.sign(np.diff(labels).astype(np.float64))
        if (steps * (-1 if descends else 1) < 0).any():
            order = np.argsort(labels, kind="stable")
            places[name] = order[::-1] if descends else order
    return make_cube(cube.isel(places), dimensions_of(cube)) if places else cube


def _merge_properties(name: str, first: xr.DataArray, second: xr.DataArray) -> Dimension:
    """The first cube's dimension with what both know about its labels."""
    one, other = (dimension_of(cube, name) for cube in (first, second))
    known = {band.name for band in one.bands}
    return replace(
        one,
        bands=(*one.bands, *(band for band in other.bands if band.name not in known)),
        period=one.period if one.period == other.period else None,
    )


def _comparable(
    first: xr.DataArray, second: xr.DataArray, shared: Iterable[str]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Both cubes with instants as text where the other cube has other labels, such as periods."""
    for name in shared:
        kinds = [coordinates(cube, name).dtype.kind for cube in (first, second)]
        if "M" in kinds and kinds[0] != kinds[1]:
            first, second = (
                cube.assign_coords({name: label_array(labels_of(cube, name))}) for cube in (first, second)
            )
    return first, second


def _isin(some: Labels, others: Labels) -> Member:
    """Which labels are among others; text, numbers and instants are never equal to each other."""
    kinds = {"i" if array.dtype.kind in "uif" else array.dtype.kind for array in (some, others)}
    if len(kinds) > 1:
        known = set(others.tolist())
        return np.array([label in known for label in some.tolist()], bool)
    return np.isin(some, others)


def _same(ours: Labels, theirs: Labels) -> bool:
    return bool(ours.tolist() == theirs.tolist())


def _merge_labels(dimension: Dimension, ours: Labels, theirs: Labels) -> Labels:
    """All labels of both, each once."""
    further = theirs[~_isin(theirs, ours)]
    if not len(further):
        return ours
    merged = np.concatenate([ours.astype(object), further.astype(object)])
    kinds = {ours.dtype.kind, further.dtype.kind}
    if kinds <= set("iuf"):  # sorted beside each other, whichever of them have fractions
        merged = merged.astype(np.result_type(ours, further))
    elif len(kinds) == 1 and kinds != {"U"}:
        merged = merged.astype(ours.dtype)
    if dimension.type == "temporal" and merged.dtype == object:
        return _sorted_periods(merged, dimension.period)
    if dimension.type not in ("spatial", "temporal") or merged.dtype == object:
        return merged
    descending = dimension.type == "spatial" and _descends(ours if len(ours) > 1 else theirs)
    return np.sort(merged)[::-1] if descending else np.sort(merged)


def _sorted_periods(labels: Labels, period: str | None) -> Labels:
    """Labels by the instants at which they begin; as they are where that is not known of all."""
    instants = label_instants(labels.tolist(), period)
    if None in instants:
        return labels
    return labels[
        np.argsort(np.array([to_datetime64(one) for one in instants if one is not None]), kind="stable")
    ]


def _descends(labels: Labels) -> bool:
    return len(labels) > 1 and bool(labels[0] > labels[-1])


def _broadcast(first: xr.DataArray, second: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Both cubes with all dimensions of both, in the order of the one that has them all, or else of the first."""
    further = [name for name in second.dims if name not in first.dims]
    order = list(second.dims) if set(first.dims) < set(second.dims) else [*first.dims, *further]

    def complete(cube: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
        lacking = {name: coordinates(other, str(name)) for name in order if name not in cube.dims}
        return cube.expand_dims(lacking).transpose(*order)

    return complete(first, second), complete(second, first)


def _concatenate(first: xr.DataArray, second: xr.DataArray, name: str, labels: Labels) -> xr.DataArray:
    """Cubes that differ in one dimension, where they have no label in common: no value is computed."""
    import xarray as xr

    both = xr.concat(
        [_bare(first, name), _bare(second, name)],
        dim=name,
        join="override",
        coords="minimal",
        compat="override",
    )
    places: defaultdict[Any, deque[int]] = defaultdict(deque)  # of equal labels, in turn
    for place, label in enumerate([*coordinates(first, name).tolist(), *coordinates(second, name).tolist()]):
        places[label].append(place)
    order = [places[label].popleft() for label in labels.tolist()]
    if order != list(range(len(order))):
        both = both.isel({name: order})
    result = both.assign_coords({name: labels})
    result.attrs, result.name = dict(first.attrs), first.name
    return result


def _bare(cube: xr.DataArray, name: str) -> xr.DataArray:
    """Without labels and auxiliary coordinates of one dimension."""
    return cube.drop_vars([key for key, coord in cube.coords.items() if name in coord.dims])


def _combine(
    first: xr.DataArray,
    second: xr.DataArray,
    merged: Mapping[str, Labels],
    labels: Mapping[str, tuple[Labels, Labels]],
    resolver: Resolver | None,
) -> xr.DataArray:
    """Cubes on all labels of both: resolved where both have a label, and no-data where neither has."""
    members = [{name: _isin(merged[name], labels[name][index]) for name in merged} for index in (0, 1)]
    if "O" in (first.dtype.kind, second.dtype.kind):
        return _combine_objects(first, second, merged, members, resolver)
    everywhere = all(member.all() for cube in members for member in cube.values())
    if everywhere and resolver is not None:
        return combine_values(first, [second.reindex(merged)], resolver)
    first, second = (_extend(cube, merged) for cube in (first, second))
    masks = [_membership(first, member) for member in members]
    return combine_values(first, [second, *masks], _Choice(resolver))


def _combine_objects(
    first: xr.DataArray,
    second: xr.DataArray,
    merged: Mapping[str, Labels],
    members: Sequence[Mapping[str, Member]],
    resolver: Resolver | None,
) -> xr.DataArray:
    """As `_combine`, for values of any kind, such as properties of features; no-data is None. At once."""
    both = [cube.astype(object).reindex(merged, fill_value=None).compute() for cube in (first, second)]
    x, y = (np.where(cube.isnull().values, np.array(None), cube.values) for cube in both)
    in_x, in_y = (_membership(both[0], member).values for member in members)
    values = np.where(in_x, x, y)
    for place in zip(*np.nonzero(np.broadcast_to(in_x & in_y, values.shape)), strict=True):
        values[place] = None if resolver is None else resolver(x[place], y[place])
    return both[0].copy(data=values)


def _extend(cube: xr.DataArray, merged: Mapping[str, Labels]) -> xr.DataArray:
    if cube.dtype.kind != "f":
        cube = cube.astype(as_float(np.empty(0, cube.dtype)).dtype)
    return cube.reindex(merged, fill_value=np.nan)


def _membership(cube: xr.DataArray, members: Mapping[str, Member]) -> xr.DataArray:
    """Where the pixels of one of the merged cubes are; as lazy as the cube is."""
    import xarray as xr

    mask: Any = np.ones((1,) * cube.ndim, bool)
    for axis, name in enumerate(cube.dims):
        member: Any = members.get(str(name), np.ones(cube.sizes[name], bool))
        if cube.chunks is not None:
            member = dask_array().from_array(member, chunks=(cube.chunks[axis],))
        mask = mask & member.reshape([-1 if index == axis else 1 for index in range(cube.ndim)])
    return xr.DataArray(mask, dims=cube.dims)


@dataclass(frozen=True)
class _Choice:
    """Takes the value of the cube that has the label, or resolves the two."""

    resolver: Resolver | None

    def __call__(self, x: Block, y: Block, in_x: Block, in_y: Block) -> Any:
        chosen = np.where(in_x, x, y)
        both = in_x & in_y
        if self.resolver is None or not both.any():
            return chosen
        resolved = self.resolver(x, y)
        return np.where(both, np.nan if resolved is None else resolved, chosen)
