"""Cubes of the items that were found: opened, cut to what is needed, with the dimensions of the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from connexeo.processing.cube import Band, Dimension, ReferenceSystem, make_cube
from connexeo.processing.environment import Window
from connexeo.processing.planning.dry_run import DryRun
from connexeo.processing.planning.needs import Needs
from connexeo.processing.planning.selection import EVERYTHING, Loaded, Selection, select
from connexeo.processing.reading.bands import SourceBand
from connexeo.processing.reading.coarse import coarsen
from connexeo.processing.reading.extents import Interval, SpatialExtent
from connexeo.processing.reading.gaps import Gaps
from connexeo.processing.reading.pixels import lazy_array, probe_header, read_layer
from connexeo.processing.reading.plans import (
    Plan,
    in_interval,
    item_time,
    make_plan,
    narrow,
    plan_on,
)
from connexeo.processing.reading.retrying import PatientProbe, PatientReader
from connexeo.processing.reading.windows import (
    grid_of_window,
    read_window,
    sample_cube,
    sample_layer,
    within_window,
)

Document = Mapping[str, Any]
Role = str
"""t, bands, y or x."""

_ROLES = (("t", "temporal", None), ("bands", "bands", None), ("y", "spatial", "y"), ("x", "spatial", "x"))
"""Of dimensions, with type and axis."""


@dataclass(frozen=True)
class Request:
    """What is to be loaded."""

    collection: Document
    items: Sequence[Document]
    bands: Sequence[SourceBand]
    """All of one kind: images or arrays."""
    extent: SpatialExtent | None
    interval: Interval
    window: Window | None = None
    needs: Needs | None = None
    dry_run: DryRun | None = None
    gaps: Gaps | None = None


def open_cube(request: Request) -> xr.DataArray | None:
    """A lazy cube, at least as large as what is needed of it; None where there is no data in the extents."""
    if request.bands[0].kind == "array":
        return _open_arrays(request)
    return _open_images(request)


def _open_images(request: Request) -> xr.DataArray | None:
    """A cube of image files, cut before its blocks are made, as there may be many."""
    extent, window, gaps = request.extent, request.window, request.gaps
    probe = PatientProbe(probe_header, gaps)
    inside = [
        item
        for item in request.items
        if (moment := item_time(item)) and in_interval(moment, request.interval)
    ]
    if window is None:
        polygons: Any = ()
        step = _declared_step(request.collection)
        plan = make_plan(inside, request.bands, extent, step=step, probe=probe, gaps=gaps is not None)
        if plan is not None and extent is not None:
            polygons = extent.to_crs(plan.grid.crs).polygons
    else:
        polygons = within_window(extent, window)
        if polygons is None:
            return None
        plan = plan_on(inside, request.bands, grid_of_window(window), probe=probe)
    if plan is None:
        return None
    times = np.array([moment.replace(tzinfo=None) for moment in plan.times], "datetime64[ns]")
    labels = {
        "t": times,
        "bands": np.array([band.name for band in plan.bands]),
        "y": plan.grid.y,
        "x": plan.grid.x,
    }
    names = _names(request.collection, {role: len(values) for role, values in labels.items()})
    # Where files are warped, what is the nearest pixel may depend on the block that it is read with.
    copied = all(layer.grid.crs == plan.grid.crs for date in plan.layers for band in date for layer in band)
    selection = _select(
        request, labels, names, plan.grid.crs, spatially=window is None and not polygons and copied
    )
    plan = narrow(plan, selection.times, selection.bands, selection.rows, selection.columns)
    coords, reader = _cut(labels, selection), None
    if request.needs is not None and request.needs.resampling is not None and window is None and not polygons:
        coarse = coarsen(plan, request.needs.resampling)
        if coarse is not None:
            plan, reader = coarse
            coords |= {"y": plan.grid.y, "x": plan.grid.x}
    if request.dry_run is not None:
        data: Any = request.dry_run.hollow(plan, remote=any(map(_is_remote, _hrefs(plan))))
    else:
        if gaps is not None:
            gaps.expect(_hrefs(plan))
        make, read = (lazy_array, reader or read_layer) if window is None else (read_window, sample_layer)
        data = make(plan, polygons, PatientReader(read, gaps))
    cube = xr.DataArray(data, dims=("t", "bands", "y", "x"), coords=coords)
    return _as_declared(cube, names, plan.grid.crs, request.bands)


def _open_arrays(request: Request) -> xr.DataArray | None:
    """A cube of netCDF or Zarr files."""
    from connexeo.processing.reading.arrays import open_arrays

    opened = open_arrays(request.items, request.bands, request.extent, request.interval, request.gaps)
    if opened is None:
        return None
    cube, crs = opened
    labels = {role: cube.coords[role].values for role, _, _ in _ROLES}
    names = _names(request.collection, {role: cube.sizes[role] for role, _, _ in _ROLES})
    selection = _select(request, labels, names, crs, spatially=request.window is None)
    cube = cube.isel({role: _index(kept) for role, kept in _parts(selection).items() if kept is not None})
    if request.dry_run is not None:
        request.dry_run.note(cube)
    elif request.window is not None:
        sampled = sample_cube(cube, crs, request.window)
        if sampled is None:
            return None
        cube, crs = sampled, request.window.crs
    return _as_declared(cube, names, crs, request.bands)


def _select(
    request: Request,
    labels: Mapping[Role, Any],
    names: Mapping[Role, str | None],
    crs: str,
    *,
    spatially: bool,
) -> Selection:
    if request.needs is None:
        return EVERYTHING
    bands = tuple(map(str, labels["bands"].tolist()))
    known = {one.name: one for one in _dimensions(names, crs, request.bands)}
    whole = Loaded(
        times=labels["t"] if names["t"] is not None else None,
        bands=known[names["bands"]] if names["bands"] is not None else None,
        names=bands,
        y=labels["y"],
        x=labels["x"],
        crs=_system(crs),
        types={one.name: one.type for one in known.values()},
    )
    return select(request.needs, whole, spatially=spatially)


def _parts(selection: Selection) -> dict[Role, Any]:
    return {
        "t": selection.times,
        "bands": selection.bands,
        "y": selection.rows,
        "x": selection.columns,
    }


def _cut(labels: Mapping[Role, Any], selection: Selection) -> dict[Role, Any]:
    """The labels of what is kept: not computed anew, so that they are the same to the last bit."""
    parts = _parts(selection)
    return {
        role: values if parts[role] is None else values[_index(parts[role])]
        for role, values in labels.items()
    }


def _index(kept: Any) -> Any:
    return kept if isinstance(kept, slice) else list(kept)


def _hrefs(plan: Plan) -> Iterator[str]:
    return (layer.href for date in plan.layers for band in date for layer in band)


def _is_remote(href: str) -> bool:
    return "://" in href and not href.startswith("file://")


def _declared_step(collection: Document) -> tuple[str, float, float] | None:
    """Reference system, width and height of pixels as the collection declares them for its cube."""
    spatial = [
        each for each in (collection.get("cube:dimensions") or {}).values() if each.get("type") == "spatial"
    ]
    steps = {each.get("axis"): each.get("step") for each in spatial}
    systems = {
        each.get("reference_system") for each in spatial if isinstance(each.get("reference_system"), int)
    }
    if len(systems) != 1 or not steps.get("x") or not steps.get("y"):
        return None
    return f"EPSG:{systems.pop()}", abs(float(steps["x"])), abs(float(steps["y"]))


def _names(collection: Document, sizes: Mapping[Role, int]) -> dict[Role, str | None]:
    """What the collection calls each dimension; None for one with a single label that it does not declare."""
    declared = collection.get("cube:dimensions") or {}
    names: dict[Role, str | None] = {}
    for role, kind, axis in _ROLES:
        matching = [
            n for n, each in declared.items() if each.get("type") == kind and each.get("axis") == axis
        ]
        if matching:
            names[role] = matching[0]
        else:
            names[role] = None if declared and role in ("t", "bands") and sizes[role] == 1 else role
    return names


def _as_declared(
    cube: xr.DataArray, names: Mapping[Role, str | None], crs: str, bands: Sequence[SourceBand]
) -> xr.DataArray:
    """The cube `(t, bands, y, x)` with other names, and without the dimensions that have none."""
    cube = cube.isel({role: 0 for role, name in names.items() if name is None}, drop=True)
    cube = cube.rename({role: name for role, name in names.items() if name is not None and role != name})
    cube.name = None
    return make_cube(cube, _dimensions(names, crs, bands))


def _dimensions(names: Mapping[Role, str | None], crs: str, bands: Sequence[SourceBand]) -> list[Dimension]:
    """The dimensions' types by what each name is."""
    system = _system(crs)
    known = tuple(Band(band.name, band.common_name, band.center_wavelength) for band in bands)
    made = {
        "t": lambda name: Dimension(name, "temporal"),
        "bands": lambda name: Dimension(name, "bands", bands=known),
        "y": lambda name: Dimension(name, "spatial", "y", system),
        "x": lambda name: Dimension(name, "spatial", "x", system),
    }
    return [made[role](name) for role, name in names.items() if name is not None]


def _system(crs: str) -> ReferenceSystem:
    return int(crs[5:]) if crs.startswith("EPSG:") and crs[5:].isdigit() else crs
