"""Processes that load data: `load_collection`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import FeatureUnsupported, NoDataAvailable, ProcessParameterInvalid
from connexeo.processing.environment import Environment, Window
from connexeo.processing.process import process
from connexeo.processing.reading.bands import SourceBand, collection_bands, select_bands
from connexeo.processing.reading.extents import (
    WGS84,
    Bounds,
    Interval,
    SpatialExtent,
    parse_interval,
    parse_spatial_extent,
)

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.cube import Dimension
    from connexeo.processing.reading.plans import Plan

Document = Mapping[str, Any]
Condition = Callable[..., Any]

_PROCESS = "load_collection"
_NO_DATA = "There is no data available for the given extents."
_WORLD = (-180.0, -90.0, 180.0, 90.0)


@process
def load_collection(
    id: str,
    spatial_extent: Any,
    temporal_extent: Sequence[str | None] | None,
    bands: Sequence[str] | None = None,
    properties: Mapping[str, Condition] | None = None,
    *,
    environment: Environment,
) -> xr.DataArray:
    """Load a collection as a lazy cube with the dims `(t, bands, y, x)`, named as its `cube:dimensions` name them.

    The grid is that of the files: pixels are not resampled unless files of one cube differ in reference system or
    resolution, then the nearest ones are taken. Pixels belong to the cube if their centres lie in the extent. Values
    are as stored: scale and offset of the metadata are not applied, as the process definition has it. Where no data is
    declared or may occur the cube is floating and no data is NaN, else it has the data type of the files. Tiles of one
    overpass become one date. Collections whose cube has no temporal or bands dimension get none.

    For a window, collections are read on its pixels, and only its items are searched for; see `environment.Window`.

    Raises:
        CollectionNotFound: no such collection.
        NoDataAvailable: nothing in the extents meets the conditions.
        TemporalExtentEmpty: the interval does not end after it begins.
        ProcessParameterInvalid: a band or extent that does not exist.
        Internal: reading an asset fails, when the cube is opened or computed.
    """
    extent = parse_spatial_extent(spatial_extent, process=_PROCESS)
    interval = parse_interval(temporal_extent, process=_PROCESS)
    if environment.catalogue is None:
        raise FeatureUnsupported("There are no collections in this environment.")
    collection = environment.catalogue.collection(id)
    dimensions = collection.get("cube:dimensions") or {}
    timeless = bool(dimensions) and not any(each.get("type") == "temporal" for each in dimensions.values())
    box = _search_box(extent, environment.window)
    found = [
        item
        for item in environment.catalogue.items(id, bbox=box, interval=None if timeless else interval)
        if _meets(item, properties or {})
    ]
    if not found:
        raise NoDataAvailable(_NO_DATA)
    chosen = _choose_bands(collection, found, bands)
    kinds = {band.kind for band in chosen}
    if len(kinds) > 1:
        reason = "bands of image files and of netCDF or Zarr files cannot be loaded together."
        raise ProcessParameterInvalid(parameter="bands", process=_PROCESS, reason=reason)
    load = _load_images if kinds == {"image"} else _load_arrays
    when = (None, None) if timeless else interval
    loaded = load(collection, found, chosen, extent, when, environment.window)
    if loaded is None:
        raise NoDataAvailable(_NO_DATA)
    cube, crs = loaded
    return _as_declared(cube, crs, collection, chosen)


def _load_images(
    collection: Document,
    items: Sequence[Document],
    bands: Sequence[SourceBand],
    extent: SpatialExtent | None,
    interval: Interval,
    window: Window | None,
) -> tuple[xr.DataArray, str] | None:
    """A cube `(t, bands, y, x)` of image files and its reference system."""
    from connexeo.processing.reading.pixels import lazy_array, probe_header
    from connexeo.processing.reading.plans import in_interval, item_time, make_plan

    inside = [item for item in items if (moment := item_time(item)) and in_interval(moment, interval)]
    if window is not None:
        return _load_window(inside, bands, extent, window)
    plan = make_plan(inside, bands, extent, step=_declared_step(collection), probe=probe_header)
    if plan is None:
        return None
    polygons = extent.to_crs(plan.grid.crs).polygons if extent else ()
    return _cube_of(plan, lazy_array(plan, polygons)), plan.grid.crs


def _load_window(
    items: Sequence[Document], bands: Sequence[SourceBand], extent: SpatialExtent | None, window: Window
) -> tuple[xr.DataArray, str] | None:
    """A cube `(t, bands, y, x)` of image files on the pixels of a window, and its reference system."""
    from connexeo.processing.reading.pixels import probe_header
    from connexeo.processing.reading.plans import plan_on
    from connexeo.processing.reading.windows import grid_of_window, read_window, within_window

    limits = within_window(extent, window)
    plan = None if limits is None else plan_on(items, bands, grid_of_window(window), probe=probe_header)
    if plan is None or limits is None:
        return None
    return _cube_of(plan, read_window(plan, limits)), window.crs


def _cube_of(plan: Plan, data: Any) -> xr.DataArray:
    import numpy as np
    import xarray as xr

    times = [np.datetime64(moment.replace(tzinfo=None), "ns") for moment in plan.times]
    coords = {"t": times, "bands": [band.name for band in plan.bands], "y": plan.grid.y, "x": plan.grid.x}
    return xr.DataArray(data, dims=("t", "bands", "y", "x"), coords=coords)


def _load_arrays(
    _: Document,
    items: Sequence[Document],
    bands: Sequence[SourceBand],
    extent: SpatialExtent | None,
    interval: Interval,
    window: Window | None,
) -> tuple[xr.DataArray, str] | None:
    """A cube `(t, bands, y, x)` of netCDF or Zarr files and its reference system."""
    from connexeo.processing.reading.arrays import open_arrays

    opened = open_arrays(items, bands, extent, interval)
    if opened is None or window is None:
        return opened
    from connexeo.processing.reading.windows import sample_cube

    sampled = sample_cube(*opened, window)
    return None if sampled is None else (sampled, window.crs)


def _search_box(
    extent: SpatialExtent | None, window: Window | None
) -> tuple[float, float, float, float] | None:
    """The box in WGS 84 that catalogues are searched in; the world where that cannot be told.

    Raises:
        NoDataAvailable: the extent and the window have nothing in common.
    """
    box = _geographic_box(extent)
    if window is None:
        return box
    around = _geographic_box(SpatialExtent(window.bounds, window.crs)) or _WORLD
    west, south, east, north = around if box is None else _common(box, around)
    if west > east or south > north:
        raise NoDataAvailable(_NO_DATA)
    return west, south, east, north


def _common(one: Bounds, other: Bounds) -> Bounds:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _geographic_box(extent: SpatialExtent | None) -> tuple[float, float, float, float] | None:
    if extent is None:
        return None
    west, south, east, north = extent.to_crs(WGS84).bounds
    known = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    return (west, south, east, north) if known else _WORLD


def _meets(item: Document, conditions: Mapping[str, Condition]) -> bool:
    """Whether all conditions hold for the item's properties; null is no yes."""
    properties = item.get("properties") or {}
    return all(_is_true(condition(value=properties.get(name))) for name, condition in conditions.items())


