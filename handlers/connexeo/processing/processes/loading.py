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
    SpatialExtent,
    parse_interval,
    parse_spatial_extent,
)

if TYPE_CHECKING:
    import xarray as xr

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

    What the graph does not use (`Environment.needs`) is left out where that changes no value and no label of what it
    does use. For a window, collections are read on its pixels, and only its items are searched for: see
    `environment.Window`.

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
    if len({band.kind for band in chosen}) > 1:
        reason = "bands of image files and of netCDF or Zarr files cannot be loaded together."
        raise ProcessParameterInvalid(parameter="bands", process=_PROCESS, reason=reason)
    from connexeo.processing.reading.cubes import Request, open_cube

    when = (None, None) if timeless else interval
    cube = open_cube(Request(collection, found, chosen, extent, when, environment.window, environment.needs))
    if cube is None:
        raise NoDataAvailable(_NO_DATA)
    return cube


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
