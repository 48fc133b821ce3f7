"""Which files make up which part of a cube, on which grid and of which data type: decided before a pixel is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from connexeo.processing.reading.bands import SourceBand, find_in_item
from connexeo.processing.reading.extents import Interval, SpatialExtent, parse_instant
from connexeo.processing.reading.grids import Grid, crop, overlaps, union

Document = Mapping[str, Any]

OVERPASS = timedelta(minutes=2)
"""Items that follow each other within this time belong to one overpass and make one date of the cube."""


@dataclass(frozen=True)
class Layer:
    """One band of one file."""

    href: str
    index: int
    """Number of the band in the file, from 1."""
    data_type: str | None
    nodata: float | None
    """As declared; None where it is not."""
    grid: Grid
    """Where the metadata says that the pixels are."""
    asset: str
    """Key of the asset, for messages."""
    item: str
    """Id of the item, for messages."""


@dataclass(frozen=True)
class Header:
    """What a file itself says; asked only where metadata is silent."""

    grid: Grid
    data_type: str
    nodata: float | None


Probe = Callable[[str, str, str], Header | None]
"""Reads a file's header by href; asset key and item id are for messages. None: the file is to be left out."""


@dataclass(frozen=True)
class Plan:
    """What a cube of images will be."""

    grid: Grid
    origin: tuple[int, int]
    """Row and column of the grid's first pixel, counted from the first pixel of the files."""
    times: tuple[datetime, ...]
    bands: tuple[SourceBand, ...]
    layers: tuple[tuple[tuple[Layer, ...], ...], ...]
    """By time and band; where several overlap, the first that has a value counts."""
    dtype: np.dtype[Any]


def make_plan(
    items: Iterable[Document],
    bands: Sequence[SourceBand],
    extent: SpatialExtent | None,
    *,
    step: tuple[str, float, float] | None,
    probe: Probe,
    gaps: bool = False,
) -> Plan | None:
    """Decide on grid, dates and data type; None where no pixel lies in the extent.

    Args:
        items: STAC Items, already limited to the dates wanted.
        bands: the bands wanted, all of the kind `image`.
        extent: the area wanted.
        step: reference system, pixel width and height that the collection declares for its cube; without, the finest
            resolution of the bands is taken.
        probe: reads headers where the metadata lacks a grid or data type.
        gaps: whether pixels may turn out to be missing.
    """
    dates = group_by_overpass(items)
    found = [[_layers_of(band, each, probe) for band in bands] for _, each in dates]
    every = [layer for date in found for band in date for layer in band]
    if not every:
        return None
    crs = Counter(layer.grid.crs for layer in every).most_common(1)[0][0]
    lattice = _lattice([layer.grid for layer in every if layer.grid.crs == crs], step)
    covered = [bounds_in(layer.grid, crs) for layer in every]
    wanted = [extent.to_crs(crs).bounds] if extent else []
    grid = crop(lattice, [union(covered), *wanted])
    if grid is None:
        return None
    where = dict(zip(map(id, every), covered, strict=True))
    layers = tuple(
        tuple(tuple(layer for layer in band if overlaps(where[id(layer)], grid.bounds)) for band in date)
        for date in found
    )
    kept = [(moment, date) for (moment, _), date in zip(dates, layers, strict=True) if any(date)]
    if not kept:
        return None
    complete = all(
        any(layer.grid.crs == crs and layer.grid.covers(grid.bounds) for layer in band)
        for _, date in kept
        for band in date
    )
    fillable = gaps or not complete or bool(extent and extent.polygons)
    dtype = _resolve_dtype(bands, layers, probe, fillable=fillable)
    offset = lattice.offset_to(grid)
    assert offset is not None
    return Plan(grid, offset, tuple(m for m, _ in kept), tuple(bands), tuple(date for _, date in kept), dtype)


def plan_on(
    items: Iterable[Document], bands: Sequence[SourceBand], grid: Grid, *, probe: Probe
) -> Plan | None:
    """A plan for a grid that is given, whatever the grids of the files; None where no file reaches it.

    Pixels may be missing anywhere, therefore the data type is a floating one.
    """
    kept = []
    for moment, date in group_by_overpass(items):
        layers = tuple(
            tuple(layer for layer in _layers_of(band, date, probe) if _reaches(layer, grid)) for band in bands
        )
        if any(layers):
            kept.append((moment, layers))
    if not kept:
        return None
    dates = tuple(layers for _, layers in kept)
    dtype = _resolve_dtype(bands, dates, probe, fillable=True)
    return Plan(grid, (0, 0), tuple(moment for moment, _ in kept), tuple(bands), dates, dtype)


def narrow(
    plan: Plan,
    times: Sequence[int] | None,
    bands: Sequence[int] | None,
    rows: slice | None,
    columns: slice | None,
) -> Plan:
    """A part of a plan, of the same data type; None: all of a dimension.

    Dates stay, even those of which nothing lies in the part: whoever cuts a cube keeps them too.
    """
    if rows is None and columns is None and times is None and bands is None:
        return plan
    grid, origin = plan.grid, plan.origin
    if rows is not None or columns is not None:
        rows, columns = rows or slice(0, grid.height), columns or slice(0, grid.width)
        grid, origin = grid.part(rows, columns), (origin[0] + rows.start, origin[1] + columns.start)
    dates = range(len(plan.times)) if times is None else times
    kinds = range(len(plan.bands)) if bands is None else bands
    layers = tuple(
        tuple(tuple(layer for layer in plan.layers[t][b] if _reaches(layer, grid)) for b in kinds)
        for t in dates
    )
    return Plan(
        grid,
        origin,
        tuple(plan.times[t] for t in dates),
        tuple(plan.bands[b] for b in kinds),
        layers,
        plan.dtype,
    )