def _is_true(answer: Any) -> bool:
    """Whether a condition says yes: null and NaN, which logical processes return for no-data, do not."""
    return bool(answer == True)  # noqa: E712 -- numpy's True too, and whatever else equals it


def _choose_bands(
    collection: Document, items: Sequence[Document], names: Sequence[str] | None
) -> tuple[SourceBand, ...]:
    """The bands that were asked for.

    Raises:
        ProcessParameterInvalid: there is no such band; the message names those that there are.
    """
    available = collection_bands(collection, items)
    if not available:
        raise FeatureUnsupported("The collection has no raster data.")
    try:
        return select_bands(available, names)
    except KeyError as error:
        existing = ", ".join(
            f"{band.name} ({band.common_name})" if band.common_name else band.name for band in available
        )
        reason = f"there is no band '{error.args[0]}'; available bands: {existing}."
        raise ProcessParameterInvalid(parameter="bands", process=_PROCESS, reason=reason) from error


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


def _as_declared(
    cube: xr.DataArray, crs: str, collection: Document, bands: Sequence[SourceBand]
) -> xr.DataArray:
    """The cube with the dimensions that the collection declares: their names, and none that it does not declare."""
    from connexeo.processing.cube import make_cube

    declared = collection.get("cube:dimensions") or {}
    names = {}
    for role, kind, axis in (
        ("t", "temporal", None),
        ("bands", "bands", None),
        ("y", "spatial", "y"),
        ("x", "spatial", "x"),
    ):
        matching = [
            n for n, each in declared.items() if each.get("type") == kind and each.get("axis") == axis
        ]
        if matching:
            names[role] = matching[0]
        elif declared and role in ("t", "bands") and cube.sizes[role] == 1:
            cube = cube.isel({role: 0}, drop=True)
        else:
            names[role] = role
    cube = cube.rename({role: name for role, name in names.items() if role != name})
    cube.name = None
    return make_cube(cube, _dimensions(names, crs, bands))


def _dimensions(names: Mapping[str, str], crs: str, bands: Sequence[SourceBand]) -> list[Dimension]:
    """The dimensions' types by what each name is (t, bands, y, x)."""
    from connexeo.processing.cube import Band, Dimension

    system = int(crs[5:]) if crs.startswith("EPSG:") and crs[5:].isdigit() else crs
    known = tuple(Band(band.name, band.common_name, band.center_wavelength) for band in bands)
    made = {
        "t": lambda name: Dimension(name, "temporal"),
        "bands": lambda name: Dimension(name, "bands", bands=known),
        "y": lambda name: Dimension(name, "spatial", "y", system),
        "x": lambda name: Dimension(name, "spatial", "x", system),
    }
    return [made[role](name) for role, name in names.items()]
