"""Processes that change dimensions and their labels, not values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from connexeo.generated.errors import (
    DimensionExists,
    DimensionLabelCountMismatch,
    LabelExists,
    LabelMismatch,
    LabelNotAvailable,
    LabelsNotEnumerated,
    ProcessParameterInvalid,
)
from connexeo.processing.arguments import parse_instant
from connexeo.processing.cube import (
    Axis,
    Dimension,
    DimensionType,
    dimension_of,
    dimensions_of,
    dimensions_of_type,
    make_cube,
)
from connexeo.processing.cube import labels as labels_of_cube
from connexeo.processing.process import process
from connexeo.processing.temporal import label_array, temporal_coordinate

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.values import Label

_AXES: tuple[Axis, ...] = ("x", "y", "z")


@process
def add_dimension(data: xr.DataArray, name: str, label: Label, type: DimensionType = "other") -> xr.DataArray:
    """Add a dimension with a single label, in front of all others.

    Raises:
        DimensionExists: There is a dimension of this name, or all spatial axes are taken.
    """
    if name in data.dims:
        raise DimensionExists(f"A dimension with the name '{name}' already exists.")
    axis = None
    if type == "spatial":
        taken = {dimension.axis for dimension in dimensions_of_type(data, "spatial")}
        axis = next((one for one in _AXES if one not in taken), None)
        if axis is None:
            raise DimensionExists("Spatial dimensions for all axes exist already.")
    coordinate = temporal_coordinate([label]) if type == "temporal" else label_array([label])
    expanded = data.drop_vars(name, errors="ignore").expand_dims({name: coordinate})
    return make_cube(expanded, [Dimension(name, type, axis), *dimensions_of(data)])


@process
def dimension_labels(data: xr.DataArray, dimension: str) -> list[Label]:
    """The labels of a dimension in the order of the cube; instants as RFC 3339 strings.

    Raises:
        DimensionNotAvailable: There is no such dimension.
    """
    return list(labels_of_cube(data, dimension_of(data, dimension).name))


@process
def drop_dimension(data: xr.DataArray, name: str) -> xr.DataArray:
    """Drop a dimension that has a single label.

    Raises:
        DimensionNotAvailable: There is no such dimension.
        DimensionLabelCountMismatch: It has not exactly one label.
    """
    dimension_of(data, name)
    if data.sizes[name] != 1:
        raise DimensionLabelCountMismatch(
            f"The dimension '{name}' has {data.sizes[name]} labels; only one with a single label can be dropped."
        )
    return make_cube(data.isel({name: 0}, drop=True), dimensions_of(data))


@process
def rename_dimension(data: xr.DataArray, source: str, target: str) -> xr.DataArray:
    """Give a dimension another name.

    Raises:
        DimensionNotAvailable: There is no dimension named `source`.
        DimensionExists: There is one named `target`.
    """
    renamed = replace(dimension_of(data, source), name=target)
    if target in data.dims:
        raise DimensionExists(f"A dimension with the name '{target}' already exists.")
    dimensions = [renamed if one.name == source else one for one in dimensions_of(data)]
    return make_cube(data.drop_vars(target, errors="ignore").rename({source: target}), dimensions)


@process
def rename_labels(
    data: xr.DataArray, dimension: str, target: Sequence[Label], source: Sequence[Label] = ()
) -> xr.DataArray:
    """Rename labels of a dimension; without `source`, the labels must be enumerated and all are replaced in order.

    Raises:
        DimensionNotAvailable: There is no such dimension.
        LabelsNotEnumerated: No `source` is given, and the labels are not 0, 1, 2, ….
        LabelMismatch: There are not as many targets as sources.
        LabelNotAvailable: A source is no label of the dimension.
        LabelExists: A target is already a label of the dimension.
        ProcessParameterInvalid: The labels are geometries.
    """
    known = dimension_of(data, dimension)
    if known.type == "geometry":
        reason = "the labels of this dimension are geometries, which have no names."
        raise ProcessParameterInvalid(process="rename_labels", parameter="dimension", reason=reason)
    labels = list(labels_of_cube(data, dimension))
    if not source and any(
        isinstance(a, str) or a != b for a, b in zip(labels, range(len(labels)), strict=True)
    ):
        raise LabelsNotEnumerated
    sources = [_comparable(label) for label in (source or labels)]
    if len(sources) != len(target):
        raise LabelMismatch
    positions = {_comparable(label): index for index, label in enumerate(labels)}
    missing = [label for label in sources if label not in positions]
    if missing:
        raise LabelNotAvailable(f"The dimension '{dimension}' has no label '{missing[0]}'.")
    existing = [label for label in target if _comparable(label) in positions]
    if existing:
        raise LabelExists(f"The dimension '{dimension}' has a label '{existing[0]}' already.")
    for label, new in zip(sources, target, strict=True):
        labels[positions[label]] = new
    names = dict(zip(map(str, sources), map(str, target), strict=True))
    bands = tuple(replace(band, name=names.get(band.name, band.name)) for band in known.bands)
    coordinate = temporal_coordinate(labels) if known.type == "temporal" else label_array(labels)
    renamed = data.drop_vars(dimension, errors="ignore").assign_coords({dimension: coordinate})
    changed = [
        replace(known, bands=bands, period=None) if one.name == dimension else one
        for one in dimensions_of(data)
    ]
    return make_cube(renamed, changed)


def _comparable(label: Label) -> object:
    """Instants are the same label however they are written."""
    return parse_instant(label) or label