def _reaches(layer: Layer, grid: Grid) -> bool:
    return overlaps(bounds_in(layer.grid, grid.crs), grid.bounds)


def group_by_overpass(items: Iterable[Document]) -> list[tuple[datetime, list[Document]]]:
    """Items by date, earliest first; tiles of one overpass, seconds apart, share the time of the first."""
    timed = sorted(
        ((moment, item) for item in items if (moment := item_time(item)) is not None),
        key=lambda each: each[0],
    )
    groups: list[tuple[datetime, list[Document]]] = []
    last: datetime | None = None
    for moment, item in timed:
        if last is not None and moment - last <= OVERPASS:
            groups[-1][1].append(item)
        else:
            groups.append((moment, [item]))
        last = moment
    return groups


def item_time(item: Document) -> datetime | None:
    """The instant that labels an item in a cube: its `datetime`, else its start."""
    properties = item.get("properties") or {}
    text = properties.get("datetime") or properties.get("start_datetime")
    try:
        return None if text is None else parse_instant(text)
    except (ValueError, AttributeError):
        return None


def in_interval(moment: datetime, interval: Interval) -> bool:
    """Whether an instant lies in a half-open interval."""
    start, end = interval
    return (start is None or moment >= start) and (end is None or moment < end)


def item_crs(item: Document, asset: Document) -> str | None:
    """The reference system of an asset by the projection extension, whose spelling changed over time."""
    for source in (asset, item.get("properties") or {}):
        if isinstance(code := source.get("proj:code"), str):
            return code.upper()
        if isinstance(epsg := source.get("proj:epsg"), int):
            return f"EPSG:{epsg}"
        if isinstance(wkt := source.get("proj:wkt2"), str):
            return wkt
    return None


def declared_grid(item: Document, asset: Document) -> Grid | None:
    """The grid of an asset as its metadata tells it; None where that is incomplete or the grid is not north-up."""
    properties = item.get("properties") or {}
    crs = item_crs(item, asset)
    shape = asset.get("proj:shape") or properties.get("proj:shape")
    transform = asset.get("proj:transform") or properties.get("proj:transform")
    if crs is None or not isinstance(shape, list) or not isinstance(transform, list) or len(transform) < 6:
        return None
    a, b, c, d, e, f = (float(value) for value in transform[:6])
    if b or d or a <= 0 or e >= 0:
        return None
    return Grid(crs, c, f, a, -e, int(shape[1]), int(shape[0]))


def _layers_of(band: SourceBand, items: Sequence[Document], probe: Probe) -> list[Layer]:
    """The files that hold a band at a date."""
    layers = []
    for item in items:
        found = find_in_item(band, item)
        if found is None:
            continue
        here, asset = found
        href, name = str(asset["href"]), str(item.get("id"))
        grid = declared_grid(item, asset)
        if grid is None:
            header = probe(href, here.asset, name)
            if header is None:
                continue
            grid = header.grid
        layers.append(Layer(href, here.index, here.data_type, here.nodata, grid, here.asset, name))
    return layers


def _lattice(grids: Sequence[Grid], step: tuple[str, float, float] | None) -> Grid:
    """The grid whose pixels those of the cube are to coincide with."""
    finest = min(grids, key=lambda grid: grid.step_x * grid.step_y)
    if step is None or step[0] != finest.crs:
        return finest
    return Grid(finest.crs, finest.west, finest.north, step[1], step[2], finest.width, finest.height)


@lru_cache(maxsize=4096)
def bounds_in(grid: Grid, crs: str) -> tuple[float, float, float, float]:
    """The outer edges of a grid in a reference system."""
    return grid.bounds if grid.crs == crs else SpatialExtent(grid.bounds, grid.crs).to_crs(crs).bounds


def _resolve_dtype(
    bands: Sequence[SourceBand], layers: Iterable[Iterable[Iterable[Layer]]], probe: Probe, *, fillable: bool
) -> np.dtype[Any]:
    """The data type of the cube: a floating one wherever no-data may occur, so that NaN can say so.

    Integers of up to 16 bits become float32, which holds them exactly, others float64.
    """
    every: dict[int, list[Layer]] = {}
    for number, layer in _numbered(layers):
        every.setdefault(number, []).append(layer)
    types = []
    for number, band in enumerate(bands):
        data_type, nodata = _told(every.get(number, ()), probe) or (band.data_type, band.nodata)
        types.append(np.dtype(data_type or np.float32))
        fillable = fillable or nodata is not None
    return promote(np.result_type(*types), fillable=fillable)


def _told(layers: Iterable[Layer], probe: Probe) -> tuple[str, float | None] | None:
    """Data type and no-data value by the first file that tells."""
    for layer in layers:
        if layer.data_type is not None and layer.nodata is not None:
            return layer.data_type, layer.nodata
        header = probe(layer.href, layer.asset, layer.item)
        if header is not None:
            return (
                layer.data_type or header.data_type,
                header.nodata if layer.nodata is None else layer.nodata,
            )
    return None


def promote(dtype: np.dtype[Any], *, fillable: bool) -> np.dtype[Any]:
    """The data type that holds all values of another and, where `fillable`, NaN."""
    if dtype.kind == "f":
        return np.dtype(np.float32) if dtype.itemsize < 4 else dtype
    if not fillable:
        return dtype
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def _numbered(layers: Iterable[Iterable[Iterable[Layer]]]) -> Iterator[tuple[int, Layer]]:
    for date in layers:
        for number, band in enumerate(date):
            for layer in band:
                yield number, layer
