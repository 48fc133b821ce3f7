"""Processes that load data: `load_collection`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import FeatureUnsupported, NoDataAvailable
from connexeo.processing.environment import Environment
from connexeo.processing.process import process
from connexeo.processing.reading.choosing import Condition, choose_bands, meets
from connexeo.processing.reading.extents import parse_interval, parse_spatial_extent
from connexeo.processing.reading.opening import NO_DATA, open_found
from connexeo.processing.reading.search import Search, find_in_boxes, search_boxes

if TYPE_CHECKING:
    import xarray as xr

_PROCESS = "load_collection"


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
    overpass become one date. Collections whose cube has no temporal or bands dimension get none. Boxes may cross the
    antimeridian: pixels outside of them are no-data then, and cubes in degrees span the globe.

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
    when = (None, None) if timeless else interval
    boxes = search_boxes(extent, environment.window)
    search = Search(environment.catalogue, id, None if timeless else interval)
    items = find_in_boxes(search, boxes, environment.needs)
    found = [item for item in items if meets(item, properties or {})]
    if not found:
        raise NoDataAvailable(NO_DATA)
    chosen = choose_bands(collection, found, bands, process=_PROCESS)
    return open_found(collection, found, chosen, extent, when, environment)
